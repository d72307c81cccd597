"""Rendered content as canonical bytes, and back. The digest of these bytes is what an approval binds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import Field, fields, is_dataclass
from datetime import datetime
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from dissemination.files import digest_of
from dissemination.model import Audience, Content, Entry, Letter, Picture, Post


def encode(value: Post | Entry | Mapping[str, Letter], pictures: Iterable[Picture]) -> Content:
    """Canonical JSON: keys sorted, no spaces, UTF-8; the same value has the same bytes for ever."""
    text = json.dumps(_plain(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    body = text.encode()
    return Content(digest=digest_of(body), body=body, pictures={p.digest: p for p in pictures})


#: Fields that came later are left out at their default: the digests of what was approved before still hold.
_LATER = {
    *(
        ("Entry", name)
        for name in ("corrected", "withdrawn", "attachments", "kind", "event", "links", "note", "former")
    ),
    ("Letter", "page"),
}


def _plain(value: object) -> object:
    if is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value) if not _unsaid(value, f)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(inner) for inner in value]
    return value


def _unsaid(value: object, field: Field[Any]) -> bool:
    return (type(value).__name__, field.name) in _LATER and getattr(value, field.name) == field.default


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def letters(body: bytes) -> Mapping[str, Letter]:
    """Language -> letter."""
    found: Mapping[str, Letter] = _adapter(dict[str, Letter]).validate_json(body)
    return found


def post(body: bytes) -> Post:
    """A stored post."""
    found: Post = _adapter(Post).validate_json(body)
    return found


def entry(body: bytes) -> Entry:
    """A stored feed entry."""
    found: Entry = _adapter(Entry).validate_json(body)
    return found


def bind(content: Content, when: datetime | None, audience: Audience) -> dict[str, str]:
    """What an approval binds, by name, so that a lapse can say what changed."""
    facts = {
        "pictures": sorted(content.pictures),
        "audience": _in_order(audience.facts()),
    }
    bound = {name: _digest(value) for name, value in facts.items()}
    return {"content": content.digest, **bind_time(when), **bound}


def bind_time(when: datetime | None) -> dict[str, str]:
    """The part of a binding that the time has."""
    return {"time": _digest(when.isoformat() if when else "on approval")}


def _digest(value: object) -> str:
    return digest_of(json.dumps(value, sort_keys=True).encode())


def _in_order(value: Any) -> Any:
    """An audience is the same in whatever order its lists and values are named."""
    if isinstance(value, dict):
        return {name: _in_order(inner) for name, inner in value.items()}
    return sorted(value)
