"""One connection of the nasty server: lines and octets in, replies out, whole or in odd pieces."""

from __future__ import annotations

import itertools
import select
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

_READ = 1 << 18
#: No command line is longer.
_LINE = 8192
#: Seconds after which replies are handed out although more is there to read.
_PATIENCE = 0.05
#: Seconds that a client gets to hang up, too.
_FAREWELL = 5.0


class HangUpError(Exception):
    """End this connection."""


# How replies come


def _long(reply: bytes) -> bytes:
    """A reply of 20 KB: forty lines of the longest legal length before its own."""
    return b"".join(reply[:3] + b"-" + b"x" * 506 + b"\r\n" for _ in range(40)) + reply


def _one_by_one(data: bytes) -> Iterator[bytes]:
    return (data[n : n + 1] for n in range(len(data)))


def _at_odd_places(data: bytes) -> Iterator[bytes]:
    """In the middle of codes, between CR and LF, over the ends of replies."""
    widths, start = itertools.cycle((2, 7, 1, 30, 3)), 0
    while start < len(data):
        width = next(widths)
        yield data[start : start + width]
        start += width


_CUTS: dict[str, Callable[[bytes], Iterable[bytes]]] = {"bytes": _one_by_one, "split": _at_odd_places}


class Wire:
    """Lines and octets in, replies out.

    Args:
        sock: of the client; may be replaced by an encrypted one.
        shape: of replies, see NastySmtp.
        settle: called before replies go out.
    """

    def __init__(self, sock: socket.socket, shape: str, settle: Callable[[], None]) -> None:
        self.sock, self.shape, self.settle = sock, shape, settle
        self.buffer = bytearray()
        self.replies: list[bytes] = []
        self.handed_out = time.monotonic()

    def line(self) -> str:
        while (end := self.buffer.find(b"\n")) < 0:
            if len(self.buffer) > _LINE:
                raise HangUpError
            self.fill()
        return self._take(end + 1).decode("utf-8").rstrip("\r\n")

    def octets(self, count: int) -> bytes:
        while len(self.buffer) < count:
            self.fill()
        return self._take(count)

    def until_dot(self) -> bytes:
        """A message without its final dot and its dot-stuffing."""
        searched = 0
        while not self.buffer.startswith(b".\r\n") and (end := self.buffer.find(b"\r\n.\r\n", searched)) < 0:
            searched = max(0, len(self.buffer) - 4)
            self.fill()
        if self.buffer.startswith(b".\r\n"):
            self._take(3)
            return b""
        body = self._take(end + 5)[:-3]
        return body.removeprefix(b".").replace(b"\r\n.", b"\r\n")

    def fill(self) -> None:
        """Read on; a client that leaves here leaves the message unaccepted."""
        self.flush()
        data = self.sock.recv(_READ)
        if not data:
            raise HangUpError
        self.buffer += data

    def say(self, reply: bytes) -> None:
        self.replies.append(_long(reply) if self.shape == "long" else reply)
        if time.monotonic() - self.handed_out > _PATIENCE:
            self.flush()

    def flush(self) -> None:
        if self.replies:
            self.settle()
            data = b"".join(self.replies)
            self.replies.clear()
            for piece in _CUTS.get(self.shape, lambda whole: (whole,))(data):
                self.sock.sendall(piece)
        self.handed_out = time.monotonic()

    def forget(self) -> None:
        """Lose all input that is there."""
        self.flush()
        self.buffer.clear()
        while select.select([self.sock], [], [], 0)[0]:
            if not self.sock.recv(_READ):
                raise HangUpError

    def part(self) -> None:
        """Hang up so that every answer arrives: unread input would turn the end into a reset."""
        self.flush()
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)
            self.sock.settimeout(_FAREWELL)
            while self.sock.recv(_READ):
                pass

    def swallow(self) -> None:
        """Say nothing more until the client, or leaving the server, ends the connection."""
        self.flush()
        while self.sock.recv(_READ):
            pass

    def _take(self, count: int) -> bytes:
        taken = bytes(self.buffer[:count])
        del self.buffer[:count]
        return taken
