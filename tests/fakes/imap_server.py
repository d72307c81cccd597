"""A small IMAP server on loopback (RFC 3501, 6851, 4315), as strict or as broken as a test wants it."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from dataclasses import dataclass, field
from typing import Self

PASSWORD = "maildir-secret"


@dataclass
class Stored:
    """A mail in a folder."""

    uid: int
    raw: bytes
    deleted: bool = False


@dataclass
class FakeImap:
    """Serves one folder, INBOX, to one connection after the other.

    Args:
        tls: a context; encryption from the start, or with STARTTLS if `starttls`.
        powers: extensions it announces.
        hang_up: the command at whose arrival it closes the connection.
        refuse: the command that it answers with NO.
    """

    mails: list[bytes] = field(default_factory=list)
    tls: ssl.SSLContext | None = None
    starttls: bool = False
    powers: str = "MOVE UIDPLUS"
    hang_up: str = ""
    refuse: str = ""
    folder: str = "INBOX"

    def __post_init__(self) -> None:
        self.stored = [Stored(uid=100 + n, raw=raw) for n, raw in enumerate(self.mails)]
        self.moved: dict[str, list[bytes]] = {}
        self.commands: list[str] = []
        self.logins = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # A listener that closes wakes nobody who waits in accept(): a last visitor does.
        self._ending = True
        socket.create_connection(("127.0.0.1", self.port)).close()
        self._thread.join(5)
        self._listener.close()

    _ending = False
    _known = False

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection:
                if self._ending:
                    return
                try:
                    self._converse(connection)
                except (OSError, ConnectionError):
                    continue

    def _converse(self, connection: socket.socket) -> None:
        self._known = False
        if self.tls and not self.starttls:
            connection = self.tls.wrap_socket(connection, server_side=True)
        with connection:
            self._lines(connection, greet=True)

    def _lines(self, connection: socket.socket, *, greet: bool) -> None:
        with connection.makefile("rwb") as stream:
            self._talk(connection, stream, greet=greet)

    def _talk(self, connection: socket.socket, stream, *, greet: bool) -> None:
        if greet:
            self._say(stream, "* OK [CAPABILITY IMAP4rev1] ready")
        for line in stream:
            tag, _, words = line.decode("utf-8", "replace").strip().partition(" ")
            self.commands.append(words)
            name = words.removeprefix("UID ").split(" ")[0].upper()
            if name == self.hang_up:
                return
            if name == "STARTTLS":
                self._say(stream, f"{tag} OK begin")
                with self.tls.wrap_socket(connection, server_side=True) as wrapped:
                    self._lines(wrapped, greet=False)
                return
            self._answer(stream, tag, name, words)
            if name == "LOGOUT":
                return

    def _answer(self, stream, tag: str, name: str, words: str) -> None:
        if name == self.refuse:
            self._say(stream, f"{tag} NO not today \x1b[31m")
            return
        said = getattr(self, f"_{name.lower()}", lambda stream, words: "BAD unknown")(stream, words)
        self._say(stream, f"{tag} {said or 'OK done'}")

    @staticmethod
    def _say(stream, line: str) -> None:
        stream.write(line.encode() + b"\r\n")
        stream.flush()

    # Commands

    def _capability(self, stream, words: str) -> None:
        # As Dovecot does: what it can is said in full only to who has logged in.
        powers = self.powers if self._known else "STARTTLS" if self.starttls else ""
        self._say(stream, f"* CAPABILITY IMAP4rev1 {powers}".rstrip())

    def _login(self, stream, words: str) -> str:
        self.logins += 1
        self._known = words.rsplit(" ", maxsplit=1)[-1].strip('"') == PASSWORD
        return "OK in" if self._known else "NO wrong"

    def _select(self, stream, words: str) -> str:
        if words.split(" ", 1)[1] != f'"{self.folder}"':
            return "NO no such folder"
        self._say(stream, f"* {len(self.stored)} EXISTS")
        return "OK [READ-WRITE] done"

    def _search(self, stream, words: str) -> None:
        self._say(stream, " ".join(["* SEARCH", *(str(m.uid) for m in self.stored if not m.deleted)]))

    def _fetch(self, stream, words: str) -> None:
        uid, limit = map(int, re.match(r"UID FETCH (\d+) \(BODY\.PEEK\[\]<0\.(\d+)>\)", words).groups())
        for number, mail in enumerate(self.stored, 1):
            if mail.uid == uid:
                raw = mail.raw[:limit]
                self._say(stream, f"* {number} FETCH (UID {uid} BODY[]<0> {{{len(raw)}}}")
                stream.write(raw + b")\r\n")

    def _one(self, words: str) -> Stored:
        return next(mail for mail in self.stored if mail.uid == int(words.split(" ")[2]))

    def _copy(self, stream, words: str) -> None:
        self.moved.setdefault(words.split(" ", 3)[3].strip('"'), []).append(self._one(words).raw)

    def _move(self, stream, words: str) -> None:
        self._copy(stream, words)
        self.stored.remove(self._one(words))

    def _store(self, stream, words: str) -> None:
        self._one(words).deleted = True

    def _expunge(self, stream, words: str) -> None:
        self.stored.remove(self._one(words))

    def _logout(self, stream, words: str) -> None:
        self._say(stream, "* BYE")
