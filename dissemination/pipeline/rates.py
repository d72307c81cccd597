"""What settings allow to go out, as buckets of this day: a pure function of the settings and the instant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from datetime import time as clock_time
from zoneinfo import ZoneInfo

from dissemination.model import Rate, Rates

_DAY, _HOUR = 86_400.0, 3_600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Allowance:
    """How many mails may go out; None: no limit."""

    per_second: float | None = None
    per_hour: int | None = None
    #: Counted from midnight to midnight, in the project's time zone.
    per_day: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Pacing:
    """What settings say about rates."""

    total: Allowance = field(default_factory=Allowance)
    #: Recipient domain -> allowance; "*": every other domain, each for itself.
    domains: Mapping[str, Allowance] = field(default_factory=dict)
    #: A new sender's first days: from this day on, the limit of each day. Afterwards there is none.
    warm_up_starts: date | None = None
    warm_up: tuple[int, ...] = ()
    timezone: str = "UTC"

    def at(self, now: datetime) -> Rates:
        """The buckets that count at this instant."""
        day = now.astimezone(ZoneInfo(self.timezone)).date()
        midnight = self.next_day(now)
        total = _buckets(self.total, day, midnight)
        warming = self._warm_up(day)
        if warming is not None:
            total[f"warm-up:{day}"] = _counted(warming, midnight)
        return Rates(
            total={f"mail:{name}": rate for name, rate in total.items()},
            domains={domain: _buckets(allowance, day, midnight) for domain, allowance in self.domains.items()},
        )

    def next_day(self, now: datetime) -> datetime:
        """The midnight at which day limits begin anew."""
        zone = ZoneInfo(self.timezone)
        tomorrow = now.astimezone(zone).date() + timedelta(days=1)
        return datetime.combine(tomorrow, clock_time.min, zone).astimezone(now.tzinfo)

    def _warm_up(self, day: date) -> int | None:
        if self.warm_up_starts is None:
            return None
        number = (day - self.warm_up_starts).days
        return self.warm_up[number] if 0 <= number < len(self.warm_up) else None


def _buckets(allowance: Allowance, day: date, midnight: datetime) -> dict[str, Rate]:
    made: dict[str, Rate] = {}
    if allowance.per_second:
        made["second"] = Rate(count=allowance.per_second, burst=max(allowance.per_second, 1.0))
    if allowance.per_hour:
        made["hour"] = _spread(allowance.per_hour)
    if allowance.per_day:
        made[f"day:{day}"] = _counted(allowance.per_day, midnight)
    return made


def _spread(count: int) -> Rate:
    """At most so many in any hour, evenly: a minute's worth at once, and the rest as the hour goes on."""
    burst = max(count // 60, 1)
    return Rate(count=max(count - burst, 1), seconds=_HOUR, burst=burst)


def _counted(count: int, midnight: datetime) -> Rate:
    """So many in a bucket that bears the day's name, and nothing more before the day is over."""
    return Rate(count=count, seconds=_DAY, burst=count, until=midnight)
