"""One worker's book of an edition: batches taken and given back, intents and outcomes, in one transaction a turn.

A turn costs the same few statements whether it carries ten people or two hundred; they are built once, so that
SQLAlchemy finds their text again without looking at them.
"""

from __future__ import annotations

import secrets
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from dissemination.model import DeliveryState, Rate, Rates, Recipient, Settled, State, Turn
from dissemination.store import quotas
from dissemination.store.database import Database
from dissemination.store.dialect import among, upsert
from dissemination.store.domains import Domains, buckets_of, tightest
from dissemination.store.schema import (
    CODES,
    EPOCH,
    batches,
    deliveries,
    memberships,
    paces,
    pauses,
    publications,
    subscribers,
    troubles,
)

_PENDING, _SENDING = CODES[DeliveryState.PENDING], CODES[DeliveryState.SENDING]
_DEFERRED, _SKIPPED = CODES[DeliveryState.DEFERRED], CODES[DeliveryState.SKIPPED]
OPEN = (_PENDING, _SENDING, _DEFERRED)
#: What is still true where somebody else has taken the batch over. The rest is the successor's to decide.
_FINAL = frozenset({DeliveryState.SENT, DeliveryState.FAILED})
#: A mail whose process died this often is what kills it, and is not taken up again.
DEADLY = 20
#: How often the pace is noted.
_NOTE = timedelta(seconds=10)
#: A sign of life is given when so much of a lease is over: until then nobody can have taken a batch over.
_SIGN = 0.1
#: The longest reason that is kept.
REASON = 500

_batch = sa.and_(batches.c.publication == sa.bindparam("p"), batches.c.no == sa.bindparam("b"))
_rows = sa.and_(deliveries.c.publication == sa.bindparam("p"), deliveries.c.batch == sa.bindparam("b"))
_people = among(deliveries.c.subscriber, "people")
_own = deliveries.c.token == sa.bindparam("t")

_EXTEND = (
    sa.update(batches)
    .where(batches.c.publication == sa.bindparam("p"), batches.c.state == "leased")
    .where(batches.c.owner == sa.bindparam("who"))
    .values(lease_until=sa.bindparam("until"))
    .returning(batches.c.no, batches.c.token)
)
_GOING = sa.select(publications.c.state).where(
    publications.c.id == sa.bindparam("p"), ~sa.exists().where(pauses.c.channel.in_(["*", publications.c.channel]))
)
_STILL_ON = sa.exists().where(
    memberships.c.subscriber == deliveries.c.subscriber,
    memberships.c.list.in_(sa.bindparam("lists", expanding=True)),
    memberships.c.left_at.is_(None),
)
_not_paused = sa.or_(subscribers.c.paused_until.is_(None), subscribers.c.paused_until <= sa.bindparam("now"))
_NEXT = (
    sa.select(
        deliveries.c.subscriber,
        deliveries.c.attempts + 1,
        subscribers.c.email,
        subscribers.c.name,
        subscribers.c.lang,
        subscribers.c.domain,
        # Whether this person may still be written to: NULL where they were erased.
        sa.and_(subscribers.c.state == "active", _STILL_ON, _not_paused),
    )
    .select_from(deliveries.outerjoin(subscribers, subscribers.c.id == deliveries.c.subscriber))
    .where(_rows, deliveries.c.state == _PENDING, deliveries.c.subscriber > sa.bindparam("after"))
    .order_by(deliveries.c.subscriber)
    .limit(sa.bindparam("n"))
    .with_for_update(of=deliveries)  # a late truth must not slip in between; SQLite has one writer anyway
)
_NEXT_BESIDES = _NEXT.where(
    sa.or_(subscribers.c.domain.is_(None), subscribers.c.domain.not_in(sa.bindparam("held", expanding=True)))
)
_AGES = sa.select(troubles.c.subscriber, troubles.c.since).where(
    troubles.c.publication == sa.bindparam("p"), among(troubles.c.subscriber, "people")
)
_intent = {"state": _SENDING, "token": sa.bindparam("t"), "attempts": deliveries.c.attempts + 1}
_INTEND = sa.update(deliveries).where(_rows, _people).values(_intent)
#: The same for everybody who is pending from one person to another: the text of the statement stays short.
_INTEND_ALL = (
    sa.update(deliveries)
    .where(_rows, deliveries.c.state == _PENDING)
    .where(deliveries.c.subscriber.between(sa.bindparam("first"), sa.bindparam("last")))
    .values(_intent)
)
_SKIP = sa.update(deliveries).where(_rows, _people).values(state=_SKIPPED, token=sa.bindparam("t"))
#: A bounce may be quicker than our own server's answer; it is the later truth.
_SETTLE = (
    sa.update(deliveries)
    .where(_rows, _people, _own, deliveries.c.state != CODES[DeliveryState.BOUNCED])
    .values(state=sa.bindparam("s"))
)
_UNDO = sa.update(deliveries).where(_rows, _people, _own).values(state=_PENDING, attempts=deliveries.c.attempts - 1)


