"""What rendering makes: pictures, addresses, letters, posts and feed entries."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote

from dissemination.model.items import EventFacts, Link, NewsItem
from dissemination.model.people import Audience
from dissemination.model.states import ItemType

_SUFFIXES = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "image/webp": "webp",
    "application/pdf": "pdf",
    "application/zip": "zip",
    "application/epub+zip": "epub",
    "application/vnd.oasis.opendocument.presentation": "odp",
    "application/vnd.oasis.opendocument.spreadsheet": "ods",
    "application/vnd.oasis.opendocument.text": "odt",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "text/calendar": "ics",
    "text/csv": "csv",
    "text/plain": "txt",
    "video/mp4": "mp4",
    "video/webm": "webm",
}
#: What a file beside an item may be, by its suffix. No HTML and no SVG: they would run on our own host.
ATTACHED = {suffix: media_type for media_type, suffix in _SUFFIXES.items()} | {"jpeg": "image/jpeg"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """A picture re-encoded without metadata; same input, same bytes. Or an attached file as it is, of width 0."""

    #: SHA-256 (hex) of `body`.
    digest: str
    media_type: str
    width: int
    height: int
    body: bytes = field(repr=False)

    @property
    def name(self) -> str:
        """File name under media/: "<digest>.jpg"."""
        return f"{self.digest}.{_SUFFIXES[self.media_type]}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """Every public address, made from `public_url` alone and fixed from the first day on."""

    public_url: str

    def page(self, item: NewsItem) -> str:
        """The item's own page."""
        return f"{self.public_url}/{self.page_path(item)}"

    def page_path(self, item: NewsItem) -> str:
        """The page's folder, relative to the public root, with a slash at the end."""
        return f"{item.lang}/news/{item.slug}/"

    def media(self, picture: Picture) -> str:
        """Where a re-encoded picture is fetched from."""
        return f"{self.public_url}/media/{picture.name}"

    def feed(self, lang: str, category: str, name: str) -> str:
        """A feed document: name is "rss.xml", "atom.xml", "feed.json" or "" (the HTML twin)."""
        return self.address(self.feed_path(lang, category, name))

    def address(self, path: str) -> str:
        """The address of a path below the public root, percent-encoded."""
        return f"{self.public_url}/{quote(path)}"

    def feed_path(self, lang: str, category: str, name: str) -> str:
        """The same, relative to the public root."""
        return f"{lang}/{category.lower().replace(' ', '-')}/{name}"

    def edition(self, id_: str, lang: str) -> str:
        """An edition to look at in a browser."""
        return f"{self.public_url}/{self.edition_path(id_, lang)}"

    def edition_path(self, id_: str, lang: str = "") -> str:
        """The same, relative to the public root; without a language the folder of all of them."""
        return f"e/{_folder(id_)}/{lang}/" if lang else f"e/{_folder(id_)}/"

    def unsubscribe(self, token: str) -> str:
        """One-click address (RFC 8058)."""
        return f"{self.public_url}/u/{token}"

    def preferences(self, token: str) -> str:
        """Where a subscriber sees and changes what is kept."""
        return f"{self.public_url}/p/{token}"

    def confirm(self, token: str) -> str:
        """Where somebody who signed up says yes."""
        return f"{self.public_url}/c/{token}"

    def signup(self) -> str:
        """The form."""
        return f"{self.public_url}/signup/"


