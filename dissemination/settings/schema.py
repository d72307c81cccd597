"""What may stand in settings.yaml. The docstrings of fields go to `disseminate schema` and docs/settings.md."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, field_validator

from dissemination.model import COMMON_MAIL_PROGRAMS, Funding, MailProgram, Partner, Project, Topic
from dissemination.settings.kinds import (
    Cron,
    Day,
    Domain,
    Inside,
    Instant,
    Language,
    MailAddress,
    Name,
    Public,
    Text,
    Web,
    WebOrNone,
    Words,
    Zone,
)
from dissemination.settings.people import AudienceSection, PrivacySection
from dissemination.settings.posting import PostingSection
from dissemination.settings.web import WebSection

#: Channel name -> the entry point that serves it; every other channel writes to the outbox.
_USE = {"email": "email", "feed": "feed"}


Switch = Literal["auto", "manual", "off", "digest", "flash", "none"]


class _Section(BaseModel):
    """A mapping of known keys; another key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class ProjectSection(_Section):
    """The project itself."""

    acronym: Text
    """Short name of the project, as it stands in texts."""
    name: Text
    """Full name of the project."""
    index: str = ""
    """Number of the project in its programme; put it in quotes."""
    programme: str = ""
    """Name of the funding programme."""
    topic: Topic = Topic.SOCIAL
    """The programme's thematic area; the default for items that name none."""
    start: Day | None = None
    """First day of the project, YYYY-MM-DD."""
    end: Day | None = None
    """Last day of the project, YYYY-MM-DD; no reshare goes beyond it."""
    timezone: Zone
    """IANA time zone of every time without an offset, such as Europe/Bucharest."""
    languages: list[Language] = Field(min_length=1)
    """Languages that items may have, as BCP 47 codes."""
    default_lang: Language = ""
    """Language of items that name none; the first of `languages` where left out."""
    byline: str = ""
    """Who speaks: an organisation, not a person; "Project <acronym>" where left out."""
    public_url: Public
    """Where the public files are served, https (http for this machine alone); all absolute addresses start so."""
    imprint: Words = Field(default_factory=dict)
    """Language -> postal address and who is responsible, for letters and pages."""
    glossary: list[Text] = Field(default_factory=list)
    """Words whose capitals are kept when a title in capitals is put into sentence case."""
    quorum: int = Field(default=1, ge=1, le=20)
    """How many different people must approve before anything goes out."""


class VisualSection(_Section):
    """The funder's visual."""

    src: Inside = ""
    """The picture's file, relative to settings.yaml."""
    alt: Words = Field(default_factory=dict)
    """Language -> alternative text of the visual."""


class FundingSection(_Section):
    """How the public funder is named; each language needs its own words, none is borrowed from another."""

    visual: VisualSection = VisualSection()
    """The funder's visual, which you supply."""
    statement: Words = Field(default_factory=dict)
    """Language -> the funding statement, spelled out next to the visual."""
    disclaimer: Words = Field(default_factory=dict)
    """Language -> who is responsible for the views expressed."""


class PartnerSection(_Section):
    """One organisation of the partnership."""

    key: Name
    """Short name that items use in `partner`, `partners` and `mentions`, and in texts as `@{key}`."""
    name: Text
    """Official name."""
    short: str = ""
    """Abbreviation."""
    name_in: Words = Field(default_factory=dict)
    """Language -> name in that language."""
    country: str = Field(default="", pattern=r"^([A-Z]{2})?$")
    """Country as two capital letters (ISO 3166-1)."""
    region: str = ""
    """Region that the partner works in."""
    role: Literal["lead", "partner", "advisory"] = "partner"
    """Its role; one partner leads."""
    url: Web | None = None
    """Its web site."""
    languages: list[Language] = Field(default_factory=list)
    """Languages it works in."""
    handles: dict[Name, Text] = Field(default_factory=dict)
    """Network -> handle that posts mention; for LinkedIn the URN, then the page's name if it is another."""


