"""Recipients of an edition: frozen once, claimed in batches, settled one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from dissemination.model import Audience, DeliveryState
from dissemination.store.database import Database
from dissemination.store.ledger import Ledger, takeable
from dissemination.store.people import audience_query
from dissemination.store.schema import CODES, batches, deliveries, publications, subscribers, troubles

#: Rows of one batch: a claim's worth of work.
BATCH = 2000
_STATES = {code: state for state, code in CODES.items()}


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

    def ledger(self, key: str, *, owner: str, lease: float, resend: bool) -> Ledger:
        """A worker's book of the edition; see `ports.Ledger`."""
        with self._database.read() as connection:
            number = _id(connection, key)
        return Ledger(self._database, number, owner=owner, lease=lease, resend=resend)

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


def _id(connection: Connection, key: str) -> int:
    return int(connection.execute(sa.select(publications.c.id).where(publications.c.key == key)).scalar_one())


def _count(connection: Connection, publication: int) -> int:
    query = sa.select(sa.func.count()).select_from(deliveries).where(deliveries.c.publication == publication)
    return int(connection.execute(query).scalar_one())
