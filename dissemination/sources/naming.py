"""Partners that an item names by key, by their plain names: once, for feeds, pages, letters and lists alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from html import escape
from typing import Any, TypeVar

from dissemination.model import EventFacts, Image, Link, NewsItem, Partner
from dissemination.model.naming import keys, named, plain_names

_TEXTS = ("title", "summary", "subject", "preheader", "correction", "byline", "funding_note")
#: What posts read as it was written.
_RAW = ("title", "summary")
_OF_PICTURES = ("alt", "caption", "credit")
_OF_EVENTS = ("place", "address")


def by_name(item: NewsItem, partners: Mapping[str, Partner]) -> NewsItem:
    """The item with each `@{key}` but those in `posts` spelled out; an unknown key stays for the checks to find."""
    if not _names_anybody(item):
        return item
    names = plain_names(partners, item.lang)
    in_html = {key: escape(name) for key, name in names.items()}
    spelled: dict[str, Any] = {name: named(getattr(item, name), names) for name in _TEXTS}
    return replace(
        item,
        **spelled,
        html=named(item.html, in_html),
        image=_spelled(item.image, names, _OF_PICTURES) if item.image else None,
        images=tuple(_spelled(image, names, _OF_PICTURES) for image in item.images),
        links=tuple(_spelled(link, names, ("text",)) for link in item.links),
        event=_spelled(item.event, names, _OF_EVENTS) if item.event else None,
        raw={name: getattr(item, name) for name in _RAW if keys([getattr(item, name)])},
    )


def _names_anybody(item: NewsItem) -> bool:
    texts = [item.html, *(getattr(item, name) for name in _TEXTS), *(link.text for link in item.links)]
    images = [image for image in (item.image, *item.images) if image]
    texts += [getattr(image, name) for image in images for name in _OF_PICTURES]
    texts += [getattr(item.event, name) for name in _OF_EVENTS] if item.event else []
    return any("@{" in text for text in texts)


_Part = TypeVar("_Part", Image, Link, EventFacts)


def _spelled(part: _Part, names: Mapping[str, str], texts: Iterable[str]) -> _Part:
    spelled: dict[str, Any] = {name: named(getattr(part, name), names) for name in texts}
    return replace(part, **spelled)
