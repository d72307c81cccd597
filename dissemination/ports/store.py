"""What the pipeline asks of the store, by noun. Every method is one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Protocol

from dissemination.model import (
    Added,
    Audience,
    Claim,
    Concerned,
    Consequence,
    Content,
    DeliveryState,
    Dossier,
    Happening,
    LiveEntry,
    NewsItem,
    Picture,
    Publication,
    Return,
    State,
    Step,
    Subscriber,
    Suppressed,
    Wording,
)


class ItemsStore(Protocol):
    """What is known of each item beyond its file."""

    def ids(self, gathered: Sequence[NewsItem], *, present: frozenset[str], mint: bool) -> Mapping[str, str]:
        """Path -> id for every item.

        A file that moved is known again by its body or by its title, as long as its old path is gone.

        Args:
            gathered: the items as read.
            present: every path that exists now, refused files too.
            mint: store what is new; without it the ids of new items are provisional.
        """
        ...


class PublicationsStore(Protocol):
    """Queries and changes of publications."""

    def latest(self) -> Mapping[tuple[str, str], Publication]:
        """(subject, channel) -> its newest revision."""
        ...

    def get(self, key: str) -> Publication | None:
        """One publication by its key."""
        ...

    def in_state(self, *states: State) -> Sequence[Publication]:
        """All in these states, those that are due first, first."""
        ...

    def due(self, now: datetime) -> Sequence[Publication]:
        """Scheduled, their time has come, and no retry wait is running."""
        ...

    def abandoned(self) -> Sequence[Publication]:
        """Claimed by somebody whose lease is over (batches of an edition have leases of their own)."""
        ...

    def sync(
        self,
        new: Sequence[Publication],
        changed: Sequence[tuple[Publication, Publication]],
        happenings: Iterable[Happening] = (),
    ) -> None:
        """Write a planning down: new rows, and changes of rows that are still as they were read."""
        ...

    def approve(  # noqa: PLR0913 - one transaction needs all of it
        self,
        old: Publication,
        fresh: Publication,
        *,
        who: str,
        content: Content,
        schedule: str = "",
        happening: Happening,
    ) -> bool:
        """Record an approval with the very bytes it is for; False if the publication changed meanwhile.

        Args:
            old: as it was read.
            fresh: with its new state, time and approvers.
            who: the approver's name.
            content: what is stored and will be sent.
            schedule: the digest whose items are reserved for this edition; "" for items and flashes.
            happening: the line for the log.
        """
        ...

    def remove(self, gone: Sequence[Publication]) -> None:
        """Forget plans that nobody approved and that nothing asks for any more."""
        ...

    def claim(self, key: str, owner: str, lease: float) -> Publication | None:
        """Take a due publication: the intent is committed before anything goes out.

        Returns:
            The publication with its new token, or None: somebody else has it, or it is paused.
        """
        ...

    def settle(
        self,
        claimed: Publication,
        fresh: Publication,
        happenings: Iterable[Happening],
        entries: Sequence[LiveEntry] = (),
    ) -> None:
        """Write the outcome down, with the feed entries that are now out.

        Raises:
            FencedError: the claim was taken over meanwhile; the outcome is kept in the log only.
        """
        ...

    def inherit(self) -> int:
        """End every lease: called by who has just proved that no other publisher lives (SQLite's lock).

        On PostgreSQL others may live: there a lease ends by running out, and this changes nothing.
        """
        ...

    def live(self) -> Sequence[LiveEntry]:
        """The feed entries that are out."""
        ...

    def retire(self, items: Sequence[str], happenings: Iterable[Happening]) -> None:
        """Take expired entries out of the feeds."""
        ...


class ContentsStore(Protocol):
    """Reading what was approved; every byte is checked against its digest."""

    def body(self, digest: str) -> bytes:
        """The stored bytes.

        Raises:
            StoreError: not there, or no longer what was approved.
        """
        ...

    def pictures(self, digests: Iterable[str]) -> Mapping[str, Picture]:
        """Digest -> picture."""
        ...


class EditionsStore(Protocol):
    """Which slots are over, and which items are taken."""

    def since(self, schedule: str) -> datetime | None:
        """When the digest was first seen; its slots before that do not exist."""
        ...

    def begin(self, schedule: str, since: datetime) -> None:
        """Note a digest at its first sight."""
        ...

    def last_closed(self, schedule: str) -> datetime | None:
        """The newest slot that is over."""
        ...

    def close(
        self, edition: str, schedule: str, slot_at: datetime, state: str, happening: Happening | None
    ) -> None:
        """A slot is over: "made", "skipped" (empty) or "coalesced" (slept through)."""
        ...

    def taken(self, schedule: str) -> Mapping[str, str]:
        """Item -> edition, for items that an approved edition of this digest carries."""
        ...


class DeliveriesStore(Protocol):
    """Who gets an edition, and where each of them stands."""

    def freeze(self, key: str, audience: Audience) -> int:
        """Write the audience down as rows, once; how many people it is.

        A second call changes nothing: the audience of an edition is frozen when its sending starts.
        """
        ...

    def claim(self, key: str, owner: str, lease: float, *, resend: bool) -> Claim | None:
        """Take an open batch whose wait is over.

        What an older claim left in `sending` is in doubt: `resend` makes it pending again (the same Message-ID
        goes out), otherwise it stays in doubt for the officer.
        """
        ...

    def window(self, claim: Claim, size: int, lease: float) -> Sequence[Subscriber]:
        """The next people of a batch, with the intent to write to them committed.

        Who unsubscribed or was suppressed meanwhile is skipped. Empty: the batch is through, paused or cancelled.

        Raises:
            FencedError: the batch was taken over.
        """
        ...

    def settle(
        self, claim: Claim, subscriber: int, state: DeliveryState, reason: str = "", *, lease: float | None = None
    ) -> None:
        """Write one outcome down. It is matched by the row's token only: a late truth is still recorded.

        With `lease` it is a sign of life, too: the batch stays ours for so many seconds more.

        Raises:
            FencedError: the batch was taken over; the outcome is written down, and nothing more is to be sent.
        """
        ...

    def attempts(self, claim: Claim, subscriber: int) -> int:
        """How often it was tried for this person."""
        ...

    def release(self, claim: Claim, *, retry_at: datetime | None) -> None:
        """Give a batch back: done if nothing in it is open, else open again, not before `retry_at`."""
        ...

    def hand_back(self, claim: Claim, people: Sequence[int]) -> None:
        """Nothing was tried for these: pending again, and the attempt does not count."""
        ...

    def counts(self, key: str) -> Mapping[DeliveryState, int]:
        """How many people stand where."""
        ...

    def unfinished(self, key: str) -> bool:
        """Whether a batch is still open or leased."""
        ...

    def people(self, key: str, state: DeliveryState, limit: int = 1000) -> Sequence[tuple[str, str]]:
        """(address, reason) of those who stand there; an erased person's address is empty."""
        ...


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


class BouncesStore(Protocol):
    """What came back, and what followed from it."""

    def seen(self, digest: str) -> bool:
        """Whether this was taken in before."""
        ...

    def concerned(self, publication: int | None, subscriber: int) -> Concerned | None:
        """What is known of the person and the edition; None: there never was such a subscriber here.

        An erased person is known by what they were sent.
        """
        ...

    def settle(self, returned: Return, follows: Consequence) -> bool:
        """Write it down with everything that follows, in one transaction; False: it was there already."""
        ...

    def latest(self, count: int, *, kept: bool = False) -> Sequence[Return]:
        """The newest, the newest first, without their bodies; only those with a body if `kept`."""
        ...

    def get(self, number: int) -> Return | None:
        """One of them, with its body if that is still kept."""
        ...

    def tidy(self, before: datetime) -> None:
        """What names nobody for certain goes if it is older than that, and bodies where there are too many."""
        ...


class ControlsStore(Protocol):
    """Pauses by channel; "*" is every channel."""

    def pause(self, channel: str, *, who: str, reason: str, kind: str = "paused") -> None:
        """Nothing new starts on the channel from the next window on."""
        ...

    def resume(self, channel: str, *, who: str) -> bool:
        """Go on; False if it was not paused. Resuming "*" resumes every channel."""
        ...

    def paused(self) -> Mapping[str, str]:
        """Channel -> who and why."""
        ...

    def key(self, name: str) -> bytes:
        """A random key of this database, made at the first question."""
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


class Store(Protocol):
    """Everything that is kept."""

    @property
    def items(self) -> ItemsStore:
        """Ids."""
        ...

    @property
    def publications(self) -> PublicationsStore:
        """See PublicationsStore."""
        ...

    @property
    def contents(self) -> ContentsStore:
        """See ContentsStore."""
        ...

    @property
    def editions(self) -> EditionsStore:
        """See EditionsStore."""
        ...

    @property
    def deliveries(self) -> DeliveriesStore:
        """See DeliveriesStore."""
        ...

    @property
    def people(self) -> PeopleStore:
        """See PeopleStore."""
        ...

    @property
    def privacy(self) -> PrivacyStore:
        """See PrivacyStore."""
        ...

    @property
    def bounces(self) -> BouncesStore:
        """See BouncesStore."""
        ...

    @property
    def controls(self) -> ControlsStore:
        """See ControlsStore."""
        ...

    @property
    def events(self) -> EventsStore:
        """See EventsStore."""
        ...

    def hold(self) -> AbstractContextManager[None]:
        """Be the one process that publishes (SQLite).

        Raises:
            BusyError: another process does; the text names it.
        """
        ...

    def check(self) -> list[str]:
        """What an integrity check finds; empty when all is well."""
        ...

    def backup(self, target: Path) -> None:
        """A consistent copy while others go on writing."""
        ...

    def close(self) -> None:
        """Let go of the database."""
        ...
