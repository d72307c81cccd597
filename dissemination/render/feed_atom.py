"""Atom 1.0 (RFC 4287)."""

from __future__ import annotations

from typing import Any

from feedgen.feed import FeedGenerator

from dissemination.model import Entry
from dissemination.render.feed_document import FeedDocument
from dissemination.render.feed_extension import EntryPlus, FeedPlus

_TYPE = "application/atom+xml"


def render(document: FeedDocument) -> bytes:
    """The feed as Atom."""
    feed = FeedGenerator()
    feed.register_extension("plus", FeedPlus, EntryPlus)
    feed.id(document.id)
    feed.title(document.title)
    feed.subtitle(document.description)
    feed.language(document.lang)
    feed.updated(document.updated)
    feed.author(name=document.project.byline)
    feed.generator("Dissemination")
    feed.link(href=document.url("atom.xml"), rel="self", type=_TYPE)
    feed.link(href=document.url(""), rel="alternate", type="text/html", hreflang=document.lang)
    for lang in document.sisters:
        feed.link(href=document.url("atom.xml", lang), rel="alternate", type=_TYPE, hreflang=lang)
    for entry in document.entries:
        _add(feed, document, entry)
    body: bytes = feed.atom_str(pretty=True)
    return body


def _add(feed: Any, document: FeedDocument, entry: Entry) -> None:
    one = feed.add_entry(order="append")
    one.id(entry.id)
    one.title(entry.title)
    one.author(name=entry.byline)
    one.summary(entry.summary)
    one.content(document.content(entry), type="html")
    one.published(entry.published)
    one.updated(entry.updated)
    one.category([{"term": term, "scheme": scheme, "label": term} for scheme, term in document.terms(entry)])
    links = [{"href": entry.url, "rel": "alternate", "type": "text/html", "hreflang": entry.lang}]
    for lang, url in entry.translations.items():
        # Not "alternate": readers take the last of several for the entry's own address, in another language.
        links.append({"href": url, "rel": "related", "type": "text/html", "hreflang": lang})
    one.link(links)
    one.plus.entry = entry
    one.plus.links = links
