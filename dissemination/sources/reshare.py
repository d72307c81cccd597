"""`reshare` of the front matter: how an item is posted again."""

from __future__ import annotations

import re
from datetime import date
from zoneinfo import ZoneInfo

from dissemination.model import Reshare
from dissemination.sources.fields import Fields

FIELDS = frozenset({"every", "times", "until", "text"})
#: A year of days: who waits longer writes a new item.
MOST_DAYS, MOST_TIMES = 365, 20
_SPAN = re.compile(r"(?P<count>\d{1,3}) ?(?P<unit>d|days?|w|weeks?)?")


def read_reshare(fields: Fields, zone: str) -> Reshare | None:
    """What the item says, or None; what is wrong with it is noted, and then it is not posted again.

    Args:
        fields: the item's front matter.
        zone: the time zone that `until` is a day of.
    """
    given = fields.inner("reshare", FIELDS)
    if given is None:
        return None
    texts = _texts(given)
    days, times = _days(given), _times(given, len(texts))
    if days is None or times is None:
        return None
    return Reshare(every=days, times=times, until=_until(given, zone), texts=texts)


def _texts(given: Fields) -> tuple[str, ...]:
    """Each as it is written, doubles too: that two are equal is for the checks to say."""
    value = given.raw("text")
    if isinstance(value, str):
        return (value.strip(),)
    if isinstance(value, list) and all(isinstance(entry, str) for entry in value):
        return tuple(entry.strip() for entry in value)
    return given.texts("text", "")


def _days(given: Fields) -> int | None:
    text = given.text("every")
    match = _SPAN.fullmatch(text)
    days = int(match["count"]) * (7 if (match["unit"] or "d")[0] == "w" else 1) if match else 0
    if 1 <= days <= MOST_DAYS:
        return days
    message = f"`{text}` is no span from a day to a year" if text else "reshare does not say how long after"
    given.wrong("every", "reshare-every", message, fix="every: 60d", seen=text)
    return None


def _times(given: Fields, texts: int) -> int | None:
    text = given.text("times")
    if not text:
        return texts
    if text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_TIMES:
        return int(text)
    given.wrong(
        "times", "reshare-times", f"`{text}` is no number from 1 to {MOST_TIMES}", fix="times: 2", seen=text
    )
    return None


def _until(given: Fields, zone: str) -> date | None:
    moment = given.when("until", zone)
    return moment.astimezone(ZoneInfo(zone)).date() if moment else None
