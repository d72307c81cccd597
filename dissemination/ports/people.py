"""What the pipeline asks of the store about people. Every method is one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from dissemination.model import Added, Audience, Dossier, Step, Subscriber, Suppressed, Wording


class PeopleStore(Protocol):
    """Adding, finding and taking off."""

    def add(self, rows: Iterable[tuple[Subscriber, str, str]]) -> tuple[int, int, int]:
        """Add or complete people, all or none.

        Args:
            rows: (subscriber, normalised address, suppression hash).

        Returns:
            (new, already there, refused because suppressed).
        """
        ...

    def set_aside(self) -> AbstractContextManager[ArrivalsStore]:
        """Room for many people who are looked through before they are taken in."""
        ...

    def all(self, *, listed: str = "", state: str = "") -> Iterator[Subscriber]:
        """Everybody, in the order they came, a thousand at a time."""
        ...

    def attributes(self) -> Sequence[str]:
        """The names of all attributes that somebody has, in order."""
        ...

    def by_id(self, subscriber: int) -> Subscriber | None:
        """One person, also one who left; None: erased, or never there."""
        ...

    def by_address(self, address: str) -> Subscriber | None:
        """One person by the normalised address."""
        ...

    def count(self, audience: Audience) -> int:
        """How many people an audience is at this moment."""
        ...

    def remove(self, address: str, hashed: str = "", *, bar: bool = False) -> bool:
        """Erase a person; what they were sent stays as a number without a name. False: not there.

        Args:
            address: normalised.
            hashed: its keyed hash, under which their consent lines are kept without names; "": those go, too.
            bar: suppress the hash as well, so that no import brings the address back.
        """
        ...

    def remove_all(self, who: Sequence[tuple[str, str]], *, bar: bool = False) -> int:
        """`remove` for several people, (normalised address, hash), in one transaction; how many were there.

        Call `privacy.scour` when the last of them are erased.
        """
        ...

    def suppress(self, address: str, hashed: str, reason: str) -> bool:
        """Never write to this address again, also after a new import. True if it was on the list."""
        ...

    def unsubscribe(self, subscriber: int, at: datetime, how: str, lists: Sequence[str] = ()) -> bool:
        """They take their consent back. Idempotent: a second time changes nothing, and is False.

        Args:
            subscriber: their id.
            at: when they did.
            how: through what, for the consent log, such as "one-click".
            lists: only these; (): everything. Who leaves their last list has left everything.
        """
        ...

    def suppression(self, hashed: str) -> Suppressed | None:
        """Whether, when and why an address is not written to, by its keyed hash."""
        ...

    def suppressions(self) -> Mapping[str, tuple[int, datetime]]:
        """Reason -> how many addresses, and when the newest was added; most first."""
        ...


class ArrivalsStore(Protocol):
    """People set aside: nothing is stored, and nobody has to wait, until `settle`."""

    def add(self, rows: Iterable[tuple[int, Subscriber, str, str]]) -> None:
        """Set people aside: (line, subscriber, normalised address, suppression hash). No line may come twice."""
        ...

    def repeated(self) -> Iterator[tuple[int, int]]:
        """(line, first line with the same address), for every line that repeats an earlier one."""
        ...

    def settle(self, *, step: Step, form: str, wording: str | None = None) -> Added:
        """Take everybody in who is not suppressed, all or none.

        Args:
            step: what the consent log says.
            form: how they came, for the consent log.
            wording: digest of the words they agreed to, kept before.
        """
        ...


class PrivacyStore(Protocol):
    """What the law asks for: showing what is kept, and forgetting in time."""

    def keep_wording(self, text: str, lang: str) -> Wording:
        """Keep words that people agreed to; the same words are kept once."""
        ...

    def dossier(self, address: str, hashed: str) -> Dossier | None:
        """Everything that is kept about a person, by normalised address and keyed hash; None: not there."""
        ...

    def outdated_people(self, unconfirmed: datetime, departed: datetime, limit: int) -> Sequence[str]:
        """Normalised addresses of people whose time is over, at most `limit`.

        Args:
            unconfirmed: who signed up before this and never confirmed.
            departed: who left, or was suppressed, before this.
            limit: how many at once.
        """
        ...

    def clear(self, *, troubles: datetime, log: datetime, proofs: datetime) -> tuple[int, int, int]:
        """Forget what servers said, log lines and consent lines of erased people that are older than this."""
        ...

    def scour(self) -> None:
        """Write the file anew, so that nothing of what was deleted is left in it."""
        ...

    def copies(self) -> Sequence[str]:
        """Names of the copies beside the database, made before an upgrade or a restoring; they hold people, too."""
        ...

    def clear_copies(self, before: datetime) -> int:
        """Delete the copies that were made before."""
        ...
