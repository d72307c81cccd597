"""Dates and times as people write them, to aware UTC."""

from __future__ import annotations

import functools
import re
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

_TIME = re.compile(
    r"(?P<year>\d{4})[-/](?P<month>\d{1,2})[-/](?P<day>\d{1,2})"
    r"(?:(?:T|[ \t]+)(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d{1,9})?)?"
    r"[ \t]*(?P<utc>Z|UTC|GMT)?[ \t]*(?P<sign>[+-])?(?:(?P<oh>\d{2}):?(?P<om>\d{2}))?)?",
    re.IGNORECASE,
)
_PARTIAL = re.compile(r"\d{4}(?:-\d{1,2})?")


class TimeError(ValueError):
    """This is no instant that we can be sure of.

    Args:
        rule: "time-invalid", "time-incomplete", "time-nonexistent" or "time-ambiguous".
        message: what is wrong.
        fix: what to write instead, if that is known.
    """

    def __init__(self, rule: str, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.rule, self.fix = rule, fix


@functools.lru_cache(maxsize=64)
def zone_of(name: str) -> ZoneInfo:
    """The zone of that name.

    Raises:
        TimeError: there is none.
    """
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        raise TimeError("time-invalid", "no such time zone", "Europe/Bucharest") from None


def parse_time(text: str, zone: str, *, strict: bool = False) -> datetime:
    """The instant, aware and in UTC.

    Args:
        text: "2024-05-16", "2024-05-16 10:00", with or without seconds, "Z" or an offset; without an offset it
            is wall time in `zone`; a date alone is that day's beginning.
        zone: an IANA name.
        strict: a time that the zone's clocks skip or show twice is an error; otherwise a skipped time is shifted
            forward and the first of two is taken.

    Raises:
        TimeError: no such instant.
    """
    found = _TIME.fullmatch(text.strip())
    if not found:
        partial = _PARTIAL.fullmatch(text.strip())
        rule, missing = ("time-incomplete", "the day is missing") if partial else ("time-invalid", "not a date")
        raise TimeError(rule, missing, "2027-03-31 or 2027-03-31 10:00")
    numbers = [int(found[name] or 0) for name in ("year", "month", "day", "hour", "minute", "second")]
    try:
        wall = datetime(*numbers)  # type: ignore[arg-type] # noqa: DTZ001 # six integers, wall time on purpose
        offset = _offset(found)
        if offset is None:
            return _local(wall, zone_of(zone), strict=strict and found["hour"] is not None)
        return wall.replace(tzinfo=offset).astimezone(UTC)
    except TimeError:
        raise
    except (ValueError, OverflowError) as error:
        raise TimeError("time-invalid", f"no such time ({error})", "2027-03-31 10:00") from None


def _offset(found: re.Match[str]) -> timezone | None:
    if found["sign"] and found["oh"]:
        delta = timedelta(hours=int(found["oh"]), minutes=int(found["om"]))
        return timezone(-delta if found["sign"] == "-" else delta)
    if found["sign"] or found["oh"]:
        raise TimeError("time-invalid", "half an offset from UTC", "2027-03-31 10:00+02:00")
    return UTC if found["utc"] else None


def _local(wall: datetime, zone: ZoneInfo, *, strict: bool) -> datetime:
    first, second = wall.replace(tzinfo=zone), wall.replace(tzinfo=zone, fold=1)
    instant = first.astimezone(UTC)
    if strict and first.utcoffset() != second.utcoffset():
        exists = instant.astimezone(zone).replace(tzinfo=None) == wall
        choice = f"{first.isoformat(' ', 'minutes')} or {second.isoformat(' ', 'minutes')}"
        if exists:
            raise TimeError("time-ambiguous", f"the clocks of {zone.key} show this time twice", choice)
        later = instant.astimezone(zone).isoformat(" ", "minutes")
        raise TimeError("time-nonexistent", f"the clocks of {zone.key} skip this time", later)
    return instant
