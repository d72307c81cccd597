"""RSS 2.0, as the RSS Advisory Board's profile wants it."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from feedgen.feed import FeedGenerator

from dissemination.model import Entry
from dissemination.render.feed_document import TTL, FeedDocument
from dissemination.render.feed_extension import EntryPlus, FeedPlus, UnsaidTime

#: The profile wants these three in titles as hexadecimal references: some readers unescape twice.
_REFERENCES = ((b"&amp;", b"&#x26;"), (b"&lt;", b"&#x3C;"), (b"&gt;", b"&#x3E;"))


def render(document: FeedDocument) -> bytes:
    """The feed as RSS."""
    feed = FeedGenerator()
    feed.register_extension("plus", FeedPlus, EntryPlus)
    feed.title(document.title)
    feed.description(document.description)
    # feedgen makes the last link the channel's own, whatever its rel.
    feed.link(href=document.url("rss.xml"), rel="self", type="application/rss+xml")
    feed.link(href=document.url(""), rel="alternate")
    feed.language(document.lang)
    feed.generator("Dissemination")
    feed.ttl(TTL)
    feed.lastBuildDate(UnsaidTime(1970, 1, 1, tzinfo=UTC))
    feed.plus.built = document.updated if document.entries else None
    feed.plus.sisters = {lang: document.url("rss.xml", lang) for lang in document.sisters}
    for entry in document.entries:
        _add(feed, document, entry)
    body: bytes = feed.rss_str(pretty=True)
    for written, wanted in _REFERENCES:
        body = body.replace(written, wanted)
    return body


def _add(feed: Any, document: FeedDocument, entry: Entry) -> None:
    item = feed.add_entry(order="append")
    item.guid(entry.id, permalink=False)
    item.title(entry.title)
    item.link(href=entry.url)
    item.description(entry.summary)
    item.content(document.content(entry))
    item.category([{"term": term, "scheme": scheme} for scheme, term in document.terms(entry)])
    item.plus.entry = entry