class TaxonomySection(_Section):
    """Categories, tags and hashtags: the words that items are sorted by."""

    category: Text = "Social"
    """The news category that goes out."""
    categories: dict[Text, list[Text]] = {"Social": ["A more social Europe"]}
    """Category -> other spellings of it that items may use."""
    default_categories: list[Text] = ["Social"]
    """Categories of items that name none."""
    tags: list[Text] = Field(default_factory=list)
    """Known tags, in the spelling to keep."""
    free_tags: bool = True
    """Whether items may use other tags than the known ones without a warning."""
    ignore_tags: list[Text] = ["post", "posts", "news"]
    """Tags that are plumbing of other systems and mean nothing here."""
    hashtags: list[Text] = Field(default_factory=list)
    """Hashtags of the project, with or without #."""


class NewsSection(_Section):
    """The folder of news."""

    folder: Inside = "news"
    """The folder with the items, relative to settings.yaml."""
    dialect: Literal["auto", "ours", "hugo", "jekyll", "eleventy", "nikola", "pelican", "decap"] = "auto"
    """Whose front matter the items have; auto sees by container and file name."""
    unknown: Literal["warn", "error", "ignore"] = "warn"
    """What an unknown front-matter key is."""
    channels: dict[Name, Switch] = {"feed": "auto", "newsletter": "digest"}
    """Channel -> what items do that say nothing: auto, manual or off; for newsletter digest, flash or none."""


class DigestSection(AudienceSection):
    """One recurring newsletter."""

    cron: Cron
    """When, in wall time: minute, hour, day of the month, month, weekday (by name)."""
    timezone: Zone = ""
    """IANA time zone of `cron` and `starts`; the project's where left out."""
    lists: list[Name] = Field(min_length=1)
    """Mailing lists it goes to."""
    max_items: int = Field(default=10, ge=1, le=100)
    """The most items of one edition; the rest waits for the next."""
    intro: Words = Field(default_factory=dict)
    """Language -> words at the top."""
    pinned: list[Text] = Field(default_factory=list)
    """Ids of items that stand first."""
    excluded: list[Text] = Field(default_factory=list)
    """Ids of items that never go into it."""
    skip_when_empty: bool = True
    """Whether an edition without items is left out."""
    grace_minutes: int = Field(default=360, ge=1, le=10_080)
    """How late it may go out before it is missed and asks."""
    starts: Instant | None = None
    """Slots before this time do not exist; local time where it has no offset."""
    since: Day | None = None
    """Items dated before this day are not for this digest."""

    def placed(self, zone: str) -> Self:
        """The same with its time zone filled in, and `starts` in UTC."""
        name = self.timezone or zone
        starts = self.starts
        if starts is not None:
            starts = (starts if starts.tzinfo else starts.replace(tzinfo=ZoneInfo(name))).astimezone(UTC)
        return self.model_copy(update={"timezone": name, "starts": starts})


class AllowanceSection(_Section):
    """How many mails may go out; no limit where left out."""

    per_second: float | None = Field(default=None, gt=0, le=10_000)
    """The most in a second."""
    per_hour: int | None = Field(default=None, ge=1)
    """The most in any hour, spread evenly."""
    per_day: int | None = Field(default=None, ge=1)
    """The most of a day, from midnight to midnight."""


class WarmUpSection(_Section):
    """The first days of a new sender, whom receivers do not know yet."""

    starts: Day | None = None
    """The first day, YYYY-MM-DD; no warm-up where left out."""
    days: list[Annotated[int, Field(ge=1)]] = Field(default_factory=list, max_length=366)
    """The most mails of the first day, of the second, and so on; no limit afterwards."""


class RatesSection(AllowanceSection):
    """What all workers together keep to when they send letters."""

    domains: dict[Domain, AllowanceSection] = Field(default_factory=dict)
    """Recipient domain -> the same for its mails; "*" is every domain that is not named, each for itself."""
    warm_up: WarmUpSection = WarmUpSection()
    """Limits of the first days."""


class NewsletterSection(_Section):
    """The newsletter: its name, its mailing lists and its editions."""

    name: Words = Field(default_factory=dict)
    """Language -> name of the newsletter, for the masthead."""
    lists: dict[Name, Words] = Field(default_factory=dict)
    """Mailing list -> language -> what it is called."""
    digests: dict[Name, DigestSection] = Field(default_factory=dict)
    """Recurring editions by name; the name becomes part of the edition's id."""
    flash: AudienceSection = AudienceSection()
    """Editions of one item."""
    view_in_browser: bool = True
    """Whether each edition has a page in the web, without anything personal, that its letters link to."""
    rates: RatesSection = RatesSection()
    """How fast letters go out."""
    mail_programs: list[MailProgram] = Field(default_factory=lambda: list(COMMON_MAIL_PROGRAMS))
    """What your readers have; letters are checked for what these do not know. The first eight where left out."""


