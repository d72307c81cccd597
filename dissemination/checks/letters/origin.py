"""From a finding on a letter back to the item, field and line that it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dissemination.checks.findings import line_of, shortened
from dissemination.model import Edition, Finding, NewsItem

#: Rules on what may come from an item; the others speak of the template or of settings.
_FROM_ITEMS = frozenset(
    {
        "letter-link", "letter-link-http", "letter-link-text", "letter-link-bare", "letter-link-same", "letter-alt",
        "letter-subject-long", "letter-preheader-length", "letter-leftover", "letter-headings", "letter-remote",
    }
)  # fmt: skip
#: Shorter than this, equal words are a coincidence.
_TELLING = 8
#: Fields that stand in the mailbox's list, among other words.
_IN_THE_LIST = frozenset({"subject", "title", "preheader"})


def trace(finding: Finding, edition: Edition, lang: str) -> Finding:
    """The finding on the item's file where one has what was seen, else on the edition."""
    for item in _read_in(edition, lang) if finding.rule in _FROM_ITEMS else ():
        place = _place(finding.seen, item)
        if place:
            field, line = place
            message = f"{finding.message}, in {edition.id}"
            return replace(finding, path=item.path, field=field, line=line, message=message)
    return replace(finding, path=edition.id)


def _read_in(edition: Edition, lang: str) -> Iterator[NewsItem]:
    """Each group's version in the language first."""
    for group in edition.groups:
        yield from sorted(group.values(), key=lambda item: item.lang != lang)


def _place(seen: str, item: NewsItem) -> tuple[str, int] | None:
    """Field and line of an address or a text, as `shortened` shows it."""
    if len(seen) < _TELLING:
        return None
    for field, text in _facts(item):
        if shortened(text) == seen or (field in _IN_THE_LIST and len(text) >= _TELLING and text in seen):
            return field, line_of(item, field)
    found = item.markdown.find(seen.rstrip("…"))
    if found < 0:
        return None
    start = item.lines.get("body", 0)
    return "body", start + item.markdown.count("\n", 0, found) if start else 0


def _facts(item: NewsItem) -> Iterator[tuple[str, str]]:
    yield from (("subject", item.subject), ("title", item.title), ("preheader", item.preheader))
    yield from (("summary", item.summary), ("canonical_url", item.canonical_url), ("source_url", item.source_url))
    yield from (("links", link.url) for link in item.links)
    if item.event:
        yield from (("event.online_url", item.event.online_url), ("event.register_url", item.event.register_url))
    if item.image:
        yield "image.alt", item.image.alt
