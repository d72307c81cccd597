"""Finding what we wrote ourselves: marks in addresses, tokens in links and subjects. Found by form alone."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote

#: The most that one mail may carry; more is nobody's honest mail, and says nothing.
_MOST = 10
_MARK = re.compile(r"(?<![a-z0-9])([a-z2-7]{32})(?=@|\Z)", re.IGNORECASE)
_TOKEN = re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{36}(?![A-Za-z0-9_-])")


def marks(values: Iterable[str]) -> tuple[str, ...]:
    """What has the form of a mark (`Tokens.bounce`) before an @ or at the end, in lower case, each once."""
    found = (mark.lower() for value in values for mark in _MARK.findall(value))
    return tuple(dict.fromkeys(found))[:_MOST]


def tokens(values: Iterable[str]) -> tuple[str, ...]:
    """What has the form of a token of a personal link, each once."""
    found = (token for value in values for token in _TOKEN.findall(unquote(value)))
    return tuple(dict.fromkeys(found))[:_MOST]
