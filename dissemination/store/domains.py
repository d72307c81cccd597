"""Rates of recipient domains, as one turn of a ledger sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy.engine import Connection

from dissemination.model import Grant, Rate, Recipient
from dissemination.store import quotas

_EVERY_OTHER = "*"


class Domains:
    """Which domains may have how many more in this turn.

    Args:
        connection: of the turn.
        table: domain -> end of the bucket's name -> rate.
        until: domain -> when it may go on; outlives the turn, so that who was found empty is not asked before.
        now: the turn's instant.
    """

    def __init__(
        self,
        connection: Connection,
        table: Mapping[str, Mapping[str, Rate]],
        until: dict[str, datetime],
        now: datetime,
    ) -> None:
        self._connection, self._table, self._until, self._now = connection, table, until, now
        self._grants: dict[str, Grant] = {}
        self._taken: dict[str, int] = {}
        for domain in [name for name, then in until.items() if then <= now or not table]:
            del until[domain]

    def held(self) -> list[str]:
        """Domains that get nothing now."""
        return list(self._until)

    def wait(self) -> float | None:
        """Seconds until the first of them may go on; None: none is held back."""
        return min(((then - self._now).total_seconds() for then in self._until.values()), default=None)

    def granted(self, people: list[Recipient]) -> list[Recipient]:
        """Those whose domain has something left."""
        if not self._table:
            return people
        self._ask({one.domain for one in people} - self._grants.keys())
        return [one for one in people if self._take(one.domain)]

    def spend(self) -> None:
        """The turn ends: what was granted is spent."""
        taken = {
            name: (rate, count)
            for domain, count in self._taken.items()
            for name, rate in buckets_of(domain, self._table).items()
        }
        if taken:
            quotas.spend(self._connection, taken, self._now)

    def _ask(self, domains: set[str]) -> None:
        buckets = {domain: buckets_of(domain, self._table) for domain in domains}
        rates = {name: rate for inner in buckets.values() for name, rate in inner.items()}
        grants = quotas.available(self._connection, rates, self._now) if rates else {}
        for domain, inner in buckets.items():
            if inner:
                self._grants[domain] = tightest([grants[name] for name in inner])

    def _take(self, domain: str) -> bool:
        grant = self._grants.get(domain)
        if grant is None:
            return True
        taken = self._taken.get(domain, 0)
        if taken >= grant.count:
            self._until.setdefault(domain, self._now + timedelta(seconds=grant.wait))
            return False
        self._taken[domain] = taken + 1
        return True


def buckets_of(domain: str, table: Mapping[str, Mapping[str, Rate]]) -> dict[str, Rate]:
    """Bucket -> rate of one domain, as a table of rates by domain has it (`Rates.domains`)."""
    rates = table.get(domain) or table.get(_EVERY_OTHER) or {}
    return {f"domain:{domain}:{name}": rate for name, rate in rates.items()}


def tightest(grants: Sequence[Grant]) -> Grant:
    """Of several buckets that all must give: the least count, and where it is equal the longest wait."""
    return min(grants, key=lambda grant: (grant.count, -grant.wait))
