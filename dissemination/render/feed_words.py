"""What feeds and their pages say: English here, the rest in catalogues."""

from __future__ import annotations

from dataclasses import dataclass

from dissemination.render.catalogues import spoken


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedWords:
    """Words that only feeds need, besides those of all pages."""

    #: Stands in brackets before the title of what was taken back.
    withdrawn: str = "Withdrawn"
    notice: str = "This item was withdrawn. What it said must no longer be relied on."
    #: A link to the older part of a feed.
    archive: str = "Archive"
    categories: str = "Categories"
    tags: str = "Tags"
    opml: str = "All feeds as one OPML file"


def feed_words(lang: str) -> FeedWords:
    """The words of a language; English where we have none of it."""
    return spoken(FeedWords, lang)
