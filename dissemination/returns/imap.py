"""An IMAP mailbox that bounces are delivered into (RFC 3501), over TLS with a verified certificate.

Nothing is remembered between two visits: what was taken in leaves the folder, and the digest of a mail makes it
count once. So UIDs need not outlive a connection, within which UIDVALIDITY cannot change (RFC 3501, 2.3.1.1).
"""

from __future__ import annotations

import imaplib
import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dissemination.errors import NeedsLoginError, UnavailableError
from dissemination.returns.mime import LIMIT

_TIMEOUT = 30.0
_SAFE = re.compile(r"[\x20-\x7e]{1,200}")


@dataclass(frozen=True, kw_only=True, slots=True)
class ImapServer:
    """Where the mailbox is."""

    host: str
    port: int
    #: "implicit", "starttls", or "none" for a server on this machine.
    tls: str
    username: str
    folder: str = "INBOX"
    #: Folder for what was taken in; "": it is deleted.
    done: str = ""
    ca_file: Path | None = None


class ImapMailbox:
    """Mails of one folder, taken once each (ports.Inlet).

    Args:
        server: where it is.
        password: asked at each login.
    """

    name = "imap"

    def __init__(self, server: ImapServer, password: Callable[[], str | None]) -> None:
        self._server = server
        self._password = password

    def visit(self, take: Callable[[bytes], object], *, most: int) -> int:
        """Give each waiting mail to `take`, and delete or move it after that; how many.

        Raises:
            UnavailableError: the server cannot be reached, or answers what it should not.
            NeedsLoginError: the password is missing or wrong.
        """
        done = 0
        with self._session() as session:
            for uid in _listed(session)[:most]:
                raw = _fetched(session, uid)
                if raw is not None:
                    take(raw)
                    self._put_away(session, uid)
                    done += 1
        return done

    @contextmanager
    def _session(self) -> Iterator[imaplib.IMAP4]:
        where = f"imap: {self._server.host}:{self._server.port}"
        try:
            session = self._connected()
        except (OSError, imaplib.IMAP4.error) as error:
            raise UnavailableError(f"{where}: {_words(error)}; it is tried again") from error
        try:
            self._log_in(session, where)
            # Servers announce more once they know who asks; imaplib has asked before that only.
            session.capabilities = tuple(
                _answered(session.capability())[0].decode("ascii", "replace").upper().split()
            )
            _answered(session.select(_quoted(self._server.folder)))
            yield session
        except (OSError, imaplib.IMAP4.error) as error:
            raise UnavailableError(f"{where}: {_words(error)}; it is tried again") from error
        finally:
            with suppress(OSError, imaplib.IMAP4.error):
                session.logout()
            with suppress(OSError):
                session.shutdown()  # logout leaves the socket open where nobody answers it

    def _connected(self) -> imaplib.IMAP4:
        server = self._server
        if server.tls == "none":
            return imaplib.IMAP4(server.host, server.port, timeout=_TIMEOUT)
        context = ssl.create_default_context(cafile=str(server.ca_file) if server.ca_file else None)
        if server.tls == "implicit":
            return imaplib.IMAP4_SSL(server.host, server.port, ssl_context=context, timeout=_TIMEOUT)
        session = imaplib.IMAP4(server.host, server.port, timeout=_TIMEOUT)
        try:
            session.starttls(ssl_context=context)
        except BaseException:
            with suppress(OSError):
                session.shutdown()
            raise
        return session

    def _log_in(self, session: imaplib.IMAP4, where: str) -> None:
        password = self._password()
        if not password:
            raise NeedsLoginError(f"{where}: no password; set the secret DISSEMINATION_IMAP_PASSWORD")
        try:
            session.login(self._server.username, password)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            raise NeedsLoginError(
                f"{where}: {self._server.username} was not let in; correct the secret DISSEMINATION_IMAP_PASSWORD"
            ) from error

    def _put_away(self, session: imaplib.IMAP4, uid: str) -> None:
        done = self._server.done
        if done and "MOVE" in session.capabilities:
            _answered(session.uid("MOVE", uid, _quoted(done)))
            return
        if done:
            _answered(session.uid("COPY", uid, _quoted(done)))
        _answered(session.uid("STORE", uid, "+FLAGS.SILENT", r"(\Deleted)"))
        if "UIDPLUS" in session.capabilities:  # else other people's deleted mails would go as well
            _answered(session.uid("EXPUNGE", uid))


def _listed(session: imaplib.IMAP4) -> list[str]:
    [found, *_] = _answered(session.uid("SEARCH", "UNDELETED"))
    return [uid for uid in found.decode("ascii", "replace").split() if uid.isdigit()] if found else []


def _fetched(session: imaplib.IMAP4, uid: str) -> bytes | None:
    """The first megabyte; None if it is gone meanwhile."""
    answer = _answered(session.uid("FETCH", uid, f"(BODY.PEEK[]<0.{LIMIT}>)"))
    return next((item[1] for item in answer if isinstance(item, tuple)), None)


def _answered(answer: tuple[str, list[Any]]) -> list[Any]:
    """What the server said; its shape is imaplib's affair: bytes, or (head, literal)."""
    status, data = answer
    if status != "OK":
        raise imaplib.IMAP4.error(f"it answered {status} {data[:1]!r}"[:200])
    return data


def _quoted(folder: str) -> str:
    if not _SAFE.fullmatch(folder):
        raise imaplib.IMAP4.error("the folder's name must be ASCII; write it in IMAP's modified UTF-7")
    escaped = folder.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _words(error: Exception) -> str:
    return "".join(letter for letter in str(error)[:200] if letter.isprintable()) or type(error).__name__
