"""Recipients of an edition: frozen once, claimed in batches, settled one by one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from dissemination.model import Audience, DeliveryState, Happening, Standing, State, Trouble
from dissemination.store.database import Database
from dissemination.store.events import record
from dissemination.store.ledger import Ledger, takeable
from dissemination.store.people import audience_query
from dissemination.store.schema import CODES, batches, deliveries, paces, publications, subscribers, troubles

#: Rows of one batch: a claim's worth of work.
BATCH = 2000
#: People that are read at once.
_PAGE = 1000
#: States that have a reason.
_WITH_REASON = (
    DeliveryState.DEFERRED,
    DeliveryState.FAILED,
    DeliveryState.BOUNCED,
    DeliveryState.IN_DOUBT,
)
_STATES = {code: state for state, code in CODES.items()}


class Deliveries:
    """Who gets an edition, and where each of them stands."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def freeze(self, key: str, audience: Audience) -> int:
        """Write the audience down as rows, once; how many people were written down now.

        A second call changes nothing and costs next to nothing: it is 0.
        """
        with self._database.read() as connection:
            if _is_frozen(connection, _id(connection, key)):
                return 0
        with self._database.write(f"freeze {key}") as connection:
            publication = _id(connection, key)
            if _is_frozen(connection, publication):
                return 0
            people = audience_query(audience, self._database.clock.now()).subquery()
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
            sizes = (
                sa.select(deliveries.c.batch, sa.func.count())
                .where(deliveries.c.publication == publication)
                .group_by(deliveries.c.batch)
            )
            rows = connection.execute(sizes).all()
            fresh = {"publication": publication, "state": "open", "owner": "", "token": 0}
            if rows:
                connection.execute(sa.insert(batches), [{**fresh, "no": number} for number, _ in rows])
            return sum(size for _, size in rows)

    def ledger(self, key: str, *, owner: str, lease: float, resend: bool) -> Ledger:
        """A worker's book of the edition; see `ports.Ledger`."""
        with self._database.read() as connection:
            query = sa.select(publications.c.id, publications.c.audience).where(publications.c.key == key)
            row = connection.execute(query).one()
        lists = row.audience["lists"]
        return Ledger(self._database, row.id, lists=lists, owner=owner, lease=lease, resend=resend)

    def workable(self, key: str) -> bool:
        """Whether a batch may be taken up now."""
        with self._database.read() as connection:
            query = takeable(_id(connection, key), self._database.now(connection))
            return connection.execute(query).first() is not None

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

    def next_try(self, key: str) -> datetime | None:
        """When the first batch that waits may be taken up again; None: none waits."""
        with self._database.read() as connection:
            query = sa.select(sa.func.min(batches.c.not_before)).where(
                batches.c.publication == _id(connection, key), batches.c.state == "open"
            )
            return connection.execute(query).scalar()

    def pace(self, key: str, since: datetime) -> Sequence[tuple[datetime, int]]:
        """(minute, how many mails were accepted in it) from `since` on."""
        with self._database.read() as connection:
            query = (
                sa.select(paces.c.minute, paces.c.sent)
                .where(paces.c.publication == _id(connection, key), paces.c.minute >= since)
                .order_by(paces.c.minute)
            )
            return [(row.minute, row.sent) for row in connection.execute(query)]

    def people(self, key: str, state: DeliveryState) -> Iterator[Standing]:
        """Everybody who stands there, a thousand at a time."""
        after = (-1, -1)
        while page := self._page(key, state, after):
            yield from (standing for _, standing in page)
            after = page[-1][0]

    def _page(
        self, key: str, state: DeliveryState, after: tuple[int, int]
    ) -> Sequence[tuple[tuple[int, int], Standing]]:
        place = sa.tuple_(deliveries.c.batch, deliveries.c.subscriber)
        with self._database.read() as connection:
            query = (
                sa.select(deliveries, subscribers.c.email, troubles.c.reason, troubles.c.not_before)
                .select_from(_with_troubles())
                .where(deliveries.c.publication == _id(connection, key), deliveries.c.state == CODES[state])
                .where(place > after)
                .order_by(deliveries.c.batch, deliveries.c.subscriber)
                .limit(_PAGE)
            )
            return [
                (
                    (row.batch, row.subscriber),
                    Standing(
                        address=row.email or "",
                        state=state,
                        reason=row.reason or "" if state in _WITH_REASON else "",
                        attempts=row.attempts,
                        not_before=row.not_before if state is DeliveryState.DEFERRED else None,
                    ),
                )
                for row in connection.execute(query)
            ]

    def troubles(self, key: str) -> Iterator[Trouble]:
        """Why people are not simply sent to, counted by domain and exact reason."""
        with self._database.read() as connection:
            query = (
                sa.select(deliveries.c.state, subscribers.c.domain, troubles.c.reason, sa.func.count())
                .select_from(_with_troubles())
                .where(deliveries.c.publication == _id(connection, key))
                .where(deliveries.c.state.in_([CODES[state] for state in _WITH_REASON]))
                .group_by(deliveries.c.state, subscribers.c.domain, troubles.c.reason)
            )
            for code, domain, reason, count in connection.execute(query):
                yield Trouble(state=_STATES[code], domain=domain or "", reason=reason or "", count=count)

    # ------------------------------------------------------------------------------------------ deciding

    def retry(self, key: str, happening: Happening) -> int:
        """Those who failed get another try, from the beginning: how many. The edition is under way again."""
        return self._reopen(key, DeliveryState.FAILED, DeliveryState.PENDING, happening)

    def resolve(self, key: str, happening: Happening, *, sent: bool, address: str = "") -> int:
        """What was in doubt is decided: it was sent, or it is sent again. How many it was.

        Args:
            key: of the publication.
            happening: the line for the log.
            sent: it arrived; otherwise it goes out again, the same message.
            address: only this person's, normalised.
        """
        state = DeliveryState.SENT if sent else DeliveryState.PENDING
        return self._reopen(key, DeliveryState.IN_DOUBT, state, happening, address)

    def _reopen(
        self, key: str, before: DeliveryState, after: DeliveryState, happening: Happening, address: str = ""
    ) -> int:
        with self._database.write() as connection:
            publication = _id(connection, key)
            # Who may not be written to any more stays where they are.
            active = sa.select(subscribers.c.id).where(subscribers.c.state == "active")
            active = active.where(subscribers.c.address == address) if address else active
            chosen = sa.and_(
                deliveries.c.publication == publication,
                deliveries.c.state == CODES[before],
                sa.true() if after is DeliveryState.SENT and not address else deliveries.c.subscriber.in_(active),
            )
            if after is DeliveryState.PENDING:
                _begin_anew(connection, publication, chosen)
                _open_batches(connection, publication, chosen)
            else:
                _decided(connection, publication, chosen, happening.detail)
            done = connection.execute(sa.update(deliveries).where(chosen).values(state=CODES[after], attempts=0))
            if done.rowcount:
                connection.execute(
                    sa.update(publications)
                    .where(publications.c.id == publication)
                    # A new token: whoever was about to close the edition saw another one.
                    .values(state=State.SENDING.value, not_before=None, reason="", token=publications.c.token + 1)
                )
                record(connection, [replace(happening, detail=f"{happening.detail}: {done.rowcount}")])
            return int(done.rowcount)


