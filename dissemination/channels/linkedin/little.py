r"""LinkedIn's own format of a post's words, "little": plain text, hashtags and mentions, all else escaped.

An unescaped reserved character cuts the post there, and LinkedIn answers 201 all the same.
https://learn.microsoft.com/en-us/linkedin/marketing/community-management/shares/little-text-format

Addresses are escaped like the rest. The format is decoded before anything else is done with it, so what LinkedIn
links is the address without its backslashes; one that was left as it is would cut the post at the first `_`, `~`,
`(` or `#` in it, and everything behind would be lost. Writing `%5F` instead would show readers another address than
the one that was approved.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict, deque
from collections.abc import Sequence

import regex

from dissemination.model import Mention

#: What must be escaped where it means itself.
RESERVED = frozenset("\\|{}@[]()<>#*_~")
_RESERVED = rf"[{re.escape(''.join(sorted(RESERVED)))}]"
_ADDRESS = r"https?://\S+"
# At least one letter: digits alone are no hashtag. Variation selectors and the keycap are marks, but of emoji.
_HASHTAG = (
    r"(?<![\w#&/])\#(?P<value>(?=[\p{Nd}_]*\p{L})"
    r"(?:[\p{L}\p{Nd}_\u00B7\u200C\u200D]|(?![\uFE00-\uFE0F\u20E3])\p{M})+)"
)
# No sign that begins or ends an element stands inside one, so that no text is read over and over.
_INSIDE = r"(?:\\.|[^\\{}@\[\]|])*+"
_ELEMENTS = regex.compile(
    rf"\{{hashtag\|\\?[#\uFF03]\|(?P<tag>{_INSIDE})\}}"
    rf"|@\[(?P<name>{_INSIDE})\]\(urn:li:[\w:-]{{1,200}}\)"
    r"|\\(?P<sign>.)",
    regex.DOTALL,
)
#: Whom a mention may mean.
_TARGET = regex.compile(r"urn:li:(?:organization|organizationBrand|person):[\w-]+")


def little(text: str, mentions: Sequence[Mention] = ()) -> str:
    """A post's words in LinkedIn's format.

    Args:
        text: as readers are to see it.
        mentions: each is linked where its text stands, as often as it is given; nothing inside an address or a
            hashtag is a mention.

    Raises:
        ValueError: a mention's target is no URN of an organisation or a person.
    """
    waiting: defaultdict[str, deque[str]] = defaultdict(deque)
    for mention in mentions:
        if not _TARGET.fullmatch(mention.target):
            raise ValueError(
                f"{mention.text} is {mention.target!r} on LinkedIn; write urn:li:organization:<number>"
            )
        waiting[mention.text].append(mention.target)

    def element(match: regex.Match[str]) -> str:
        found = match[0]
        if match["value"]:
            return rf"{{hashtag|\#|{_escaped(match['value'])}}}"
        if match["mention"] and waiting[found]:
            # LinkedIn links a name only where it is exactly the page's: the sign before it is not part of it.
            return f"@[{_escaped(found.removeprefix('@'))}]({waiting[found].popleft()})"
        return _escaped(found)

    return str(_pattern(waiting).sub(element, text))


def plain(commentary: str) -> str:
    """What readers see of words in LinkedIn's format: for comparing what we sent with what stands there."""

    def element(match: regex.Match[str]) -> str:
        if match["tag"] is not None:
            return f"#{plain(match['tag'])}"
        return plain(match["name"]) if match["name"] is not None else str(match["sign"])

    text = unicodedata.normalize("NFC", _ELEMENTS.sub(element, commentary))
    return " ".join(text.split())


def units(text: str) -> int:
    """UTF-16 code units: LinkedIn does not say in what it counts, and this is the most that it can mean."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _pattern(names: Sequence[str] | defaultdict[str, deque[str]]) -> regex.Pattern[str]:
    longest_first = sorted(filter(None, names), key=len, reverse=True)
    named = "|".join(regex.escape(name) for name in longest_first) or "(?!)"
    return regex.compile(rf"{_ADDRESS}|{_HASHTAG}|(?P<mention>(?<!\w)(?:{named})(?!\w))|{_RESERVED}")


def _escaped(text: str) -> str:
    return str(regex.sub(_RESERVED, r"\\\g<0>", text))
