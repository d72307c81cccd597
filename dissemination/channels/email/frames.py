"""Values between a process and its helpers: length and pickle, over a pair of sockets that nobody else has."""

from __future__ import annotations

import pickle
import select
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

_LENGTH = struct.Struct("!I")
_AT_ONCE = 262_144


class Frames:
    """One end of the pair.

    Args:
        sock: a stream socket.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._buffer = bytearray()

    def send(self, value: object) -> None:
        """Write one value whole. What arrives meanwhile is kept: two that only write would wait for each other.

        Raises:
            EOFError: the other side is gone.
        """
        data = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
        left = memoryview(_LENGTH.pack(len(data)) + data)
        while left:
            try:
                left = left[self.sock.send(left, socket.MSG_DONTWAIT) :]
            except BlockingIOError:
                readable, _, _ = select.select([self.sock], [self.sock], [])
                if readable:
                    self._more(socket.MSG_DONTWAIT)
            except OSError as error:
                raise EOFError from error

    @property
    def waiting(self) -> bool:
        """A whole value has arrived that was not taken yet."""
        return self._end() is not None

    def read(self) -> Iterator[Any]:
        """Every value that has arrived whole by now.

        Raises:
            EOFError: the other side is gone.
        """
        gone = None
        try:
            with suppress(BlockingIOError):  # what came together with an earlier value may still be there
                self._more(socket.MSG_DONTWAIT)
        except EOFError as error:
            gone = error  # its last words count
        while (value := self._next()) is not None:
            yield value[0]
        if gone is not None:
            raise gone

    def wait(self) -> Any:
        """The next value, however long it takes; for the first one only, when nothing else can be done.

        Raises:
            EOFError: the other side is gone.
        """
        while (value := self._next()) is None:
            self._more()
        return value[0]

    def _more(self, flags: int = 0) -> None:
        try:
            data = self.sock.recv(_AT_ONCE, flags)
        except ConnectionError as error:
            raise EOFError from error
        if not data:
            raise EOFError
        self._buffer += data

    def _end(self) -> int | None:
        if len(self._buffer) < _LENGTH.size:
            return None
        end: int = _LENGTH.size + _LENGTH.unpack_from(self._buffer)[0]
        return end if end <= len(self._buffer) else None

    def _next(self) -> tuple[Any] | None:
        end = self._end()
        if end is None:
            return None
        data = bytes(self._buffer[_LENGTH.size : end])
        del self._buffer[:end]
        return (pickle.loads(data),)  # noqa: S301 - our own process wrote it, over a socket without a name
