"""Documents are put together from written pieces: each entry is written once for all feeds that hold it.

Three hundred feeds of thirty items hold the same few hundred entries; writing an entry is the dear part.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """A document's bytes before and after its entries."""

    head: bytes
    tail: bytes
    #: Stands between two entries.
    between: bytes = b""

    @classmethod
    def around(cls, empty: bytes, end: bytes, between: bytes) -> Frame:
        """The frame of a document that was written without entries, which belong before the last `end`."""
        at = empty.rindex(end)
        return cls(head=empty[:at], tail=empty[at:], between=between)

    @staticmethod
    def cut(written: bytes, start: bytes, end: bytes) -> bytes:
        """The one entry of a written document, from the first `start` to the last `end`.

        Neither can stand in a text: markup is escaped there.
        """
        return written[written.index(start) : written.rindex(end)]

    def fill(self, entries: Iterable[bytes]) -> bytes:
        """The whole document."""
        return self.head + self.between.join(entries) + self.tail
