"""Who is told of what: the log for people, and hubs that wait for news of feeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from dissemination.model import Happening, Ping


class Hub(Protocol):
    """A WebSub hub."""

    #: As feeds name it.
    address: str

    def tell(self, topic: str) -> None:
        """Say that the feed at this address has changed. A repeat is harmless.

        Raises:
            UnavailableError: nothing tells that it was taken; again later.
            RejectedError: it does not take this feed.
            NeedsLoginError: it takes no feed at this address; the officer must change something.
        """
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


class PingsStore(Protocol):
    """What a hub was told of each feed, and what it is owed."""

    def owe(self, hub: str, live: Mapping[str, str], not_before: datetime) -> int:
        """Note documents that are live; how many of them are others than before.

        Args:
            hub: its address; what was owed to another hub is forgotten.
            live: a feed's address -> digest of the document.
            not_before: when those that changed may be told.
        """
        ...

    def owed(self, hub: str) -> Sequence[Ping]:
        """What the hub is to be told, the oldest first."""
        ...

    def dropped(self, hub: str) -> Sequence[Ping]:
        """What it was not told, and why, until these feeds change next."""
        ...

    def told(self, hub: str, ping: Ping) -> None:
        """The hub took it. A document that has changed meanwhile stays owed."""
        ...

    def drop(self, hub: str, gone: Sequence[Ping], reason: str, happening: Happening) -> None:
        """Do not tell these documents any more, in one transaction with the line for the log."""
        ...


class EventsStore(Protocol):
    """The log's queries."""

    def add(self, happening: Happening) -> None:
        """Record one on its own."""
        ...

    def latest(self, count: int, subject: str = "") -> Sequence[Happening]:
        """The newest `count`, oldest first; of one item or edition if `subject` is given."""
        ...

    def last(self, kind: str) -> datetime | None:
        """When something of this kind happened last."""
        ...

    def take_untold(self) -> Sequence[Happening]:
        """What somebody must be told, each handed out once, even if the telling process dies."""
        ...

    def told(self, happenings: Sequence[Happening], *, worked: bool) -> None:
        """Close what `take_untold` gave; what did not work is tried again at the next pass."""
        ...
