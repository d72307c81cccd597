"""Subscribers: who is on the lists, with consent, and the addresses that are never written to again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from dissemination.model import Audience, Consent, Happening, Step, Subscriber, Suppressed, Why
from dissemination.store import arrivals, consents, erasure
from dissemination.store.arrivals import Arrivals
from dissemination.store.database import Database
from dissemination.store.dialect import among, insert_missing, keys_of
from dissemination.store.events import record
from dissemination.store.schema import consents as consent_log
from dissemination.store.schema import memberships, signups, subscribers, suppressions


def audience_query(audience: Audience, now: datetime) -> sa.Select[tuple[int]]:
    """Ids of the active people that the audience's definition names: the one place that turns it into SQL.

    Who asked for a pause that is not over is not among them.
    """
    query = sa.select(subscribers.c.id).where(
        subscribers.c.state == "active", subscribers.c.id.in_(_members(audience.lists))
    )
    query = query.where(sa.or_(subscribers.c.paused_until.is_(None), subscribers.c.paused_until <= now))
    if audience.exclude:
        query = query.where(subscribers.c.id.not_in(_members(audience.exclude)))
    if audience.languages:
        query = query.where(subscribers.c.lang.in_(audience.languages))
    for name, values in audience.where:
        query = query.where(subscribers.c.attributes[name].as_string().in_(values))
    return query


def _members(lists: Sequence[str]) -> sa.Select[tuple[int]]:
    here = memberships.c.left_at.is_(None)
    return sa.select(memberships.c.subscriber).where(memberships.c.list.in_(lists), here)


_FACTS = ("id", "email", "name", "lang", "state", "consent_source", "consent_at", "paused_until")


def to_subscriber(row: sa.RowMapping, lists: Sequence[str] = ()) -> Subscriber:
    """A row of `subscribers` as a value."""
    return Subscriber(
        **{name: row[name] for name in _FACTS}, lists=tuple(lists), attributes=row["attributes"] or {}
    )


_DEPART_ALL = (
    sa.update(subscribers)
    .where(among(subscribers.c.id, "people"), subscribers.c.state.in_(("active", "unconfirmed")))
    .values(state="unsubscribed", state_at=sa.bindparam("now"))
    .returning(subscribers.c.id)
)


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
        with self.set_aside() as aside:
            aside.add((line, *row) for line, row in enumerate(rows))
            added = aside.settle(step=Step.GIVEN, form="by hand")
        return added.new, added.known, added.suppressed

    def set_aside(self) -> AbstractContextManager[Arrivals]:
        """Room for many people who are looked through before they are taken in."""
        return arrivals.set_aside(self._database)

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
            query = query.where(subscribers.c.id.in_(_members([listed])))
        with self._database.read() as connection:
            rows = connection.execute(query).mappings().all()
            return with_lists(connection, rows)

    def attributes(self) -> Sequence[str]:
        """The names of all attributes that somebody has, in order."""
        with self._database.read() as connection:
            names: sa.ScalarResult[str] = connection.execute(
                keys_of(connection, subscribers.c.attributes)
            ).scalars()
            return sorted(names)

    def by_id(self, subscriber: int) -> Subscriber | None:
        """One person, also one who left; None: erased, or never there."""
        return self._one(subscribers.c.id == subscriber)

    def by_address(self, address: str) -> Subscriber | None:
        """One person by the normalised address."""
        return self._one(subscribers.c.address == address)

    def _one(self, which: sa.ColumnElement[bool]) -> Subscriber | None:
        with self._database.read() as connection:
            row = connection.execute(sa.select(subscribers).where(which)).mappings().first()
            return with_lists(connection, [row])[0] if row else None

    def count(self, audience: Audience) -> int:
        """How many people an audience is at this moment."""
        query = sa.select(sa.func.count()).select_from(
            audience_query(audience, self._database.clock.now()).subquery()
        )
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def remove(self, address: str, hashed: str = "", *, bar: bool = False) -> bool:
        """Erase a person; what they were sent stays as a number without a name. False: not there.

        Args:
            address: normalised.
            hashed: its keyed hash, under which their consent lines are kept without names; "": those go, too.
            bar: suppress the hash as well, so that no import brings the address back.
        """
        gone = self._erase([(address, hashed)], bar=bar)
        if gone:
            self._database.scour([word for one in gone for word in (one.address, one.email)])
        return bool(gone)

    def remove_all(self, who: Sequence[tuple[str, str]], *, bar: bool = False) -> int:
        """`remove` for several people, (normalised address, hash), in one transaction; how many were there.

        Call `privacy.scour` when the last of them are erased.
        """
        return len(self._erase(who, bar=bar))

    def _erase(self, who: Sequence[tuple[str, str]], *, bar: bool) -> Sequence[erasure.Gone]:
        now = self._database.clock.now()
        gone: list[erasure.Gone] = []
        with self._database.write("people") as connection:
            for address, hashed in who:
                query = sa.select(subscribers.c.id, subscribers.c.email).where(subscribers.c.address == address)
                row = connection.execute(query).first()
                if row:
                    gone.append(erasure.Gone(id=row.id, address=address, email=row.email, hash=hashed, at=now))
                    erasure.erase(connection, gone[-1])
                # Also where they never confirmed, and so are no subscriber.
                asked = connection.execute(sa.delete(signups).where(signups.c.address == address)).rowcount
                if asked and not row:
                    gone.append(erasure.Gone(id=0, address=address, email=address, hash=hashed, at=now))
                if bar:
                    bar_hash(connection, hashed, Why.ERASED, now)
        return gone

    def suppress(self, address: str, hashed: str, reason: str) -> bool:
        """Never write to this address again, also after a new import. True if it was on the list.

        Args:
            address: normalised.
            hashed: its keyed hash.
            reason: a `Why`, or other words without a name.
        """
        now = self._database.clock.now()
        with self._database.write("people") as connection:
            bar_hash(connection, hashed, reason, now)
            done = connection.execute(
                sa.update(subscribers)
                .where(subscribers.c.address == address, subscribers.c.state != "suppressed")
                .values(state="suppressed", state_at=now)
            )
            known = sa.select(subscribers.c.id).where(subscribers.c.address == address)
            return bool(done.rowcount) or connection.execute(known).first() is not None

    def unsubscribe(self, subscriber: int, at: datetime, how: str, lists: Sequence[str] = ()) -> bool:
        """They take their consent back. Idempotent: a second time changes nothing, and is False.

        Args:
            subscriber: their id.
            at: when they did.
            how: through what, for the consent log, such as "one-click".
            lists: only these; (): everything. Who leaves their last list has left everything.
        """
        with self._database.write("people") as connection:
            return withdraw(connection, subscriber, at, how, lists)

    def unsubscribe_all(self, who: Sequence[int], how: str) -> int:
        """Many people leave everything, in one transaction; how many had not left before.

        Args:
            who: their ids; one that is not there is passed over.
            how: through what, for the consent log.
        """
        now = self._database.clock.now()
        with self._database.write("people") as connection:
            gone = connection.execute(_DEPART_ALL, {"people": list(who), "now": now}).scalars().all()
            if gone:
                line = {"step": Step.WITHDRAWN.value, "lists": "", "lang": "", "source": "", "form": how, "at": now}
                connection.execute(sa.insert(consent_log), [{"subscriber": one, **line} for one in gone])
                said = "one subscriber" if len(gone) == 1 else f"{len(gone)} subscribers"
                record(connection, [Happening(at=now, kind="unsubscribed", detail=f"{said}, {how}")])
            return len(gone)

    def suppression(self, hashed: str) -> Suppressed | None:
        """Whether, when and why an address is not written to, by its keyed hash."""
        query = sa.select(suppressions).where(suppressions.c.hash == hashed)
        with self._database.read() as connection:
            row = connection.execute(query).first()
            return Suppressed(reason=row.reason, at=row.at) if row else None

    def suppressions(self) -> Mapping[str, tuple[int, datetime]]:
        """Reason -> how many addresses, and when the newest was added; most first."""
        count, newest = sa.func.count(), sa.func.max(suppressions.c.at)
        query = sa.select(suppressions.c.reason, count, newest).group_by(suppressions.c.reason)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(count.desc(), suppressions.c.reason))
            return {reason: (number, at) for reason, number, at in rows}


def bar_hash(connection: Connection, hashed: str, reason: str, at: datetime) -> None:
    """Suppress a hash, in the transaction of what happened; a reason that is there stays."""
    connection.execute(insert_missing(connection, suppressions).values(hash=hashed, reason=str(reason), at=at))


def withdraw(connection: Connection, subscriber: int, at: datetime, how: str, lists: Sequence[str] = ()) -> bool:
    """`People.unsubscribe`, in the transaction of what happened."""
    changed = _leave(connection, subscriber, lists, at) if lists else False
    if not lists or not _on_a_list(connection, subscriber):
        changed = _depart(connection, subscriber, at) or changed
    if changed:
        line = Consent(step=Step.WITHDRAWN, at=at, lists=tuple(lists), form=how)
        consents.log(connection, subscriber, line)
    return changed


def _leave(connection: Connection, subscriber: int, lists: Sequence[str], at: datetime) -> bool:
    left = connection.execute(
        sa.update(memberships)
        .where(memberships.c.subscriber == subscriber, memberships.c.list.in_(lists))
        .where(memberships.c.left_at.is_(None))
        .values(left_at=at)
    )
    return bool(left.rowcount)


def _on_a_list(connection: Connection, subscriber: int) -> bool:
    here = sa.select(memberships.c.list).where(memberships.c.subscriber == subscriber)
    return connection.execute(here.where(memberships.c.left_at.is_(None)).limit(1)).first() is not None


def _depart(connection: Connection, subscriber: int, at: datetime) -> bool:
    done = connection.execute(
        sa.update(subscribers)
        .where(subscribers.c.id == subscriber, subscribers.c.state.in_(("active", "unconfirmed")))
        .values(state="unsubscribed", state_at=at)
    )
    return bool(done.rowcount)


def with_lists(connection: Connection, rows: Sequence[sa.RowMapping]) -> Sequence[Subscriber]:
    """Rows of `subscribers`, in the order of their ids, with the lists they are on and did not leave."""
    if not rows:
        return ()
    query = sa.select(memberships.c.subscriber, memberships.c.list).where(
        memberships.c.subscriber.between(rows[0]["id"], rows[-1]["id"]), memberships.c.left_at.is_(None)
    )
    lists: dict[int, list[str]] = {}
    for subscriber, name in connection.execute(query.order_by(memberships.c.list)):
        lists.setdefault(subscriber, []).append(name)
    return [to_subscriber(row, lists.get(row["id"], ())) for row in rows]
