"""What feedgen 1.0.0 does not write, or writes wrongly, as one extension of it (docs/decisions/0006-feedgen.md)."""

from __future__ import annotations

from datetime import datetime
from email.utils import format_datetime
from html import escape
from typing import Any

from lxml import etree

from dissemination.model import Entry, EntryPicture

_ATOM = "http://www.w3.org/2005/Atom"
_DC = "http://purl.org/dc/elements/1.1/"
_MEDIA = "http://search.yahoo.com/mrss/"
_HISTORY = "http://purl.org/syndication/history/1.0"
_LINK_ATTRIBUTES = ("rel", "type", "hreflang", "title", "length")


class UnsaidTime(datetime):
    """A time that feedgen takes for set and does not write.

    It would write "now" otherwise, and it switches the locale of the whole process for every RFC 2822 date.
    """

    def __bool__(self) -> bool:
        return False


class FeedPlus:
    """The feed's part: RSS gets its lastBuildDate and links, both get what RFC 5005 wants of an archive."""

    def __init__(self) -> None:
        #: None: nothing was ever said in this feed.
        self.built: datetime | None = None
        #: language -> address of the sister feed.
        self.sisters: dict[str, str] = {}
        #: (relation, address): hub, current, prev-archive, next-archive. feedgen takes such relations in Atom only.
        self.links: list[tuple[str, str]] = []
        self.archive = False

    def extend_ns(self) -> dict[str, str]:
        """Prefixes declared at the root."""
        return {"dc": _DC, "media": _MEDIA} | ({"fh": _HISTORY} if self.archive else {})

    def extend_rss(self, root: Any) -> Any:
        """Called before the items are appended."""
        if self.built is not None:
            _add(root[0], "lastBuildDate", rfc2822(self.built))
        for lang, url in self.sisters.items():
            facts = {"rel": "alternate", "type": "application/rss+xml", "hreflang": lang, "href": url}
            _add(root[0], f"{{{_ATOM}}}link", **facts)
        self._place(root[0], f"{{{_ATOM}}}link")
        return root

    def extend_atom(self, root: Any) -> Any:
        """Elements of Atom have no namespace in feedgen's tree."""
        self._place(root, "link")
        return root

    def _place(self, parent: Any, tag: str) -> None:
        for relation, url in self.links:
            _add(parent, tag, rel=relation, href=url)
        if self.archive:
            _add(parent, f"{{{_HISTORY}}}archive")


class EntryPlus:
    """The entry's part: dates and author in RSS, repaired links in Atom, the picture in both."""

    def __init__(self) -> None:
        self.entry: Entry | None = None
        #: The links as they were given to feedgen, which loses their attributes (python-feedgen #135).
        self.links: list[dict[str, str]] = []

    def extend_rss(self, item: Any) -> Any:
        """Names are no e-mail addresses, so the author is dc:creator; RSS itself knows no time of editing."""
        entry = self.entry
        if entry is None:
            return item
        _add(item, f"{{{_DC}}}creator", entry.byline)
        if entry.published is not None and entry.updated is not None:
            _add(item, "pubDate", rfc2822(entry.published))
            _add(item, f"{{{_ATOM}}}updated", entry.updated.isoformat())
        if entry.attachments:
            # One alone: of several, readers take any (DuplicateEnclosure). Atom and JSON Feed have them all.
            first = entry.attachments[0]
            _add(item, "enclosure", url=first.url, length=str(first.size), type=first.media_type)
        return _add_picture(item, entry.picture)

    def extend_atom(self, element: Any) -> Any:
        """Elements of Atom have no namespace in feedgen's tree."""
        for link, facts in zip(element.findall("link"), self.links, strict=True):
            for name in _LINK_ATTRIBUTES:
                if facts.get(name):
                    link.set(name, facts[name])
        return _add_picture(element, self.entry.picture if self.entry else None)


def rfc2822(when: datetime) -> str:
    """The date as RSS writes it, without touching the locale."""
    return format_datetime(when)


def _add(parent: Any, tag: str, text: str | None = None, **attributes: str) -> Any:
    child = etree.SubElement(parent, tag, attributes)
    child.text = text
    return child


def _add_picture(element: Any, picture: EntryPicture | None) -> Any:
    """media:content and media:thumbnail directly below, for a media:group of one is invalid."""
    if picture is None:
        return element
    size = {"width": str(picture.width), "height": str(picture.height)}
    facts = {"url": picture.url, "type": picture.media_type, "medium": "image", "fileSize": str(picture.size)}
    content = _add(element, f"{{{_MEDIA}}}content", **facts, **size)
    if picture.caption:
        _add(content, f"{{{_MEDIA}}}title", picture.caption, type="plain")
    if picture.alt:
        # As HTML: feedparser 6 takes a plain one for the entry's own text, and rss2email then mails nothing else.
        _add(content, f"{{{_MEDIA}}}description", escape(picture.alt, quote=False), type="html")
    if picture.credit:
        _add(content, f"{{{_MEDIA}}}credit", picture.credit)
    _add(element, f"{{{_MEDIA}}}thumbnail", url=picture.url, **size)
    return element
