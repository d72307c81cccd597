"""One letter to one person as the bytes of a message (RFC 5322, RFC 2045).

A letter is encoded once; per person only the header and the words for the holes are written. The same key gives the
same bytes: Message-ID and boundary come from it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from hashlib import sha256

from dissemination.channels.email import headers
from dissemination.channels.email.addresses import Mailbox
from dissemination.channels.email.quoting import piece
from dissemination.errors import RejectedError
from dissemination.model import Letter, Mail, Segments

_ADDRESS = re.compile(r"https?://[!-;=?-~]+")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,64}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
#: Letters kept encoded: the languages of the editions that are under way.
_CACHED_LETTERS = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Sender:
    """What every mail of a channel says of its sender."""

    box: Mailbox
    name: str = ""
    reply_to: Mailbox | None = None
    #: One List-Id for every mail; "": made from the mail's list and the sender's domain.
    list_id: str = ""
    #: Takes unsubscriptions by mail.
    unsubscribe: Mailbox | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Encoded:
    """The pieces of a letter: bytes, and the names of the holes between them."""

    text: tuple[bytes | str, ...]
    html: tuple[bytes | str, ...]


class Composer:
    """Writes messages of one sender.

    Args:
        sender: who sends.
    """

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._encoded = lru_cache(maxsize=_CACHED_LETTERS)(_encode)

    def compose(self, key: str, mail: Mail, to: Mailbox) -> bytes:
        """The whole message, CRLF line ends, 7-bit but for a non-ASCII local part in To.

        Args:
            key: gives Message-ID and boundary.
            mail: the letter and the words for its holes.
            to: `mail.address`, read.

        Raises:
            RejectedError: a hole without a value, an address that is none, or a header that would not be ours.
        """
        boundary = f"=_{_digest(key)}"  # "=_" never occurs in quoted-printable text
        encoded = self._encoded(mail.letter)
        parts = (
            ("plain", _fill(encoded.text, mail.values, _plain)),
            ("html", _fill(encoded.html, mail.values, _escaped)),
        )
        fields = [
            *self._fields(key, mail.name, to, mail.date, self._subject(mail)),
            *self._list_fields(mail),
            ("Content-Language", mail.letter.lang if _LANGUAGE.fullmatch(mail.letter.lang) else ""),
            ("X-Dissemination-Test", "yes" if mail.test else ""),
            ("Content-Type", f'multipart/alternative;\r\n boundary="{boundary}"'),
        ]
        head = headers.block(fields, utf8=to.needs_utf8)
        return b"".join([head, *(_part(boundary, kind, body) for kind, body in parts), _close(boundary)])

    def notice(self, key: str, to: Mailbox, subject: str, text: str, date: datetime) -> bytes:
        """A plain automatic mail (RFC 3834), for whoever looks after the project."""
        fields = [
            *self._fields(key, "", to, date, subject),
            ("Auto-Submitted", "auto-generated"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "quoted-printable"),
        ]
        return headers.block(fields, utf8=to.needs_utf8) + piece(text.rstrip("\n") + "\n")

    def message_id(self, key: str) -> str:
        """The same at every attempt; the machine's name is not in it."""
        return f"<{_digest(key)}@{self._sender.box.domain}>"

    def _subject(self, mail: Mail) -> str:
        return f"[TEST] {mail.letter.subject}" if mail.test else mail.letter.subject

    def _fields(self, key: str, name: str, to: Mailbox, date: datetime, subject: str) -> list[tuple[str, str]]:
        sender = self._sender
        return [
            ("Date", format_datetime(date)),
            headers.address("From", sender.name, sender.box),
            ("Reply-To", str(sender.reply_to or "")),
            headers.address("To", name, to),
            headers.unstructured("Subject", subject),
            ("Message-ID", self.message_id(key)),
            ("MIME-Version", "1.0"),
        ]

    def _list_fields(self, mail: Mail) -> list[tuple[str, str]]:
        url = mail.values.get("unsubscribe_url", "")
        return [
            ("List-Id", self._list_id(mail.list_id)),
            ("List-Unsubscribe", self._unsubscribe(url)),
            # RFC 8058, 3.1: only together with an https address.
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click" if url.startswith("https://") else ""),
        ]

    def _list_id(self, name: str) -> str:
        """RFC 2919: a stable name in the sender's own name space."""
        label = re.sub(r"[^a-z0-9]+", "-", name.lower())[:63].strip("-") or "news"
        return f"<{self._sender.list_id or f'{label}.{self._sender.box.domain}'}>"

    def _unsubscribe(self, url: str) -> str:
        """RFC 2369, on one line: receivers do not decode and often do not unfold it."""
        if not url:
            return ""
        if not _ADDRESS.fullmatch(url):
            raise RejectedError("email: the unsubscribe address is no plain web address; correct public_url")
        token = url.rpartition("/")[2]
        ways = [f"<{url}>"]
        if self._sender.unsubscribe and _TOKEN.fullmatch(token):
            ways.append(f"<mailto:{self._sender.unsubscribe}?subject=unsubscribe%20{token}>")
        return ", ".join(ways)


def _encode(letter: Letter) -> _Encoded:
    return _Encoded(text=_pieces(letter.text), html=_pieces(letter.html))


def _pieces(segments: Segments) -> tuple[bytes | str, ...]:
    return tuple(piece(segment) if isinstance(segment, str) else segment.name for segment in segments)


def _fill(
    pieces: tuple[bytes | str, ...], values: Mapping[str, str], written: Callable[[str], bytes]
) -> list[bytes]:
    try:
        return [part if isinstance(part, bytes) else written(values[part]) for part in pieces]
    except KeyError as error:
        raise RejectedError(
            f"email: the letter has a hole {error} and nothing to fill it; see the template"
        ) from None


def _plain(value: str) -> bytes:
    return piece(headers.one_line(value))


def _escaped(value: str) -> bytes:
    return piece(html.escape(headers.one_line(value)))


def _part(boundary: str, kind: str, body: list[bytes]) -> bytes:
    head = (
        f"--{boundary}\r\n"
        f"Content-Type: text/{kind}; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    )
    return b"".join([head.encode(), *body, b"\r\n"])


def _close(boundary: str) -> bytes:
    return f"--{boundary}--\r\n".encode()


def _digest(key: str) -> str:
    return sha256(key.encode("utf-8", "backslashreplace")).hexdigest()[:40]
