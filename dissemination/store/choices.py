"""What subscribers change by themselves on the page of preferences."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from dissemination.model import Choices, Consent, Happening, Notice, Step
from dissemination.store import consents
from dissemination.store.database import Database
from dissemination.store.events import record
from dissemination.store.people import withdraw
from dissemination.store.schema import memberships, subscribers
from dissemination.store.signups import join

#: Through what they did it, for the consent log.
_FORM = "preferences page"


class Preferred:
    """Changing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def choose(self, subscriber: int, chosen: Choices, known: Sequence[str], said: Notice) -> bool:
        """Let their choice be so, in one transaction; False: nobody has the number, or they are suppressed.

        Args:
            subscriber: who.
            chosen: what they want.
            known: the lists that they were asked about; others stay as they are.
            said: what stood beside the question, for the consent to lists that are new to them.
        """
        now = self._database.clock.now()
        with self._database.write("people") as connection:
            query = sa.select(subscribers.c.state, subscribers.c.attributes).where(subscribers.c.id == subscriber)
            row = connection.execute(query).first()
            if row is None or row.state == "suppressed":
                return False
            on = _lists(connection, subscriber) if row.state == "active" else set()
            added = tuple(name for name in chosen.lists if name not in on)
            if added:
                _agree(connection, subscriber, added, said, now)
            _set(connection, subscriber, chosen, row.attributes or {})
            dropped = tuple(name for name in known if name in on and name not in chosen.lists)
            if dropped:
                withdraw(connection, subscriber, now, _FORM, dropped)
            record(connection, [Happening(at=now, kind="preferences", detail="one subscriber")])
            return True


def _agree(connection: Connection, subscriber: int, added: tuple[str, ...], said: Notice, now: datetime) -> None:
    """They hold the personal link, and so the mailbox: this yes needs no second one."""
    waking = sa.update(subscribers).where(subscribers.c.id == subscriber, subscribers.c.state != "active")
    if connection.execute(waking.values(state="active", state_at=now)).rowcount:
        # Who had left everything comes back to what they name, not to all that they once had.
        theirs = sa.and_(memberships.c.subscriber == subscriber, memberships.c.left_at.is_(None))
        connection.execute(sa.update(memberships).where(theirs).values(left_at=now))
    join(connection, subscriber, added)
    wording = consents.keep_wording(connection, said.text, said.lang, now)
    for name in added:
        line = Consent(step=Step.GIVEN, at=now, lists=(name,), lang=said.lang, form=_FORM, wording=wording)
        consents.log(connection, subscriber, line)


def _lists(connection: Connection, subscriber: int) -> set[str]:
    query = sa.select(memberships.c.list).where(memberships.c.subscriber == subscriber)
    return set(connection.execute(query.where(memberships.c.left_at.is_(None))).scalars())


def _set(connection: Connection, subscriber: int, chosen: Choices, attributes: dict[str, Any]) -> None:
    values: dict[str, Any] = {"lang": chosen.lang, "paused_until": chosen.paused_until}
    if chosen.frequency:
        values["attributes"] = attributes | {"frequency": chosen.frequency}
    connection.execute(sa.update(subscribers).where(subscribers.c.id == subscriber).values(values))
