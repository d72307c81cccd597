"""RSS 2.0, as the RSS Advisory Board's profile wants it."""

from __future__ import annotations

import re
from datetime import UTC
from html import unescape
from typing import Any

from feedgen.feed import FeedGenerator

from dissemination.model import Entry, Site
from dissemination.render.feed_document import TTL, FeedDocument, terms
from dissemination.render.feed_extension import EntryPlus, FeedPlus, UnsaidTime
from dissemination.render.feed_frame import Frame

#: The profile wants these three in titles as hexadecimal references: some readers unescape twice.
_REFERENCES = ((b"&amp;", b"&#x26;"), (b"&lt;", b"&#x3C;"), (b"&gt;", b"&#x3E;"))
#: What an HTML parser takes for the beginning of a tag or comment.
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_ITEM, _END = b"    <item>", b"  </channel>"
TYPE = "application/rss+xml"


def frame(document: FeedDocument) -> Frame:
    """The feed without its items."""
    feed = _feed()
    feed.title(document.title)
    feed.description(plain(document.description))
    # feedgen makes the last link the channel's own, whatever its rel.
    feed.link(href=document.own_url("rss.xml"), rel="self", type=TYPE)
    feed.link(href=document.url(""), rel="alternate")
    feed.language(document.lang)
    feed.generator("Dissemination")
    feed.ttl(TTL)
    feed.plus.built = document.updated if document.entries else None
    feed.plus.sisters = {lang: document.url("rss.xml", lang) for lang in document.sisters}
    feed.plus.links = document.links("rss.xml")
    feed.plus.archive = bool(document.archive)
    return Frame.around(_written(feed), _END, b"")


def item(entry: Entry, content: str, site: Site) -> bytes:
    """One item, ready for its place in any feed; `content` is its whole HTML."""
    feed = _feed()
    feed.title("-")
    feed.description("-")
    feed.link(href="https://a.invalid/")
    one = feed.add_entry(order="append")
    one.guid(entry.id, permalink=False)
    one.title(entry.title)
    one.link(href=entry.url)
    one.description(plain(entry.summary))
    one.content(content)
    one.category([{"term": term, "scheme": scheme} for scheme, term in terms(entry, site)])
    one.plus.entry = entry
    return Frame.cut(_written(feed), _ITEM, _END)


def plain(text: str) -> str:
    """A text for a description, which readers show as HTML: what would be markup there is escaped.

    Other texts stay as they are, since some readers take descriptions for plain text (RSS Board's profile).
    """
    if unescape(text) != text:
        text = text.replace("&", "&amp;")
    return _TAG.sub("&lt;", text)


def _feed() -> Any:
    feed = FeedGenerator()
    feed.register_extension("plus", FeedPlus, EntryPlus)
    feed.lastBuildDate(UnsaidTime(1970, 1, 1, tzinfo=UTC))
    return feed


def _written(feed: Any) -> bytes:
    body: bytes = feed.rss_str(pretty=True)
    for written, wanted in _REFERENCES:
        body = body.replace(written, wanted)
    return body
