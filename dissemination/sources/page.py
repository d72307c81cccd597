"""What an imported page gave, whatever it was made of; and the words by which pages say it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from dissemination.model import ItemType, Topic
from dissemination.sources.times import TimeError, parse_time

TYPES: Mapping[str, ItemType] = {
    "news": ItemType.NEWS,
    "event": ItemType.EVENT,
    "events": ItemType.EVENT,
    "good practice": ItemType.GOOD_PRACTICE,
    "good practices": ItemType.GOOD_PRACTICE,
    "publication": ItemType.PUBLICATION,
    "newsletter": ItemType.NEWSLETTER,
}
TOPICS: Mapping[str, Topic] = {topic.value.lower(): topic for topic in Topic}
#: Links for keyboards and screen readers that text extraction leaves as words.
SKIP_LINKS = re.compile(
    r"(?:(?:go|skip|jump) to (?:the )?(?:main )?(?:menu|search|content|footer|navigation)\s*)+", re.IGNORECASE
)
LABELS = frozenset({"image", "date", "tags", "share", "share this", "print"})

_MONTHS = (
    ("january", "ianuarie", "gennaio", "janvier", "januar", "januari", "enero"),
    ("february", "februarie", "febbraio", "février", "februar", "februari", "febrero"),
    ("march", "martie", "marzo", "mars", "märz", "marec"),
    ("april", "aprilie", "aprile", "avril", "abril"),
    ("may", "mai", "maggio", "maj", "mayo"),
    ("june", "iunie", "giugno", "juin", "juni", "junij", "junio"),
    ("july", "iulie", "luglio", "juillet", "juli", "julij", "julio"),
    ("august", "agosto", "août", "augusti", "avgust"),
    ("september", "septembrie", "settembre", "septembre", "septiembre"),
    ("october", "octombrie", "ottobre", "octobre", "oktober", "octubre"),
    ("november", "noiembrie", "novembre", "noviembre"),
    ("december", "decembrie", "dicembre", "décembre", "dezember", "diciembre"),
)
_MONTH_NUMBER = {name: number for number, names in enumerate(_MONTHS, 1) for name in names}
_MONTH = "(?:" + "|".join(sorted(_MONTH_NUMBER, key=len, reverse=True)) + ")"
_DAY = r"(?:the\s+)?[0-3]?\d(?:st|nd|rd|th|\.)?"
_DAYS = rf"{_DAY}(?:\s*(?:,|-|\u2013|&|and|to|și|e|et|und|in|och)\s*{_DAY}){{0,6}}"
_SEEN = re.compile(
    rf"(?:\bon\s+)?(?<!\d){_DAYS}\s+(?:of\s+|de\s+)?{_MONTH}\b(?:,?\s+\d{{4}})?"
    rf"|(?:\bon\s+)?\b{_MONTH}\s+{_DAYS}(?!\d)(?:,?\s+\d{{4}})?"
    r"|\b\d{4}-\d{2}-\d{2}\b|\b\d{1,2}[./]\d{1,2}[./]\d{4}\b",
    re.IGNORECASE,
)
_DAY_FIRST = re.compile(
    rf"(\d{{1,2}})(?:st|nd|rd|th|\.)?\s+(?:of\s+|de\s+)?({_MONTH}),?\s+(\d{{4}})", re.IGNORECASE
)
_MONTH_FIRST = re.compile(rf"({_MONTH})\s+(\d{{1,2}})(?:st|nd|rd|th)?,?\s+(\d{{4}})", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class PagePicture:
    """A picture that a page names; it lies elsewhere."""

    src: str
    alt: str = ""
    caption: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """What a page says. What it does not say is empty: nothing here is a guess."""

    title: str
    #: Markdown.
    body: str
    #: As it stood there, and an instant that `times.parse_time` reads; or "".
    date: str = ""
    updated: str = ""
    #: Words that look like a date but are none of the item's ("On the 15th and 16th of May").
    date_seen: str = ""
    summary: str = ""
    lang: str = ""
    type: ItemType | None = None
    topic: Topic | None = None
    #: An organisation; people are `authors`.
    byline: str = ""
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    url: str = ""
    pictures: tuple[PagePicture, ...] = ()
    #: "title", "date", "image" -> 1-based line of the raw file.
    lines: Mapping[str, int] = field(default_factory=dict)


def date_seen(text: str) -> str:
    """The first words that look like a date, as they stand there; or ""."""
    found = _SEEN.search(text)
    return " ".join(found.group().split()) if found else ""


def whole_date(text: str) -> str:
    """A date that leaves nothing open, as `times.parse_time` reads it; or "".

    "03/04/2024" is left alone: it is two dates.
    """
    text = text.strip()
    found = _DAY_FIRST.fullmatch(text)
    if found:
        text = f"{found[3]}-{_MONTH_NUMBER[found[2].lower()]:02d}-{int(found[1]):02d}"
    else:
        found = _MONTH_FIRST.fullmatch(text)
        text = f"{found[3]}-{_MONTH_NUMBER[found[1].lower()]:02d}-{int(found[2]):02d}" if found else text
    try:
        parse_time(text, "UTC")
    except TimeError:
        return ""
    return text
