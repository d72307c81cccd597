"""Rules between items: what must be unique is."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

from dissemination.checks.findings import E, On
from dissemination.model import Finding, NewsItem


def duplicates(items: Sequence[NewsItem]) -> Iterator[Finding]:
    """Every rule of the table, on all items."""
    for rule, field, key, clash, message, fix in _UNIQUE:
        for group in _groups(items, key):
            if clash(group):
                for item in group:
                    others = ", ".join(sorted(other.path for other in group if other.path != item.path)[:3])
                    text = message.format(item=item, others=others)
                    yield On(item, rule, E, field).say(text, fix, seen=str(getattr(item, field)))


def _groups(items: Iterable[NewsItem], key: Callable[[NewsItem], Hashable]) -> Iterator[list[NewsItem]]:
    groups: dict[Hashable, list[NewsItem]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return (group for group in groups.values() if len(group) > 1)


def _several_items(group: Sequence[NewsItem]) -> bool:
    """Language versions of one item share its id."""
    return len({item.translation_key for item in group}) > 1


#: Rule, field, what must be unique, whether a group of equals clashes, what is wrong, what to do.
_UNIQUE: tuple[
    tuple[str, str, Callable[[NewsItem], Hashable], Callable[[Sequence[NewsItem]], bool], str, str], ...
] = (
    (
        "id-duplicate",
        "id",
        lambda item: item.id,
        _several_items,
        "the id `{item.id}` is also used by {others}",
        "give each item its own id; the one that is out already keeps it",
    ),
    (
        "slug-duplicate",
        "slug",
        lambda item: (item.lang, item.slug),
        lambda group: True,  # noqa: ARG005 -- every group of equals clashes
        "the slug `{item.slug}` is also used in this language by {others}",
        "write `slug:` with other words; the one that is out already keeps it",
    ),
    (
        "translation-duplicate",
        "translation_key",
        lambda item: (item.translation_key, item.lang),
        lambda group: True,  # noqa: ARG005 -- every group of equals clashes
        "a second file in `{item.lang}` of the same item: {others}",
        "delete one of them, or correct `lang` or `translation_key`",
    ),
)
