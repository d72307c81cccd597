"""The one room that knows APScheduler: recurrences on the wall clock, and the tick that wakes the publisher.

Neither decides anything. What is due is written in the store; docs/decisions/0002-wall-clock-recurrences.md tells
why the library's cron trigger is never given a zone.
"""

from __future__ import annotations

import difflib
import logging
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger

from dissemination.errors import SettingsError, WrongUseError
from dissemination.model import Occurrence

#: Short names for common patterns; the same as in cron.
ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * sun",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}

_EXAMPLE = 'write five fields (minute hour day month weekday), for example "0 9 * * mon" for Mondays at 09:00'
_FIELDS = ("minute", "hour", "day", "month", "weekday")
_NUMBERS = r"\*(/[0-9]{1,2})?|[0-9]{1,2}(-[0-9]{1,2})?(/[0-9]{1,2})?"
_MONTH = "(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
# The library's own patterns are open at the end: it would read "mon/2" as "mon".
_PARTS = {
    "minute": re.compile(_NUMBERS),
    "hour": re.compile(_NUMBERS),
    "day": re.compile(rf"{_NUMBERS}|last"),
    "month": re.compile(rf"{_NUMBERS}|{_MONTH}(-{_MONTH})?"),
}
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_DAY = r"[0-7]|sun|mon|tue|wed|thu|fri|sat"
_WEEKDAY_PART = re.compile(rf"(?:\*|(?P<first>{_DAY})(?:-(?P<last>{_DAY}))?)(?:/(?P<step>[1-7]))?")

# Outside of these years nobody plans, and arithmetic on instants stays far from the ends of the calendar.
_FIRST = datetime(1970, 1, 2, tzinfo=UTC)
_LAST = datetime(2900, 1, 1, tzinfo=UTC)
_MOST = 10_000
# 29 February on a given weekday comes back after 40 years at the latest (2100 has none).
_HORIZON = timedelta(days=50 * 366)
_DAY_LONG = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Pattern:
    """An expression that was read and found to be good."""

    minute: str
    hour: str
    day: str
    month: str
    weekday: str

    @property
    def is_series(self) -> bool:
        """Whether it runs through the hours, and so through both passes of a repeated hour."""
        return any(sign in self.minute + self.hour for sign in "*/-")

    def trigger(self, end: datetime | None = None) -> CronTrigger:
        """The library's enumeration of wall times, which are dressed as UTC to keep its hands off the zone."""
        return CronTrigger(
            minute=self.minute,
            hour=self.hour,
            day=self.day,
            month=self.month,
            day_of_week=self.weekday,
            end_date=end,
            timezone=UTC,
        )

    def walls(self, low: datetime, high: datetime) -> Iterator[datetime]:
        """All naive wall times of the pattern from `low` to `high`, both included."""
        trigger = self.trigger(high.replace(tzinfo=UTC))
        found = trigger.get_next_fire_time(None, low.replace(tzinfo=UTC))
        while found is not None:
            yield found.replace(tzinfo=None)
            found = trigger.get_next_fire_time(None, found + timedelta(minutes=1))


