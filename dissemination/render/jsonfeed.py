"""JSON Feed 1.1 (jsonfeed.org/version/1.1)."""

from __future__ import annotations

import json
from typing import Any

from dissemination.model import Entry
from dissemination.render.feed_document import FeedDocument


def render(document: FeedDocument) -> bytes:
    """The feed as JSON Feed; keys without a value are left out."""
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": document.title,
        "home_page_url": document.url(""),
        "feed_url": document.url("feed.json"),
        "description": document.description,
        "language": document.lang,
        "authors": [{"name": document.project.byline}],
        "items": [_item(document, entry) for entry in document.entries],
    }
    return json.dumps(feed, ensure_ascii=False, indent=1).encode() + b"\n"


def _item(document: FeedDocument, entry: Entry) -> dict[str, Any]:
    facts = {
        "id": entry.id,
        "url": entry.url,
        "title": entry.title,
        "summary": entry.summary,
        "content_html": document.content(entry),
        "image": entry.picture.url if entry.picture else "",
        "date_published": entry.published.isoformat() if entry.published else "",
        "date_modified": entry.updated.isoformat() if entry.updated else "",
        "authors": [{"name": entry.byline}],
        "tags": list(dict.fromkeys(term for _, term in document.terms(entry))),
        "language": entry.lang,
    }
    return {key: value for key, value in facts.items() if value}
