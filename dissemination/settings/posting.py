"""`channels.<name>.posting`: when a network's posts go out, and what stands in them besides the item's words."""

from __future__ import annotations

import re
from datetime import time
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from dissemination.model import DaySpan

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SLOT = re.compile(r"(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))? (?P<hour>\d{1,2}):(?P<minute>\d{2})\Z")
_ENDS = ("start", "end")
_QUIET = re.compile(r"(?P<start>\d{1,2}:\d{2}) ?- ?(?P<end>\d{1,2}:\d{2})\Z")


def _slot(text: str) -> str:
    plain = " ".join(text.lower().split())
    match = _SLOT.match(plain)
    days = [day for day in match.group("first", "last") if day] if match else [""]
    if match is None or any(day not in _DAYS for day in days) or not _is_time(match["hour"], match["minute"]):
        raise ValueError("not a weekly slot; write a day and a time, such as tue 10:00 or mon-fri 9:30")
    return plain


def _is_time(hour: str, minute: str) -> bool:
    return int(hour) < 24 and int(minute) < 60


def _quiet(text: str) -> str:
    match = _QUIET.match(text.strip())
    ends = match.group(*_ENDS) if match else ()
    if len({clock(end) for end in ends if _is_time(*end.split(":"))}) != len(_ENDS):
        raise ValueError("not a span of the day; write two different times, such as 21:00-07:00")
    return "-".join(ends)


Slot = Annotated[str, AfterValidator(_slot)]
Quiet = Annotated[str, AfterValidator(_quiet)]
Utm = Annotated[str, Field(max_length=100)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class UtmSection(_Section):
    """What the links of posts say about where a reader came from; the same for everybody, off where left out."""

    source: Utm = ""
    """utm_source, such as mastodon."""
    medium: Utm = ""
    """utm_medium, such as social."""
    campaign: Utm = ""
    """utm_campaign, such as the project's acronym."""


class PostingSection(_Section):
    """When a network's posts go out, and what stands in them besides the item's words."""

    slots: list[Slot] = Field(default_factory=list, max_length=100)
    """Weekly slots in the project's time zone, such as tue 10:00; a post without its own time takes the next."""
    quiet: Quiet | None = None
    """Hours of the day at which nothing goes out, such as 21:00-07:00; what falls due then waits for their end."""
    gap_minutes: int = Field(default=0, ge=0, le=10_080)
    """The least time between two posts."""
    per_hour: int | None = Field(default=None, ge=1)
    """The most posts in any hour; no limit where left out."""
    per_day: int | None = Field(default=None, ge=1)
    """The most posts of a day, from midnight to midnight; no limit where left out."""
    utm: UtmSection = UtmSection()
    """What the links of posts say about where a reader came from; the same for everybody, off where left out."""
    funding: bool = False
    """Whether the short funding statement stands in every post."""
    hashtags: bool = True
    """Whether hashtags stand below the text."""

    def crons(self) -> tuple[str, ...]:
        """The slots as cron expressions of wall time."""
        return tuple(_cron(slot) for slot in self.slots)

    def span(self) -> DaySpan | None:
        """The quiet hours."""
        return DaySpan(*map(clock, self.quiet.split("-"))) if self.quiet else None


def _cron(slot: str) -> str:
    days, _, at = slot.partition(" ")
    moment = clock(at)
    return f"{moment.minute} {moment.hour} * * {days}"


def clock(text: str) -> time:
    """The wall time of "9:30"."""
    hour, _, minute = text.partition(":")
    return time(int(hour), int(minute))
