"""JSON Feed 1.1 (jsonfeed.org/version/1.1)."""

from __future__ import annotations

import json
from typing import Any

from dissemination.model import Entry, Site
from dissemination.render.feed_document import FeedDocument, terms
from dissemination.render.feed_frame import Frame

TYPE = "application/feed+json"
_START, _END = b'"items": [\n', b"\n ]\n}"


def frame(document: FeedDocument) -> Frame:
    """The feed without its items; keys without a value are left out."""
    hub = document.project.hub
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": document.title,
        "home_page_url": document.url(""),
        "feed_url": document.url("feed.json"),
        "description": document.description,
        "language": document.lang,
        "authors": [{"name": document.project.byline}],
        "hubs": [{"type": "WebSub", "url": hub}] if hub else [],
    }
    kept = {key: value for key, value in feed.items() if value}
    written = _written({**kept, "items": []})
    if not document.entries:
        return Frame.around(written, b"]\n}", b"")
    return Frame(head=written[: written.rindex(b"]\n}")] + b"\n", tail=_END + b"\n", between=b",\n")


def item(entry: Entry, content: str, site: Site) -> bytes:
    """One item, ready for its place in any feed; `content` is its whole HTML."""
    written = _written({"items": [_facts(entry, content, site)]})
    return written[written.index(_START) + len(_START) : written.rindex(_END)]


def _written(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode() + b"\n"


def _facts(entry: Entry, content: str, site: Site) -> dict[str, Any]:
    facts = {
        "id": entry.id,
        "url": entry.url,
        "title": entry.title,
        "summary": entry.summary,
        "content_html": content,
        "image": entry.picture.url if entry.picture else "",
        "date_published": entry.published.isoformat() if entry.published else "",
        "date_modified": entry.updated.isoformat() if entry.updated else "",
        "authors": [{"name": entry.byline}] if entry.byline else [],
        "tags": list(dict.fromkeys(term for _, term in terms(entry, site))),
        "language": entry.lang,
        "attachments": [
            {"url": one.url, "mime_type": one.media_type, "title": one.title, "size_in_bytes": one.size}
            for one in entry.attachments
        ],
    }
    return {key: value for key, value in facts.items() if value}
