"""How many sign-ups come from one place. Kept in memory alone: no address of a visitor is ever written down."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

from dissemination.web.public.callers import place_of

#: Sign-ups of one place in an hour.
MOST = 5
_SPAN = timedelta(hours=1)
#: Places that are remembered; the eldest is forgotten first.
_REMEMBERED = 10_000


class Sources:
    """Counts by place: an IPv4 address, or the /64 that a household has of IPv6."""

    def __init__(self) -> None:
        self._seen: dict[str, deque[datetime]] = {}

    def take(self, caller: str, now: datetime) -> bool:
        """Count one; False: this place has had its share."""
        place = place_of(caller)
        times = self._seen.pop(place, deque())
        while times and not now - _SPAN < times[0] <= now:
            times.popleft()
        self._seen[place] = times
        if len(self._seen) > _REMEMBERED:
            del self._seen[next(iter(self._seen))]
        if len(times) >= MOST:
            return False
        times.append(now)
        return True