class ChannelSettings(BaseModel):
    """One way out. Further keys belong to the channel, which checks them itself (docs/channels/)."""

    model_config = ConfigDict(extra="allow", frozen=True, use_attribute_docstrings=True)

    use: Name = ""
    """Entry point that serves it; email and feed serve their namesakes, outbox everything else where left out."""
    languages: list[Language] = Field(default_factory=list)
    """Languages that go out here; all where left out."""
    posting: PostingSection = PostingSection()
    """When a network's posts go out, and what stands in them besides the item's words."""

    @property
    def options(self) -> dict[str, Any]:
        """The channel's own keys, as plain data."""
        return dict(self.model_extra or {})


class PublishingSection(_Section):
    """The rhythm of publishing."""

    tick_seconds: int = Field(default=5, ge=1, le=300)
    """How often the scheduler looks what is due."""
    grace_minutes: int = Field(default=360, ge=1, le=10_080)
    """How late an item may go out before it is missed and asks."""
    lease_seconds: int = Field(default=120, ge=10, le=3_600)
    """How long a claimed batch stays with its worker without a sign of life."""
    window: int = Field(default=256, ge=1, le=2_000)
    """How many letters may be in flight at once; a crash leaves at most these in doubt."""
    attempts: int = Field(default=8, ge=1, le=50)
    """How often a post is tried before it has failed."""
    give_up_hours: int = Field(default=48, ge=1, le=720)
    """How long a letter is tried that a server defers, before it has failed."""


class NotifySection(_Section):
    """Who is told of what failed, was missed or is in doubt."""

    mail: list[MailAddress] = Field(default_factory=list)
    """Mail addresses."""
    webhooks: list[Web] = Field(default_factory=list)
    """Web addresses that take a POST with JSON; one that holds a secret does not belong here."""
    allow_private: bool = False
    """Whether webhooks may lead to machines inside; an address that names this machine always may."""


class ImapSection(_Section):
    """A mailbox for bounces; its password is the secret DISSEMINATION_IMAP_PASSWORD."""

    host: str = ""
    """Name of the IMAP server; no mailbox is read where left out."""
    port: int = Field(default=993, ge=1, le=65_535)
    """Its port."""
    tls: Literal["implicit", "starttls", "none"] = "implicit"
    """How the connection is encrypted; none only on this machine."""
    ca_file: str = ""
    """Certificates to trust in place of the system's; relative to settings.yaml."""
    username: str = ""
    """Login name."""
    folder: Text = "INBOX"
    """Folder that is read."""
    done_folder: str = ""
    """Folder that read mail is moved to; it is deleted where left out."""


class BouncesSection(_Section):
    """What comes back: bounces, complaints, and requests to unsubscribe by mail."""

    maildir: str = ""
    """Maildir that the mail server delivers them into; relative to settings.yaml, or absolute."""
    keep: bool = False
    """Whether mail read from the maildir is moved to its folder .done instead of being deleted."""
    imap: ImapSection = ImapSection()
    """IMAP mailbox that they arrive in."""
    every_minutes: int = Field(default=5, ge=1, le=1_440)
    """How often a running scheduler reads them."""
    soft_limit: int = Field(default=5, ge=3, le=100)
    """So many editions in a row must bounce softly before a person is taken off."""
    soft_days: int = Field(default=14, ge=1, le=365)
    """And over at least so many days."""
    keep_days: int = Field(default=30, ge=1, le=365)
    """Days that mail which nobody understood is kept."""


class WebSubSection(_Section):
    """Push for feed readers (WebSub)."""

    hub: WebOrNone = ""
    """Hub that feeds name, and that is told of news; none where left out."""
    allow_private: bool = False
    """Whether the hub may be a machine inside; an address that names this machine always may."""


class StoreSection(_Section):
    """Where the state lies. A PostgreSQL address comes from the secret DISSEMINATION_DATABASE_URL."""

    path: Inside = "var/dissemination.db"
    """SQLite file, relative to settings.yaml."""