def _decided(connection: Connection, publication: int, chosen: sa.ColumnElement[bool], words: str) -> None:
    """What made the doubt gives way to who ended it."""
    connection.execute(
        sa.update(troubles)
        .where(troubles.c.publication == publication)
        .where(troubles.c.subscriber.in_(sa.select(deliveries.c.subscriber).where(chosen)))
        .values(reason=words)
    )


def _open_batches(connection: Connection, publication: int, chosen: sa.ColumnElement[bool]) -> None:
    connection.execute(
        sa.update(batches)
        .where(batches.c.publication == publication, batches.c.state != "leased")
        .where(batches.c.no.in_(sa.select(deliveries.c.batch).where(chosen)))
        .values(state="open", owner="", not_before=None)
    )


def _begin_anew(connection: Connection, publication: int, chosen: sa.ColumnElement[bool]) -> None:
    """The age of their retries counts from their next deferral."""
    connection.execute(
        sa.update(troubles)
        .where(
            troubles.c.publication == publication,
            troubles.c.subscriber.in_(sa.select(deliveries.c.subscriber).where(chosen)),
        )
        .values(since=None)
    )


def _with_troubles() -> sa.FromClause:
    return deliveries.outerjoin(subscribers, subscribers.c.id == deliveries.c.subscriber).outerjoin(
        troubles,
        sa.and_(
            troubles.c.publication == deliveries.c.publication, troubles.c.subscriber == deliveries.c.subscriber
        ),
    )


def _id(connection: Connection, key: str) -> int:
    return int(connection.execute(sa.select(publications.c.id).where(publications.c.key == key)).scalar_one())


def _is_frozen(connection: Connection, publication: int) -> bool:
    query = sa.select(batches.c.no).where(batches.c.publication == publication).limit(1)
    return connection.execute(query).first() is not None
