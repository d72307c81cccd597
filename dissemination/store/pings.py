"""What a hub was told of each feed, and what it is owed.

No event is kept, only two digests a feed: of the document as it is live, and as the hub was told of it last. Where
they differ a ping is owed, whatever died in between; a repeat changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from dissemination.model import Happening, Ping
from dissemination.store.database import Database
from dissemination.store.dialect import upsert
from dissemination.store.events import record
from dissemination.store.schema import pings

#: Nobody gave up on it, and the hub knows another document or none.
_OWED = sa.and_(pings.c.told != pings.c.digest, pings.c.reason == "")


class Pings:
    """`ports.PingsStore`. There is no index: a project has some hundred feeds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def owe(self, hub: str, live: Mapping[str, str], not_before: datetime) -> int:
        """Note documents that are live; how many of them are others than before."""
        with self._database.read() as connection:
            query = sa.select(pings.c.topic, pings.c.digest).where(pings.c.hub == hub)
            known = {row.topic: row.digest for row in connection.execute(query)}
        now = self._database.clock.now()
        rows = [
            {"hub": hub, "topic": topic, "digest": digest, "told": "", "reason": ""}
            | {"since": now, "not_before": not_before}
            for topic, digest in live.items()
            if known.get(topic) != digest
        ]
        if rows:
            self._note(hub, rows)
        return len(rows)

    def _note(self, hub: str, rows: Sequence[Mapping[str, object]]) -> None:
        with self._database.write() as connection:
            connection.execute(sa.delete(pings).where(pings.c.hub != hub))
            statement = upsert(connection, pings)
            fresh = statement.excluded
            changes = {
                "digest": fresh.digest,
                "reason": "",
                "not_before": fresh.not_before,
                # What is owed already grows older: the age that giving up is judged by.
                "since": sa.case((_OWED, pings.c.since), else_=fresh.since),
            }
            statement = statement.on_conflict_do_update(index_elements=["hub", "topic"], set_=changes)
            connection.execute(statement, rows)

    def owed(self, hub: str) -> Sequence[Ping]:
        """What the hub is to be told, the oldest first."""
        return self._those(hub, _OWED)

    def dropped(self, hub: str) -> Sequence[Ping]:
        """What it was not told, and why, until these feeds change next."""
        return self._those(hub, pings.c.reason != "")

    def told(self, hub: str, ping: Ping) -> None:
        """The hub took it. A document that has changed meanwhile stays owed."""
        with self._database.write() as connection:
            connection.execute(_this(hub, ping).values(told=ping.digest))

    def drop(self, hub: str, gone: Sequence[Ping], reason: str, happening: Happening) -> None:
        """Do not tell these documents any more, in one transaction with the line for the log."""
        with self._database.write() as connection:
            for ping in gone:
                same = pings.c.digest == ping.digest
                connection.execute(_this(hub, ping).where(same).values(reason=reason[:2000]))
            record(connection, [happening])

    def _those(self, hub: str, which: sa.ColumnElement[bool]) -> Sequence[Ping]:
        query = sa.select(pings).where(pings.c.hub == hub, which).order_by(pings.c.since, pings.c.topic)
        with self._database.read() as connection:
            return [_ping(row) for row in connection.execute(query).mappings()]


def _this(hub: str, ping: Ping) -> sa.Update:
    return sa.update(pings).where(pings.c.hub == hub, pings.c.topic == ping.topic)


def _ping(row: sa.RowMapping) -> Ping:
    return Ping(**{name: row[name] for name in ("topic", "digest", "since", "not_before", "reason")})
