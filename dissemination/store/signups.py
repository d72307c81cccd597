"""Who signed up and has not confirmed yet; the mail that asks them to is kept in the same row until it is out.

A table of its own: what a stranger typed makes nobody a subscriber, and cannot change one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from dissemination.model import Consent, Happening, Parcel, Rate, SignUp, Step, Why, Wording
from dissemination.store import consents, quotas
from dissemination.store.database import Database
from dissemination.store.dialect import upsert
from dissemination.store.events import record
from dissemination.store.schema import memberships, signups, subscribers, suppressions, wordings

#: Nobody is written to again for one of these, whoever types their address into a form; other reasons end with a
#: confirmed sign-up: who came back from a full mailbox, or asked to be erased, may come again.
FOR_GOOD = frozenset({Why.OFFICER.value, Why.COMPLAINT.value})
#: Limits against list bombing (reference: at most one mail a day and address, three until somebody confirms).
MOST_MAILS = 3
_A_DAY = Rate(count=1, seconds=86_400.0)
#: All confirmation mails together: what a flood of honest people would need, and no more.
BUDGET = Rate(count=60, seconds=3_600.0, burst=60.0)
_BUDGET, _ALARM = "signup", "signup:alarm"
_AN_ALARM = Rate(count=1, seconds=3_600.0)
_NOTHING, _WAITING, _CLAIMED = 0, 1, 2

_FROM = "sign-up page"


class SignUps:
    """Sign-ups and their mails."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ask(self, asked: SignUp) -> bool:
        """Keep a sign-up, and queue its mail where that may be sent.

        What happens is the same, statement by statement, for addresses that are known here, and that are not.

        Returns:
            False: the budget of all mails is spent; nothing was kept, whoever asked.
        """
        now = self._database.clock.now()
        address = f"signup:{asked.hash}"
        with self._database.write(quotas.LOCK) as connection:
            held = quotas.available(connection, {_BUDGET: BUDGET, address: _A_DAY, _ALARM: _AN_ALARM}, now)
            if held[_BUDGET].count < 1:
                _sound(connection, held[_ALARM].count, now)
                return False
            wording = consents.keep_wording(connection, asked.words, asked.lang, now)
            # Its mails were counted from one: by a number of its own, a new one's are never taken for those.
            connection.execute(_FORGET_CONFIRMED, {"address": asked.address})
            known = connection.execute(_BY_ADDRESS, {"address": asked.address}).mappings().first()
            barred = connection.execute(_BARRED, {"hash": asked.hash}).scalar() in FOR_GOOD
            facts = _merged(asked, known) | {"wording": wording.digest}
            if held[address].count and facts["mails"] < MOST_MAILS:
                quotas.spend(connection, {_BUDGET: (BUDGET, 1), address: (_A_DAY, 1)}, now)
                mail = _NOTHING if barred else _WAITING
                facts |= {"mails": facts["mails"] + 1, "mail": mail, "attempts": 0, "mail_at": now}
            statement = upsert(connection, signups).values(facts)
            connection.execute(statement.on_conflict_do_update(index_elements=["address"], set_=facts))
        return True

    def pending(self, number: int, since: datetime) -> SignUp | None:
        """A sign-up that is not older than that, also one that was confirmed; None: there is none."""
        with self._database.read() as connection:
            row = _row(connection, number, since)
            return _signup(row) if row else None

    def of(self, address: str) -> SignUp | None:
        """The sign-up of a normalised address."""
        with self._database.read() as connection:
            row = connection.execute(_BY_ADDRESS, {"address": address}).mappings().first()
            return _signup(row) if row else None

    def confirm(self, number: int, lists: Sequence[str], since: datetime, frequency: str = "") -> int | None:
        """They said yes to these of their lists, and are a subscriber from now on.

        A second yes changes nothing, also where they have left meanwhile: the link is no way back.

        Args:
            number: of the sign-up.
            lists: what they were shown.
            since: older sign-ups are over.
            frequency: what new subscribers begin with; "": it is not asked.

        Returns:
            The subscriber; None: there is no such sign-up, none of its lists is named, or they are barred for good.
        """
        now = self._database.clock.now()
        with self._database.write("people") as connection:
            row = _row(connection, number, since)
            if row is None:
                return None
            asked = _signup(row)
            if asked.confirmed_at is not None:
                known = sa.select(subscribers.c.id).where(subscribers.c.address == asked.address)
                return connection.execute(known).scalar()
            agreed = tuple(name for name in asked.lists if name in lists)
            barred = connection.execute(_BARRED, {"hash": asked.hash}).scalar()
            if not agreed or barred in FOR_GOOD:
                return None
            connection.execute(sa.delete(suppressions).where(suppressions.c.hash == asked.hash))
            person = _take_in(connection, asked, now, frequency)
            join(connection, person, agreed)
            _log(connection, person, asked, agreed, now)
            done = {"confirmed_at": now, "mails": 0, "mail": _NOTHING}
            connection.execute(sa.update(signups).where(signups.c.id == number).values(done))
            record(connection, [Happening(at=now, kind="subscribed", detail="one subscriber, confirmed")])
            return person

    # The outbox

    def claim(self, lease: timedelta) -> Parcel | None:
        """The next mail that is due, ours until the lease is over; what a dead process had claimed comes again."""
        with self._database.write() as connection:
            now = self._database.now(connection)
            due = sa.and_(signups.c.mail.in_((_WAITING, _CLAIMED)), signups.c.mail_at <= now)
            number = sa.select(signups.c.id).where(due).order_by(signups.c.mail_at, signups.c.id).limit(1)
            until = now + lease
            mine = {"mail": _CLAIMED, "mail_at": until, "attempts": signups.c.attempts + 1}
            row = connection.execute(
                sa.update(signups).where(signups.c.id == number.scalar_subquery()).values(mine).returning(signups)
            ).first()
            if row is None:
                return None
            return Parcel(
                signup=row.id, email=row.email, lang=row.lang, number=row.mails, attempt=row.attempts, lease=until
            )

    def waits(self) -> bool:
        """Whether a mail is due: a look that takes no lock."""
        due = sa.and_(signups.c.mail.in_((_WAITING, _CLAIMED)), signups.c.mail_at <= self._database.clock.now())
        with self._database.read() as connection:
            return connection.execute(sa.select(signups.c.id).where(due).limit(1)).first() is not None

    def settle(self, parcel: Parcel, again: datetime | None = None) -> None:
        """A claimed mail is done with, or to be tried again then. Without effect where the claim was lost."""
        ours = sa.and_(
            signups.c.id == parcel.signup,
            signups.c.mail == _CLAIMED,
            signups.c.mails == parcel.number,
            signups.c.mail_at == parcel.lease,
        )
        state = {"mail": _WAITING if again else _NOTHING, "mail_at": again}
        with self._database.write() as connection:
            connection.execute(sa.update(signups).where(ours).values(state))

    def clear(self, *, unconfirmed: datetime, confirmed: datetime) -> int:
        """Forget who never confirmed since then, and the forms of those who did; how many."""
        never = sa.and_(signups.c.confirmed_at.is_(None), signups.c.at < unconfirmed)
        with self._database.write("people") as connection:
            done = connection.execute(sa.delete(signups).where(sa.or_(never, signups.c.confirmed_at < confirmed)))
            quotas.forget_full(connection, self._database.clock.now())
            return int(done.rowcount)


