"""Cutting a text shorter, never inside a link, a mention, a hashtag or what a reader sees as one character."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import regex

from dissemination.render.counting import graphemes, links
from dissemination.render.hashtags import hashtag_places

ELLIPSIS = "\u2026"

# Also addresses that the networks' own detector leaves alone ("http://localhost"), and Mastodon's long mentions.
_WHOLE = regex.compile(
    r"[a-z][a-z0-9+.-]*://\S*[^\s,.;:!?)\u201c\u201d\u00bb]|(?<![\w/])[@\uFF20#\uFF03][\w.@-]+", regex.IGNORECASE
)
_DANGLING = frozenset(",;:.\u2013\u2014-(\u201e\u201c\u00ab")
# A word longer than this is no word, or its script has no spaces: it may be cut between characters.
_LONG_WORD = 30
_BEYOND = 3
_BEFORE = 40


@dataclass(frozen=True, kw_only=True, slots=True)
class _Cluster:
    """One character as a reader sees it."""

    text: str
    #: Whether it lies in a link, a mention or a hashtag.
    whole: bool


def shortened(text: str, fits: Callable[[str], bool], *, least: int = 1, names: Iterable[str] = ()) -> str:
    """The longest beginning of `text` that fits with an ellipsis, cut between words.

    Args:
        text: on one line; returned as it is if it fits.
        fits: whether a candidate fits where it is going to stand.
        least: how many characters it must keep to be worth reading.
        names: what is never cut, besides links, mentions and hashtags.

    Returns:
        "" if it cannot be made to fit.
    """
    return text if fits(text) else _longest(text, partial(_ended, least), fits, names)


def beginning(text: str, fits: Callable[[str], bool], *, names: Iterable[str] = ()) -> str:
    """The longest beginning of `text` that fits, cut between words, without a mark; "" if there is none.

    Arguments as of `shortened`.
    """
    return text if fits(text) else _longest(text, _stripped, fits, names)


def whole_places(text: str, names: Iterable[str] = ()) -> list[tuple[int, int]]:
    """Where the text may not be cut: links, mentions, hashtags and these names; (start, end) in code points."""
    found = [*links(text), *hashtag_places(text), *(match.span() for match in _WHOLE.finditer(text))]
    for name in filter(None, names):
        found += [match.span() for match in re.finditer(re.escape(name), text)]
    return found


def _longest(
    text: str,
    ended: Callable[[Sequence[_Cluster]], str],
    fits: Callable[[str], bool],
    names: Iterable[str],
) -> str:
    clusters = _clusters(text, names)
    places = list(_places(clusters))

    def fitting(index: int) -> str:
        cut = ended(clusters[: places[index]])
        return cut if cut and fits(cut) else ""

    low, high = 0, len(places)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if fitting(middle) else (low, middle)
    # A longer text may count less (half a host name against a whole link), and some places are no good for a cut:
    # the search may have stopped before the mark, or among the too short.
    return next(filter(None, map(fitting, _around(low, len(places)))), "")


def _around(mark: int, size: int) -> Iterator[int]:
    yield from range(min(mark + _BEYOND, size) - 1, max(mark - _BEFORE, 0) - 1, -1)


def _clusters(text: str, names: Iterable[str]) -> list[_Cluster]:
    covered = bytearray(len(text))
    for start, end in whole_places(text, names):
        covered[start:end] = b"\1" * (end - start)
    clusters: list[_Cluster] = []
    start = 0
    for cluster in graphemes(text):
        end = start + len(cluster)
        clusters.append(_Cluster(text=cluster, whole=any(covered[start:end])))
        start = end
    return clusters


def _places(clusters: Sequence[_Cluster]) -> Iterator[int]:
    """Before which clusters the text may be cut: after every word, and inside what is too long to be one."""
    begin = 0
    for place, cluster in enumerate(clusters):
        if cluster.text.isspace():
            if not cluster.whole:
                yield place
            begin = place + 1
        elif place - begin >= _LONG_WORD and not (cluster.whole and clusters[place - 1].whole):
            yield place


def _stripped(kept: Sequence[_Cluster]) -> str:
    return "".join(cluster.text for cluster in kept).rstrip()


def _ended(least: int, kept: Sequence[_Cluster]) -> str:
    end = len(kept)
    while end and not kept[end - 1].whole and (kept[end - 1].text.isspace() or kept[end - 1].text in _DANGLING):
        end -= 1
    if end < least:
        return ""
    last = kept[end - 1]
    # Glued to a link or a hashtag, some networks take the ellipsis for a part of it.
    mark = f" {ELLIPSIS}" if last.whole else ELLIPSIS
    if graphemes(last.text + mark)[0] != last.text:
        return ""  # it would melt into the character before it
    return "".join(cluster.text for cluster in kept[:end]) + mark
