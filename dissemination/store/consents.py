"""The consent log: lines that say who agreed to what, and the words they saw, by digest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from dissemination.files import digest_of
from dissemination.model import Consent, Step, Wording
from dissemination.store.dialect import insert_missing
from dissemination.store.schema import consents, wordings

#: Between the lists of a line: their names have none.
SEPARATOR = ";"


def log(connection: Connection, subscriber: int, line: Consent) -> None:
    """Add one line, in the transaction of what happened."""
    connection.execute(
        sa.insert(consents).values(
            subscriber=subscriber,
            step=line.step.value,
            lists=SEPARATOR.join(line.lists),
            lang=line.lang,
            source=line.source,
            form=line.form,
            wording=line.wording.digest if line.wording else None,
            at=line.at,
        )
    )


def keep_wording(connection: Connection, text: str, lang: str, at: datetime) -> Wording:
    """The words under their digest; the same words are kept once, and keep their version."""
    digest = digest_of(text.encode())
    known = sa.select(sa.func.count()).select_from(wordings).where(wordings.c.lang == lang)
    version = int(connection.execute(known).scalar_one()) + 1
    fresh = {"digest": digest, "version": version, "lang": lang, "text": text, "at": at}
    connection.execute(insert_missing(connection, wordings).values(fresh))
    row = connection.execute(sa.select(wordings).where(wordings.c.digest == digest)).mappings().one()
    return Wording(**row)


def lines_of(connection: Connection, subscriber: int) -> Sequence[Consent]:
    """A person's lines, oldest first, each with its words proved again."""
    query = (
        sa.select(consents, *(column.label(f"w_{column.name}") for column in wordings.c))
        .select_from(consents.outerjoin(wordings, wordings.c.digest == consents.c.wording))
        .where(consents.c.subscriber == subscriber)
        .order_by(consents.c.at, consents.c.id)
    )
    return [_line(row) for row in connection.execute(query).mappings()]


def _line(row: sa.RowMapping) -> Consent:
    wording = None
    if row["w_digest"]:
        wording = Wording(**{column.name: row[f"w_{column.name}"] for column in wordings.c})
    return Consent(
        step=Step(row["step"]),
        at=row["at"],
        lists=tuple(filter(None, row["lists"].split(SEPARATOR))),
        lang=row["lang"],
        source=row["source"],
        form=row["form"],
        wording=wording,
        # A line whose words are gone proves nothing any more, and says so.
        proved=None
        if row["wording"] is None
        else bool(wording and digest_of(wording.text.encode()) == wording.digest),
    )
