"""Rates that several processes share: one persisted bucket each, kept by the generic cell rate algorithm (GCRA).

A bucket is known by one number, the instant at which it is full again; what is taken moves that instant on. One
that is counted (`Rate.until`) is full again when its time is over, and knows what was taken until then. Whoever
reads and writes buckets holds the one write lock of SQLite, or PostgreSQL's advisory lock `LOCK`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from dissemination.model import Grant, Rate
from dissemination.store.database import Database
from dissemination.store.dialect import upsert
from dissemination.store.schema import quotas

#: The advisory lock that goes with every reading and writing of buckets.
LOCK = "quotas"
#: Instants are whole microseconds: what is nearer than this is there.
_BLUR = 1e-6
#: Clocks that are set right go back by less.
_LEEWAY = timedelta(hours=1)


class SharedQuotas:
    """`ports.Quotas` on the store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, bucket: str, count: int, rate: Rate) -> Grant:
        """Take up to `count` from a bucket; what was granted is spent."""
        with self._database.write(LOCK) as connection:
            now = self._database.now(connection)
            held = available(connection, {bucket: rate}, now)[bucket]
            granted = min(count, held.count)
            spend(connection, {bucket: (rate, granted)}, now)
        return Grant(count=granted, wait=held.wait if granted < count else 0.0)


def available(connection: Connection, buckets: Mapping[str, Rate], now: datetime) -> dict[str, Grant]:
    """What each bucket holds; `wait` is the time until it holds one more than that."""
    kept = _kept(connection, buckets)
    return {name: _level(*kept.get(name, (now, 0)), rate, now) for name, rate in buckets.items()}


def spend(connection: Connection, taken: Mapping[str, tuple[Rate, int]], now: datetime) -> None:
    """Take out what `available` said is there; a negative count is put back."""
    kept = _kept(connection, taken)
    rows = [
        {"bucket": name, **_after(*kept.get(name, (now, 0)), rate, count, now)}
        for name, (rate, count) in taken.items()
        if count
    ]
    if rows:
        statement = upsert(connection, quotas)
        fresh = {name: statement.excluded[name] for name in ("full_at", "taken")}
        connection.execute(statement.on_conflict_do_update(index_elements=["bucket"], set_=fresh), rows)


def close(connection: Connection, bucket: str, until: datetime) -> None:
    """Empty a bucket that holds one, until an instant; a later one that it is empty to already stays."""
    known = _kept(connection, {bucket: None}).get(bucket, (until, 0))[0]
    facts = {"full_at": max(known, until), "taken": 0}
    statement = upsert(connection, quotas).values(bucket=bucket, **facts)
    connection.execute(statement.on_conflict_do_update(index_elements=["bucket"], set_=facts))


def forget_full(connection: Connection, now: datetime) -> None:
    """A full bucket need not be kept."""
    connection.execute(sa.delete(quotas).where(quotas.c.full_at <= now))


def _kept(connection: Connection, names: Mapping[str, object]) -> dict[str, tuple[datetime, int]]:
    """Bucket -> (when it is full again, what was taken of it where it is counted)."""
    if not names:
        return {}
    query = sa.select(quotas).where(quotas.c.bucket.in_(list(names)))
    return {row.bucket: (row.full_at, row.taken) for row in connection.execute(query)}


def _after(full_at: datetime, taken: int, rate: Rate, count: int, now: datetime) -> Mapping[str, object]:
    """A bucket when `count` more were taken."""
    if rate.until is not None:
        return {"full_at": rate.until, "taken": max(taken if full_at > now else 0, -count) + count}
    full_at = max(_believed(full_at, rate, now), now)
    return {"full_at": full_at + timedelta(seconds=count * rate.seconds / rate.count), "taken": 0}


def _believed(full_at: datetime, rate: Rate, now: datetime) -> datetime:
    """Nobody takes more than there is: what is full only long after that was written by a clock that was wrong."""
    latest = now + timedelta(seconds=rate.burst * rate.seconds / rate.count) + _LEEWAY
    return full_at if full_at <= latest else now


def _level(full_at: datetime, taken: int, rate: Rate, now: datetime) -> Grant:
    if rate.until is not None:
        left = max(int(rate.burst) - (taken if full_at > now else 0), 0)
        return Grant(count=left, wait=max((rate.until - now).total_seconds(), _BLUR))
    each = rate.seconds / rate.count
    missing = max((_believed(full_at, rate, now) - now).total_seconds(), 0.0) / each
    level = max(rate.burst - missing, 0.0)
    count = math.floor(level + _BLUR)
    return Grant(count=count, wait=(count + 1 - (rate.burst - missing)) * each)
