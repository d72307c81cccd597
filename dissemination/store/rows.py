"""Between rows and values."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from sqlalchemy.engine import RowMapping

from dissemination.model import Audience, Part, Publication, State

_LISTS = ("items", "after", "live_urls", "approved_by")
_NAMES = tuple(f.name for f in fields(Publication))


def to_publication(row: RowMapping) -> Publication:
    """A row of `publications` as a value."""
    facts: dict[str, Any] = {name: row[name] for name in _NAMES}
    facts["state"] = State(row["state"])
    facts["audience"] = _audience(row["audience"])
    facts |= {name: tuple(row[name]) for name in _LISTS}
    facts["parts"] = tuple(Part(*part) for part in row["parts"])
    return Publication(**facts)


def from_publication(publication: Publication) -> dict[str, Any]:
    """The columns of a publication."""
    facts: dict[str, Any] = {name: getattr(publication, name) for name in _NAMES}
    return (
        facts
        | {
            "state": publication.state.value,
            "bound": dict(publication.bound),
            "audience": publication.audience.facts(),
            "parts": [list(part) for part in publication.parts],
        }
        | {name: list(facts[name]) for name in _LISTS}
    )


def _audience(facts: dict[str, Any]) -> Audience:
    where = tuple((name, tuple(values)) for name, values in facts.get("where", {}).items())
    lists = {key: tuple(value) for key, value in facts.items() if key != "where"}
    return Audience(**lists, where=where)
