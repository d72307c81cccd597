"""Many people at once: set aside in a table of their own, looked through, and taken in by a handful of statements.

The table is temporary: setting a million people aside takes no lock and leaves nothing behind, and only `settle`
writes to the database, all or nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from dissemination.errors import StoreError
from dissemination.model import Added, Step, Subscriber
from dissemination.store.consents import SEPARATOR
from dissemination.store.database import Database
from dissemination.store.dialect import insert_missing, merged
from dissemination.store.schema import Instant, consents, memberships, microseconds, subscribers, suppressions

#: (line, person, normalised address, suppression hash).
Arrival = tuple[int, Subscriber, str, str]

#: Rows of one statement.
_BATCH = 2_000
#: Pages of SQLite's cache while people are taken in, in KiB: an index of a million addresses is filled in no order.
_CACHE = 64_000

_arrivals = sa.Table(
    "arrivals",
    sa.MetaData(),
    sa.Column("line", sa.Integer, primary_key=True),
    sa.Column("email", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("lang", sa.Text, nullable=False),
    sa.Column("lists", sa.Text, nullable=False),
    sa.Column("consent_source", sa.Text, nullable=False),
    sa.Column("consent_at", Instant),
    sa.Column("attributes", sa.JSON(none_as_null=True)),
    sa.Column("domain", sa.Text, nullable=False),
    prefixes=["TEMPORARY"],
)
_NAMES = _arrivals.columns.keys()
#: Columns that a subscriber is made of.
_TAKEN = ("email", "address", "name", "lang", "consent_source", "consent_at", "domain", "attributes")


class Arrivals:
    """People set aside; made by `set_aside`."""

    def __init__(self, database: Database, connection: Connection) -> None:
        self._database = database
        self._connection = connection
        self._lists: set[str] = set()

    def add(self, rows: Iterable[Arrival]) -> None:
        """Set people aside. No line number may come twice."""
        waiting = iter(rows)
        # The driver's own statement, and values that it takes as they are: a third of the time of a million rows.
        statement = sa.insert(_arrivals).compile(dialect=self._connection.dialect)
        while batch := [self._row(*row) for row in islice(waiting, _BATCH)]:
            values: Any = batch if statement.positional else [dict(zip(_NAMES, row, strict=True)) for row in batch]
            with self._connection.begin():
                self._connection.exec_driver_sql(str(statement), values)

    def _row(self, line: int, person: Subscriber, address: str, hashed: str) -> tuple[Any, ...]:
        self._lists.update(person.lists)
        return (
            line,
            person.email,
            address,
            hashed,
            person.name,
            person.lang,
            SEPARATOR.join(person.lists),
            person.consent_source,
            _instant(person.consent_at),
            json.dumps(dict(person.attributes)) if person.attributes else None,
            address.rpartition("@")[2],
        )

    def repeated(self) -> Iterator[tuple[int, int]]:
        """(line, first line with the same address), for every line that repeats an earlier one."""
        ours = _arrivals.alias()
        first = (
            sa.select(_arrivals.c.address, sa.func.min(_arrivals.c.line).label("line"))
            .group_by(_arrivals.c.address)
            .having(sa.func.count() > 1)
            .subquery()
        )
        query = (
            sa.select(ours.c.line, first.c.line)
            .join(first, first.c.address == ours.c.address)
            .where(ours.c.line > first.c.line)
            .order_by(ours.c.line)
        )
        with self._connection.begin():
            yield from ((line, earlier) for line, earlier in self._connection.execute(query))

    def settle(self, *, step: Step, form: str, wording: str | None = None) -> Added:
        """Take everybody in who is not suppressed: one transaction of a few statements.

        Who is there already keeps their name, language and state; lists and attributes are added to them, and lists
        that they left stay left.

        Args:
            step: what the consent log says.
            form: how they came, for the consent log.
            wording: digest of the words they agreed to, kept before.
        """
        self._ready_cache()
        with self._database.write("people", on=self._connection) as connection:
            staged = connection.execute(sa.select(sa.func.count()).select_from(_arrivals)).scalar_one()
            barred = sa.select(suppressions.c.hash)
            suppressed = connection.execute(sa.delete(_arrivals).where(_arrivals.c.hash.in_(barred))).rowcount
            last = connection.execute(sa.select(sa.func.max(subscribers.c.id))).scalar() or 0
            self._take_in(connection)
            new = connection.execute(
                sa.select(sa.func.count()).select_from(subscribers).where(subscribers.c.id > last)
            ).scalar_one()
            known = staged - suppressed - new
            if known:
                self._complete(connection, last)
            self._list(connection)
            _log(connection, last, (step, form, wording))
        return Added(new=new, known=known, suppressed=suppressed)

    def _ready_cache(self) -> None:
        if not self._database.is_postgres:
            with self._connection.begin():
                self._connection.exec_driver_sql(f"PRAGMA cache_size=-{_CACHE}")

    def _take_in(self, connection: Connection) -> None:
        columns = ["state", "created_at", *_TAKEN]
        now = sa.literal(self._database.clock.now(), type_=Instant)
        query = sa.select(sa.literal("active"), now, *(_arrivals.c[name] for name in _TAKEN))
        # SQLite takes the ON of "ON CONFLICT" for a join's where a SELECT has no WHERE.
        query = query.where(sa.true()).order_by(_arrivals.c.line)
        connection.execute(insert_missing(connection, subscribers).from_select(columns, query))

    def _complete(self, connection: Connection, last: int) -> None:
        """What the file says of the attributes of somebody who is there already holds from now on."""
        connection.execute(
            sa.update(subscribers)
            .where(subscribers.c.address == _arrivals.c.address, subscribers.c.id <= last)
            .where(_arrivals.c.attributes.is_not(None))
            .values(attributes=merged(connection, subscribers.c.attributes, _arrivals.c.attributes))
        )

    def _list(self, connection: Connection) -> None:
        for name in sorted(self._lists):
            among = (SEPARATOR + _arrivals.c.lists + SEPARATOR).contains(
                f"{SEPARATOR}{name}{SEPARATOR}", autoescape=True
            )
            query = sa.select(sa.literal(name), subscribers.c.id).select_from(_matched()).where(among)
            insert = insert_missing(connection, memberships)
            connection.execute(insert.from_select(["list", "subscriber"], query))


@lru_cache(maxsize=4_096)
def _instant(moment: datetime | None) -> int | None:
    """As the column keeps it; a file has few dates."""
    return None if moment is None else microseconds(moment)


def _matched() -> sa.Join:
    return _arrivals.join(subscribers, subscribers.c.address == _arrivals.c.address)


def _log(connection: Connection, last: int, said: tuple[Step, str, str | None]) -> None:
    """One line each; of those who were there before, the same file read twice says nothing twice."""
    step, form, wording = said
    facts: Sequence[sa.ColumnElement[Any]] = (
        subscribers.c.id,
        sa.literal(step.value),
        _arrivals.c.lists,
        _arrivals.c.lang,
        _arrivals.c.consent_source,
        sa.literal(form),
        sa.literal(wording, type_=sa.Text),
        _arrivals.c.consent_at,
    )
    logged = sa.exists().where(
        consents.c.subscriber == subscribers.c.id,
        consents.c.at == _arrivals.c.consent_at,
        consents.c.source == _arrivals.c.consent_source,
        consents.c.lists == _arrivals.c.lists,
        consents.c.wording.is_not_distinct_from(sa.literal(wording, type_=sa.Text)),
    )
    query = sa.select(*facts).select_from(_matched()).where(_arrivals.c.consent_at.is_not(None))
    query = query.where(sa.or_(subscribers.c.id > last, ~logged))
    columns = ["subscriber", "step", "lists", "lang", "source", "form", "wording", "at"]
    connection.execute(sa.insert(consents).from_select(columns, query))


@contextmanager
def set_aside(database: Database) -> Iterator[Arrivals]:
    """Room for people who are not taken in yet; it is empty and gone at the end.

    Raises:
        StoreError: there is no room left where temporary tables lie.
    """
    with database.apart() as connection:
        try:
            with connection.begin():
                _arrivals.create(connection)
            yield Arrivals(database, connection)
        except sa.exc.OperationalError as error:
            raise StoreError(f"database: {error.orig}; nobody was added") from error