def _folder(id_: str) -> str:
    """An edition's id as one folder's name: authors may write slashes, dots and colons into an item's id."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", id_)
    return plain if plain == id_ else f"{plain}-{hashlib.sha256(id_.encode()).hexdigest()[:8]}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Slot:
    """A hole in a rendered text, filled per person: "name", "email", "unsubscribe_url", "preferences_url"."""

    name: str


#: Rendered text with holes. Literal text is ready for its context (HTML or plain).
Segments = tuple[str | Slot, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Edition:
    """A newsletter before it is rendered: a digest (many items) or a flash (one)."""

    #: "weekly-2026-W48" for a digest, "flash-<item id>" for a flash.
    id: str
    #: "digest" or "flash".
    kind: str
    #: The digest's name in settings ("weekly"); empty for a flash.
    schedule: str
    #: Slot time in UTC; None: as soon as it is approved.
    at: datetime | None
    #: Translation groups in reading order: for each, its language versions by language.
    groups: tuple[Mapping[str, NewsItem], ...]
    #: The languages it is rendered in.
    languages: tuple[str, ...]
    audience: Audience
    #: language -> words at the top.
    intro: Mapping[str, str] = field(default_factory=dict)
    #: language -> the newsletter's name, for the masthead.
    name: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """A newsletter rendered in one language, with named holes where a person's data goes."""

    lang: str
    subject: str
    preheader: str
    html: Segments
    text: Segments
    #: Digests of the pictures it shows.
    pictures: tuple[str, ...] = ()
    #: What its page in the web shows between masthead and funding, as HTML without anything personal; "": no page.
    page: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class PostPicture:
    """A picture of a post with its alternative text ("" only if decorative)."""

    digest: str
    alt: str
    decorative: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Mention:
    """Somebody named in a post."""

    #: As it stands in the text: "@oirbi.example", or a plain name where the network links names ("OIRBI").
    text: str
    #: Whom it means, in the network's own terms: a handle, a DID, "urn:li:organization:123".
    target: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Post:
    """What one network would carry, fitted by its own counting."""

    network: str
    lang: str
    text: str
    #: Counted in the network's units, with the warning where there is one, and what the network allows.
    length: int
    limit: int
    link: str = ""
    title: str = ""
    summary: str = ""
    pictures: tuple[PostPicture, ...] = ()
    #: Further parts of a thread, each already fitted.
    thread: tuple[str, ...] = ()
    #: How long each of them is, counted like `length`.
    lengths: tuple[int, ...] = ()
    #: Content warning; "": none.
    warning: str = ""
    #: Who is named in it, in any part.
    mentions: tuple[Mention, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryPicture:
    """The lead picture of a feed entry."""

    url: str
    media_type: str
    size: int
    width: int
    height: int
    alt: str = ""
    credit: str = ""
    caption: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Enclosure:
    """A file that comes with a feed entry."""

    url: str
    media_type: str
    #: In bytes.
    size: int
    #: Its name beside the item.
    title: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One item as feeds and pages carry it: absolute addresses only. `published` and `updated` are the feed's."""

    #: tag: URI, equal in all formats and for ever.
    id: str
    item_id: str
    lang: str
    title: str
    summary: str
    html: str
    url: str
    #: The page's folder below the public root.
    path: str
    byline: str
    categories: tuple[str, ...] = ()
    topic: str = ""
    tags: tuple[str, ...] = ()
    #: What the item says; the feed never shows a date in the future.
    date: datetime | None = None
    expires_at: datetime | None = None
    correction: str = ""
    #: When it was corrected, as the item says; None: when the edit went out.
    corrected: datetime | None = None
    #: Taken back: the entry is a notice under the item's id, and its page says so.
    withdrawn: bool = False
    picture: EntryPicture | None = None
    #: Files that come with it; their digests are among `pictures`.
    attachments: tuple[Enclosure, ...] = ()
    #: language -> address of the other language versions.
    translations: Mapping[str, str] = field(default_factory=dict)
    #: Digests of all pictures the entry shows, and of its attached files.
    pictures: tuple[str, ...] = ()
    kind: ItemType = ItemType.NEWS
    event: EventFacts | None = None
    links: tuple[Link, ...] = ()
    #: A word on the funding of what it tells of.
    note: str = ""
    #: Where its page lay before: who follows an old link must not read what was edited or withdrawn since.
    former: tuple[str, ...] = ()
    #: Set when it first goes out, and moved by real edits only.
    published: datetime | None = None
    updated: datetime | None = None
