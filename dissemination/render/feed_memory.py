"""What was written of an entry, a page or a feed last time, so that only what changed is written again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

_T = TypeVar("_T")


class Memory:
    """Remembers what pure functions gave. One pass forgets what the pass before it did not ask for.

    Not for several threads at once: feeds are written by one.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[Any, Any]] = {}
        self._asked: dict[tuple[str, str], tuple[Any, Any]] = {}

    def get(self, kind: str, name: str, made_from: Any, make: Callable[[], _T]) -> _T:
        """What `make` gave for the same input, or else gives now.

        Args:
            kind: what is made: "rss", "page".
            name: of which thing; each has one value at a time.
            made_from: everything the result depends on; compared, never hashed.
            make: makes it.
        """
        key = (kind, name)
        known = self._asked.get(key)
        if known is None or known[0] != made_from:
            known = self._known.get(key)
            if known is None or known[0] != made_from:
                known = (made_from, make())
            self._asked[key] = known
        result: _T = known[1]
        return result

    def turn(self) -> None:
        """The end of a pass."""
        self._known, self._asked = self._asked, {}
