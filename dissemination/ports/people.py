"""What the pipeline asks of the store about people. Every method is one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Protocol

from dissemination.model import (
    Added,
    Audience,
    Choices,
    Dossier,
    Notice,
    Parcel,
    SignUp,
    Step,
    Subscriber,
    Suppressed,
    Wording,
)


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

    def unsubscribe_all(self, who: Sequence[int], how: str) -> int:
        """Many people leave everything, in one transaction; how many had not left before.

        Args:
            who: their ids; one that is not there is passed over.
            how: through what, for the consent log.
        """
        ...

    def suppression(self, hashed: str) -> Suppressed | None:
        """Whether, when and why an address is not written to, by its keyed hash."""
        ...

    def suppressions(self) -> Mapping[str, tuple[int, datetime]]:
        """Reason -> how many addresses, and when the newest was added; most first."""
        ...


class SignUpsStore(Protocol):
    """Who signed up and has not confirmed yet, and the mails that ask them to."""

    def ask(self, asked: SignUp) -> bool:
        """Keep a sign-up, and queue its mail where that may be sent; False: the budget of all mails is spent."""
        ...

    def pending(self, number: int, since: datetime) -> SignUp | None:
        """A sign-up that is not older than that, also one that was confirmed; None: there is none."""
        ...

    def of(self, address: str) -> SignUp | None:
        """The sign-up of a normalised address."""
        ...

    def confirm(self, number: int, lists: Sequence[str], since: datetime, frequency: str = "") -> int | None:
        """They said yes to these of their lists; the subscriber, or None where there is nothing to confirm."""
        ...

    def claim(self, lease: timedelta) -> Parcel | None:
        """The next mail that is due, ours until the lease is over."""
        ...

    def waits(self) -> bool:
        """Whether a mail is due: a look that takes no lock."""
        ...

    def settle(self, parcel: Parcel, again: datetime | None = None) -> None:
        """A claimed mail is done with, or to be tried again then."""
        ...

    def clear(self, *, unconfirmed: datetime, confirmed: datetime) -> int:
        """Forget who never confirmed since then, and the forms of those who did; how many."""
        ...


class PreferencesStore(Protocol):
    """What subscribers change by themselves."""

    def choose(self, subscriber: int, chosen: Choices, known: Sequence[str], said: Notice) -> bool:
        """Let their choice be so; False: nobody has the number, or they are suppressed.

        Args:
            subscriber: who.
            chosen: what they want.
            known: the lists that they were asked about; others stay as they are.
            said: what stood beside the question, for the consent to lists that are new to them.
        """
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
