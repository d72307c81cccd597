"""The log: what happened, with its time, and who still has to be told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from dissemination.model import Happening
from dissemination.store.database import Database
from dissemination.store.schema import events

#: Kinds of which somebody must be told.
GRAVE = frozenset({"alarm", "failed", "missed", "in_doubt", "lapsed", "needs_login", "refused", "error"})
_NOBODY, _TO_TELL, _TELLING, _TOLD = 0, 1, 2, 3


def record(connection: Connection, happenings: Iterable[Happening]) -> None:
    """Write into the log, in the transaction of what happened."""
    rows = [
        {
            "at": h.at,
            "kind": h.kind,
            "subject": h.subject,
            "channel": h.channel,
            "detail": h.detail[:2000],
            "told": _TO_TELL if h.kind in GRAVE else _NOBODY,
        }
        for h in happenings
    ]
    if rows:
        connection.execute(sa.insert(events), rows)


class Events:
    """The log's queries."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, happening: Happening) -> None:
        """Record one on its own."""
        with self._database.write() as connection:
            record(connection, [happening])

    def latest(self, count: int, subject: str = "") -> Sequence[Happening]:
        """The newest `count`, oldest first; of one item or edition if `subject` is given."""
        query = sa.select(events).order_by(events.c.id.desc()).limit(count)
        if subject:
            query = query.where(events.c.subject == subject)
        with self._database.read() as connection:
            return [_happening(row) for row in reversed(connection.execute(query).mappings().all())]

    def last(self, kind: str) -> datetime | None:
        """When something of this kind happened last."""
        query = sa.select(events.c.at).where(events.c.kind == kind).order_by(events.c.id.desc()).limit(1)
        with self._database.read() as connection:
            moment = connection.execute(query).scalar()
            return moment if isinstance(moment, datetime) else None

    def take_untold(self) -> Sequence[Happening]:
        """What somebody must be told, each handed out once, even if the telling process dies."""
        with self._database.write() as connection:
            rows = connection.execute(
                sa.update(events).where(events.c.told == _TO_TELL).values(told=_TELLING).returning(events)
            ).mappings()
            return sorted((_happening(row) for row in rows), key=lambda h: h.id)

    def told(self, happenings: Sequence[Happening], *, worked: bool) -> None:
        """Close what `take_untold` gave; what did not work is tried again at the next pass."""
        with self._database.write() as connection:
            connection.execute(
                sa.update(events)
                .where(events.c.id.in_([h.id for h in happenings]))
                .values(told=_TOLD if worked else _TO_TELL)
            )


def _happening(row: sa.RowMapping) -> Happening:
    return Happening(
        id=row["id"],
        at=row["at"],
        kind=row["kind"],
        subject=row["subject"],
        channel=row["channel"],
        detail=row["detail"],
    )
