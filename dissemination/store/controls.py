"""The emergency stop, and small facts about the database itself."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

import sqlalchemy as sa

from dissemination.model import Happening
from dissemination.store.database import Database
from dissemination.store.dialect import insert_missing, upsert
from dissemination.store.events import record
from dissemination.store.schema import meta, pauses

EVERY = "*"


class Controls:
    """Pauses by channel; "*" is every channel."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def pause(self, channel: str, *, who: str, reason: str, kind: str = "paused") -> None:
        """Nothing new starts on the channel from the next window on."""
        now = self._database.clock.now()
        facts = {"channel": channel, "who": who, "reason": reason, "at": now}
        with self._database.write() as connection:
            statement = upsert(connection, pauses).values(facts)
            connection.execute(statement.on_conflict_do_update(index_elements=["channel"], set_=facts))
            detail = f"{who}: {reason}" if reason else who
            record(connection, [Happening(at=now, kind=kind, channel=channel, detail=detail)])

    def resume(self, channel: str, *, who: str) -> bool:
        """Go on; False if it was not paused. Resuming "*" resumes every channel."""
        now = self._database.clock.now()
        with self._database.write() as connection:
            query = sa.delete(pauses)
            done = connection.execute(query if channel == EVERY else query.where(pauses.c.channel == channel))
            if done.rowcount:
                record(connection, [Happening(at=now, kind="resumed", channel=channel, detail=who)])
            return bool(done.rowcount)

    def paused(self) -> Mapping[str, str]:
        """Channel -> who and why."""
        with self._database.read() as connection:
            rows = connection.execute(sa.select(pauses)).mappings()
            return {row["channel"]: ": ".join(filter(None, (row["who"], row["reason"]))) for row in rows}

    def key(self, name: str) -> bytes:
        """A random key of this database, made at the first question.

        It lies in the database so that a restored backup still honours the links that were sent, and still knows
        whom it must not write to.
        """
        query = sa.select(meta.c.value).where(meta.c.key == name)
        with self._database.read() as connection:
            known = connection.execute(query).scalar()
        if known is None:
            with self._database.write() as connection:
                connection.execute(insert_missing(connection, meta).values(key=name, value=secrets.token_hex(32)))
                known = connection.execute(query).scalar_one()
        return str(known).encode()
