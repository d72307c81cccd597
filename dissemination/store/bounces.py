"""What came back, once each, and what followed from it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from dissemination.model import Concerned, Consequence, DeliveryState, Return, ReturnKind
from dissemination.store.database import Database
from dissemination.store.dialect import insert_missing, upsert
from dissemination.store.events import record
from dissemination.store.people import bar_hash, withdraw
from dissemination.store.schema import (
    CODES,
    batches,
    deliveries,
    publications,
    returns,
    soft_bounces,
    subscribers,
    troubles,
)

#: Servers try for up to five days before they give up: an edition that is older and did not bounce has arrived.
_GIVES_UP = timedelta(days=7)
#: Where a mail may have gone out, so that it can come back.
_OUT = tuple(
    CODES[state]
    for state in (DeliveryState.SENT, DeliveryState.SENDING, DeliveryState.DEFERRED, DeliveryState.IN_DOUBT)
)
#: The most kept mails; the oldest go first, whatever is poured into the mailbox.
_MOST_KEPT = 1_000


class Bounces:
    """Returns and their consequences."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def seen(self, digest: str) -> bool:
        """Whether this was taken in before."""
        with self._database.read() as connection:
            return connection.execute(sa.select(returns.c.id).where(returns.c.digest == digest)).first() is not None

    def concerned(self, publication: int | None, subscriber: int) -> Concerned | None:
        """What is known of the person and the edition; None: there never was such a subscriber here.

        An erased person is known by what they were sent.
        """
        with self._database.read() as connection:
            email = connection.execute(
                sa.select(subscribers.c.email).where(subscribers.c.id == subscriber)
            ).scalar()
            found = _edition(connection, publication, subscriber)
            if email is None and not found:
                return None
            soft = _soft(connection, subscriber)
            return Concerned(
                subscriber=subscriber,
                email=email or "",
                subject=found.subject if found else "",
                channel=found.channel if found else "",
                recipient=found is not None,
                soft=soft,
                arrived_at=self._arrived(connection, subscriber, soft[0][1]) if soft else None,
            )

    def _arrived(self, connection: Connection, subscriber: int, since: datetime) -> datetime | None:
        until = self._database.clock.now() - _GIVES_UP
        newest = (
            sa.select(sa.func.max(publications.c.published_at))
            .select_from(_recipients())
            .where(deliveries.c.subscriber == subscriber, deliveries.c.state == CODES[DeliveryState.SENT])
            .where(publications.c.published_at > since, publications.c.published_at <= until)
        )
        moment = connection.execute(newest).scalar()
        return moment if isinstance(moment, datetime) else None

    def settle(self, returned: Return, follows: Consequence) -> bool:
        """Write it down with everything that follows, in one transaction; False: it was there already."""
        with self._database.write() as connection:
            facts = {name: getattr(returned, name) for name in _COLUMNS} | {
                "kind": returned.kind.value,
                "effect": follows.effect,
            }
            statement = insert_missing(connection, returns).values(facts).returning(returns.c.id)
            if connection.execute(statement).first() is None:
                return False
            self._follow(connection, returned, follows)
            return True

    def _follow(self, connection: Connection, returned: Return, follows: Consequence) -> None:
        now = self._database.clock.now()
        person, publication = returned.subscriber, returned.publication
        if person is not None and publication is not None:
            if follows.bounced:
                _bounced(connection, publication, person, follows.bounced, now)
            if follows.counted:
                facts = {"subscriber": person, "publication": publication, "at": now}
                connection.execute(insert_missing(connection, soft_bounces).values(facts))
        if person is not None and follows.suppress:
            bar_hash(connection, *follows.suppress, now)
            suppressed = sa.update(subscribers).where(subscribers.c.id == person)
            suppressed = suppressed.where(subscribers.c.state != "suppressed")
            connection.execute(suppressed.values(state="suppressed", state_at=now))
        if person is not None and follows.unsubscribe:
            withdraw(connection, person, now, "by mail")
        record(connection, follows.happenings)

    def latest(self, count: int, *, kept: bool = False) -> Sequence[Return]:
        """The newest, the newest first, without their bodies; only those with a body if `kept`."""
        columns = [column for column in returns.c if column is not returns.c.body]
        query = sa.select(*columns).order_by(returns.c.id.desc()).limit(count)
        if kept:
            query = query.where(returns.c.body.is_not(None))
        with self._database.read() as connection:
            return [_return(row) for row in connection.execute(query).mappings()]

    def get(self, number: int) -> Return | None:
        """One of them, with its body if that is still kept."""
        with self._database.read() as connection:
            row = connection.execute(sa.select(returns).where(returns.c.id == number)).mappings().first()
            return _return(row) if row else None

    def tidy(self, before: datetime) -> None:
        """What names nobody for certain goes if it is older than that, and bodies where there are too many."""
        newest = (
            sa.select(returns.c.id)
            .where(returns.c.body.is_not(None))
            .order_by(returns.c.id.desc())
            .limit(1)
            .offset(_MOST_KEPT)
            .scalar_subquery()
        )
        with self._database.write() as connection:
            connection.execute(sa.delete(returns).where(returns.c.subscriber.is_(None), returns.c.at < before))
            connection.execute(sa.update(returns).where(returns.c.id <= newest).values(body=None))


_COLUMNS = ("digest", "at", "publication", "subscriber", "status", "reason", "source", "body")


def _recipients() -> sa.Join:
    """Editions with their recipients, by way of their batches: that is how the rows are clustered."""
    return publications.join(batches, batches.c.publication == publications.c.id).join(
        deliveries, sa.and_(deliveries.c.publication == batches.c.publication, deliveries.c.batch == batches.c.no)
    )


def _edition(connection: Connection, publication: int | None, subscriber: int) -> sa.Row[Any, Any] | None:
    """The edition, if the person is among its recipients."""
    if publication is None:
        return None
    query = (
        sa.select(publications.c.subject, publications.c.channel)
        .select_from(_recipients())
        .where(publications.c.id == publication, deliveries.c.subscriber == subscriber)
    )
    return connection.execute(query).first()


def _soft(connection: Connection, subscriber: int) -> tuple[tuple[int, datetime], ...]:
    query = sa.select(soft_bounces.c.publication, soft_bounces.c.at).where(soft_bounces.c.subscriber == subscriber)
    return tuple((row.publication, row.at) for row in connection.execute(query.order_by(soft_bounces.c.at)))


def _bounced(connection: Connection, publication: int, person: int, reason: str, now: datetime) -> None:
    numbers = sa.select(batches.c.no).where(batches.c.publication == publication)
    done = connection.execute(
        sa.update(deliveries)
        .where(deliveries.c.publication == publication, deliveries.c.batch.in_(numbers))
        .where(deliveries.c.subscriber == person, deliveries.c.state.in_(_OUT))
        .values(state=CODES[DeliveryState.BOUNCED])
    )
    if done.rowcount:
        facts = {"publication": publication, "subscriber": person, "reason": reason[:500], "at": now}
        statement = upsert(connection, troubles).values(facts)
        connection.execute(
            statement.on_conflict_do_update(index_elements=["publication", "subscriber"], set_=facts)
        )


def _return(row: sa.RowMapping) -> Return:
    return Return(**(dict(row) | {"kind": ReturnKind(row["kind"])}))
