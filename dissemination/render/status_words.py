"""What people read instead of a page: English here, the rest in catalogues."""

from __future__ import annotations

from dataclasses import dataclass

from dissemination.render.catalogues import spoken


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusWords:
    """Headings and sentences of the statuses that have a page."""

    missing_title: str = "Page not found"
    missing_text: str = "There is nothing at this address. The news and the feeds are linked below."
    withdrawn_title: str = "This page is gone"
    withdrawn_text: str = "What stood here was withdrawn."
    many_title: str = "Too many requests"
    many_text: str = "Please wait a minute, and try again."
    broken_title: str = "Something went wrong"
    broken_text: str = "This is our fault. Please try again later."
    busy_title: str = "Please try again"
    busy_text: str = "This could not be done right now, and nothing was changed."


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """Heading and sentence."""

    title: str
    text: str


#: Status of HTTP -> the first half of its words' names.
STATUSES = {404: "missing", 410: "withdrawn", 429: "many", 500: "broken", 503: "busy"}


def said(status: int, lang: str) -> Said:
    """What is said of a status of `STATUSES`; English where we have no words of the language."""
    words, name = spoken(StatusWords, lang), STATUSES[status]
    return Said(title=getattr(words, f"{name}_title"), text=getattr(words, f"{name}_text"))