class WallClockRecurrences:
    """Cron-like recurrences (`ports.Recurrences`) that are right over every change of clocks.

    An expression has five fields: minute, hour, day of the month, month, weekday (0 and 7 are Sunday, names are
    allowed), or is one of `ALIASES`. "last" is the last day of the month. When both day and weekday are narrowed,
    both must hold: "0 9 1-7 * mon" is the first Monday of a month (old cron would take either).

    Wall times are enumerated first and then placed in the zone. A time that the clocks jump over is shifted
    forward by the jump. A time that comes twice counts once, in its first pass, where the minute and the hour are
    plain numbers or lists; a series (with "*", "/" or "-" in the minute or the hour) runs in both passes, so that
    no hour is silent. Two times that fall on one instant are one occurrence.
    """

    def between(self, expression: str, zone: str, after: datetime, until: datetime) -> Sequence[Occurrence]:
        """All instants in (after, until], in order.

        Args:
            expression: five cron fields or an alias.
            zone: IANA name, "Europe/Bucharest".
            after: aware.
            until: aware.

        Raises:
            SettingsError: the expression or the zone cannot be read.
        """
        return _between(_read(expression), _zone(zone), _bounded(after), _bounded(until))

    def next(self, expression: str, zone: str, after: datetime, count: int) -> Sequence[Occurrence]:
        """The next `count` instants after `after` (aware), looked for over 50 years.

        Raises:
            SettingsError: the expression or the zone cannot be read, or no such day ever comes.
            WrongUseError: more than 10,000 are asked for.
        """
        if not 1 <= count <= _MOST:
            raise WrongUseError(f"{count} occurrences asked for; ask for 1 to {_MOST:,}")
        pattern, place_in = _read(expression), _zone(zone)
        start = _bounded(after)
        end = min(start + _HORIZON, _LAST)
        found: list[Occurrence] = []
        span = timedelta(hours=1)
        while len(found) < count and start < end:
            stop = min(start + span, end)
            found += _between(pattern, place_in, start, stop)
            start, span = stop, span * 2
        if not found:
            raise SettingsError(f'"{expression}" names a day that never comes; {_EXAMPLE}')
        return found[:count]


def place(local: datetime, zone: str) -> tuple[datetime, str]:
    """The instant (UTC) of a naive wall time in a zone, and what was special about it.

    The note is "" | "gap: ..." (the clocks jump over it: shifted forward by the jump) | "fold: ..." (it comes
    twice: the first pass).

    Raises:
        SettingsError: no such zone.
        ValueError: `local` already carries a zone.
    """
    if local.tzinfo is not None:
        raise ValueError("a wall time carries no zone")
    placed = _place(local, _zone(zone), fold=0)
    return placed.utc, placed.note


def _between(pattern: _Pattern, zone: ZoneInfo, after: datetime, until: datetime) -> list[Occurrence]:
    # Around a change of clocks a wall time may be placed by the offset before it or after it.
    low = after.replace(tzinfo=None) + min(_offsets(after, zone))
    high = until.replace(tzinfo=None) + max(_offsets(until, zone))
    found: dict[datetime, Occurrence] = {}
    for wall in pattern.walls(low, high):
        for placed in _places(wall, zone, both=pattern.is_series):
            # A time that really stands on the clock outdoes one that was shifted onto it.
            if after < placed.utc <= until and (placed.utc not in found or not placed.note):
                found[placed.utc] = placed
    return [found[instant] for instant in sorted(found)]


def _offsets(instant: datetime, zone: ZoneInfo) -> list[timedelta]:
    near = (instant - _DAY_LONG, instant, instant + _DAY_LONG)
    return [moment.astimezone(zone).utcoffset() or timedelta() for moment in near]


def _places(wall: datetime, zone: ZoneInfo, *, both: bool) -> Iterator[Occurrence]:
    first = _place(wall, zone, fold=0)
    yield first
    if both and first.note.startswith("fold"):
        yield _place(wall, zone, fold=1)


def _place(wall: datetime, zone: ZoneInfo, *, fold: int) -> Occurrence:
    utc = wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)
    local = utc.astimezone(zone).replace(tzinfo=None, fold=0)
    if local != wall:
        note = f"gap: the clocks jump over {wall:%H:%M}, shifted forward to {local:%H:%M}"
    elif wall.replace(tzinfo=zone, fold=0).utcoffset() != wall.replace(tzinfo=zone, fold=1).utcoffset():
        note = f"fold: {wall:%H:%M} comes twice, this is the {'second' if fold else 'first'} pass"
    else:
        note = ""
    return Occurrence(utc=utc, local=local, note=note)


