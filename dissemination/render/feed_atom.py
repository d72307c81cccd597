"""Atom 1.0 (RFC 4287)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from feedgen.feed import FeedGenerator

from dissemination.model import Entry, Site
from dissemination.render.feed_document import FeedDocument, terms
from dissemination.render.feed_extension import EntryPlus, FeedPlus
from dissemination.render.feed_frame import Frame

TYPE = "application/atom+xml"
_ENTRY, _END = b"  <entry>", b"</feed>"


def frame(document: FeedDocument) -> Frame:
    """The feed without its entries."""
    feed = _feed()
    feed.id(document.id)
    feed.title(document.title)
    feed.subtitle(document.description)
    feed.language(document.lang)
    feed.updated(document.updated)
    feed.author(name=document.project.byline)
    feed.generator("Dissemination")
    feed.link(href=document.own_url("atom.xml"), rel="self", type=TYPE)
    feed.link(href=document.url(""), rel="alternate", type="text/html", hreflang=document.lang)
    for lang in document.sisters:
        feed.link(href=document.url("atom.xml", lang), rel="alternate", type=TYPE, hreflang=lang)
    feed.plus.links = document.links("atom.xml")
    feed.plus.archive = bool(document.archive)
    body: bytes = feed.atom_str(pretty=True)
    return Frame.around(body, _END, b"")


def entry(one: Entry, content: str, site: Site) -> bytes:
    """One entry, ready for its place in any feed; `content` is its whole HTML."""
    feed = _feed()
    feed.id("-")
    feed.title("-")
    feed.updated(datetime(1970, 1, 1, tzinfo=UTC))
    _add(feed, one, content, site)
    body: bytes = feed.atom_str(pretty=True)
    return Frame.cut(body, _ENTRY, _END)


def _feed() -> Any:
    feed = FeedGenerator()
    feed.register_extension("plus", FeedPlus, EntryPlus)
    return feed


def _add(feed: Any, entry: Entry, content: str, site: Site) -> None:
    one = feed.add_entry(order="append")
    one.id(entry.id)
    one.title(entry.title)
    one.author(name=entry.byline)
    one.summary(entry.summary)
    one.content(content, type="html")
    one.published(entry.published)
    one.updated(entry.updated)
    one.category([{"term": term, "scheme": scheme, "label": term} for scheme, term in terms(entry, site)])
    links = _links(entry)
    one.link(links)
    one.plus.entry = entry
    one.plus.links = links


def _links(entry: Entry) -> list[dict[str, str]]:
    links = [{"href": entry.url, "rel": "alternate", "type": "text/html", "hreflang": entry.lang}]
    for lang, url in entry.translations.items():
        # Not "alternate": readers take the last of several for the entry's own address, in another language.
        links.append({"href": url, "rel": "related", "type": "text/html", "hreflang": lang})
    for file in entry.attachments:
        facts = {"href": file.url, "rel": "enclosure", "type": file.media_type, "length": str(file.size)}
        links.append({**facts, "title": file.title} if file.title else facts)
    return links
