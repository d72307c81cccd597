"""A long text as a thread: split at the ends of sentences, each part numbered and each fitting."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import takewhile

import regex

from dissemination.render.shortening import beginning, whole_places

#: More parts than this are no thread any more, and the numbers are counted with two digits at the most.
MOST_PARTS = 99

_CLOSERS = r"[\"'\u2019\u201d\u00bb\u203a)\]\uff09\u300d\u300f]*"
# Sentences end before a space, in Chinese and Japanese where their sign stands; a line is one, too.
_END = regex.compile(rf"(?P<stop>[.!?\u2026]+){_CLOSERS}(?=\s)|[\u3002\uff01\uff1f\uff61]+{_CLOSERS}|(?=\n)")
_WORD_BEFORE = regex.compile(r"(?:\w+\.)*\w+$")
_NEXT = regex.compile(r"\s+(\S)")
#: What a dot shortens; one letter, and what has a dot inside already, are no ends either.
_SHORT = frozenset(
    {"al", "approx", "art", "bzw", "ca", "cf", "dna", "dr", "ds", "etc", "fig", "incl", "ing", "jr", "lic", "mgr"}
    | {"mr", "mrs", "ms", "mt", "no", "nr", "ph", "pp", "prof", "resp", "sig", "sr", "st", "str", "tel", "vs"}
)
_LOOK_BACK = 20


def split(text: str, fits: Callable[[str], bool], *, tail: str = "", names: Iterable[str] = ()) -> tuple[str, ...]:
    """The text in parts that end with their number, "(2/5)"; the words and their order stay as they are.

    A part ends with a sentence. Only a sentence that is longer than a part is cut: between words, never inside a
    link, a mention, a hashtag or a grapheme.

    Args:
        text: longer than one part.
        fits: whether the network takes a part, its number included.
        tail: stands below the words of the first part: the link that all of it is about.
        names: what is never cut, besides links, mentions and hashtags.

    Returns:
        () where something in it cannot be cut to fit, or where it would be more than `MOST_PARTS` parts.
    """
    text, names = text.strip(), tuple(names)
    ends = tuple(sentence_ends(text, names))

    def pieces(most: int) -> tuple[str, ...]:
        def goes(number: int, words: str) -> bool:
            return fits(_part(words, number, most, tail))

        return tuple(_pieces(text, ends, goes, names, most))

    for most in (9, MOST_PARTS):  # a number takes as many digits as there are parts
        made = pieces(most)
        if "" not in made:
            return tuple(_part(words, number, len(made), tail) for number, words in enumerate(made, start=1))
    return ()


def sentence_ends(text: str, names: Iterable[str] = ()) -> Iterator[int]:
    """Behind which character a sentence or a line ends; the text's own end is the last."""
    whole = whole_places(text, names)
    for match in _END.finditer(text):
        end = match.end()
        inside = any(start < end < stop for start, stop in whole)
        if 0 < end < len(text) and not inside and not _goes_on(text, match.start(), end, match["stop"] or ""):
            yield end
    yield len(text)


def _goes_on(text: str, start: int, end: int, stop: str) -> bool:
    """Whether the sentence goes on behind a sign that could end it: "Dr. Ion", "e.g. this", "on 15. May"."""
    following = _NEXT.match(text, end)
    if stop and following and following[1].islower():
        return True
    if stop != ".":
        return False
    before = _WORD_BEFORE.search(text[max(start - _LOOK_BACK, 0) : start])
    word = before[0].casefold() if before else ""
    ordinal = word.isdigit() and len(word) <= 2
    return ordinal or len(word) == 1 or "." in word or word in _SHORT


def _part(words: str, number: int, count: int, tail: str) -> str:
    part = f"{words} ({number}/{count})"
    return f"{part}\n\n{tail}" if tail and number == 1 else part


def _pieces(
    text: str, ends: Sequence[int], goes: Callable[[int, str], bool], names: Sequence[str], most: int
) -> Iterator[str]:
    """As many whole sentences as go into each; "" last where nothing goes into one, or there are too many."""
    start = number = 0
    while start < len(text):
        number += 1
        piece = _piece(text, start, ends, partial(goes, number), names) if number <= most else ""
        yield piece
        if not piece:
            return
        start += len(piece)
        start = len(text) - len(text[start:].lstrip())


def _piece(text: str, start: int, ends: Sequence[int], goes: Callable[[str], bool], names: Sequence[str]) -> str:
    following = ends[bisect_right(ends, start) :]
    fitting = list(takewhile(lambda end: goes(text[start:end].rstrip()), following))
    if fitting:
        return text[start : fitting[-1]].rstrip()
    return beginning(text[start : following[0]], goes, names=names)
