"""What is planned, sent, and proved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import NamedTuple

from dissemination.model.content import Letter, Picture, Post
from dissemination.model.people import Audience
from dissemination.model.states import Carries, DeliveryState, Level, Repeat, State, Units


class Part(NamedTuple):
    """One part of a thread that is out: its id on the other side, and its address."""

    id: str
    url: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Publication:
    """One item or edition on one channel: what is planned, approved, sent and kept."""

    #: "<item or edition id>:<channel>:<revision>".
    key: str
    #: Id of the item or edition.
    subject: str
    #: "item" or "edition".
    kind: str
    channel: str
    revision: int = 1
    lang: str
    title: str
    state: State = State.DRAFT
    #: The time an approval binds (UTC); None: as soon as it is approved.
    when: datetime | None = None
    #: Whether `when` is a slot of its channel that was given to it, and not the author's own time.
    slotted: bool = False
    #: The instant it is really due: `when`, or the approval's; later where quiet hours or a gap moved it.
    due_at: datetime | None = None
    #: How late it may go out, in seconds, before it is missed.
    grace: int = 21_600
    #: Fingerprint of everything it is rendered from; equal means: need not be rendered again.
    source: str = ""
    #: What an approval binds, by name: digests of "content", "pictures", "time", "audience".
    bound: Mapping[str, str] = field(default_factory=dict)
    #: Whom it goes to (editions).
    audience: Audience = field(default_factory=Audience)
    #: How many people or places it goes to, as of the last planning.
    reach: int = 1
    #: Why it is held, lapsed, failed or in doubt, for the officer.
    reason: str = ""
    #: Set when it was missed and approved after all: it is then due on approval.
    late: bool = False
    attempts: int = 0
    not_before: datetime | None = None
    #: Fencing token: grows with every claim.
    token: int = 0
    #: When the last claim was made: what went out, went out after this.
    claimed_at: datetime | None = None
    remote_id: str = ""
    remote_url: str = ""
    #: Set at the first claim and fixed from then on: a repeat says the same.
    published_at: datetime | None = None
    #: Ids of the items it carries.
    items: tuple[str, ...] = ()
    #: Items whose feed entries must be out before this may go.
    after: tuple[str, ...] = ()
    #: Addresses that must answer 200 before this may go.
    live_urls: tuple[str, ...] = ()
    #: Who approved what is bound now.
    approved_by: tuple[str, ...] = ()
    #: What is out of a thread, part by part: the first part's proof first. A retry goes on behind it.
    parts: tuple[Part, ...] = ()
    #: What it is expected to cost, in millionths of a US dollar, as of its rendering.
    price: int = 0

    @property
    def content(self) -> str:
        """Digest of the rendered content; "" where it cannot be rendered."""
        return self.bound.get("content", "")

    @property
    def out(self) -> tuple[Part, ...]:
        """What of a post is out, part by part; its one proof, where parts were not kept yet."""
        return self.parts or ((Part(self.remote_id, self.remote_url),) if self.remote_id else ())


@dataclass(frozen=True, kw_only=True, slots=True)
class Content:
    """Rendered bytes as they are stored and bound: canonical JSON, and the pictures it shows."""

    #: SHA-256 (hex) of `body`.
    digest: str
    body: bytes = field(repr=False)
    #: digest -> picture.
    pictures: Mapping[str, Picture] = field(default_factory=dict, repr=False)
    #: What it is expected to cost, in millionths of a US dollar.
    price: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """What a post must keep to at the moment it is begun; all of it is looked at in the claim's own transaction."""

    #: Bucket -> rate; one is taken from each, or none from any.
    rates: Mapping[str, Rate] = field(default_factory=dict)
    #: The bucket that is empty while the network has asked us to wait; nothing is taken from it.
    closed: str = ""
    #: The most that the channel's posts since `since` may cost, in millionths of a US dollar; None: no limit.
    cap: int | None = None
    since: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """Why a post was not begun although it was due."""

    #: Seconds until its rates have room again; 0: they have.
    wait: float = 0.0
    #: What the channel's posts of this month cost so far, where this one would go above the cap; None: it fits.
    spent: int | None = None


class Recipient(NamedTuple):
    """Somebody to write to, with the intent committed. A tuple, not a dataclass: an edition makes a million."""

    #: The batch, and the fencing token that was set when the intent was committed: an outcome must find its own.
    batch: int
    token: int
    #: The subscriber's number.
    id: int
    #: How often it was tried for this person, this time included.
    attempts: int
    email: str
    name: str
    lang: str
    #: The part of the address after the @, in the form that is compared.
    domain: str
    #: When this person's mail was first deferred: the age that giving up is judged by; None: it never was.
    since: datetime | None = None


