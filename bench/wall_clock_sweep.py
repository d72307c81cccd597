"""Every full and half hour of the day, daily, in seven zones through four years: each must come once per local day.

    python bench/wall_clock_sweep.py

The oracle goes the other way round: from instants to what the clock shows.
"""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from dissemination.scheduling import WallClockRecurrences

ZONES = (
    "Europe/Bucharest",
    "Europe/Paris",
    "Europe/Berlin",
    "America/New_York",
    "America/Los_Angeles",
    "Africa/Cairo",
    "Australia/Lord_Howe",
)
FIRST, LAST = datetime(2026, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)


def expected(zone: str) -> dict[int, dict[date, datetime]]:
    """Half hour of the day -> local day -> the instant at which it first shows; absent where it is jumped over."""
    place_in = ZoneInfo(zone)
    shown: dict[int, dict[date, datetime]] = {half: {} for half in range(48)}
    moment = FIRST - timedelta(days=1)
    while moment < LAST + timedelta(days=1):
        local = moment.astimezone(place_in)
        if local.minute % 30 == 0:
            shown[local.hour * 2 + local.minute // 30].setdefault(local.date(), moment)
        moment += timedelta(minutes=15)
    return shown


def main() -> None:
    began, wrong, runs = time.perf_counter(), 0, 0
    recurrences = WallClockRecurrences()
    for zone in ZONES:
        place_in, shown = ZoneInfo(zone), expected(zone)
        day, days = date(2026, 1, 1), []
        while day < date(2030, 1, 1):
            days.append(day)
            day += timedelta(days=1)
        start = datetime(2025, 12, 31, 23, 59, tzinfo=place_in).astimezone(UTC)
        end = datetime(2029, 12, 31, 23, 59, tzinfo=place_in).astimezone(UTC)
        for half in range(48):
            found = recurrences.between(f"{half % 2 * 30} {half // 2} * * *", zone, start, end)
            runs += len(found)
            once = Counter(moment.local.date() for moment in found) == Counter(days)
            right = all(shown[half].get(moment.local.date(), moment.utc) == moment.utc for moment in found)
            wrong += not (once and right)
    series = 48 * len(ZONES)
    print(f"{wrong} of {series} series wrong; {runs:,} occurrences in {time.perf_counter() - began:.1f} s")


if __name__ == "__main__":
    main()
