"""How long a text is, as each network counts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import pairwise

import regex

from dissemination.model import Limits, Units

# twitter-text's config/v3.json: these weigh one each, all else two, unless it is an emoji or part of a link. The
# two signs left out, (c) and (r), lie in the light ranges but are emoji to its tables. Every other emoji needs a
# character from outside, and every link a dot between two characters, so what matches needs no parser.
_LIGHT = re.compile(r"[\u0000-\u00a8\u00aa-\u00ad\u00af-\u10ff\u2000-\u200d\u2010-\u201f\u2032-\u2037]*")
_DOTTED = re.compile(r"[^.]\.[^.]")
_LINK_WEIGHT = 23
_HEAVIEST = 2

# The parser's domain pattern backtracks: a run of a thousand dots and letters takes it seconds. No host is so.
_RUN = re.compile(r"[^/?#]+")
_LABEL_ENDS = re.compile(r"[^.]\.")
_HYPHENS = re.compile(r"[-_]")
_MOST_LABELS = 30
_MOST_HYPHENS = 300
_TOKEN_LENGTH = 4200

# What twitter-text calls spaces (regexp/spaces_group.py); Python's own class has U+001C to U+001F besides.
_SPACES = re.compile(r"([\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+)")
_GRAPHEMES = regex.compile(r"\X")
# Mastodon leaves the server of a mention out of the count (app/validators/status_length_validator.rb).
_REMOTE_MENTION = re.compile(r"(?<![\w/])(@\w+)@[A-Za-z0-9.-]*[A-Za-z0-9]")


def count(text: str, limits: Limits) -> int:
    """How long `text` is in the units of `limits`; 0 where the channel does not count.

    X counts by twitter-text (links 23 each, also bare host names); with graphemes, links that bear a protocol count
    `link_length` where that is set, as Mastodon does; Telegram counts UTF-16 code units.
    """
    return _COUNTERS[limits.units](text, limits)


def fits(text: str, limits: Limits) -> bool:
    """Whether the network would take it: its own count, and the bytes where it limits those as well."""
    if limits.max_bytes and _bytes(text, limits) > limits.max_bytes:
        return False
    return not limits.max_length or count(text, limits) <= limits.max_length


def over(text: str, limits: Limits) -> str:
    """What does not fit, in words and figures ("312 of 280 weighted"); "" if it fits."""
    if fits(text, limits):
        return ""
    length = count(text, limits)
    if limits.max_length and length > limits.max_length:
        return f"{length:,} of {limits.max_length:,} {_WORDS[limits.units]}"
    return f"{_bytes(text, limits):,} of {limits.max_bytes:,} bytes"


def graphemes(text: str) -> list[str]:
    """What readers see as characters (Unicode UAX #29, extended clusters)."""
    return [str(cluster) for cluster in _GRAPHEMES.findall(text)]


def links(text: str) -> list[tuple[int, int]]:
    """Where the addresses are that a network may turn into links, bare host names too: (start, end) in code points.

    A run that no host can be is taken for one address as a whole.
    """
    found: list[tuple[int, int]] = []
    start = 0
    for token, before in _tokens(text):
        found += [(start - len(before) + a, start - len(before) + b) for a, b in _addresses(before + token)]
        start += len(token)
    return found


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    """Words and the spaces between them, each with the space that it must be looked at with, or "".

    What stands before an address decides where it begins: of "\u00e9www.eu" twitter-text links "www.eu" at the
    beginning of a text, where the letter is what stands before, and the whole behind a space.
    """
    for place, token in enumerate(_SPACES.split(text)):
        yield token, " " if place and place % 2 == 0 else ""


@lru_cache(maxsize=4096)
def _addresses(token: str, *, bare: bool = True) -> tuple[tuple[int, int], ...]:
    if _endless(token):
        return ((len(token) - len(token.lstrip(" ")), len(token)),)
    if not _DOTTED.search(token):
        return ()
    from twitter_text import extract_urls_with_indices  # noqa: PLC0415 - its tables take 0.2 s to load

    return tuple((a, b) for a, b in (url["indices"] for url in extract_urls_with_indices(token, bare)))


def _endless(token: str) -> bool:
    if len(token) > _TOKEN_LENGTH:
        return True
    if "." not in token:
        return False
    return any(
        len(_LABEL_ENDS.findall(run)) > _MOST_LABELS or len(_HYPHENS.findall(run)) > _MOST_HYPHENS
        for run in _RUN.findall(token)
    )


def _weighted(text: str, limits: Limits) -> int:  # noqa: ARG001 - the counters' common shape
    composed = unicodedata.normalize("NFC", text.replace("\r\n", "\n"))
    return sum(_weight(before + token) - len(before) for token, before in _tokens(composed))


@lru_cache(maxsize=4096)
def _weight(token: str) -> int:
    if _endless(token):
        # Never too little: as if every dot made a link.
        return _HEAVIEST * len(token) + _LINK_WEIGHT * token.count(".")
    if _LIGHT.fullmatch(token) and not _DOTTED.search(token):
        return len(token)
    from twitter_text import parse_tweet  # noqa: PLC0415 - its tables take 0.2 s to load

    return int(parse_tweet(token).weightedLength)


def _clusters(text: str, limits: Limits) -> int:
    if limits.link_length:
        text = _shortened(_REMOTE_MENTION.sub(r"\1", text), limits.link_length)
    return len(_GRAPHEMES.findall(text))


def _shortened(text: str, length: int) -> str:
    return "".join(_placeholder(token, length) if "://" in token else token for token in _SPACES.split(text))


def _placeholder(token: str, length: int) -> str:
    if _endless(token):
        return token if len(token) > length else "x" * length
    edges = [0, *(edge for span in _addresses(token, bare=False) for edge in span), len(token)]
    return "".join(
        "x" * length if index % 2 else token[start:end] for index, (start, end) in enumerate(pairwise(edges))
    )


def _utf16(text: str, limits: Limits) -> int:  # noqa: ARG001 - the counters' common shape
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _bytes(text: str, limits: Limits) -> int:  # noqa: ARG001 - the counters' common shape
    return len(text.encode("utf-8", "surrogatepass"))


def _nothing(text: str, limits: Limits) -> int:  # noqa: ARG001 - the counters' common shape
    return 0


_COUNTERS: dict[Units, Callable[[str, Limits], int]] = {
    Units.NONE: _nothing,
    Units.WEIGHTED: _weighted,
    Units.GRAPHEMES: _clusters,
    Units.BYTES: _bytes,
    Units.UTF16: _utf16,
}

_WORDS: dict[Units, str] = {
    Units.NONE: "characters",
    Units.WEIGHTED: "weighted characters",
    Units.GRAPHEMES: "characters",
    Units.BYTES: "bytes",
    Units.UTF16: "UTF-16 units",
}
