"""Cutting a text shorter, never inside a link, a mention, a hashtag or what a reader sees as one character."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import regex

from dissemination.render.counting import graphemes, links

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


def shortened(text: str, fits: Callable[[str], bool], *, least: int = 1) -> str:
    """The longest beginning of `text` that fits with an ellipsis, cut between words.

    Args:
        text: on one line; returned as it is if it fits.
        fits: whether a candidate fits where it is going to stand.
        least: how many characters it must keep to be worth reading.

    Returns:
        "" if it cannot be made to fit.
    """
    if fits(text):
        return text
    clusters = _clusters(text)
    places = list(_places(clusters))

    def fitting(index: int) -> str:
        cut = _ended(clusters[: places[index]], least)
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


def _clusters(text: str) -> list[_Cluster]:
    covered = bytearray(len(text))
    for start, end in (*links(text), *(match.span() for match in _WHOLE.finditer(text))):
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
            yield place
            begin = place + 1
        elif place - begin >= _LONG_WORD and not (cluster.whole and clusters[place - 1].whole):
            yield place


def _ended(kept: Sequence[_Cluster], least: int) -> str:
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
