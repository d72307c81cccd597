"""Hashtags that every network recognises whole, and that a screen reader can read out."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

import regex

from dissemination.render.counting import links

# A word begins with a letter or a digit; marks, the underscore and the Catalan middle dot go on with it, and so do
# the joiners, which some scripts need. Variation selectors and the keycap are marks too, but belong to emoji.
_WORD = regex.compile(
    r"[\p{L}\p{Nd}](?:[\p{L}\p{Nd}_]|(?![\uFE00-\uFE0F\u20E3\U000E0100-\U000E01EF])\p{M}|[\u00B7\u200C\u200D](?=[\p{L}\p{M}]))*"
)
_APOSTROPHES = regex.compile(r"(?<=\p{L})['\u2019\u02BC](?=\p{L})")
_LETTER = regex.compile(r"\p{L}")
# What X takes for a hashtag (twitter-text's validHashtag, which its Python port leaves out): a sign behind no
# letter, then letters, marks, digits and a few signs with a letter among them, and neither a sign nor "://" behind.
_SPECIAL = r"_\u200c\u200d\ua67e\u05be\u05f3\u05f4\uff5e\u301c\u309b\u309c\u30a0\u30fb\u3003\u0f0b\u0f0c\u00b7"
_ANY = rf"[\p{{L}}\p{{M}}\p{{Nd}}{_SPECIAL}]"
_FOUND = regex.compile(
    rf"(?:^|(?<=[\uFE0E\uFE0F])|(?<!{_ANY}|&))[#\uFF03](?!\uFE0F|\u20E3){_ANY}*[\p{{L}}\p{{M}}]{_ANY}*+(?![#\uFF03]|://)"
)
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


def hashtag_places(text: str) -> list[tuple[int, int]]:
    """Where X sees hashtags: (start, end) in code points, the sign included. Inside an address there are none."""
    if "#" not in text and "\uff03" not in text:
        return []
    taken = links(text)
    found = (match.span() for match in _FOUND.finditer(text))
    return [(start, end) for start, end in found if not any(a < end and start < b for a, b in taken)]


def _capital(word: str) -> str:
    first = word[0].title()
    return first + word[1:] if len(first) == 1 else word
