"""The first arrow: from the news folder to items that have their ids, with everything that is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from dissemination.model import Finding, Gathered, ItemStatus, Level, NewsItem
from dissemination.pipeline.parts import Parts

#: What the author says is not meant to go out (again).
_KEPT_BACK = frozenset({ItemStatus.DRAFT, ItemStatus.WITHDRAWN, ItemStatus.ARCHIVED})


@dataclass(frozen=True, kw_only=True, slots=True)
class Newsroom:
    """All items of one reading, with ids that last."""

    items: tuple[NewsItem, ...]
    findings: tuple[Finding, ...]
    #: path -> why it cannot be scheduled: the first error of its file.
    errors: Mapping[str, str]
    #: translation key -> its language versions by language.
    groups: Mapping[str, Mapping[str, NewsItem]]

    def hold(self, item: NewsItem) -> str:
        """Why the item may not go out; "" if it may."""
        if item.path in self.errors:
            return self.errors[item.path]
        if item.status in _KEPT_BACK:
            return f"status: {item.status.value}"
        return ""

    def source(self, key: str) -> NewsItem:
        """The version the others were made from."""
        versions = list(self.groups[key].values())
        return next((item for item in versions if item.source_version), versions[0])


def read(parts: Parts, *, mint: bool = True) -> Newsroom:
    """Read every item, give it its id, and check it.

    Args:
        parts: the house.
        mint: store ids of new items (False where nothing may be written).
    """
    gathered = parts.source.gather()
    items = with_ids(parts, gathered, mint=mint)
    findings = (*gathered.findings, *parts.checks.items(items, parts.project))
    errors: dict[str, str] = {}
    for finding in findings:
        if finding.level is Level.ERROR:
            where = f"line {finding.line}: " if finding.line else ""
            errors.setdefault(finding.path, f"{where}{finding.message}")
    return Newsroom(items=items, findings=findings, errors=errors, groups=_groups(items))


def with_ids(parts: Parts, gathered: Gathered, *, mint: bool) -> tuple[NewsItem, ...]:
    """The items with the ids of the store."""
    present = frozenset(item.path for item in gathered.items) | gathered.refused
    ids = parts.store.items.ids(gathered.items, present=present, mint=mint)
    return tuple(item if ids[item.path] == item.id else replace(item, id=ids[item.path]) for item in gathered.items)


def _groups(items: Sequence[NewsItem]) -> Mapping[str, Mapping[str, NewsItem]]:
    groups: dict[str, dict[str, NewsItem]] = {}
    for item in items:
        groups.setdefault(item.translation_key, {}).setdefault(item.lang, item)
    return groups


def embargoed(item: NewsItem, at: datetime) -> bool:
    """Whether nothing may show the item at this instant."""
    return item.embargo_until is not None and item.embargo_until > at
