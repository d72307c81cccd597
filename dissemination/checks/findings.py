"""How rules speak: short ways to a finding with its line."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator

from dissemination.model import Finding, Level, NewsItem, Project

E, W, N = Level.ERROR, Level.WARNING, Level.NOTE

#: A rule on one item in its project.
Rule = Callable[[NewsItem, Project], Iterable[Finding]]

_SEEN = 120


class On:
    """Makes findings on one item.

    Args:
        item: the item that is looked at.
        rule: the rule's stable name.
        level: how grave it is.
        field: canonical path of the field; the line is found by it, or by what encloses it.
    """

    __slots__ = ("_field", "_item", "_level", "_rule")

    def __init__(self, item: NewsItem, rule: str, level: Level, field: str) -> None:
        self._item = item
        self._rule = rule
        self._level = level
        self._field = field

    def say(self, message: str, fix: str, *, seen: str = "", line: int = 0) -> Finding:
        """The finding: what is wrong, and what to write instead."""
        return Finding(
            rule=self._rule,
            level=self._level,
            path=self._item.path,
            message=message,
            fix=fix,
            field=self._field,
            line=line or line_of(self._item, self._field),
            seen=shortened(seen),
        )


def line_of(item: NewsItem, field: str) -> int:
    """The line of "posts.x.at", else of "posts.x", else of "posts"; 0 where none is known."""
    while field not in item.lines and "." in field:
        field = field.rpartition(".")[0]
    return item.lines.get(field, 0)


def shortened(text: str) -> str:
    """At most 120 characters, on one line."""
    flat = " ".join(text.split())
    return flat if len(flat) <= _SEEN else f"{flat[: _SEEN - 1]}…"


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word closest to `word`, ignoring capitals; "" where none is close."""
    plain = {name.lower(): name for name in known}
    hits = difflib.get_close_matches(word.lower()[:100], plain, n=1, cutoff=0.6)
    return plain[hits[0]] if hits else ""


def advice(word: str, known: Iterable[str]) -> str:
    """What to write for an unknown word."""
    names = sorted(known)
    near = nearest(word, names)
    return f"write `{near}`" if near else f"write one of: {', '.join(names[:12]) or 'none is set up'}"


def guarded(rule: Callable[..., Iterable[Finding]], name: str, path: str, *facts: object) -> Iterator[Finding]:
    """A rule's findings; a rule that fails becomes a finding itself, and the others go on."""
    try:
        yield from rule(*facts)
    except Exception as error:  # noqa: BLE001 -- whatever a rule stumbles over costs this rule on this item only
        message = f"the rule {name} failed: {type(error).__name__}"
        yield Finding(rule="check-failed", level=E, path=path, message=message, fix="report this with the item")
