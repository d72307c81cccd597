"""Publications: what is planned, approved, claimed and settled. Every method is one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from dissemination.errors import FencedError
from dissemination.model import (
    Content,
    Happening,
    LiveEntry,
    Part,
    Publication,
    Rate,
    Refused,
    State,
    Terms,
)
from dissemination.store import contents, quotas
from dissemination.store.database import Database
from dissemination.store.dialect import insert_missing, upsert
from dissemination.store.events import record
from dissemination.store.rows import from_publication, to_publication
from dissemination.store.schema import approvals, batches, edition_items, live_entries, pauses, publications

#: States in which an edition lets go of the items it had reserved.
_RELEASED = frozenset({State.DRAFT, State.IN_REVIEW, State.MISSED, State.CANCELLED})

#: What went out, is under way or in doubt costs what it costs.
_COSTS = [state.value for state in (State.SENDING, State.PUBLISHED, State.IN_DOUBT, State.WITHDRAWN)]
#: A bucket that only its end says anything of; nothing is closed for longer than a day.
_ONE = Rate(count=1, seconds=86_400)


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
        query = sa.select(publications).where(*_is_due(now)).order_by(publications.c.due_at, publications.c.key)
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
            if new:
                rows = [from_publication(publication) for publication in new]
                connection.execute(insert_missing(connection, publications), rows)
            for old, fresh in changed:
                self._replace(connection, old, fresh)
            record(connection, happenings)

    @staticmethod
    def _unmoved(old: Publication) -> sa.Update:
        """A change of what is still as it was read: what was approved anew since, or put off, is not put back."""
        approvers = sa.literal(list(old.approved_by), type_=publications.c.approved_by.type)
        return sa.update(publications).where(
            publications.c.key == old.key,
            publications.c.state == old.state.value,
            publications.c.token == old.token,
            publications.c.source == old.source,
            # An approval of a moment ago is not lost. JSON is compared as text: PostgreSQL has no "=" for it.
            sa.cast(publications.c.approved_by, sa.Text) == sa.cast(approvers, sa.Text),
            publications.c.due_at.is_not_distinct_from(old.due_at),
            publications.c.not_before.is_not_distinct_from(old.not_before),
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
            return self._claim(connection, key, owner, lease)

    def begin(self, key: str, owner: str, lease: float, terms: Terms) -> Publication | Refused | None:
        """`claim` a post if the terms allow it: what they grant is spent in the same transaction.

        Returns:
            The publication with its new token; or why the terms hold it; or None as of `claim`, also where it is
            not due any more.
        """
        with self._database.write(quotas.LOCK) as connection:
            now = self._database.now(connection)
            closed = {terms.closed: _ONE} if terms.closed else {}
            held = quotas.available(connection, {**terms.rates, **closed}, now)
            wait = max((grant.wait for grant in held.values() if grant.count < 1), default=0.0)
            if wait:
                return Refused(wait=wait)
            spent = _above_cap(connection, key, terms)
            if spent is not None:
                return Refused(spent=spent)
            claimed = self._claim(connection, key, owner, lease, *_is_due(now))
            if claimed is not None:
                quotas.spend(connection, {name: (rate, 1) for name, rate in terms.rates.items()}, now)
            return claimed

    def _claim(
        self, connection: Connection, key: str, owner: str, lease: float, *terms: sa.ColumnElement[bool]
    ) -> Publication | None:
        now = self._database.now(connection)
        paused = sa.exists().where(pauses.c.channel.in_(["*", publications.c.channel]))
        row = (
            connection.execute(
                sa.update(publications)
                .where(publications.c.key == key, publications.c.state == State.SCHEDULED.value, ~paused, *terms)
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

    def give_back(self, rates: Mapping[str, Rate]) -> None:
        """Put one back into each bucket: what was begun did not go out."""
        with self._database.write(quotas.LOCK) as connection:
            now = self._database.now(connection)
            quotas.spend(connection, {name: (rate, -1) for name, rate in rates.items()}, now)

    def close(self, bucket: str, until: datetime) -> None:
        """Nothing is begun that names this bucket as closed before `until`; a later end stays."""
        with self._database.write(quotas.LOCK) as connection:
            quotas.close(connection, bucket, until)

    def spent(self, channel: str, since: datetime) -> int:
        """What the channel's posts since then cost, in millionths of a US dollar."""
        with self._database.read() as connection:
            return _spent(connection, channel, since)

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

    def issued(self, channel: str) -> Mapping[str, Sequence[tuple[str, datetime]]]:
        """Subject -> (digest, when) of each revision that went out on this channel, the oldest first."""
        table = publications.c
        query = (
            sa.select(table.subject, table.bound, table.published_at)
            .where(table.channel == channel, table.state == State.PUBLISHED.value)
            .order_by(table.subject, table.revision)
        )
        found: dict[str, list[tuple[str, datetime]]] = {}
        with self._database.read() as connection:
            for subject, bound, when in connection.execute(query):
                found.setdefault(subject, []).append((bound["content"], when))
        return found

    def retire(self, items: Sequence[str], happenings: Iterable[Happening]) -> None:
        """Take expired entries out of the feeds."""
        with self._database.write() as connection:
            connection.execute(sa.delete(live_entries).where(live_entries.c.item.in_(list(items))))
            record(connection, happenings)


def _is_due(now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    table = publications.c
    return (
        table.state == State.SCHEDULED.value,
        table.due_at <= now,
        sa.or_(table.not_before.is_(None), table.not_before <= now),
    )


def _taken_over(claimed: Publication) -> FencedError:
    return FencedError(f"{claimed.key}: the claim was taken over; the outcome is in the log")


def _above_cap(connection: Connection, key: str, terms: Terms) -> int | None:
    """What was spent since `terms.since` besides this post, if it would be above the cap; None: it is not."""
    if terms.cap is None or terms.since is None:
        return None
    query = sa.select(publications.c.channel, publications.c.price).where(publications.c.key == key)
    row = connection.execute(query).first()
    if row is None or not row.price:
        return None
    spent = _spent(connection, row.channel, terms.since, besides=key)
    return spent if spent + row.price > terms.cap else None


def _spent(connection: Connection, channel: str, since: datetime, besides: str = "") -> int:
    table = publications.c
    # Of a thread that broke off, its first parts are out.
    begun = sa.or_(table.state.in_(_COSTS), sa.cast(table.parts, sa.Text) != "[]")
    query = sa.select(sa.func.coalesce(sa.func.sum(table.price), 0)).where(
        table.channel == channel, table.claimed_at >= since, table.key != besides, begun
    )
    return int(connection.execute(query).scalar_one())


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