def _bounded(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("an instant carries its zone")
    return min(max(instant, _FIRST), _LAST).astimezone(UTC)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        near = difflib.get_close_matches(name[:60], available_timezones(), n=1)
        hint = f'did you mean "{near[0]}"?' if near else 'write an IANA name, for example "Europe/Bucharest"'
        raise SettingsError(f'"{name[:60]}" is no time zone; {hint}') from error


def _read(expression: str) -> _Pattern:
    text = ALIASES.get(expression.strip().lower(), expression).lower()
    parts = text.split() if len(text) <= 200 else []
    if len(parts) != len(_FIELDS):
        raise _unreadable(expression, f"it has {len(parts)} of 5 fields")
    values = dict(zip(_FIELDS, parts, strict=True))
    for name, grammar in _PARTS.items():
        if not all(grammar.fullmatch(part) for part in values[name].split(",")):
            raise _unreadable(expression, f'the {name} "{values[name]}" cannot be read')
    values["weekday"] = _weekdays(expression, values["weekday"])
    pattern = _Pattern(**values)
    try:
        pattern.trigger()
    except ValueError as error:
        raise _unreadable(expression, str(error)) from error
    return pattern


def _weekdays(expression: str, text: str) -> str:
    """Names for numbers, because APScheduler counts from Monday where cron counts from Sunday."""
    days: set[str] = set()
    for part in text.split(","):
        match = _WEEKDAY_PART.fullmatch(part)
        if match is None:
            raise _unreadable(expression, f'the weekday "{text}" cannot be read')
        days.update(_WEEKDAYS[number % 7] for number in _days_of(match))
    return ",".join(day for day in _WEEKDAYS if day in days)


def _days_of(match: re.Match[str]) -> range:
    step = int(match["step"] or 1)
    if match["first"] is None:
        return range(0, 7, step)
    first = _number(match["first"])
    # "2/2" starts on Tuesday and goes on to Saturday, as in the other fields.
    last = _number(match["last"]) if match["last"] else (6 if match["step"] else first)
    return range(first, (last if last >= first else last + 7) + 1, step)


def _number(day: str) -> int:
    return int(day) if day.isdigit() else _WEEKDAYS.index(day)


def _unreadable(expression: str, why: str) -> SettingsError:
    return SettingsError(f'the recurrence "{expression[:80]}" cannot be read: {why}; {_EXAMPLE}')


class Ticker:
    """Calls `tick` at once and then every `seconds`, one call at a time, in a thread of its own.

    APScheduler's interval job (memory job store, UTC) does nothing but wake that thread: late or doubled wake-ups
    melt into one, and nothing is ever lost, because the store knows what is due.

    Args:
        tick: the work; however long it takes, it is never entered twice.
        seconds: from wake-up to wake-up.
        on_error: is handed what `tick` raised; the ticking goes on.
    """

    def __init__(self, tick: Callable[[], None], seconds: float, *, on_error: Callable[[Exception], None]) -> None:
        self._tick = tick
        self._on_error = on_error
        self._seconds = seconds
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="ticker", daemon=True)
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._scheduler.add_job(self._wake.set, "interval", seconds=seconds, id="tick")

    def start(self) -> None:
        """Begin, with a first tick at once. A ticker is started once."""
        self._wake.set()
        self._thread.start()
        self._scheduler.start()

    def wake(self) -> None:
        """Tick now, or once more if a tick is under way."""
        self._wake.set()

    def stop(self, timeout: float) -> bool:
        """Begin no further tick, and wait up to `timeout` seconds for the one under way; whether it has ended."""
        self._stopping.set()
        self._wake.set()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _work(self) -> None:
        while True:
            # The scheduler waits by the wall clock: set back by an hour it would be silent for as long.
            self._wake.wait(timeout=3 * self._seconds)
            self._wake.clear()
            if self._stopping.is_set():
                return
            try:
                self._tick()
            except Exception as error:  # noqa: BLE001 - whatever it is, the next tick must come
                self._report(error)

    def _report(self, error: Exception) -> None:
        try:
            self._on_error(error)
        except Exception:
            logging.getLogger(__name__).exception("ticker: an error could not be handed on")
