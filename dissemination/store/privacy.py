"""What the law asks of the database: one person's whole dossier, the words they saw, forgetting in time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from dissemination.model import DeliveryState, Dossier, Received, Subscriber, Suppressed, Wording
from dissemination.store import consents, erasure
from dissemination.store.database import Database
from dissemination.store.people import with_lists
from dissemination.store.schema import (
    CODES,
    batches,
    deliveries,
    memberships,
    publications,
    signups,
    subscribers,
    suppressions,
    troubles,
)

_STATES = {code: state for state, code in CODES.items()}


class Privacy:
    """Showing and forgetting."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep_wording(self, text: str, lang: str) -> Wording:
        """Keep words that people agreed to; the same words are kept once."""
        with self._database.write("people") as connection:
            return consents.keep_wording(connection, text, lang, self._database.clock.now())

    def dossier(self, address: str, hashed: str) -> Dossier | None:
        """Everything that is kept about a person; None: nobody has the address.

        Who has only signed up, and not confirmed, is shown as such.

        Args:
            address: normalised.
            hashed: its keyed hash.
        """
        with self._database.read() as connection:
            query = sa.select(subscribers).where(subscribers.c.address == address)
            row = connection.execute(query).mappings().first()
            waiting = connection.execute(_WAITING, {"address": address}).mappings().first()
            asked = tuple(waiting["lists"].split(consents.SEPARATOR)) if waiting else ()
            if row is None:
                return _stranger(waiting, asked, _suppressed(connection, hashed)) if waiting else None
            [person] = with_lists(connection, [row])
            return Dossier(
                asked=asked,
                person=person,
                created_at=row["created_at"],
                left=_left(connection, person.id),
                consents=tuple(consents.lines_of(connection, person.id)),
                editions=tuple(_received(connection, person.id)),
                suppressed=_suppressed(connection, hashed),
            )

    def outdated_people(self, unconfirmed: datetime, departed: datetime, limit: int) -> Sequence[str]:
        """Normalised addresses of people whose time is over, at most `limit`.

        Args:
            unconfirmed: who signed up before this and never confirmed.
            departed: who left, or was suppressed, before this.
            limit: how many at once.
        """
        with self._database.read() as connection:
            return erasure.outdated_people(connection, unconfirmed, departed, limit)

    def clear(self, *, troubles: datetime, log: datetime, proofs: datetime) -> tuple[int, int, int]:
        """Forget what servers said, log lines and consent lines of erased people that are older than this."""
        with self._database.write("people") as connection:
            return (
                erasure.clear_troubles(connection, troubles),
                erasure.clear_log(connection, log),
                erasure.clear_proofs(connection, proofs),
            )

    def scour(self) -> None:
        """Write the file anew, so that nothing of what was deleted is left in it."""
        self._database.scour()

    def copies(self) -> Sequence[str]:
        """Names of the copies beside the database, made before an upgrade or a restoring; they hold people, too."""
        return [path.name for path in self._database.copies()]

    def clear_copies(self, before: datetime) -> int:
        """Delete the copies that were made before."""
        # A database that was put aside keeps its last change; that it was put aside only its inode tells.
        old = [path for path in self._database.copies() if path.stat().st_ctime < before.timestamp()]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)


_WAITING = sa.select(signups).where(signups.c.address == sa.bindparam("address"), signups.c.confirmed_at.is_(None))


def _stranger(waiting: sa.RowMapping, asked: tuple[str, ...], barred: Suppressed | None) -> Dossier:
    person = Subscriber(id=0, email=waiting["email"], lang=waiting["lang"], state="unconfirmed")
    return Dossier(person=person, created_at=waiting["at"], asked=asked, suppressed=barred)


def _left(connection: Connection, subscriber: int) -> tuple[str, ...]:
    query = sa.select(memberships.c.list).where(memberships.c.subscriber == subscriber)
    return tuple(connection.execute(query.where(memberships.c.left_at.is_not(None))).scalars())


def _suppressed(connection: Connection, hashed: str) -> Suppressed | None:
    row = connection.execute(sa.select(suppressions).where(suppressions.c.hash == hashed)).first()
    return Suppressed(reason=row.reason, at=row.at) if row else None


def _received(connection: Connection, subscriber: int) -> list[Received]:
    """Batch by batch: the rows are clustered so, and an index by person would cost every edition its speed."""
    ours = sa.and_(
        deliveries.c.publication == batches.c.publication,
        deliveries.c.batch == batches.c.no,
        deliveries.c.subscriber == subscriber,
    )
    trouble = sa.and_(
        troubles.c.publication == deliveries.c.publication, troubles.c.subscriber == deliveries.c.subscriber
    )
    query = (
        sa.select(publications.c.subject, publications.c.published_at, deliveries.c.state, troubles.c.reason)
        .select_from(
            batches.join(deliveries, ours)
            .join(publications, publications.c.id == deliveries.c.publication)
            .outerjoin(troubles, trouble)
        )
        .order_by(publications.c.id)
    )
    return [
        Received(edition=subject, at=at, state=DeliveryState(_STATES[code]), reason=reason or "")
        for subject, at, code, reason in connection.execute(query)
    ]
