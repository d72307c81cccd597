"""Addresses as every network recognises them whole: ASCII, without anything that ends a link early."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import SplitResult, parse_qsl, quote, urlsplit, urlunsplit

import idna
import regex

# What twitter-text takes inside a path and a query. Quotes, brackets and exclamation marks are left out: it takes
# them only in places, and other detectors differ.
_PATH = "/%:@&=+$,;~-._"
_QUERY = "/%:@&=+$,;~-._?"
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
# Where a path, a query or the whole ends in one of these, some detectors leave it to the sentence around it. A plus
# is one of them at the end of a query, where it stands for a space.
# An ampersand is one, too, but at the end of a query, where it means something.
_LAST = re.compile(r"[.,:;~$@?&-]$")
_LAST_OF_QUERY = re.compile(r"[.,:;~$@?-]$")
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_LONGEST = 2000
# An address in a text. It ends before a script that people write without spaces: a sentence goes on there.
_WRITTEN = regex.compile(
    r"https?://(?:(?=[\p{ASCII}\p{Latin}\p{Greek}\p{Cyrillic}\p{M}])[^\s<>\"])+", regex.IGNORECASE
)
_NOT_ITS_OWN = re.compile(r"[.,:;!?\u2026'\])}]+$")


def encoded(url: str) -> str:
    """The address with its host in IDNA (RFC 5891, UTS 46) and the rest percent-encoded (RFC 3986).

    What is encoded already stays as it is.

    Raises:
        ValueError: not an http or https address with a host, or one with a password, or over 2,000 characters.
    """
    try:
        parts = urlsplit(url.strip())
        host = _host(parts)
    except (ValueError, UnicodeError) as error:
        raise ValueError(f"no web address ({error})") from error
    path = _escape(parts.path, _PATH) or "/"
    query = _escape(parts.query, _QUERY, plus="%20", last=_LAST_OF_QUERY)
    fragment = _escape(parts.fragment, _QUERY, plus="%2B")
    address = f"{parts.scheme.lower()}://{host}{path}{query and f'?{query}'}{fragment and f'#{fragment}'}"
    if len(address) > _LONGEST:
        raise ValueError(f"longer than {_LONGEST:,} characters")
    return address


def encoded_in(text: str) -> str:
    """The text with those of its addresses encoded that are not ASCII, which detectors would cut or leave alone."""
    return _WRITTEN.sub(lambda match: _rewritten(match[0]), text) if "://" in text else text


def _rewritten(address: str) -> str:
    if address.isascii():
        return address
    bare = _NOT_ITS_OWN.sub("", address)
    try:
        return encoded(bare) + address[len(bare) :]
    except ValueError:
        return address


def tagged(url: str, utm: Mapping[str, str]) -> str:
    """The address with `utm_*` parameters behind its query, before its fragment. What it has already stays alone.

    Args:
        url: not yet encoded.
        utm: "source", "medium", "campaign" -> value; empty values say nothing.

    Raises:
        ValueError: no address at all.
    """
    parts = urlsplit(url.strip())
    there = {name.lower() for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    wanted = {f"utm_{name.removeprefix('utm_')}": value for name, value in utm.items() if value}
    added = [f"{name}={quote(value, safe='')}" for name, value in wanted.items() if name not in there]
    if not added:
        return url
    return urlunsplit(parts._replace(query="&".join(filter(None, [parts.query, *added]))))


def _host(parts: SplitResult) -> str:
    if parts.scheme.lower() not in {"http", "https"} or not parts.hostname:
        raise ValueError("it must begin with https:// and a host name")
    if parts.username is not None or parts.password is not None:
        raise ValueError("it holds a user name or a password")
    name = parts.hostname
    if not name.isascii():
        name = idna.encode(name, uts46=True).decode("ascii")
    if not _HOST.fullmatch(name):
        raise ValueError(f"{name} is no host name")
    return f"{name}:{parts.port}" if parts.port else name


def _escape(text: str, safe: str, *, plus: str = "+", last: re.Pattern[str] = _LAST) -> str:
    quoted = quote(_STRAY_PERCENT.sub("%25", text), safe=safe)
    escaped = last.sub(lambda sign: f"%{ord(sign[0]):02X}", quoted)
    return f"{escaped[:-1]}{plus}" if escaped.endswith("+") else escaped
