"""The kinds of values that settings are made of; each refuses with a sentence that says what to write."""

from __future__ import annotations

import difflib
import ipaddress
import re
from datetime import date, datetime
from pathlib import PurePosixPath
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}\Z")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}\Z")
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
_ISO_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:?\d{2})?\Z")
_ADDRESS = re.compile(r"[^@\s<>,;:\"()\x00-\x1f]{1,64}@[^@\s<>,;:\"()\x00-\x1f]{1,190}\.[^@\s.]{2,63}\Z")
_DOMAIN = re.compile(r"(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}\Z")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
#: Name, least and greatest value, and the words that may stand for numbers.
_CRON = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of the month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of the week", 0, 7, _DAYS),
)
_CRON_PART = re.compile(r"(?:\*|(?P<low>\w+)(?:-(?P<high>\w+))?)(?:/(?P<step>[1-9]\d?))?\Z")


def nearest(word: str, known: Any) -> str:
    """The known word closest to `word`, ignoring capitals; "" where none is close."""
    plain = {str(name).lower(): str(name) for name in known}
    return next((plain[hit] for hit in difflib.get_close_matches(word.lower(), plain, n=1, cutoff=0.6)), "")


def _language(text: str) -> str:
    if not _LANGUAGE.match(text):
        raise ValueError('not a language code; write a BCP 47 code such as "en" or "pt-BR"')
    return text


def _name(text: str) -> str:
    if not _NAME.match(text):
        raise ValueError(
            "not a short name; use small letters, digits, - and _ (at most 64), beginning with a letter or digit"
        )
    return text


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        near = nearest(text, available_timezones())
        raise ValueError(f'not a time zone; write an IANA name such as "{near or "Europe/Bucharest"}"') from None
    return text


def _day(value: Any) -> Any:
    # Pydantic would take a bare number as seconds since 1970.
    if isinstance(value, str) and _ISO_DATE.match(value):
        return value
    raise ValueError("not a date; write it as YYYY-MM-DD")


def _instant(value: Any) -> Any:
    if isinstance(value, str) and (_ISO_DATE.match(value) or _ISO_TIME.match(value)):
        return value
    raise ValueError('not a time; write it as "YYYY-MM-DD HH:MM", with an offset such as +02:00 if it is not local')


def _web(text: str) -> str:
    parts = urlsplit(text)  # a ValueError of its own for broken brackets
    if parts.scheme not in {"http", "https"} or not parts.hostname or re.search(r"\s", text):
        raise ValueError("not a web address; write it whole, beginning with https://")
    if parts.scheme == "http" and not loopback(parts.hostname):
        raise ValueError("http is taken only for this machine itself (localhost); write https://")
    return text


def _public(text: str) -> str:
    if "?" in text or "#" in text:
        raise ValueError("the public address takes no ? and no #; write only scheme, host and folder")
    return _web(text).rstrip("/")


def loopback(host: str) -> bool:
    """Whether a host is this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _mail(text: str) -> str:
    if not _ADDRESS.match(text):
        raise ValueError("not a mail address; write only the address, such as press@example.eu")
    return text


def _domain(text: str) -> str:
    if text != "*" and not _DOMAIN.match(text):
        raise ValueError('not a domain; write it in small letters, such as gmail.com, or "*" for every other one')
    return text


def _inside(text: str) -> str:
    path = PurePosixPath(text)
    if path.is_absolute() or ".." in path.parts or "\\" in text or "\0" in text:
        raise ValueError("not a path inside the project folder; write it relative to settings.yaml, without ..")
    return text


def _cron(text: str) -> str:
    fields = text.split()
    if len(fields) != len(_CRON):
        raise ValueError(
            f'{len(fields)} fields instead of 5 (minute hour day month weekday); Thursdays at ten: "0 10 * * thu"'
        )
    for value, (name, low, high, words) in zip(fields, _CRON, strict=True):
        for part in value.split(","):
            _cron_part(part, name, (low, high), words)
    return text


def _cron_part(part: str, name: str, bounds: tuple[int, int], words: tuple[str, ...]) -> None:
    match = _CRON_PART.match(part)
    ends = [_cron_number(end, words) for end in match.group("low", "high") if end] if match else [-1]
    if any(not bounds[0] <= end <= bounds[1] for end in ends) or ends != sorted(ends):
        kinds = f" or {words[0]} to {words[-1]}" if words else ""
        raise ValueError(f'"{part}" is no {name}; it goes from {bounds[0]} to {bounds[1]}{kinds}')


def _cron_number(text: str, words: tuple[str, ...]) -> int:
    if text.lower() in words:
        # Months count from 1, weekdays from 0 (Sunday).
        return words.index(text.lower()) + (len(words) == len(_MONTHS))
    return int(text) if text.isascii() and text.isdigit() else -1


Text = Annotated[str, Field(min_length=1, max_length=2_000)]
Language = Annotated[str, AfterValidator(_language)]
Name = Annotated[str, AfterValidator(_name)]
Zone = Annotated[str, AfterValidator(_zone)]
Day = Annotated[date, BeforeValidator(_day)]
Instant = Annotated[datetime, BeforeValidator(_instant)]
Web = Annotated[str, Field(max_length=2_000), AfterValidator(_web)]
WebOrNone = Annotated[str, Field(max_length=2_000), AfterValidator(lambda text: _web(text) if text else "")]
Public = Annotated[str, Field(max_length=200), AfterValidator(_public)]
Domain = Annotated[str, AfterValidator(_domain)]
MailAddress = Annotated[str, AfterValidator(_mail)]
Inside = Annotated[str, Field(max_length=500), AfterValidator(_inside)]
Cron = Annotated[str, Field(max_length=200), AfterValidator(_cron)]
#: The same words in several languages.
Words = dict[Language, Text]
