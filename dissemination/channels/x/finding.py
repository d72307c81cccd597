"""Knowing a post again among the account's own, as X shows them."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeGuard

from twitter_text import extract_urls_with_indices

from dissemination.model import Message, Post, Receipt

#: The most that X shows in one answer.
PAGE = 100
#: Characters; ours are shorter, even escaped.
_LONGEST = 2000
#: Clocks differ.
_SKEW = timedelta(minutes=5)
_MENTIONS = re.compile(r"(?:@\w{1,15}\s+)+")
#: Where the link leads that X puts behind the text of a post with pictures.
_PICTURE = re.compile(r"/status/\d+/(?:photo|video)/\d+$")


def query(since: datetime) -> dict[str, str]:
    """For own posts since then; tweepy still says `tweet.fields`, which the official document does not know."""
    return {
        "max_results": str(PAGE),
        "start_time": (since - _SKEW).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "exclude": "retweets",
        "post.fields": "attachments,conversation_id,entities,text",
    }


def is_id(number: object) -> TypeGuard[str]:
    """Whether X may have given this number."""
    return isinstance(number, str) and re.fullmatch(r"[0-9]{1,19}", number) is not None


def receipt(number: str, detail: str = "") -> Receipt:
    """Proof by the post's number; the address leads there whatever the account is called."""
    return Receipt(id=number, url=f"https://x.com/i/status/{number}", detail=detail)


def shown(posts: list[Any]) -> Iterator[tuple[str, Seen]]:
    """(number, what is seen) of every post that can be read."""
    for post in posts:
        if isinstance(post, dict) and is_id(post.get("id")) and _is_text(post.get("text")):
            yield post["id"], Seen.back(post)


def _is_text(text: object) -> bool:
    return isinstance(text, str) and len(text) <= _LONGEST


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """A post as it can be compared: its text has a mark for each address."""

    text: str
    addresses: tuple[str, ...]
    #: Whether it shows pictures.
    pictured: bool = False
    #: Whether it answers a post; None: X does not tell.
    answer: bool | None = None

    @classmethod
    def ours(cls, message: Message, post: Post) -> Seen:
        """Of a post as we send it."""
        return cls._split(post.text, {}, pictured=bool(post.pictures), answer=message.in_reply_to is not None)

    @classmethod
    def back(cls, post: Mapping[str, Any]) -> Seen:
        """Of a post as X shows it: addresses as t.co, the signs of HTML escaped, its pictures as a last address."""
        urls = [url for url in _list(post, "entities", "urls") if isinstance(url, dict)]
        known = {
            url["url"]: url["expanded_url"]
            for url in urls
            if isinstance(url.get("url"), str) and isinstance(url.get("expanded_url"), str)
        }
        pictures = [short for short, whole in known.items() if _PICTURE.search(whole)]
        text = html.unescape(post["text"])
        for picture in pictures:
            text = text.replace(picture, "")
        root = post.get("conversation_id")
        return cls._split(
            text,
            known,
            pictured=bool(pictures or _list(post, "attachments", "media_keys")),
            answer=root != post["id"] if is_id(root) else None,
        )

    @classmethod
    def _split(cls, text: str, known: Mapping[str, str], *, pictured: bool, answer: bool | None) -> Seen:
        text = unicodedata.normalize("NFC", text)
        words, addresses, end = [], [], 0
        for url in extract_urls_with_indices(text):
            start, stop = url["indices"]
            words.append(text[end:start])
            addresses.append(_plain(known.get(url["url"], url["url"])))
            end = stop
        words.append(text[end:])
        plain = " ".join("\0".join(words).split())
        return cls(text=plain, addresses=tuple(addresses), pictured=pictured, answer=answer)

    def says(self, ours: Seen) -> bool:
        """Whether it has our words, and answers somebody if ours does; X puts mentions before a reply."""
        if self.answer is not None and self.answer != ours.answer:
            return False
        before = self.text.removesuffix(ours.text)
        return not before or (bool(ours.answer) and _MENTIONS.fullmatch(before) is not None)

    def same(self, ours: Seen) -> bool:
        """Whether it is ours: the same words, the same addresses, and pictures if ours has any."""
        return self.says(ours) and (self.addresses, self.pictured) == (ours.addresses, ours.pictured)


def _list(post: Mapping[str, Any], part: str, name: str) -> list[Any]:
    inner = post.get(part)
    value = inner.get(name) if isinstance(inner, dict) else None
    return value if isinstance(value, list) else []


def _plain(address: str) -> str:
    """Without what X adds to a bare host name: the protocol and the slash."""
    return re.sub(r"^https?://", "", address, flags=re.IGNORECASE).rstrip("/").casefold()
