"""Addresses from titles: small ASCII letters, digits and hyphens."""

from __future__ import annotations

import re
import unicodedata

#: What Unicode's own decomposition leaves: letters of European languages, Greek and Cyrillic by common use.
_PAIRS = """
ß ss æ ae œ oe ø o đ d ð d ł l þ th \u0131 i ħ h ŋ n
α a β v γ g δ d ε e ζ z η i θ th ι i κ k λ l μ m ν n ξ x ο o π p ρ r σ s ς s τ t υ y φ f χ ch ψ ps ω o
а a б b в v г g д d е e ж zh з z и i й y к k л l м m н n о o п p р r с s т t у u ф f х h ц ts ч ch ш sh щ sht
ъ a ы y э e ю yu я ya є ie \u0456 i ґ g ђ dj \u0458 j љ lj њ nj ћ c џ dz \u0455 dz
""".split()  # noqa: RUF001, SIM905 # a table of letters that look like Latin ones, two columns a pair
_LETTERS = str.maketrans({**dict(zip(_PAIRS[::2], _PAIRS[1::2], strict=True)), "ь": ""})
_OTHER = re.compile(r"[^a-z0-9]+")
LENGTH = 80


def slug_of(text: str) -> str:
    """A slug of at most 80 characters, cut between words; "" if no letter of `text` has an ASCII likeness."""
    ascii_text = _transliterated(text.casefold())
    slug = _OTHER.sub("-", ascii_text.replace("'", "").replace("\u2019", "")).strip("-")
    if len(slug) <= LENGTH:
        return slug
    cut = slug[: LENGTH + 1].rpartition("-")[0]
    return cut or slug[:LENGTH]


def _transliterated(text: str) -> str:
    # й is и with a breve to Unicode: letters of the table go first, and what is left is taken apart.
    known = unicodedata.normalize("NFC", text).translate(_LETTERS)
    parts = unicodedata.normalize("NFKD", known).translate(_LETTERS)
    return "".join(letter for letter in parts if not unicodedata.combining(letter))
