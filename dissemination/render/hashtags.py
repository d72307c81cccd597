"""Hashtags that every network recognises whole, and that a screen reader can read out."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

import regex

# A word begins with a letter or a digit; marks, the underscore and the Catalan middle dot go on with it, and so do
# the joiners, which some scripts need. Variation selectors and the keycap are marks too, but belong to emoji.
_WORD = regex.compile(
    r"[\p{L}\p{Nd}](?:[\p{L}\p{Nd}_]|(?![\uFE00-\uFE0F\u20E3\U000E0100-\U000E01EF])\p{M}|[\u00B7\u200C\u200D](?=[\p{L}\p{M}]))*"
)
_APOSTROPHES = regex.compile(r"(?<=\p{L})['\u2019\u02BC](?=\p{L})")
_LETTER = regex.compile(r"\p{L}")
#: Bluesky refuses longer ones (app.bsky.richtext.facet), and nobody reads them.
_LONGEST = 64


def hashtag(name: str) -> str:
    """A tag as one hashtag in CamelCase: "Interreg Central Europe" -> "#InterregCentralEurope".

    Diacritics stay; hyphens, plus signs and emoji, which end a hashtag on X, are left out. Nothing ("") comes of
    what is no hashtag anywhere: digits alone, or no letter at all, or more than 64 characters.
    """
    text = _APOSTROPHES.sub("", unicodedata.normalize("NFC", name))
    tag = "".join(_capital(word) for word in _WORD.findall(text))
    if not _LETTER.search(tag) or len(regex.findall(r"\X", tag)) > _LONGEST:
        return ""
    return f"#{tag}"


def hashtags(names: Iterable[str]) -> tuple[str, ...]:
    """All of them in order, each once whatever its case."""
    unique: dict[str, str] = {}
    for name in names:
        unique.setdefault(hashtag(name).casefold(), hashtag(name))
    return tuple(tag for tag in unique.values() if tag)


def _capital(word: str) -> str:
    first = word[0].title()
    return first + word[1:] if len(first) == 1 else word
