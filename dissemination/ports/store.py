"""What the pipeline asks of the store, by noun. Every method is one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Protocol

from dissemination.model import (
    Audience,
    Concerned,
    Consequence,
    Content,
    DeliveryState,
    Happening,
    LiveEntry,
    NewsItem,
    Part,
    Picture,
    Publication,
    Rate,
    Rates,
    Refused,
    Return,
    Settled,
    Standing,
    State,
    Terms,
    Trouble,
    Turn,
)
from dissemination.ports.channels import Vault
from dissemination.ports.people import PeopleStore, PreferencesStore, PrivacyStore, SignUpsStore
from dissemination.ports.telling import EventsStore, PingsStore


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

    def begin(self, key: str, owner: str, lease: float, terms: Terms) -> Publication | Refused | None:
        """`claim` a post if the terms allow it: what they grant is spent in the same transaction.

        Returns:
            The publication with its new token; or why the terms hold it; or None as of `claim`, also where it is
            not due any more.
        """
        ...

    def give_back(self, rates: Mapping[str, Rate]) -> None:
        """Put one back into each bucket: what was begun did not go out."""
        ...

    def close(self, bucket: str, until: datetime) -> None:
        """Nothing is begun that names this bucket as closed before `until`; a later end stays."""
        ...

    def spent(self, channel: str, since: datetime) -> int:
        """What the channel's posts since then cost, in millionths of a US dollar."""
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

    def progress(
        self, claimed: Publication, parts: Sequence[Part], *, lease: float, happening: Happening
    ) -> Publication:
        """Write down what is out of a thread before its next part is sent: a sign of life, and attempts anew.

        Args:
            claimed: as it was claimed, or as the last call gave it.
            parts: everything that is out, the first part first.
            lease: seconds that the claim lasts without another sign of life.
            happening: the line for the log.

        Returns:
            The publication as it is now; `claimed_at` is the moment after which the next part goes out.

        Raises:
            FencedError: the claim was taken over meanwhile; the outcome is kept in the log only.
        """
        ...

    def renew(self, claimed: Publication, lease: float) -> bool:
        """A sign of life while something takes long; False: the claim was taken over."""
        ...

    def conclude(self, running: Publication, fresh: Publication, happenings: Iterable[Happening]) -> bool:
        """Close an edition that is still as it was read; False, and no line in the log: it is not.

        A retry raises the token: whoever counted before it closes nothing.
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

    def issued(self, channel: str) -> Mapping[str, Sequence[tuple[str, datetime]]]:
        """Subject -> (digest, when) of each revision that went out on this channel, the oldest first."""
        ...

    def retire(self, items: Sequence[str], happenings: Iterable[Happening]) -> None:
        """Take expired entries out of the feeds."""
        ...


class ContentsStore(Protocol):
    """What was approved; every byte that is read is checked against its digest."""

    def keep(self, content: Content, happening: Happening) -> None:
        """Store bytes that somebody confirmed outside of an approval, with the line for the log."""
        ...

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


class Ledger(Protocol):
    """One worker's book of an edition. It takes batches and gives them back by itself; for one thread.

    An outcome is matched by the token of its own intent: where somebody else has taken the batch over meanwhile,
    what was sent or refused is still written down, as long as the other one has not begun it anew.
    """

    @property
    def number(self) -> int:
        """The publication's number, for `Tokens.bounce`."""
        ...

    def turn(
        self,
        settled: Sequence[Settled],
        want: int,
        rates: Rates,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> Turn:
        """One transaction: a sign of life, outcomes written down, up to `want` people with the intent committed.

        Who unsubscribed, was suppressed or erased meanwhile is skipped. Nobody is given out while the edition is
        paused or cancelled. Batches run on into one another. `meanwhile` is called between the statements: servers
        go on with what they have while a turn is written.
        """
        ...

    def leave(self, settled: Sequence[Settled]) -> None:
        """Write the last outcomes down, and give every batch back."""
        ...


class DeliveriesStore(Protocol):
    """Who gets an edition, and where each of them stands."""

    def freeze(self, key: str, audience: Audience) -> int:
        """Write the audience down as rows, once; how many people were written down now.

        A second call changes nothing and is 0: the audience of an edition is frozen when its sending starts.
        """
        ...

    def ledger(self, key: str, *, owner: str, lease: float, resend: bool) -> Ledger:
        """A worker's book of the edition.

        Args:
            key: of the publication.
            owner: who works; different for every worker.
            lease: seconds that a batch stays with this worker without a turn.
            resend: what an older claim left without an outcome goes out again, under the same Message-ID; else it
                is in doubt, for the officer.
        """
        ...

    def workable(self, key: str) -> bool:
        """Whether a batch may be taken up now."""
        ...

    def counts(self, key: str) -> Mapping[DeliveryState, int]:
        """How many people stand where."""
        ...

    def unfinished(self, key: str) -> bool:
        """Whether a batch is still open or leased."""
        ...

    def next_try(self, key: str) -> datetime | None:
        """When the first batch that waits may be taken up again; None: none waits."""
        ...

    def pace(self, key: str, since: datetime) -> Sequence[tuple[datetime, int]]:
        """(minute, how many mails were accepted in it) from `since` on."""
        ...

    def people(self, key: str, state: DeliveryState) -> Iterator[Standing]:
        """Everybody who stands there, a thousand at a time."""
        ...

    def troubles(self, key: str) -> Iterator[Trouble]:
        """Why people are not simply sent to, counted by domain and exact reason."""
        ...

    def retry(self, key: str, happening: Happening) -> int:
        """Those who failed get another try, from the beginning: how many. The edition is under way again."""
        ...

    def resolve(self, key: str, happening: Happening, *, sent: bool, address: str = "") -> int:
        """What was in doubt is decided: it was sent, or it is sent again. How many it was.

        Args:
            key: of the publication.
            happening: the line for the log; how many it was is added.
            sent: it arrived; otherwise it goes out again, the same message.
            address: only this person's, normalised.
        """
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
    def signups(self) -> SignUpsStore:
        """See SignUpsStore."""
        ...

    @property
    def preferences(self) -> PreferencesStore:
        """See PreferencesStore."""
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

    @property
    def pings(self) -> PingsStore:
        """See PingsStore."""
        ...

    def vault(self, channel: str) -> Vault:
        """What a channel keeps between calls."""
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