_BY_ADDRESS = sa.select(signups).where(signups.c.address == sa.bindparam("address"))
_FORGET_CONFIRMED = sa.delete(signups).where(
    signups.c.address == sa.bindparam("address"), signups.c.confirmed_at.is_not(None)
)
_BARRED = sa.select(suppressions.c.reason).where(suppressions.c.hash == sa.bindparam("hash"))


def _sound(connection: Connection, left: int, now: datetime) -> None:
    """Say so once an hour, however many are turned away."""
    if left:
        quotas.spend(connection, {_ALARM: (_AN_ALARM, 1)}, now)
        detail = f"sign-ups: {BUDGET.count:g} confirmation mails in an hour are used up; others are asked to wait"
        record(connection, [Happening(at=now, kind="alarm", detail=detail)])


def _merged(asked: SignUp, known: sa.RowMapping | None) -> dict[str, Any]:
    """As it is kept: lists that were asked for and are not confirmed yet stay asked for."""
    facts = {name: getattr(asked, name) for name in ("email", "address", "hash", "lang", "form", "at")}
    earlier = [name for name in known["lists"].split(consents.SEPARATOR) if name] if known else []
    lists = consents.SEPARATOR.join(dict.fromkeys((*earlier, *asked.lists)))
    mails = {name: known[name] if known else 0 for name in ("mails", "mail", "attempts")}
    return facts | mails | {"lists": lists, "confirmed_at": None, "mail_at": known["mail_at"] if known else None}


def _row(connection: Connection, number: int, since: datetime) -> sa.RowMapping | None:
    query = sa.select(signups).where(signups.c.id == number, signups.c.at >= since)
    return connection.execute(query).mappings().first()


def _signup(row: sa.RowMapping) -> SignUp:
    names = ("id", "email", "address", "hash", "lang", "wording", "form", "at", "confirmed_at")
    lists = tuple(filter(None, row["lists"].split(consents.SEPARATOR)))
    return SignUp(**{name: row[name] for name in names}, lists=lists)


def _take_in(connection: Connection, asked: SignUp, now: datetime, frequency: str) -> int:
    """Their row, made or woken; who is there keeps their name and attributes."""
    consent = {"lang": asked.lang, "state": "active", "consent_source": _FROM, "consent_at": now}
    fresh = {
        "email": asked.email,
        "address": asked.address,
        "name": "",
        "created_at": now,
        "domain": asked.address.rpartition("@")[2],
        "attributes": {"frequency": frequency} if frequency else None,
    }
    woken = consent | {"state_at": now, "paused_until": None}
    statement = upsert(connection, subscribers).values(fresh | consent)
    done = statement.on_conflict_do_update(index_elements=["address"], set_=woken).returning(subscribers.c.id)
    return int(connection.execute(done).scalar_one())


def join(connection: Connection, person: int, lists: Sequence[str]) -> None:
    """They are on these lists, also on those that they had left."""
    for name in lists:
        statement = upsert(connection, memberships).values(list=name, subscriber=person, left_at=None)
        keys = ["list", "subscriber"]
        connection.execute(statement.on_conflict_do_update(index_elements=keys, set_={"left_at": None}))


def _log(connection: Connection, person: int, asked: SignUp, agreed: tuple[str, ...], now: datetime) -> None:
    """A line for each list: what they saw and when, and when they said yes to it."""
    found = connection.execute(sa.select(wordings).where(wordings.c.digest == asked.wording)).mappings().first()
    wording = Wording(**found) if found else None
    for name in agreed:
        given = Consent(
            step=Step.GIVEN,
            at=asked.at,
            lists=(name,),
            lang=asked.lang,
            source=_FROM,
            form=asked.form,
            wording=wording,
        )
        consents.log(connection, person, given)
        consents.log(connection, person, replace(given, step=Step.CONFIRMED, at=now, form="confirmation link"))
