"""A page as a scraper leaves it: lines of text, among them the site's labels, some without their values."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from dissemination.sources.page import LABELS, SKIP_LINKS, TOPICS, TYPES, Page, PagePicture, date_seen, whole_date
from dissemination.sources.refusal import refused

_BYLINE = re.compile(r"by\s+(\S.{0,119})", re.IGNORECASE)
_PICTURE = re.compile(r"\S+\.(?:jpe?g|png|gif|webp)", re.IGNORECASE)
_SPECIAL = re.compile(r"([\\`*_\[\]<]|&(?=#?\w+;))")
_LINE_START = re.compile(r"^(?:([#>+=~-])|(\d{1,9})([.)]))")
_TAG_LENGTH = 60


def read_text(text: str) -> Page:
    """Title, labels, body, tags: four stations, and the way leads only forward.

    Raises:
        RefusedError: there is no text.
    """
    reader = _Reader()
    for number, line in enumerate(text.split("\n"), 1):
        words = " ".join(line.split())
        if words and not SKIP_LINKS.fullmatch(words):
            reader.station(words, number)
    if not reader.title:
        raise refused("page-empty", "there is no text on this page")
    return reader.page()


def literal(text: str) -> str:
    """Plain text as Markdown that renders as exactly that text."""
    escaped = _SPECIAL.sub(r"\\\1", text)
    return _LINE_START.sub(lambda found: f"\\{found[1]}" if found[1] else f"{found[2]}\\{found[3]}", escaped)


class _Reader:
    """`station` is where we are: each takes a line and says where the next one goes."""

    def __init__(self) -> None:
        self.title = ""
        self.paragraphs: list[tuple[str, int]] = []
        self.tags: list[str] = []
        self.facts = Page(title="", body="")
        self.lines: dict[str, int] = {}
        self.label = ""
        self.station: Callable[[str, int], None] = self._at_title

    def page(self) -> Page:
        seen, line = next(((s, n) for text, n in self.paragraphs if (s := date_seen(text))), ("", 0))
        lines = {**self.lines, "date": line or self.lines.get("date", 0)}
        return replace(
            self.facts,
            title=self.title,
            body="\n\n".join(literal(text) for text, _ in self.paragraphs),
            tags=tuple(dict.fromkeys(self.tags)),
            date_seen="" if self.facts.date else seen,
            lines=lines,
        )

    def _at_title(self, words: str, number: int) -> None:
        self.title, self.lines["title"] = words, number
        self.station = self._at_labels

    def _at_labels(self, words: str, number: int) -> None:
        name, _, value = words.partition(":")
        low = name.strip().lower()
        if low in LABELS - {"tags"}:
            self.label = low
            self.lines.setdefault(low, number)
            if value.strip():
                self._value(value.strip())
        elif not (self._value(words) or self._axis(low) or self._signed(words)):
            self.station = self._at_body
            self._at_body(words, number)

    def _value(self, words: str) -> bool:
        """The value of the label before, if it looks like one."""
        label, self.label = self.label, ""
        if label == "date" and (date := whole_date(words)):
            self.facts = replace(self.facts, date=date)
            return True
        if label == "image" and _PICTURE.fullmatch(words):
            self.facts = replace(self.facts, pictures=(PagePicture(src=words),))
            return True
        return False

    def _axis(self, low: str) -> bool:
        if low in TYPES and self.facts.type is None:
            self.facts = replace(self.facts, type=TYPES[low])
            return True
        if low in TOPICS and self.facts.topic is None:
            self.facts = replace(self.facts, topic=TOPICS[low])
            return True
        return False

    def _signed(self, words: str) -> bool:
        found = _BYLINE.fullmatch(words)
        # "By pooling resources, ..." opens a text; a signature is short and has no full stop.
        if not found or self.facts.byline or len(words) > 80 or words.endswith("."):
            return False
        self.facts = replace(self.facts, byline=found[1])
        return True

    def _at_body(self, words: str, number: int) -> None:
        low = words.rstrip(":").lower()
        if low == "tags":
            self.station = self._at_tags
        elif low not in LABELS:
            self.paragraphs.append((words, number))

    def _at_tags(self, words: str, _number: int) -> None:
        if len(words) <= _TAG_LENGTH and words.lower() not in LABELS:
            self.tags.append(words)