class Settled(NamedTuple):
    """What became of one recipient's mail. PENDING: nothing was tried, and the attempt does not count."""

    recipient: Recipient
    state: DeliveryState
    reason: str = ""
    #: Deferred: when to try again.
    not_before: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """Where one person of an edition stands."""

    #: "" for somebody who was erased.
    address: str
    state: DeliveryState
    reason: str = ""
    attempts: int = 0
    #: Deferred: when it is tried again.
    not_before: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Trouble:
    """How many people of one domain stand there for one reason."""

    state: DeliveryState
    domain: str
    reason: str
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """What one turn of a ledger gave."""

    people: Sequence[Recipient] = ()
    #: False: the edition is paused or cancelled.
    going: bool = True
    #: Somebody is left whom only a rate holds back; in so many seconds there is something again.
    wait: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveEntry:
    """A feed entry that is out."""

    item: str
    #: Digest of the stored entry.
    content: str
    published: datetime
    updated: datetime
    expires_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Mail:
    """One letter to one person: the channel splices `values` into the letter's holes."""

    letter: Letter
    #: Digest of the letter; encoded segments may be cached by it.
    digest: str
    address: str
    #: slot name -> value as plain text; the channel escapes it for the HTML part.
    values: Mapping[str, str]
    name: str = ""
    #: "test" marks a test mail; it is said in the subject and counted nowhere.
    test: bool = False
    #: The moment of the Date header: the edition's, so that a repeat is the same message.
    date: datetime
    #: The lists' stable name for List-Id.
    list_id: str = ""
    #: `Tokens.bounce` of this delivery, for the envelope sender; "": bounces are not told apart.
    bounce: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """How much may go through: `count` in every `seconds`, at most `burst` at once after a rest."""

    count: float
    seconds: float = 1.0
    burst: float = 1.0
    #: Counted, not flowing: `burst` in all until this instant, at which the bucket is full again.
    until: datetime | None = None


class DaySpan(NamedTuple):
    """A span of the wall clock, from `start` up to and without `end`; it may reach over midnight."""

    start: time
    end: time

    def holds(self, moment: time) -> bool:
        """Whether a wall time lies in it."""
        if self.start < self.end:
            return self.start <= moment < self.end
        return moment >= self.start or moment < self.end


@dataclass(frozen=True, kw_only=True, slots=True)
class Grant:
    """What a bucket gave, and when it has something again."""

    count: int
    #: Seconds until the next one may go; 0: at once.
    wait: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Rates:
    """The rates that an edition keeps to, each a bucket that all its workers share."""

    #: Bucket -> rate, for all mail.
    total: Mapping[str, Rate] = field(default_factory=dict)
    #: Domain -> end of the bucket's name -> rate; "*" is every domain that is not named, each with its own buckets.
    domains: Mapping[str, Mapping[str, Rate]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class FileSet:
    """Files to be written below a public folder: relative path -> bytes."""

    files: Mapping[str, bytes]


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """Proof that a message went out."""

    #: Id on the other side (post id, queue id); "" where it gives none.
    id: str = ""
    url: str = ""
    #: How many things changed outside (files written; 1 for a mail or a post).
    changed: int = 1
    detail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """What a channel is given to send."""

    #: Idempotency key: the same message has the same key at every attempt.
    key: str
    body: Mail | Post | FileSet
    #: digest -> picture, for the pictures the body names.
    pictures: Mapping[str, Picture] = field(default_factory=dict)
    #: The part of a thread before this one.
    in_reply_to: Receipt | None = None
    #: When it went out first, in UTC: equal at every attempt. What a network keeps as the time of its making.
    at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What a channel can carry, as plain data. What does not fit is refused or fitted at planning."""

    carries: Carries
    units: Units = Units.NONE
    #: In `units`; 0: no limit.
    max_length: int = 0
    #: What a link counts, where the network rewrites links; 0: as long as it is.
    link_length: int = 0
    #: Bytes of the text in UTF-8, where the network limits those as well; 0: no limit.
    max_bytes: int = 0
    pictures: int = 0
    alt_length: int = 0
    #: `max_length` of a text that stands under a picture, where it is another; 0: the same.
    pictured_length: int = 0
    #: The most bytes and the longest side, in pixels, of a picture; 0: no limit.
    picture_bytes: int = 0
    picture_side: int = 0
    #: Whether it carries threads (`Post.thread`).
    threads: bool = False
    #: Whether it has content warnings (`Post.warning`); they count into `max_length`.
    warnings: bool = False
    repeat: Repeat = Repeat.ASK


@dataclass(frozen=True, kw_only=True, slots=True)
class Occurrence:
    """One instant of a recurrence."""

    utc: datetime
    #: Wall time in the zone, naive.
    local: datetime
    #: "" | "gap: ..." | "fold: ...".
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Symptom:
    """One line of the doctor: what was looked at and what was seen."""

    what: str
    #: None: fine.
    level: Level | None = None
    said: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Ping:
    """A feed that a hub is to be told of."""

    #: The feed's address.
    topic: str
    #: Of the document as it is live.
    digest: str
    #: When it was owed first.
    since: datetime
    not_before: datetime
    #: Why nobody tells it any more; "": it is told.
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Happening:
    """One line of the log: something that happened, with its time."""

    at: datetime
    #: "approved", "lapsed", "sent", "failed", "in_doubt", "missed", "paused", "resumed", ...
    kind: str
    subject: str = ""
    channel: str = ""
    detail: str = ""
    id: int = 0
