"""Recipients of an edition: frozen once, claimed in batches, settled one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from dissemination.errors import FencedError
from dissemination.model import Audience, Claim, DeliveryState, State, Subscriber
from dissemination.store.database import Database
from dissemination.store.dialect import upsert
from dissemination.store.people import audience_query, to_subscriber
from dissemination.store.schema import CODES, batches, deliveries, pauses, publications, subscribers, troubles

#: Rows of one batch: a claim's worth of work.
BATCH = 2000
_STATES = {code: state for state, code in CODES.items()}
_OPEN = (CODES[DeliveryState.PENDING], CODES[DeliveryState.SENDING], CODES[DeliveryState.DEFERRED])


class Deliveries:
    """Who gets an edition, and where each of them stands."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def freeze(self, key: str, audience: Audience) -> int:
        """Write the audience down as rows, once; how many people it is.

        A second call changes nothing: the audience of an edition is frozen when its sending starts.
        """
        with self._database.write(f"freeze {key}") as connection:
            publication = _id(connection, key)
            if connection.execute(
                sa.select(batches.c.no).where(batches.c.publication == publication).limit(1)
            ).first():
                return _count(connection, publication)
            people = audience_query(audience).subquery()
            number = sa.func.row_number().over(order_by=people.c.id) - 1
            connection.execute(
                sa.insert(deliveries).from_select(
                    ["publication", "batch", "subscriber", "state", "token", "attempts"],
                    sa.select(
                        sa.literal(publication),
                        sa.cast(number // BATCH, sa.Integer),
                        people.c.id,
                        sa.literal(0),
                        sa.literal(0),
                        sa.literal(0),
                    ),
                )
            )
            rows = connection.execute(
                sa.select(deliveries.c.batch).where(deliveries.c.publication == publication).distinct()
            ).scalars()
            made = [{"publication": publication, "no": no, "state": "open", "owner": "", "token": 0} for no in rows]
            if made:
                connection.execute(sa.insert(batches), made)
            return _count(connection, publication)

    def claim(self, key: str, owner: str, lease: float, *, resend: bool) -> Claim | None:
        """Take an open batch whose wait is over; None while the edition is paused or cancelled.

        What an older claim left in `sending` is in doubt: `resend` makes it pending again (the same Message-ID
        goes out), otherwise it stays in doubt for the officer.
        """
        with self._database.write() as connection:
            if not _may_go_on(connection, key):
                return None
            publication, now = _id(connection, key), self._database.now(connection)
            takeable = sa.or_(
                sa.and_(
                    batches.c.state == "open", sa.or_(batches.c.not_before.is_(None), batches.c.not_before <= now)
                ),
                sa.and_(batches.c.state == "leased", batches.c.lease_until <= now),
            )
            row = connection.execute(
                sa.select(batches.c.no, batches.c.token)
                .where(batches.c.publication == publication, takeable)
                .order_by(batches.c.no)
                .limit(1)
                .with_for_update(skip_locked=True)
            ).first()
            if row is None:
                return None
            claim = Claim(publication=key, batch=row.no, token=row.token + 1, owner=owner)
            connection.execute(
                sa.update(batches)
                .where(batches.c.publication == publication, batches.c.no == row.no)
                .values(
                    state="leased",
                    owner=owner,
                    token=claim.token,
                    lease_until=now + timedelta(seconds=lease),
                    not_before=None,
                )
            )
            self._settle_doubt(connection, publication, claim, resend=resend)
            return claim

    def _settle_doubt(self, connection: Connection, publication: int, claim: Claim, *, resend: bool) -> None:
        mine = sa.and_(deliveries.c.publication == publication, deliveries.c.batch == claim.batch)
        doubtful = sa.and_(mine, deliveries.c.state == CODES[DeliveryState.SENDING])
        if not resend:
            now = self._database.clock.now()
            for person in connection.execute(sa.select(deliveries.c.subscriber).where(doubtful)).scalars().all():
                _trouble(connection, publication, person, "the process ended before the answer came", now)
        state = DeliveryState.PENDING if resend else DeliveryState.IN_DOUBT
        connection.execute(sa.update(deliveries).where(doubtful).values(state=CODES[state]))
        deferred = sa.and_(mine, deliveries.c.state == CODES[DeliveryState.DEFERRED])
        connection.execute(sa.update(deliveries).where(deferred).values(state=CODES[DeliveryState.PENDING]))

    def window(self, claim: Claim, size: int, lease: float) -> Sequence[Subscriber]:
        """The next people of a batch, with the intent to write to them committed.

        Who unsubscribed or was suppressed meanwhile is skipped. Empty: the batch is through, paused or cancelled.

        Raises:
            FencedError: the batch was taken over.
        """
        with self._database.write() as connection:
            publication = _id(connection, claim.publication)
            if not self._extend(connection, publication, claim, lease):
                raise _taken_over(claim)
            if not _may_go_on(connection, claim.publication):
                return ()
            people: list[Subscriber] = []
            while not people:
                rows = self._next(connection, publication, claim, size)
                if not rows:
                    break
                active = [to_subscriber(row) for row in rows if row["state"] == "active"]
                _mark(connection, publication, claim, [p.id for p in active], DeliveryState.SENDING, attempt=True)
                gone = [row["subscriber"] for row in rows if row["state"] != "active"]
                _mark(connection, publication, claim, gone, DeliveryState.SKIPPED)
                people = active
            return people

    def _next(self, connection: Connection, publication: int, claim: Claim, size: int) -> list[sa.RowMapping]:
        query = (
            sa.select(deliveries.c.subscriber, subscribers)
            .select_from(deliveries.outerjoin(subscribers, subscribers.c.id == deliveries.c.subscriber))
            .where(deliveries.c.publication == publication, deliveries.c.batch == claim.batch)
            .where(deliveries.c.state == CODES[DeliveryState.PENDING])
            .order_by(deliveries.c.subscriber)
            .limit(size)
        )
        return list(connection.execute(query).mappings().all())

    def _extend(self, connection: Connection, publication: int, claim: Claim, lease: float) -> bool:
        """A sign of life; whether the batch is still ours. Whoever takes one over raises its token."""
        now = self._database.now(connection)
        done = connection.execute(
            sa.update(batches)
            .where(batches.c.publication == publication, batches.c.no == claim.batch)
            .where(batches.c.token == claim.token, batches.c.state == "leased")
            .values(lease_until=now + timedelta(seconds=lease))
        )
        return bool(done.rowcount)

    def settle(
        self, claim: Claim, subscriber: int, state: DeliveryState, reason: str = "", *, lease: float | None = None
    ) -> None:
        """Write one outcome down. It is matched by the row's token only: a late truth is still recorded.

        Args:
            claim: of the batch.
            subscriber: whose outcome.
            state: what became of the mail.
            reason: why, where it was not sent.
            lease: seconds that the batch stays ours from now on; left out, nothing is asked or changed.

        Raises:
            FencedError: the batch was taken over; the outcome is written down, and nothing more is to be sent.
        """
        with self._database.write() as connection:
            publication = _id(connection, claim.publication)
            _mark(connection, publication, claim, [subscriber], state)
            if reason:
                _trouble(connection, publication, subscriber, reason, self._database.clock.now())
            held = lease is None or self._extend(connection, publication, claim, lease)
        if not held:
            raise _taken_over(claim)

    def attempts(self, claim: Claim, subscriber: int) -> int:
        """How often it was tried for this person."""
        with self._database.read() as connection:
            publication = _id(connection, claim.publication)
            found = connection.execute(
                sa.select(deliveries.c.attempts).where(
                    deliveries.c.publication == publication,
                    deliveries.c.batch == claim.batch,
                    deliveries.c.subscriber == subscriber,
                )
            ).scalar()
            return int(found or 0)

    def release(self, claim: Claim, *, retry_at: datetime | None) -> None:
        """Give a batch back: done if nothing in it is open, else open again, not before `retry_at`."""
        with self._database.write() as connection:
            publication = _id(connection, claim.publication)
            rest = connection.execute(
                sa.select(deliveries.c.subscriber)
                .where(deliveries.c.publication == publication, deliveries.c.batch == claim.batch)
                .where(deliveries.c.state.in_(_OPEN))
                .limit(1)
            ).first()
            connection.execute(
                sa.update(batches)
                .where(batches.c.publication == publication, batches.c.no == claim.batch)
                .where(batches.c.token == claim.token)
                .values(
                    state="open" if rest else "done",
                    owner="",
                    lease_until=None,
                    not_before=retry_at if rest else None,
                )
            )

    def hand_back(self, claim: Claim, people: Sequence[int]) -> None:
        """Nothing was tried for these: pending again, and the attempt does not count."""
        with self._database.write() as connection:
            publication = _id(connection, claim.publication)
            connection.execute(
                sa.update(deliveries)
                .where(_rows(publication, claim, people), deliveries.c.token == claim.token)
                .where(deliveries.c.state == CODES[DeliveryState.SENDING])
                .values(state=CODES[DeliveryState.PENDING], attempts=deliveries.c.attempts - 1)
            )

    def counts(self, key: str) -> Mapping[DeliveryState, int]:
        """How many people stand where."""
        with self._database.read() as connection:
            publication = _id(connection, key)
            query = (
                sa.select(deliveries.c.state, sa.func.count())
                .where(deliveries.c.publication == publication)
                .group_by(deliveries.c.state)
            )
            return {_STATES[code]: count for code, count in connection.execute(query)}

    def unfinished(self, key: str) -> bool:
        """Whether a batch is still open or leased."""
        with self._database.read() as connection:
            query = (
                sa.select(batches.c.no)
                .where(batches.c.publication == _id(connection, key), batches.c.state != "done")
                .limit(1)
            )
            return connection.execute(query).first() is not None

    def people(self, key: str, state: DeliveryState, limit: int = 1000) -> Sequence[tuple[str, str]]:
        """(address, reason) of those who stand there; an erased person's address is empty."""
        with self._database.read() as connection:
            publication = _id(connection, key)
            query = (
                sa.select(subscribers.c.email, troubles.c.reason)
                .select_from(
                    deliveries.outerjoin(subscribers, subscribers.c.id == deliveries.c.subscriber).outerjoin(
                        troubles,
                        sa.and_(
                            troubles.c.publication == deliveries.c.publication,
                            troubles.c.subscriber == deliveries.c.subscriber,
                        ),
                    )
                )
                .where(deliveries.c.publication == publication, deliveries.c.state == CODES[state])
                .limit(limit)
            )
            return [(email or "", reason or "") for email, reason in connection.execute(query)]


def _taken_over(claim: Claim) -> FencedError:
    return FencedError(f"{claim.publication}: batch {claim.batch} was taken over")


def _id(connection: Connection, key: str) -> int:
    return int(connection.execute(sa.select(publications.c.id).where(publications.c.key == key)).scalar_one())


def _count(connection: Connection, publication: int) -> int:
    query = sa.select(sa.func.count()).select_from(deliveries).where(deliveries.c.publication == publication)
    return int(connection.execute(query).scalar_one())


def _rows(publication: int, claim: Claim, people: Sequence[int]) -> sa.ColumnElement[bool]:
    return sa.and_(
        deliveries.c.publication == publication,
        deliveries.c.batch == claim.batch,
        deliveries.c.subscriber.in_(list(people)),
    )


def _mark(  # noqa: PLR0913 - the row's whole key, and what it becomes
    connection: Connection,
    publication: int,
    claim: Claim,
    people: Sequence[int],
    state: DeliveryState,
    *,
    attempt: bool = False,
) -> None:
    """Taking up sets the token; an outcome must still find its own."""
    if not people:
        return
    taking = state in {DeliveryState.SENDING, DeliveryState.SKIPPED}
    statement = sa.update(deliveries).where(_rows(publication, claim, people))
    if taking:
        statement = statement.where(deliveries.c.state == CODES[DeliveryState.PENDING])
    else:
        statement = statement.where(deliveries.c.token == claim.token)
    values: dict[str, object] = {"state": CODES[state], "token": claim.token}
    if attempt:
        values["attempts"] = deliveries.c.attempts + 1
    connection.execute(statement.values(values))


def _trouble(connection: Connection, publication: int, subscriber: int, reason: str, at: datetime) -> None:
    facts = {"publication": publication, "subscriber": subscriber, "reason": reason[:500], "at": at}
    statement = upsert(connection, troubles).values(facts)
    connection.execute(statement.on_conflict_do_update(index_elements=["publication", "subscriber"], set_=facts))


def _may_go_on(connection: Connection, key: str) -> bool:
    paused = sa.exists().where(pauses.c.channel.in_(["*", publications.c.channel]))
    query = sa.select(publications.c.state).where(publications.c.key == key, ~paused)
    return connection.execute(query).scalar() == State.SENDING.value
