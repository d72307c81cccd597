"""Replies of a server, put together from whatever pieces arrive (RFC 5321, 4.2)."""

from __future__ import annotations

from collections.abc import Iterator

from dissemination.channels.email.server import Reply

#: Octets of one line, and of one reply of many lines. RFC 5321, 4.5.3.1.5 has 512 for a line.
_LINE = 8192
_WHOLE = 65_536


class GarbledError(Exception):
    """The server does not speak SMTP, or speaks without end."""


class Replies:
    """Collects bytes, gives whole replies."""

    def __init__(self) -> None:
        self._rest = b""
        self._lines: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> Iterator[Reply]:
        """The replies that are complete now, lines of one reply parted by line feeds; take all of them.

        Raises:
            GarbledError: a line or a reply is too long.
        """
        lines = (self._rest + data if self._rest else data).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > _LINE:
            raise GarbledError("a line of its reply has no end")
        for line in lines:
            if line[3:4] == b"-":
                self._more(line)
            elif self._lines:
                self._more(line)
                whole = b"\n".join(part[4:].strip() for part in self._lines)
                self._lines, self._size = [], 0
                yield _code(line), whole.decode("utf-8", "replace")
            else:
                yield _code(line), line[4:].strip().decode("utf-8", "replace")

    def _more(self, line: bytes) -> None:
        self._lines.append(line)
        self._size += len(line)
        if self._size > _WHOLE:
            raise GarbledError("its reply has no end")


def _code(line: bytes) -> int:
    digits = line[:3]
    return int(digits) if digits.isdigit() and len(digits) == 3 else -1