class Ledger:
    """See `ports.Ledger`. For one thread.

    Args:
        database: the door.
        number: the publication's number.
        lists: the mailing lists that the edition goes to: who left them or asked for a pause meanwhile is skipped.
        owner: who claims.
        lease: seconds that a batch stays ours without a turn.
        resend: what an older claim left without an outcome goes out again, the same message; else it is in doubt.
    """

    def __init__(  # noqa: PLR0913 - the edition, who works on it, and how doubt is met
        self, database: Database, number: int, *, lists: Sequence[str], owner: str, lease: float, resend: bool
    ) -> None:
        self.number = number
        self._database, self._lists = database, list(lists)
        #: Each ledger is an owner of its own: it keeps nothing alive that an earlier one left behind.
        self._owner = f"{owner} {secrets.token_hex(4)}"
        self._lease = timedelta(seconds=lease)
        self._resend = resend
        #: Batches that are ours: number -> token.
        self._held: dict[int, int] = {}
        #: Batch -> people with an intent and no outcome yet.
        self._out: defaultdict[int, int] = defaultdict(int)
        #: The batch that people are taken from.
        self._current: int | None = None
        #: Up to this person nobody is pending in it any more.
        self._after = 0
        #: Domain -> when its rate lets it go on.
        self._until: dict[str, datetime] = {}
        #: Person -> the rates whose buckets their mail was taken from, while it has no outcome.
        self._paid: dict[int, Rates] = {}
        #: Called between the statements of a turn.
        self._meanwhile: Callable[[], None] = lambda: None
        #: Accepted since the pace was noted last, and when that was; when the last sign of life was given.
        self._accepted, self._noted, self._signed = 0, EPOCH, EPOCH

    # ------------------------------------------------------------------------------------------ a turn

    def turn(
        self,
        settled: Sequence[Settled],
        want: int,
        rates: Rates,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> Turn:
        """Write outcomes down, and take up to `want` people with the intent committed."""
        self._meanwhile = meanwhile
        limited = rates.total or rates.domains or self._paid
        with self._database.write(quotas.LOCK if limited else "") as connection:
            now = self._database.now(connection)
            if not self._signed <= now < self._signed + self._lease * _SIGN:
                self._extend(connection, now)
            self._record(connection, settled, now)
            meanwhile()
            self._give_back(connection)
            if now - self._noted >= _NOTE:
                self._note_pace(connection, now)
            state = connection.execute(_GOING, {"p": self.number}).scalar()
            meanwhile()
            if state != State.SENDING.value:
                return Turn(going=False)
            return self._take(connection, want, rates, now) if want > 0 else Turn()

    def leave(self, settled: Sequence[Settled]) -> None:
        """Write the last outcomes down, and give every batch back."""
        with self._database.write(quotas.LOCK if self._paid else "") as connection:
            now = self._database.now(connection)
            self._extend(connection, now)
            self._record(connection, settled, now)
            self._current = None
            self._out.clear()
            self._give_back(connection)
            self._note_pace(connection, now)
            quotas.forget_full(connection, now)

    def _extend(self, connection: Connection, now: datetime) -> None:
        """A sign of life; batches that somebody else has taken over are no longer ours."""
        self._signed = now
        facts = {"p": self.number, "who": self._owner, "until": now + self._lease}
        ours = {(row[0], row[1]) for row in connection.execute(_EXTEND, facts)}
        for lost in self._held.items() - ours:
            del self._held[lost[0]]
            self._out.pop(lost[0], None)
            if self._current == lost[0]:
                self._current = None

    # ------------------------------------------------------------------------------------------ outcomes

    def _record(self, connection: Connection, settled: Sequence[Settled], now: datetime) -> None:
        groups: defaultdict[tuple[int, int, DeliveryState], list[Settled]] = defaultdict(list)
        for one in settled:
            groups[one.recipient.batch, one.recipient.token, one.state].append(one)
        for (batch, token, state), ones in groups.items():
            ours = self._held.get(batch) == token
            if ours:
                self._out[batch] -= len(ones)
            if ours or state in _FINAL:
                facts = {"p": self.number, "b": batch, "t": token, "people": [one.recipient.id for one in ones]}
                self._mark(connection, facts, state)
                self._note_troubles(connection, ones, now)
            self._accepted += len(ones) if state is DeliveryState.SENT else 0
        if self._paid:
            self._refund(connection, settled, now)

    def _refund(self, connection: Connection, settled: Sequence[Settled], now: datetime) -> None:
        """What was taken out of the buckets for mail that never began goes back into the very same ones."""
        back: Counter[tuple[str, Rate]] = Counter()
        for one in settled:
            paid = self._paid.pop(one.recipient.id, None)
            if paid and one.state is DeliveryState.PENDING:
                back.update({**paid.total, **buckets_of(one.recipient.domain, paid.domains)}.items())
                self._until.pop(one.recipient.domain, None)
        quotas.spend(connection, {name: (rate, -count) for (name, rate), count in back.items()}, now)

    def _mark(self, connection: Connection, facts: dict[str, Any], state: DeliveryState) -> None:
        if state is DeliveryState.PENDING:
            self._after = 0
            connection.execute(_UNDO, facts)
        else:
            connection.execute(_SETTLE, {**facts, "s": CODES[state]})

    def _note_troubles(self, connection: Connection, settled: Sequence[Settled], now: datetime) -> None:
        note_troubles(
            connection,
            [
                {
                    "publication": self.number,
                    "subscriber": one.recipient.id,
                    "reason": one.reason[:REASON],
                    "at": now,
                    "not_before": one.not_before,
                    "since": now if one.state is DeliveryState.DEFERRED else None,
                }
                for one in settled
                if one.reason
            ],
        )

    def _note_pace(self, connection: Connection, now: datetime) -> None:
        """How many were accepted in this minute, for `edition show`."""
        self._noted = now
        if not self._accepted:
            return
        minute = now.replace(second=0, microsecond=0)
        statement = upsert(connection, paces).values(publication=self.number, minute=minute, sent=self._accepted)
        fresh = {"sent": paces.c.sent + statement.excluded.sent}
        keys = ["publication", "minute"]
        connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=fresh))
        self._accepted = 0

    # ------------------------------------------------------------------------------------------ people

    def _take(self, connection: Connection, want: int, rates: Rates, now: datetime) -> Turn:
        if rates.total:
            grant = tightest(list(quotas.available(connection, rates.total, now).values()))
            if grant.count <= 0:
                return Turn(wait=grant.wait)
            want = min(want, grant.count)
        domains = Domains(connection, rates.domains, self._until, now)
        people = self._gather(connection, want, domains, now)
        domains.spend()
        if rates.total:
            quotas.spend(connection, {name: (rate, len(people)) for name, rate in rates.total.items()}, now)
        if rates.total or rates.domains:
            self._paid.update((one.id, rates) for one in people)
        return Turn(people=people, wait=None if people else domains.wait())

    def _gather(self, connection: Connection, want: int, domains: Domains, now: datetime) -> list[Recipient]:
        """From the batch at hand; when it is through, or only held-back domains are left in it, from the next."""
        people: list[Recipient] = []
        while len(people) < want:
            if self._current is None and not self._claim(connection, now):
                break
            size = want - len(people)
            rows, found = self._from_current(connection, size, domains, now)
            people += found
            if rows < size and not self._leave_current(connection, now, domains):
                break
        return people

    def _from_current(
        self, connection: Connection, size: int, domains: Domains, now: datetime
    ) -> tuple[int, Sequence[Recipient]]:
        """(rows that were seen, people of them); fewer rows than `size`: there are no more."""
        batch = self._current
        if batch is None:  # never: the caller has claimed it
            return 0, ()
        key: dict[str, Any] = {"p": self.number, "b": batch}
        token, held = self._held[batch], domains.held()
        facts = {**key, "n": size, "after": self._after, "lists": self._lists, "now": now}
        query, facts = (_NEXT_BESIDES, {**facts, "held": held}) if held else (_NEXT, facts)
        rows = connection.execute(query, facts).all()
        self._meanwhile()
        gone = [row[0] for row in rows if not row[-1]]
        if gone:
            connection.execute(_SKIP, {**key, "t": token, "people": gone})
        people = [Recipient(batch, token, *row[:-1]) for row in rows if row[-1]]
        found = domains.granted(self._with_ages(connection, people))
        self._out[batch] += len(found)
        if domains.held():
            connection.execute(_INTEND, {**key, "t": token, "people": [one.id for one in found]})
        elif rows:
            self._after = rows[-1][0]
            connection.execute(_INTEND_ALL, {**key, "t": token, "first": rows[0][0], "last": self._after})
        self._meanwhile()
        return len(rows), found

    def _with_ages(self, connection: Connection, people: list[Recipient]) -> list[Recipient]:
        """Since when those who were tried before have been deferred."""
        tried = [one.id for one in people if one.attempts > 1]
        if not tried:
            return people
        rows = connection.execute(_AGES, {"p": self.number, "people": tried})
        ages = {row.subscriber: row.since for row in rows}
        return [one._replace(since=ages.get(one.id)) for one in people]

    def _leave_current(self, connection: Connection, now: datetime, domains: Domains) -> bool:
        """Go on to the next batch; where a rate holds people of this one back, only to one taken up less often."""
        if self._current is None or not domains.held():
            self._current = None
            return True
        return self._claim(connection, now, less_than=self._held[self._current])

    # ------------------------------------------------------------------------------------------ batches

    def _claim(self, connection: Connection, now: datetime, less_than: int | None = None) -> bool:
        query = takeable(self.number, now)
        if less_than is not None:
            query = query.where(batches.c.token < less_than)
        row = connection.execute(query.with_for_update(skip_locked=True)).first()
        if row is None:
            return False
        key = {"p": self.number, "b": row.no}
        connection.execute(
            sa.update(batches)
            .where(_batch)
            .values(
                state="leased",
                owner=self._owner,
                token=row.token + 1,
                lease_until=now + self._lease,
                not_before=None,
            ),
            key,
        )
        self._open_again(connection, row.no, now)
        self._held[row.no] = row.token + 1
        self._out[row.no] = 0
        self._current, self._after = row.no, 0
        return True

    def _open_again(self, connection: Connection, batch: int, now: datetime) -> None:
        """Settle what a dead claim left, and open those deferred whose own time has come."""
        key = {"p": self.number, "b": batch}
        rows = connection.execute(
            sa.select(deliveries.c.subscriber, deliveries.c.attempts).where(_rows, deliveries.c.state == _SENDING),
            key,
        ).all()
        doubtful = [row.subscriber for row in rows if not self._resend or row.attempts >= DEADLY]
        if doubtful:
            reason = "the process ended before the answer came"
            facts = {"publication": self.number, "reason": reason, "at": now, "not_before": None, "since": None}
            note_troubles(connection, [{**facts, "subscriber": person} for person in doubtful])
            doubt = sa.update(deliveries).where(_rows, _people).values(state=CODES[DeliveryState.IN_DOUBT])
            connection.execute(doubt, {**key, "people": doubtful})
        waiting = sa.exists().where(
            troubles.c.publication == deliveries.c.publication,
            troubles.c.subscriber == deliveries.c.subscriber,
            troubles.c.not_before > now,
        )
        due = sa.or_(deliveries.c.state == _SENDING, sa.and_(deliveries.c.state == _DEFERRED, ~waiting))
        connection.execute(sa.update(deliveries).where(_rows, due).values(state=_PENDING), key)

    def _give_back(self, connection: Connection) -> None:
        for batch in [no for no in self._held if no != self._current and self._out[no] <= 0]:
            self._release(connection, batch, self._held.pop(batch))
            self._out.pop(batch, None)

    def _release(self, connection: Connection, batch: int, token: int) -> None:
        """Done if nothing in it is open; else open again, when the first of its people may be tried again."""
        key = {"p": self.number, "b": batch}
        left = set(
            connection.execute(
                sa.select(deliveries.c.state).where(_rows, deliveries.c.state.in_(OPEN)).distinct(), key
            ).scalars()
        )
        first = (
            sa.select(sa.func.min(troubles.c.not_before))
            .select_from(deliveries)
            .join(
                troubles,
                sa.and_(
                    troubles.c.publication == deliveries.c.publication,
                    troubles.c.subscriber == deliveries.c.subscriber,
                ),
            )
            .where(_rows, deliveries.c.state == _DEFERRED)
        )
        waits = connection.execute(first, key).scalar() if left == {_DEFERRED} else None
        connection.execute(
            sa.update(batches)
            .where(_batch, batches.c.token == token)
            .values(state="open" if left else "done", owner="", lease_until=None, not_before=waits),
            key,
        )


def takeable(publication: int, now: datetime) -> sa.Select[tuple[int, int]]:
    """The batch to take next: first where somebody's wait is over, then the one that was taken up least."""
    waited = sa.and_(batches.c.state == "open", batches.c.not_before <= now)
    return (
        sa.select(batches.c.no, batches.c.token)
        .where(batches.c.publication == publication)
        .where(
            sa.or_(
                waited,
                sa.and_(batches.c.state == "open", batches.c.not_before.is_(None)),
                sa.and_(batches.c.state == "leased", batches.c.lease_until <= now),
            )
        )
        .order_by(sa.case((waited, 0), else_=1), batches.c.token, batches.c.no)
        .limit(1)
    )


def note_troubles(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Why somebody's mail was not simply sent: the newest reason counts, and the first deferral."""
    if rows:
        statement = upsert(connection, troubles)
        newest = {name: statement.excluded[name] for name in ("reason", "at", "not_before")}
        fresh = {**newest, "since": sa.func.coalesce(troubles.c.since, statement.excluded.since)}
        keys = ["publication", "subscriber"]
        connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=fresh), rows)
