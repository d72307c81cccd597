"""What the rates of one server still allow: taken from the shared buckets in small lots."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from dissemination.model import Rate
from dissemination.ports import Quotas

#: Messages that are paid for at once: fewer would ask the database too often.
_LOT = 32


class Toll:
    """Pays for messages, one at a time.

    Args:
        rates: (bucket, rate), all of which must allow a message.
        quotas: the shared buckets; None where there are no rates.
        now: seconds of a clock that only goes forward.
        clock: the present.
    """

    def __init__(
        self,
        rates: tuple[tuple[str, Rate], ...],
        quotas: Quotas | None,
        now: Callable[[], float],
        clock: Callable[[], datetime],
    ) -> None:
        self._rates = rates if quotas is not None else ()
        self._quotas, self._now, self.clock = quotas, now, clock
        #: Paid for and not yet used.
        self._credit = dict.fromkeys((bucket for bucket, _ in self._rates), 0)
        self._closed_until = 0.0

    @property
    def charges(self) -> bool:
        """Whether there is any rate."""
        return bool(self._rates)

    def pay(self, wanted: int) -> bool:
        """Whether one more message may go; `wanted` is how many would like to."""
        if not self._rates:
            return True
        if self.wait():
            return False
        for bucket, rate in self._rates:
            if not self._credit[bucket] and not self._take(bucket, rate, min(wanted, _LOT)):
                return False
        for bucket, _ in self._rates:
            self._credit[bucket] -= 1
        return True

    def wait(self) -> float:
        """Seconds until a message may go; 0: now."""
        return max(0.0, self._closed_until - self._now()) if self._rates else 0.0

    def _take(self, bucket: str, rate: Rate, count: int) -> bool:
        if self._quotas is None:
            return True
        grant = self._quotas.take(bucket, count, rate)
        self._credit[bucket] += grant.count
        if not grant.count:
            self._closed_until = self._now() + grant.wait
        return grant.count > 0
