"""Erasing a person, and what is only kept for a time.

SQLite overwrites what is deleted (`secure_delete`), and the write-ahead log is folded back afterwards: then the
address is in none of the files.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from dissemination.store.schema import (
    consents,
    events,
    memberships,
    publications,
    returns,
    signups,
    soft_bounces,
    subscribers,
    troubles,
)

#: What stands where an erased address stood in a sentence.
_ERASED = "(erased)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Gone:
    """Whom to erase."""

    id: int
    #: Normalised, and as they wrote it.
    address: str
    email: str
    #: The keyed hash of the address; "": nothing is to be kept under it.
    hash: str
    at: datetime


def erase(connection: Connection, gone: Gone) -> None:
    """Delete a person and every trace that names them; numbers that name nobody stay."""
    for trace in TRACES:
        trace(connection, gone)
    connection.execute(sa.delete(subscribers).where(subscribers.c.id == gone.id))


def _lists(connection: Connection, gone: Gone) -> None:
    # Not left to the cascade alone: foreign keys may be off in a database that another tool opened.
    connection.execute(sa.delete(memberships).where(memberships.c.subscriber == gone.id))


def _signups(connection: Connection, gone: Gone) -> None:
    connection.execute(sa.delete(signups).where(signups.c.address == gone.address))


def _consents(connection: Connection, gone: Gone) -> None:
    """That there was a consent may have to be proved later (article 17(3)(e)): the hash, the time and the words."""
    theirs = consents.c.subscriber == gone.id
    if not gone.hash:
        connection.execute(sa.delete(consents).where(theirs))
        return
    bare = {"subscriber": None, "hash": gone.hash, "source": "", "form": "", "erased_at": gone.at}
    connection.execute(sa.update(consents).where(theirs).values(bare))


def _troubles(connection: Connection, gone: Gone) -> None:
    """Servers like to repeat the address in what they refuse."""
    connection.execute(sa.update(troubles).where(troubles.c.subscriber == gone.id).values(reason=""))


def _returns(connection: Connection, gone: Gone) -> None:
    """What came back from them goes, and every kept mail that names them, however it is encoded."""
    connection.execute(sa.delete(soft_bounces).where(soft_bounces.c.subscriber == gone.id))
    connection.execute(sa.delete(returns).where(returns.c.subscriber == gone.id))
    wanted = {spelling.lower().encode() for spelling in (gone.address, gone.email)}
    kept = sa.select(returns.c.id, returns.c.body).where(returns.c.body.is_not(None))
    for number, body in connection.execute(kept).all():
        if any(word in text.lower() for text in _readings(body) for word in wanted):
            connection.execute(sa.delete(returns).where(returns.c.id == number))


#: Lines of base64.
_ENCODED = re.compile(rb"(?:[A-Za-z0-9+/]{20,76}\r?\n)*[A-Za-z0-9+/]{8,76}={0,2}")


def _readings(body: bytes) -> Iterator[bytes]:
    """A mail as it is, and what is encoded in it."""
    yield body
    yield binascii.a2b_qp(body)
    for block in _ENCODED.findall(body):
        whole = b"".join(block.split()).rstrip(b"=")
        whole = whole[: len(whole) - (len(whole) % 4 == 1)]  # one letter more is no byte
        yield binascii.a2b_base64(whole + b"=" * (-len(whole) % 4))


def _sentences(table: sa.Table, column: sa.Column[str]) -> Callable[[Connection, Gone], None]:
    """Takes the address out of a column of sentences, in whatever case it stands there."""

    def scrub(connection: Connection, gone: Gone) -> None:
        spellings = {gone.address, gone.email}
        named = sa.or_(*(column.icontains(spelling, autoescape=True) for spelling in sorted(spellings)))
        pattern = re.compile("|".join(map(re.escape, spellings)), re.IGNORECASE)
        for key, words in connection.execute(sa.select(table.c.id, column).where(named)).all():
            clean = pattern.sub(_ERASED, words)
            connection.execute(sa.update(table).where(table.c.id == key).values({column.name: clean}))

    return scrub


#: Every place that may name a person, besides `subscribers`. A table that holds traces of people adds itself here.
TRACES: tuple[Callable[[Connection, Gone], None], ...] = (
    _lists,
    _signups,
    _consents,
    _troubles,
    _returns,
    _sentences(events, events.c.detail),
    _sentences(publications, publications.c.reason),
)


def outdated_people(connection: Connection, unconfirmed: datetime, departed: datetime, limit: int) -> Sequence[str]:
    """Addresses of people whose time is over: never confirmed, or gone for long."""
    since = sa.func.coalesce(subscribers.c.state_at, subscribers.c.created_at)
    gone = sa.and_(subscribers.c.state.in_(("unsubscribed", "suppressed")), since < _instant(departed))
    never = sa.and_(subscribers.c.state == "unconfirmed", since < _instant(unconfirmed))
    query = sa.select(subscribers.c.address).where(sa.or_(gone, never)).order_by(subscribers.c.id).limit(limit)
    return list(connection.execute(query).scalars())


def _instant(moment: datetime) -> sa.ColumnElement[datetime]:
    return sa.literal(moment, type_=subscribers.c.created_at.type)


def clear_troubles(connection: Connection, before: datetime) -> int:
    """Forget the words of servers; that there was trouble stays."""
    old = sa.and_(troubles.c.at < before, troubles.c.reason != "")
    return int(connection.execute(sa.update(troubles).where(old).values(reason="")).rowcount)


def clear_log(connection: Connection, before: datetime) -> int:
    """Delete old lines of the log, except those that somebody still has to be told."""
    old = sa.and_(events.c.at < before, events.c.told.in_((0, 3)))
    return int(connection.execute(sa.delete(events).where(old)).rowcount)


def clear_proofs(connection: Connection, before: datetime) -> int:
    """Delete consent lines of people who were erased long ago."""
    return int(connection.execute(sa.delete(consents).where(consents.c.erased_at < before)).rowcount)
