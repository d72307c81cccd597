"""Slots of digests: each is one edition, and an item is in one edition of a digest once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from dissemination.model import Happening
from dissemination.store.database import Database
from dissemination.store.dialect import insert_missing
from dissemination.store.events import record
from dissemination.store.schema import edition_items, editions, schedules


class Editions:
    """Which slots are over, and which items are taken."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def since(self, schedule: str) -> datetime | None:
        """When the digest was first seen; its slots before that do not exist."""
        with self._database.read() as connection:
            moment = connection.execute(sa.select(schedules.c.since).where(schedules.c.name == schedule)).scalar()
            return moment if isinstance(moment, datetime) else None

    def begin(self, schedule: str, since: datetime) -> None:
        """Note a digest at its first sight."""
        with self._database.write("plan") as connection:
            connection.execute(insert_missing(connection, schedules).values(name=schedule, since=since))

    def last_closed(self, schedule: str) -> datetime | None:
        """The newest slot that is over."""
        with self._database.read() as connection:
            moment = connection.execute(
                sa.select(sa.func.max(editions.c.slot_at, type_=editions.c.slot_at.type)).where(
                    editions.c.schedule == schedule
                )
            ).scalar()
            return moment if isinstance(moment, datetime) else None

    def close(
        self, edition: str, schedule: str, slot_at: datetime, state: str, happening: Happening | None
    ) -> None:
        """A slot is over: "made", "skipped" (empty) or "coalesced" (slept through)."""
        with self._database.write("plan") as connection:
            done = connection.execute(
                insert_missing(connection, editions).values(
                    id=edition, schedule=schedule, slot_at=slot_at, state=state
                )
            )
            if done.rowcount and happening:
                record(connection, [happening])

    def taken(self, schedule: str) -> Mapping[str, str]:
        """Item -> edition, for items that an approved edition of this digest carries."""
        query = sa.select(edition_items.c.item, edition_items.c.edition).where(edition_items.c.schedule == schedule)
        with self._database.read() as connection:
            return {row.item: row.edition for row in connection.execute(query)}
