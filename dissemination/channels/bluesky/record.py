"""What a post is on Bluesky: its key, its record, its proof. Pure: the same post gives the same bytes."""

from __future__ import annotations

import base64
import importlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import libipld
import regex

from dissemination.model import Mention, Message, Post

#: The collection that posts are kept in.
POSTS = "app.bsky.feed.post"

Json = dict[str, Any]

# Keys

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"
_PART = re.compile(r"/(\d{1,3})$")


def written_at(message: Message) -> datetime:
    """The time that a post bears: the message's, and a millisecond later for each further part of a thread."""
    at = message.at or _EPOCH
    part = _PART.search(message.key)
    return at + timedelta(milliseconds=int(part[1]) - 1 if part else 0)


def record_key(message: Message) -> str:
    """A TID (https://atproto.com/specs/tid): the microseconds of its time, and ten bits that its key gives."""
    micros = (written_at(message) - _EPOCH) // timedelta(microseconds=1)
    number = micros << 10 | int.from_bytes(sha256(message.key.encode()).digest()[:2]) & 0x3FF
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(60, -1, -5))


def timestamp(at: datetime) -> str:
    """As records have it; without the zone the server would refuse it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# Proofs

_SHA256 = b"\x12\x20"
_DAG_CBOR, _RAW = b"\x01\x71", b"\x01\x55"


def record_cid(record: Json) -> str:
    """The content id that the server gives a record (CIDv1, DAG-CBOR, SHA-256)."""
    return _cid(_DAG_CBOR, libipld.encode_dag_cbor(_linked(record)))


def blob_cid(body: bytes) -> str:
    """The content id that the server gives a file."""
    return _cid(_RAW, body)


def _cid(kind: bytes, body: bytes) -> str:
    raw = kind + _SHA256 + sha256(body).digest()
    return f"b{base64.b32encode(raw).decode().lower().rstrip('=')}"


def _linked(value: Any) -> Any:
    """JSON writes a link as {"$link": "baf..."}; libipld takes its bytes for one."""
    if isinstance(value, list):
        return [_linked(one) for one in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"$link"}:
        text = str(value["$link"])[1:].upper()
        return base64.b32decode(text + "=" * (-len(text) % 8))
    return {key: _linked(one) for key, one in value.items()}


# Records


_GRAPHEME = regex.compile(r"\X")


def graphemes(text: str) -> int:
    """What the server counts (UAX #29, extended clusters)."""
    return len(_GRAPHEME.findall(text))


def record(message: Message, post: Post, *, marks: Sequence[Json], embed: Json | None, reply: Json | None) -> Json:
    """The record of a post; https://docs.bsky.app/docs/advanced-guides/posts.

    Args:
        message: gives the time.
        post: gives the words and their language.
        marks: its facets.
        embed: what hangs below it.
        reply: what it answers, as {"root", "parent"}.
    """
    facts = {
        "$type": POSTS,
        "text": post.text,
        "createdAt": timestamp(written_at(message)),
        "langs": [post.lang] if post.lang else None,
        "facets": list(marks) or None,
        "embed": embed,
        "reply": reply,
    }
    return {name: value for name, value in facts.items() if value is not None}


def images(pictures: Iterable[tuple[str, Json, tuple[int, int]]]) -> Json:
    """Pictures as (alternative text, blob, (width, height)); without sizes they are shown as squares."""
    return {
        "$type": "app.bsky.embed.images",
        "images": [
            {"alt": alt, "image": blob, "aspectRatio": {"width": width, "height": height}}
            for alt, blob, (width, height) in pictures
        ],
    }


def card(link: str, title: str, description: str, thumb: Json | None) -> Json:
    """A link with its title; the server fetches nothing for it (bluesky-social/social-app#7621)."""
    external = {"uri": link, "title": title, "description": description}
    return {
        "$type": "app.bsky.embed.external",
        "external": external if thumb is None else {**external, "thumb": thumb},
    }


# Facets: the server takes any offsets, also senseless ones, so they are made and checked here


@dataclass(frozen=True, kw_only=True, slots=True)
class _Mark:
    """What a stretch of the text is: offsets are bytes of its UTF-8."""

    start: int
    end: int
    feature: Json

    def facet(self) -> Json:
        return {"index": {"byteStart": self.start, "byteEnd": self.end}, "features": [self.feature]}


def named(text: str, mentions: Iterable[Mention]) -> list[Mention]:
    """Who is named in a text: those known beforehand, and handles that are written out."""
    known = [one for one in mentions if one.text and one.target and one.text in text]
    written = (Mention(text=f"@{one.handle}", target=one.handle) for one in _detection().detect_mentions(text))
    return [*known, *(one for one in written if all(one.text != other.text for other in known))]


def facets(text: str, link: str = "", mentions: Iterable[tuple[Mention, str]] = ()) -> list[Json]:
    """The links, mentions and hashtags of a text; what was named first wins where two lie over each other.

    Args:
        text: the post's.
        link: its own address, which is known whole.
        mentions: who is named, with the DID found for it.
    """
    taken: list[_Mark] = []
    for mark in [*_own_link(text, link), *_mentions(text, mentions), *_detected(text)]:
        if _sound(mark, text.encode()) and all(mark.end <= one.start or one.end <= mark.start for one in taken):
            taken.append(mark)
    return [mark.facet() for mark in sorted(taken, key=lambda one: one.start)]


def holds(text: str, link: str) -> bool:
    """Whether an address stands in a text, whole."""
    return bool(link) and _whole(link).search(text) is not None


def _whole(link: str) -> re.Pattern[str]:
    """An address, and not the beginning of a longer one."""
    return re.compile(rf"{re.escape(link)}(?![\w/%@&=+$~#-]|[.,:;!?](?=\w))")


def _own_link(text: str, link: str) -> Iterable[_Mark]:
    if link:
        yield from _found(text, _whole(link), _link(link))


def _mentions(text: str, mentions: Iterable[tuple[Mention, str]]) -> Iterable[_Mark]:
    for mention, did in mentions:
        pattern = re.compile(rf"(?<![\w@.]){re.escape(mention.text)}(?!\w|[.-]\w)")
        yield from _found(text, pattern, {"$type": "app.bsky.richtext.facet#mention", "did": did})


def _found(text: str, pattern: re.Pattern[str], feature: Json) -> Iterable[_Mark]:
    for match in pattern.finditer(text):
        start, end = (len(text[:place].encode()) for place in match.span())
        yield _Mark(start=start, end=end, feature=feature)


def _link(uri: str) -> Json:
    return {"$type": "app.bsky.richtext.facet#link", "uri": uri}


def _detection() -> Any:
    """The detector of Bluesky's own clients. Its package takes most of a second: planning need not wait for it."""
    return importlib.import_module("atproto_client.utils.facet_detection")


def _detected(text: str) -> Iterable[_Mark]:
    """Further addresses and the hashtags, as Bluesky's own clients see them."""
    for facet in _detection().detect_facets(text):
        feature = facet.features[0].model_dump(by_alias=True)
        start, end = facet.index.byte_start, facet.index.byte_end
        if uri := feature.get("uri"):
            yield _Mark(
                start=start, end=end - len(uri.encode()) + len(_trimmed(uri).encode()), feature=_link(_trimmed(uri))
            )
        elif not feature["tag"].startswith("$"):  # "$EUR" is a sum of money to us, not a share
            yield _Mark(start=start, end=end, feature=feature)


#: Quotation marks as well, of whatever language; some of them look like others.
_AFTER = "\"'»…\u2019\u201c\u201d\u203a.,;:!?"
_BRACKETS = {")": "(", "]": "[", "}": "{", ">": "<"}


def _trimmed(uri: str) -> str:
    """Without what belongs to the sentence around it."""
    while uri and (uri[-1] in _AFTER or uri.count(_BRACKETS.get(uri[-1], uri[-1])) < uri.count(uri[-1])):
        uri = uri[:-1]
    return uri


_LONGEST_URI, _LONGEST_TAG, _TAG_GRAPHEMES = 8192, 640, 64

#: What the lexicon app.bsky.richtext.facet allows.
_FEATURES: Mapping[str, Callable[[Json], object]] = {
    "app.bsky.richtext.facet#link": lambda one: (
        re.fullmatch(r"https?://[^\s/]\S*", one["uri"]) and len(one["uri"].encode()) <= _LONGEST_URI
    ),
    "app.bsky.richtext.facet#mention": lambda one: re.fullmatch(r"did:[a-z]+:[\w.:%-]+", one["did"]),
    "app.bsky.richtext.facet#tag": lambda one: (
        one["tag"] and len(one["tag"].encode()) <= _LONGEST_TAG and graphemes(one["tag"]) <= _TAG_GRAPHEMES
    ),
}


def _sound(mark: _Mark, body: bytes) -> bool:
    """It begins and ends between characters of the text, and says something that can be said."""
    if not 0 <= mark.start < mark.end <= len(body):
        return False
    whole = all(place == len(body) or body[place] & 0xC0 != 0x80 for place in (mark.start, mark.end))
    return whole and bool(_FEATURES[mark.feature["$type"]](mark.feature))