class Settings(BaseModel):
    """All of settings.yaml, checked. Made by `load`; frozen."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, title="Dissemination settings"
    )

    about: ProjectSection = Field(alias="project")
    """The project itself."""
    funding: FundingSection = FundingSection()
    """How the public funder is named."""
    partners: list[PartnerSection] = Field(default_factory=list, max_length=200)
    """The partnership."""
    taxonomy: TaxonomySection = TaxonomySection()
    """Categories, tags and hashtags."""
    news: NewsSection = NewsSection()
    """The folder of news."""
    newsletter: NewsletterSection = NewsletterSection()
    """The newsletter and its editions."""
    channels: dict[Name, ChannelSettings] = Field(default_factory=dict)
    """The ways out, by name."""
    publishing: PublishingSection = PublishingSection()
    """The rhythm of publishing."""
    notify: NotifySection = NotifySection()
    """Who is told of trouble."""
    privacy: PrivacySection = PrivacySection()
    """What is said about personal data, and how long they are kept."""
    bounces: BouncesSection = BouncesSection()
    """What comes back by mail."""
    web: WebSection = WebSection()
    """The server of the public pages."""
    websub: WebSubSection = WebSubSection()
    """Push for feed readers."""
    store: StoreSection = StoreSection()
    """Where the state lies."""

    _lines: Mapping[tuple[str | int, ...], int] = PrivateAttr(default_factory=dict)

    @field_validator("channels", mode="before")
    @classmethod
    def _default_use(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        # `feed:` with nothing below it is a channel without further wishes.
        return {
            name: {"use": _USE.get(name, "outbox"), **(section or {})}
            if isinstance(section, dict | None)
            else section
            for name, section in value.items()
        }

    def read_from(self, lines: Mapping[tuple[str | int, ...], int]) -> Self:
        """The same, knowing the line of every key."""
        self._lines = lines
        return self

    def lines_below(self, *where: str) -> Mapping[tuple[str | int, ...], int]:
        """The lines of what stands below there, by its place below it; (): of its own key."""
        depth = len(where)
        return {place[depth:]: line for place, line in self._lines.items() if place[:depth] == where}

    def placed(self) -> Self:
        """The same with every digest in its time zone."""
        digests = {name: digest.placed(self.about.timezone) for name, digest in self.newsletter.digests.items()}
        return self.model_copy(update={"newsletter": self.newsletter.model_copy(update={"digests": digests})})

    def project(self, root: Path) -> Project:
        """The facts that rendering and checks need; `root` is the folder of settings.yaml, made absolute."""
        about, words, news = self.about, self.taxonomy, self.news
        return Project(
            **about.model_dump(
                include={"acronym", "name", "public_url", "timezone", "index", "programme", "topic"}
            ),
            **about.model_dump(include={"start", "end", "imprint", "quorum"}),
            **words.model_dump(include={"category", "free_tags"}),
            **news.model_dump(include={"dialect", "unknown"}),
            root=root.absolute(),
            languages=tuple(about.languages),
            default_lang=about.default_lang or about.languages[0],
            byline=about.byline or f"Project {about.acronym}",
            funding=_funding(self.funding, root.absolute()),
            glossary=tuple(about.glossary),
            partners={partner.key: _partner(partner) for partner in self.partners},
            lead=next((partner.key for partner in self.partners if partner.role == "lead"), ""),
            categories={name: tuple(aliases) for name, aliases in words.categories.items()},
            default_categories=tuple(words.default_categories),
            tags=tuple(words.tags),
            ignore_tags=tuple(words.ignore_tags),
            hashtags=tuple(tag.removeprefix("#") for tag in words.hashtags),
            lists=self.newsletter.lists,
            mail_programs=tuple(self.newsletter.mail_programs),
            hub=self.websub.hub,
            edition_pages=self.newsletter.view_in_browser,
            default_channels=news.channels,
        )


def _funding(section: FundingSection, root: Path) -> Funding:
    return Funding(
        visual=root / section.visual.src if section.visual.src else None,
        visual_alt=section.visual.alt,
        statement=section.statement,
        disclaimer=section.disclaimer,
    )


def _partner(section: PartnerSection) -> Partner:
    plain = section.model_dump(exclude={"languages", "url"})
    return Partner(**plain, languages=tuple(section.languages), url=section.url or "")
