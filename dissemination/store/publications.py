"""Publications: what is planned, approved, claimed and settled. Every method is one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from dissemination.errors import FencedError
from dissemination.model import Content, Happening, LiveEntry, Part, Publication, State
from dissemination.store import contents
from dissemination.store.database import Database
from dissemination.store.dialect import upsert
from dissemination.store.events import record
from dissemination.store.rows import from_publication, to_publication
from dissemination.store.schema import approvals, batches, edition_items, live_entries, pauses, publications

#: States in which an edition lets go of the items it had reserved.
_RELEASED = frozenset({State.DRAFT, State.IN_REVIEW, State.MISSED, State.CANCELLED})


class Publications:
    """Queries and changes of publications."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # ------------------------------------------------------------------------------------------ reading

    def latest(self) -> Mapping[tuple[str, str], Publication]:
        """(subject, channel) -> its newest revision."""
        query = sa.select(publications).order_by(publications.c.revision)
        with self._database.read() as connection:
            rows = connection.execute(query).mappings()
            return {(row["subject"], row["channel"]): to_publication(row) for row in rows}

    def get(self, key: str) -> Publication | None:
        """One publication by its key."""
        with self._database.read() as connection:
            row = connection.execute(sa.select(publications).where(publications.c.key == key)).mappings().first()
            return to_publication(row) if row else None

    def in_state(self, *states: State) -> Sequence[Publication]:
        """All in these states, those that are due first, first."""
        query = (
            sa.select(publications)
            .where(publications.c.state.in_([state.value for state in states]))
            .order_by(publications.c.due_at, publications.c.key)
        )
        with self._database.read() as connection:
            return [to_publication(row) for row in connection.execute(query).mappings()]

    def due(self, now: datetime) -> Sequence[Publication]:
        """Scheduled, their time has come, and no retry wait is running."""
        query = (
            sa.select(publications)
            .where(publications.c.state == State.SCHEDULED.value)
            .where(publications.c.due_at <= now)
            .where(sa.or_(publications.c.not_before.is_(None), publications.c.not_before <= now))
            .order_by(publications.c.due_at, publications.c.key)
        )
        with self._database.read() as connection:
            return [to_publication(row) for row in connection.execute(query).mappings()]

    def abandoned(self) -> Sequence[Publication]:
        """Claimed by somebody whose lease is over (batches of an edition have leases of their own)."""
        with self._database.read() as connection:
            query = (
                sa.select(publications)
                .where(publications.c.state == State.SENDING.value, publications.c.kind == "item")
                .where(publications.c.lease_until <= self._database.now(connection))
            )
            return [to_publication(row) for row in connection.execute(query).mappings()]

    # ------------------------------------------------------------------------------------------ planning

    def sync(
        self,
        new: Sequence[Publication],
        changed: Sequence[tuple[Publication, Publication]],
        happenings: Iterable[Happening] = (),
    ) -> None:
        """Write a planning down: new rows, and changes of rows that are still as they were read."""
        with self._database.write("plan") as connection:
            for publication in new:
                connection.execute(
                    upsert(connection, publications).values(from_publication(publication)).on_conflict_do_nothing()
                )
            for old, fresh in changed:
                self._replace(connection, old, fresh)
            record(connection, happenings)

    @staticmethod
    def _unmoved(old: Publication) -> sa.Update:
        """A change of what is still as it was read."""
        return sa.update(publications).where(
            publications.c.key == old.key,
            publications.c.state == old.state.value,
            publications.c.token == old.token,
        )

    def _replace(self, connection: Connection, old: Publication, fresh: Publication) -> bool:
        done = connection.execute(self._unmoved(old).values(from_publication(fresh)))
        # What had started has reached people: its items do not come again.
        if done.rowcount and fresh.kind == "edition" and fresh.state in _RELEASED and not fresh.token:
            connection.execute(sa.delete(edition_items).where(edition_items.c.edition == fresh.subject))
        return bool(done.rowcount)

    def approve(  # noqa: PLR0913 - one transaction needs all of it
        self,
        old: Publication,
        fresh: Publication,
        *,
        who: str,
        content: Content,
        schedule: str = "",
        happening: Happening,
    ) -> bool:
        """Record an approval with the very bytes it is for; False if the publication changed meanwhile.

        Args:
            old: as it was read.
            fresh: with its new state, time and approvers.
            who: the approver's name.
            content: what is stored and will be sent.
            schedule: the digest whose items are reserved for this edition; "" for items and flashes.
            happening: the line for the log.
        """
        with self._database.write("plan") as connection:
            if not self._replace(connection, old, fresh):
                return False
            contents.keep(connection, content)
            connection.execute(
                sa.insert(approvals).values(
                    publication=fresh.key, who=who, at=happening.at, bound=dict(fresh.bound)
                )
            )
            if schedule:
                connection.execute(sa.delete(edition_items).where(edition_items.c.edition == fresh.subject))
                connection.execute(
                    sa.insert(edition_items),
                    [{"schedule": schedule, "item": item, "edition": fresh.subject} for item in fresh.items],
                )
            record(connection, [happening])
            return True

    def remove(self, gone: Sequence[Publication]) -> None:
        """Forget plans that nobody approved and that nothing asks for any more."""
        with self._database.write("plan") as connection:
            for publication in gone:
                connection.execute(
                    sa.delete(publications).where(
                        publications.c.key == publication.key,
                        publications.c.token == 0,  # what was ever claimed has a history
                        publications.c.state.in_([State.DRAFT.value, State.IN_REVIEW.value]),
                    )
                )

    # ------------------------------------------------------------------------------------------ sending

    def claim(self, key: str, owner: str, lease: float) -> Publication | None:
        """Take a due publication: the intent is committed before anything goes out.

        Returns:
            The publication with its new token, or None: somebody else has it, or it is paused.
        """
        with self._database.write() as connection:
            now = self._database.now(connection)
            paused = sa.exists().where(pauses.c.channel.in_(["*", publications.c.channel]))
            row = (
                connection.execute(
                    sa.update(publications)
                    .where(publications.c.key == key, publications.c.state == State.SCHEDULED.value, ~paused)
                    .values(
                        state=State.SENDING.value,
                        token=publications.c.token + 1,
                        attempts=publications.c.attempts + 1,
                        owner=owner,
                        lease_until=now + timedelta(seconds=lease),
                        claimed_at=now,
                        published_at=sa.func.coalesce(
                            publications.c.published_at, sa.literal(now, type_=publications.c.published_at.type)
                        ),
                        reason="",
                    )
                    .returning(publications)
                )
                .mappings()
                .first()
            )
            return to_publication(row) if row else None

    def settle(
        self,
        claimed: Publication,
        fresh: Publication,
        happenings: Iterable[Happening],
        entries: Sequence[LiveEntry] = (),
    ) -> None:
        """Write the outcome down, with the feed entries that are now out.

        Raises:
            FencedError: the claim was taken over meanwhile; the outcome is kept in the log only.
        """
        with self._database.write() as connection:
            done = connection.execute(self._unmoved(claimed).values(from_publication(fresh)))
            record(connection, happenings)
            if done.rowcount:
                _put_live(connection, entries)
        if not done.rowcount:
            raise _taken_over(claimed)

    def progress(
        self, claimed: Publication, parts: Sequence[Part], *, lease: float, happening: Happening
    ) -> Publication:
        """Write down what is out of a thread before its next part is sent: a sign of life, and attempts anew.

        Raises:
            FencedError: the claim was taken over meanwhile; the outcome is kept in the log only.
        """
        with self._database.write() as connection:
            now = self._database.now(connection)
            row = (
                connection.execute(
                    self._unmoved(claimed)
                    .values(
                        parts=[list(part) for part in parts],
                        remote_id=parts[0].id,
                        remote_url=parts[0].url,
                        attempts=1,
                        claimed_at=now,
                        lease_until=now + timedelta(seconds=lease),
                    )
                    .returning(publications)
                )
                .mappings()
                .first()
            )
            record(connection, [happening])
        if row is None:
            raise _taken_over(claimed)
        return to_publication(row)

    def renew(self, claimed: Publication, lease: float) -> bool:
        """A sign of life; False: the claim was taken over."""
        with self._database.write() as connection:
            until = self._database.now(connection) + timedelta(seconds=lease)
            return bool(connection.execute(self._unmoved(claimed).values(lease_until=until)).rowcount)

    def conclude(self, running: Publication, fresh: Publication, happenings: Iterable[Happening]) -> bool:
        """Close an edition that is still as it was read; False, and no line in the log: it is not."""
        with self._database.write() as connection:
            done = self._replace(connection, running, fresh)
            record(connection, happenings if done else ())
            return done

    def inherit(self) -> int:
        """End every lease: called by who has just proved that no other publisher lives (SQLite's lock).

        On PostgreSQL others may live: there a lease ends by running out, and this changes nothing.
        """
        if self._database.is_postgres:
            return 0
        with self._database.write() as connection:
            now = self._database.now(connection)
            single = connection.execute(
                sa.update(publications)
                .where(publications.c.state == State.SENDING.value, publications.c.kind == "item")
                .values(lease_until=now)
            )
            many = connection.execute(
                sa.update(batches).where(batches.c.state == "leased").values(state="open", lease_until=None)
            )
            return single.rowcount + many.rowcount

    # ------------------------------------------------------------------------------------------ feeds

    def live(self) -> Sequence[LiveEntry]:
        """The feed entries that are out."""
        with self._database.read() as connection:
            rows = connection.execute(sa.select(live_entries).order_by(live_entries.c.published)).mappings()
            return [LiveEntry(**row) for row in rows]

    def retire(self, items: Sequence[str], happenings: Iterable[Happening]) -> None:
        """Take expired entries out of the feeds."""
        with self._database.write() as connection:
            connection.execute(sa.delete(live_entries).where(live_entries.c.item.in_(list(items))))
            record(connection, happenings)


def _taken_over(claimed: Publication) -> FencedError:
    return FencedError(f"{claimed.key}: the claim was taken over; the outcome is in the log")


def _put_live(connection: Connection, entries: Sequence[LiveEntry]) -> None:
    for entry in entries:
        facts = {
            "item": entry.item,
            "content": entry.content,
            "published": entry.published,
            "updated": entry.updated,
            "expires_at": entry.expires_at,
        }
        statement = upsert(connection, live_entries).values(facts)
        connection.execute(statement.on_conflict_do_update(index_elements=["item"], set_=facts))
