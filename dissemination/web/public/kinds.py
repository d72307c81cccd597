"""What a file of the public folder is, seen by its name and its first bytes: media type, caching, links."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import PurePosixPath

from dissemination.render.feed_document import TTL
from dissemination.web.public.headers import (
    BARE_POLICY,
    LETTER_POLICY,
    NOSNIFF,
    ORIGIN_REFERRER,
    OWN_OPENER,
    Header,
    page_policy,
    policy,
)

#: In the head of a page that was withdrawn; the server answers it with 410.
GONE = b'<meta name="status" content="410">'
#: A year: the name has the digest of the content.
_FOR_EVER = b"public, max-age=31536000, immutable"
_PAGE = b"public, max-age=300"
#: Feeds say in `ttl` when to come back, and so do we.
_FEED = f"public, max-age={TTL * 60}".encode()
#: Feeds are read by programs in browsers, too: they may know what they need for asking again.
_SHARED: tuple[Header, ...] = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"etag, last-modified, link"),
)
_BY_SUFFIX = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".md": "text/plain; charset=utf-8",
    ".xml": "application/xml; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".rss": "application/rss+xml; charset=utf-8",
    ".atom": "application/atom+xml; charset=utf-8",
    ".opml": "text/x-opml; charset=utf-8",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".pdf": "application/pdf",
    ".mp3": "audio/mpeg",
    ".mp4": "video/mp4",
}
#: Root of a document -> what it is; names of archives do not tell.
_BY_ROOT = {
    b"rss": "application/rss+xml; charset=utf-8",
    b"feed": "application/atom+xml; charset=utf-8",
    b"opml": "text/x-opml; charset=utf-8",
}
_FEEDS = ("application/rss+xml", "application/atom+xml", "application/feed+json", "text/x-opml")
_ROOT = re.compile(rb"<([A-Za-z]+)[\s>]")
_HEAD = 8_192
_ADDRESSED_BY_CONTENT = re.compile(r"(?:media/[0-9a-f]{64}\.[a-z0-9]+|assets/pages\.[0-9a-f]{16}\.css)\Z")
_LINK = re.compile(r"<(?:atom:)?link\b([^>]*)>")
_ATTRIBUTE = re.compile(r"""\b(rel|href)\s*=\s*["']([^"']*)["']""")
_URI = re.compile(r"https?://[!#-;=?-~]{1,1900}\Z")


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """How a file is served."""

    status: int
    #: All but length, tag and time.
    headers: tuple[Header, ...]
    #: What an answer of 304 repeats of them (RFC 9110, 15.4.5), as far as it does not depend on the encoding.
    again: tuple[Header, ...]
    #: Whether compressing it is worth while.
    packs: bool
    feed: bool


def kind_of(path: str, body: bytes) -> Kind:
    """What it is.

    Args:
        path: below the public folder, with forward slashes.
        body: the bytes; the first ones are enough, except for pages and JSON.
    """
    media = _media_type(path, body)
    feed = media.startswith(_FEEDS)
    cache: Header = (b"cache-control", _FEED if feed else _caching(path))
    shared = _SHARED if feed else ()
    return Kind(
        status=_status(path, body),
        headers=(
            (b"content-type", media.encode()),
            cache,
            *shared,
            *_links(media, body),
            NOSNIFF,
            ORIGIN_REFERRER,
            *_policies(path, media, body),
        ),
        again=(cache, *shared[:1]),
        packs=media.startswith(("text/", "application/")) and media != "application/pdf",
        feed=feed,
    )


def immutable(path: str, body: bytes) -> Kind:
    """The same for a file whose address has its digest."""
    kind = kind_of(path, body)
    cache: Header = (b"cache-control", _FOR_EVER)
    headers = tuple(cache if name == b"cache-control" else (name, value) for name, value in kind.headers)
    return Kind(status=200, headers=headers, again=(cache,), packs=kind.packs, feed=False)


def _media_type(path: str, body: bytes) -> str:
    suffix = PurePosixPath(path).suffix.lower()
    if suffix == ".xml" and (root := _ROOT.search(body[:_HEAD])):
        return _BY_ROOT.get(root[1], _BY_SUFFIX[suffix])
    if suffix == ".json" and b"https://jsonfeed.org/version/" in body[:_HEAD]:
        return "application/feed+json; charset=utf-8"
    # What we do not know is nothing that a browser should open.
    return _BY_SUFFIX.get(suffix, "application/octet-stream")


def _caching(path: str) -> bytes:
    return _FOR_EVER if _ADDRESSED_BY_CONTENT.search(path) else _PAGE


def _status(path: str, body: bytes) -> int:
    if path == "404.html":
        return 404
    return 410 if path.endswith(".html") and GONE in body[:_HEAD] else 200


def _policies(path: str, media: str, body: bytes) -> tuple[Header, ...]:
    if not media.startswith("text/html"):
        return (policy(BARE_POLICY),)
    if path.startswith("e/"):
        return policy(LETTER_POLICY), OWN_OPENER
    return policy(page_policy(body)), OWN_OPENER


def _links(media: str, body: bytes) -> tuple[Header, ...]:
    """Link: what the feed says of its hub and of itself, said by HTTP, too (WebSub, section 4)."""
    if media.startswith("application/feed+json"):
        found = list(_json_links(body))
    elif media.startswith(("application/rss+xml", "application/atom+xml")):
        found = list(_xml_links(body))
    else:
        return ()
    said = [f'<{href}>; rel="{rel}"' for rel, href in dict.fromkeys(found) if _URI.match(href)]
    return ((b"link", ", ".join(said).encode("ascii")),) if any(rel == "hub" for rel, _ in found) and said else ()


def _xml_links(body: bytes) -> Iterator[tuple[str, str]]:
    head = re.split(r"<(?:item|entry)\b", body[:_HEAD].decode("utf-8", "replace"), maxsplit=1)[0]
    for written in _LINK.findall(head):
        link = dict(_ATTRIBUTE.findall(written))
        if link.get("rel") in {"hub", "self"}:
            yield link["rel"], unescape(link.get("href", ""))


def _json_links(body: bytes) -> Iterator[tuple[str, str]]:
    try:
        feed = json.loads(body)
        yield from (("hub", str(hub["url"])) for hub in feed.get("hubs", ()))
        yield "self", str(feed["feed_url"])
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return
