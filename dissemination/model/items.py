"""Findings, the project, and the news item as it was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from dissemination.model.states import COMMON_MAIL_PROGRAMS, ItemStatus, ItemType, Level, MailProgram, Topic


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One problem of one file, with what to do about it."""

    #: Short stable name of the rule, kebab-case: "title-capitals".
    rule: str
    level: Level
    #: Path as the user knows it, relative to the project folder where it lies inside.
    path: str
    #: What is wrong, one sentence without a full stop.
    message: str
    #: What to write instead; empty where nothing better than the message can be said.
    fix: str = ""
    #: Canonical name of the field; empty: the whole file.
    field: str = ""
    #: 1-based; 0: unknown or the whole file.
    line: int = 0
    #: The offending text as it stood there, shortened to 120 characters.
    seen: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SpamRule:
    """One reason of a spam filter."""

    name: str
    #: What it adds to the score; below 0 it speaks for the message.
    points: float
    what: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SpamScore:
    """What a spam filter thinks of a message."""

    #: "SpamAssassin" or "rspamd".
    program: str
    score: float
    #: From here on it would be taken for spam.
    threshold: float
    #: The heaviest first.
    rules: tuple[SpamRule, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Partner:
    """One organisation of the partnership."""

    key: str
    name: str
    short: str = ""
    name_in: Mapping[str, str] = field(default_factory=dict)
    country: str = ""
    region: str = ""
    role: str = "partner"
    url: str = ""
    languages: tuple[str, ...] = ()
    #: network -> handle; for LinkedIn the URN. A second word on says more: the page's exact name, Bluesky's DID.
    handles: Mapping[str, str] = field(default_factory=dict)

    def called(self, lang: str) -> str:
        """Its name in a language, or else its official one."""
        return self.name_in.get(lang) or self.name


@dataclass(frozen=True, kw_only=True, slots=True)
class Funding:
    """The visual and the words by which a public funder is named; all are duties, none has a fallback."""

    #: The picture that the user supplies; None: not set (an error at planning).
    visual: Path | None
    #: language -> alternative text of the visual.
    visual_alt: Mapping[str, str]
    #: language -> "Co-funded by the European Union".
    statement: Mapping[str, str]
    #: language -> who is responsible for the views expressed.
    disclaimer: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """What settings say about the project itself: facts for rendering and for checks."""

    acronym: str
    name: str
    #: Absolute folder that holds settings.yaml.
    root: Path
    #: "https://news.example.eu", no slash at the end. Every absolute address comes from here.
    public_url: str
    timezone: str
    languages: tuple[str, ...]
    default_lang: str
    byline: str
    funding: Funding
    index: str = ""
    programme: str = ""
    topic: Topic = Topic.SOCIAL
    start: date | None = None
    end: date | None = None
    #: language -> postal address and who is responsible (imprint).
    imprint: Mapping[str, str] = field(default_factory=dict)
    partners: Mapping[str, Partner] = field(default_factory=dict)
    lead: str = ""
    #: canonical category -> other spellings of it; "Social" -> ("social", "A more social Europe").
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    default_categories: tuple[str, ...] = ("Social",)
    #: The news category that goes out.
    category: str = "Social"
    tags: tuple[str, ...] = ()
    free_tags: bool = True
    ignore_tags: tuple[str, ...] = ("post", "posts", "news")
    hashtags: tuple[str, ...] = ()
    #: Words whose capitals are kept when a title in capitals is put into sentence case.
    glossary: tuple[str, ...] = ()
    #: list name -> what it is called, per language.
    lists: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    #: Address of the WebSub hub that feeds name; "": none.
    hub: str = ""
    #: What readers have; letters are checked against them.
    mail_programs: tuple[MailProgram, ...] = COMMON_MAIL_PROGRAMS
    #: Whether each edition has a page in the web, and its letters a link to it.
    edition_pages: bool = True
    #: "auto", "ours", "hugo", "jekyll", "eleventy", "nikola", "pelican" or "decap".
    dialect: str = "auto"
    #: What an unknown front-matter key is: "warn", "error" or "ignore".
    unknown: str = "warn"
    #: How many different people must approve.
    quorum: int = 1
    #: mail | feed | network name -> default of `channels.<name>` for items that say nothing.
    default_channels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """A picture of an item, as the author described it."""

    #: As written: a path relative to the item's file.
    src: str
    #: The file itself, absolute; None where it is missing or was refused.
    file: Path | None
    alt: str = ""
    caption: str = ""
    credit: str = ""
    license: str = ""
    #: "", "none", "crowd" or "identifiable".
    people: str = ""
    basis: str = ""
    consent_ref: str = ""
    rights: str = ""
    decorative: bool = False
    line: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class EventFacts:
    """When and where, for items of type event."""

    start: datetime | None = None
    end: datetime | None = None
    tz: str = ""
    place: str = ""
    address: str = ""
    online_url: str = ""
    register_url: str = ""
    deadline: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PostOverride:
    """What the front matter says for one network (`posts.<network>`)."""

    text: str = ""
    link: str = ""
    #: In place of the lead picture, with its own words.
    image: str = ""
    alt: str = ""
    #: Further pictures, by their paths.
    images: tuple[str, ...] = ()
    at: datetime | None = None
    lang: str = ""
    reply_chain: tuple[str, ...] = ()
    #: Split what is too long into a thread, at the ends of sentences.
    split: bool = False
    #: Content warning, where the network has any.
    warning: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reshare:
    """How an item is posted again, each time in other words."""

    #: Days from one post to the next.
    every: int
    #: How often, after the first post.
    times: int
    #: The last day, in the project's time zone; None: no end of its own.
    until: date | None = None
    #: The words of each time, in order.
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Posting:
    """What settings say about the words of one channel's posts (`channels.<name>.posting`)."""

    #: "source", "medium", "campaign" -> what the link's utm_source, utm_medium and utm_campaign say. The same for
    #: every reader; empty: the link stays as it is.
    utm: Mapping[str, str] = field(default_factory=dict)
    #: Whether the short funding statement stands in each post.
    funding: bool = False
    #: Whether hashtags stand below the text.
    hashtags: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """A link listed in the front matter."""

    url: str
    text: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class NewsItem:
    """One news item in one language, read and resolved. Times are aware and in UTC.

    `id` is what the front matter says, or else provisional (the bundle's path); the store's minted id replaces
    it by `dataclasses.replace` at planning and never changes afterwards.
    """

    id: str
    #: Partners that the author names by key stand in it, and in all other texts but `posts`, by their plain names.
    title: str
    lang: str
    #: Path of the file relative to the project folder, with forward slashes.
    path: str
    #: Absolute folder that relative picture addresses start from.
    folder: Path
    slug: str
    #: Equal for all translations of one item.
    translation_key: str
    #: Sanitised HTML of the body, at most 200 levels deep; picture addresses are still as written.
    html: str
    #: The body as written.
    markdown: str
    #: SHA-256 (hex) of the file's bytes: changes with every edit.
    digest: str
    #: True where the front matter names the id itself.
    explicit_id: bool = False
    #: True for the language version the others were made from.
    source_version: bool = True
    dialect: str = "ours"
    type: ItemType = ItemType.NEWS
    status: ItemStatus = ItemStatus.DRAFT
    date: datetime | None = None
    publish_at: datetime | None = None
    embargo_until: datetime | None = None
    expires_at: datetime | None = None
    updated: datetime | None = None
    correction: str = ""
    #: Plain text; the fallback (text before <!--more-->, else first paragraph) is already applied.
    summary: str = ""
    #: False where the summary was taken from the body.
    summary_given: bool = True
    subject: str = ""
    preheader: str = ""
    byline: str = ""
    authors: tuple[str, ...] = ()
    partner: str = ""
    partners: tuple[str, ...] = ()
    mentions: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    topic: Topic = Topic.SOCIAL
    tags: tuple[str, ...] = ()
    hashtags: tuple[str, ...] = ()
    image: Image | None = None
    #: Further pictures: those listed, and those the body shows.
    images: tuple[Image, ...] = ()
    attachments: tuple[str, ...] = ()
    canonical_url: str = ""
    require_live: bool = False
    source_url: str = ""
    links: tuple[Link, ...] = ()
    #: channel -> "auto" | "manual" | "off"; for newsletter "digest" | "flash" | "none"; defaults already applied.
    channels: Mapping[str, str] = field(default_factory=dict)
    posts: Mapping[str, PostOverride] = field(default_factory=dict)
    reshare: Reshare | None = None
    event: EventFacts | None = None
    lists: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    reviewed_by: str = ""
    translation_kind: str = "source"
    funding_note: str = ""
    pinned: bool = False
    #: "title", "summary" -> as it was written, where it names a partner by `@{key}`: posts make a handle of that.
    raw: Mapping[str, str] = field(default_factory=dict)
    #: canonical field -> 1-based line in the file.
    lines: Mapping[str, int] = field(default_factory=dict)
    #: Unknown keys and `x-*`, as text.
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Gathered:
    """What one reading of the sources gave: good items, and findings on those that are refused."""

    items: tuple[NewsItem, ...]
    findings: tuple[Finding, ...] = ()
    #: Paths of files that were refused; what was approved from them must wait.
    refused: frozenset[str] = frozenset()
