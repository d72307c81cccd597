"""Approved bytes, by their digest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from dissemination.errors import StoreError
from dissemination.files import digest_of
from dissemination.model import Content, Happening, Picture
from dissemination.store.database import Database
from dissemination.store.dialect import insert_missing
from dissemination.store.events import record
from dissemination.store.schema import contents

_CONTENT = "application/json"


def keep(connection: Connection, content: Content) -> None:
    """Store rendered bytes and their pictures, in the transaction of the approval."""
    rows = [
        {"digest": content.digest, "media_type": _CONTENT, "width": 0, "height": 0, "body": content.body},
        *(
            {"digest": p.digest, "media_type": p.media_type, "width": p.width, "height": p.height, "body": p.body}
            for p in content.pictures.values()
        ),
    ]
    for row in rows:
        connection.execute(insert_missing(connection, contents).values(row))


class Contents:
    """What was approved; every byte that is read is checked against its digest."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, content: Content, happening: Happening) -> None:
        """Store bytes that somebody confirmed outside of an approval, with the line for the log."""
        with self._database.write() as connection:
            keep(connection, content)
            record(connection, [happening])

    def body(self, digest: str) -> bytes:
        """The stored bytes.

        Raises:
            StoreError: not there, or no longer what was approved.
        """
        with self._database.read() as connection:
            body = connection.execute(sa.select(contents.c.body).where(contents.c.digest == digest)).scalar()
        if body is None:
            raise StoreError(f"content {digest[:12]}: not in the database; approve the item again")
        return _checked(digest, bytes(body))

    def pictures(self, digests: Iterable[str]) -> Mapping[str, Picture]:
        """Digest -> picture."""
        wanted = sorted(set(digests))
        with self._database.read() as connection:
            rows = connection.execute(sa.select(contents).where(contents.c.digest.in_(wanted))).mappings().all()
        found = {
            row["digest"]: Picture(
                digest=row["digest"],
                media_type=row["media_type"],
                width=row["width"],
                height=row["height"],
                body=_checked(row["digest"], bytes(row["body"])),
            )
            for row in rows
        }
        missing = [digest for digest in wanted if digest not in found]
        if missing:
            raise StoreError(f"picture {missing[0][:12]}: not in the database; approve the item again")
        return found


def _checked(digest: str, body: bytes) -> bytes:
    if digest_of(body) != digest:
        raise StoreError(f"content {digest[:12]}: its bytes changed since the approval; restore a backup")
    return body
