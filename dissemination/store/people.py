"""Subscribers: the baseline list with consent, and the addresses that are never written to again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from dissemination.model import Audience, Subscriber
from dissemination.store.database import Database
from dissemination.store.dialect import insert_missing
from dissemination.store.schema import memberships, subscribers, suppressions


def audience_query(audience: Audience) -> sa.Select[tuple[int]]:
    """Ids of the active people on the lists, without those on excluded lists."""
    on = sa.select(memberships.c.subscriber).where(memberships.c.list.in_(audience.lists))
    off = sa.select(memberships.c.subscriber).where(memberships.c.list.in_(audience.exclude))
    query = sa.select(subscribers.c.id).where(subscribers.c.state == "active", subscribers.c.id.in_(on))
    return query.where(subscribers.c.id.not_in(off)) if audience.exclude else query


def to_subscriber(row: sa.RowMapping) -> Subscriber:
    """A row of `subscribers` as a value, without lists."""
    names = ("id", "email", "name", "lang", "state", "consent_source", "consent_at")
    return Subscriber(**{name: row[name] for name in names})


class People:
    """Adding, finding and taking off."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, rows: Iterable[tuple[Subscriber, str, str]]) -> tuple[int, int, int]:
        """Add or complete people, all or none.

        Args:
            rows: (subscriber, normalised address, suppression hash).

        Returns:
            (new, already there, refused because suppressed).
        """
        tally = [0, 0, 0]
        with self._database.write("people") as connection:
            for person, address, hashed in rows:
                tally[self._add(connection, person, address, hashed)] += 1
        return tally[0], tally[1], tally[2]

    def _add(self, connection: Connection, person: Subscriber, address: str, hashed: str) -> int:
        if connection.execute(sa.select(suppressions.c.hash).where(suppressions.c.hash == hashed)).first():
            return 2
        made = connection.execute(
            insert_missing(connection, subscribers)
            .values(
                email=person.email,
                address=address,
                domain=address.rpartition("@")[2],
                name=person.name,
                lang=person.lang,
                state="active",
                consent_source=person.consent_source,
                consent_at=person.consent_at,
                created_at=self._database.clock.now(),
            )
            .returning(subscribers.c.id)
        ).scalar()
        known = sa.select(subscribers.c.id).where(subscribers.c.address == address)
        found = made or connection.execute(known).scalar_one()
        for name in person.lists:
            connection.execute(insert_missing(connection, memberships).values(list=name, subscriber=found))
        return 0 if made else 1

    def all(self, *, listed: str = "", state: str = "") -> Iterator[Subscriber]:
        """Everybody, in the order they came, a thousand at a time."""
        last = 0
        while page := self._page(last, listed, state):
            yield from page
            last = page[-1].id

    def _page(self, after: int, listed: str, state: str) -> Sequence[Subscriber]:
        query = sa.select(subscribers).where(subscribers.c.id > after).order_by(subscribers.c.id).limit(1000)
        if state:
            query = query.where(subscribers.c.state == state)
        if listed:
            on = sa.select(memberships.c.subscriber).where(memberships.c.list == listed)
            query = query.where(subscribers.c.id.in_(on))
        with self._database.read() as connection:
            rows = connection.execute(query).mappings().all()
            return _with_lists(connection, [to_subscriber(row) for row in rows])

    def count(self, audience: Audience) -> int:
        """How many people an audience is at this moment."""
        query = sa.select(sa.func.count()).select_from(audience_query(audience).subquery())
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def remove(self, address: str) -> bool:
        """Erase a person; what they were sent stays as a number without a name. False: not there."""
        with self._database.write("people") as connection:
            # Not left to the cascade alone: foreign keys may be off in a database that another tool opened.
            who = sa.select(subscribers.c.id).where(subscribers.c.address == address).scalar_subquery()
            connection.execute(sa.delete(memberships).where(memberships.c.subscriber == who))
            done = connection.execute(sa.delete(subscribers).where(subscribers.c.address == address))
        # An erased address must not stay behind in the write-ahead log either.
        self._database.checkpoint()
        return bool(done.rowcount)

    def suppress(self, address: str, hashed: str, reason: str) -> bool:
        """Never write to this address again, also after a new import. True if it was on the list."""
        with self._database.write("people") as connection:
            connection.execute(
                insert_missing(connection, suppressions).values(
                    hash=hashed, reason=reason, at=self._database.clock.now()
                )
            )
            done = connection.execute(
                sa.update(subscribers).where(subscribers.c.address == address).values(state="suppressed")
            )
            return bool(done.rowcount)


def _with_lists(connection: Connection, people: Sequence[Subscriber]) -> Sequence[Subscriber]:
    query = sa.select(memberships).where(memberships.c.subscriber.in_([p.id for p in people]))
    lists: dict[int, list[str]] = {}
    for row in connection.execute(query.order_by(memberships.c.list)):
        lists.setdefault(row.subscriber, []).append(row.list)
    return [
        Subscriber(
            id=p.id,
            email=p.email,
            name=p.name,
            lang=p.lang,
            lists=tuple(lists.get(p.id, ())),
            state=p.state,
            consent_source=p.consent_source,
            consent_at=p.consent_at,
        )
        for p in people
    ]
