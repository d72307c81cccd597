"""Titles in capitals, and what they would be in sentence case."""

from __future__ import annotations

import re
from collections.abc import Iterable

_WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")
#: A capital after a small letter or a comma and a space: not the beginning of a sentence.
_NAME = re.compile(r"(?<=[^\W\d_A-Z],\s|[^\W\d_A-Z]\s\s|.[^\W\d_A-Z]\s)([^\W\d_]\w+)")


def is_capitals(title: str) -> bool:
    """Whether a title of several words is written in capitals throughout."""
    letters = [letter for letter in title if letter.isalpha()]
    return len(letters) > 8 and " " in title.strip() and all(not letter.islower() for letter in letters)


def sentence_case(title: str, glossary: Iterable[str], text: str = "") -> str:
    """A proposal: capitals at the beginning, for words of the glossary, and for what the text writes as a name."""
    kept = {word.casefold(): word for entry in glossary for word in _WORD.findall(entry)}
    small = set(re.findall(r"\b[^\W\d_A-Z]\w*", text))
    for name in _NAME.findall(text):
        if name[0].isupper() and not name.isupper() and name.lower() not in small:
            kept.setdefault(name.casefold(), name)
    words = _WORD.sub(lambda found: kept.get(found.group().casefold(), found.group().lower()), title)
    return words[:1].upper() + words[1:]
