"""What the pipeline works with: the concrete parts behind their doors, and what settings say about publishing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from dissemination.model import (
    Audience,
    Edition,
    Finding,
    Letter,
    NewsItem,
    Post,
    Posting,
    Privacy,
    Project,
    Site,
    SpamScore,
)
from dissemination.pipeline.rates import Pacing
from dissemination.pipeline.timing import Timing
from dissemination.ports import (
    Channel,
    Clock,
    Engine,
    Gate,
    Hub,
    Notifier,
    Pictures,
    Recurrences,
    Renderer,
    Shelf,
    Source,
    Store,
    Tokens,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Digest:
    """A newsletter that comes back: which items, when, to whom."""

    name: str
    #: Five cron fields, in wall time of `timezone`.
    cron: str
    timezone: str
    audience: Audience
    max_items: int = 10
    intro: Mapping[str, str] = field(default_factory=dict)
    #: Item ids that come first, and item ids that never come.
    pinned: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    skip_when_empty: bool = True
    #: Seconds.
    grace: int = 21_600
    #: Slots before it do not exist; None: from the first sight on.
    starts: datetime | None = None
    #: Items dated before it are not for this digest.
    since: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """What settings say about publishing."""

    digests: tuple[Digest, ...] = ()
    flash: Audience = field(default_factory=Audience)
    #: language -> the newsletter's name.
    newsletter: Mapping[str, str] = field(default_factory=dict)
    #: network -> the language it posts in.
    languages: Mapping[str, str] = field(default_factory=dict)
    #: Seconds after which what is due is missed.
    grace: int = 21_600
    #: Seconds a claim lasts without a sign of life.
    lease: float = 120.0
    #: Mails that may be under way, their outcome not written down: the most that one crash can leave in doubt.
    window: int = 256
    #: Tries before a post has failed.
    attempts: int = 8
    #: Seconds after which a mail that is still deferred has failed.
    give_up: float = 172_800.0
    #: Channel -> when its posts go out, and the words of its posts; a channel that is not here asks for nothing.
    timing: Mapping[str, Timing] = field(default_factory=dict)
    posting: Mapping[str, Posting] = field(default_factory=dict)
    #: Rates of mail.
    pacing: Pacing = field(default_factory=Pacing)


@dataclass(frozen=True, kw_only=True, slots=True)
class Checks:
    """The rules, as plain functions."""

    items: Callable[[Sequence[NewsItem], Project], Sequence[Finding]]
    #: A letter, the message that would carry it (b"" where the channel cannot show it), and where it comes from.
    letter: Callable[[Letter, bytes, Edition, Project], Sequence[Finding]]
    post: Callable[[Post, Project], Sequence[Finding]]
    #: Scores whole messages by the spam filter that this machine has; None: it has none.
    spam: Callable[[], Callable[[bytes], SpamScore] | None] = lambda: None


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """Everything that bootstrap brings together."""

    project: Project
    site: Site
    rules: Rules
    clock: Clock
    store: Store
    source: Source
    checks: Checks
    pictures: Pictures
    renderer: Renderer
    recurrences: Recurrences
    channels: Mapping[str, Channel]
    engine: Engine
    gate: Gate
    shelf: Shelf
    notifier: Notifier
    tokens: Tokens
    #: Who claims: different for every process.
    owner: str
    #: Digest of settings, templates and program version: what rendering depends on besides items.
    fingerprint: str
    privacy: Privacy = field(default_factory=Privacy)
    #: Is told of feeds that changed; None: settings name none.
    hub: Hub | None = None
