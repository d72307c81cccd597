"""Ids: minted once, never following a title, a slug or an address."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from dissemination.model import NewsItem
from dissemination.store.database import Database
from dissemination.store.schema import items


class Items:
    """What is known of each item beyond its file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ids(self, gathered: Sequence[NewsItem], *, present: frozenset[str], mint: bool) -> Mapping[str, str]:
        """Path -> id for every item.

        A file that moved is known again by its body or by its title, as long as its old path is gone.

        Args:
            gathered: the items as read.
            present: every path that exists now, refused files too.
            mint: store what is new; without it the ids of new items are provisional.
        """
        with self._database.read() as connection:
            rows = connection.execute(sa.select(items)).mappings().all()
        known = _Known(rows, present)
        found: dict[str, str] = {}
        seen: set[str] = set()
        fresh: list[tuple[NewsItem, str]] = []
        for item in gathered:
            id_ = known.id_of(item)
            # Of two files that name the same id the first is kept; the check tells about the other.
            if id_ not in seen and known.differs(item, id_):
                fresh.append((item, id_))
            seen.add(id_)
            found[item.path] = id_
        if mint and fresh:
            self._keep(fresh)
        return found

    def _keep(self, fresh: Sequence[tuple[NewsItem, str]]) -> None:
        now = self._database.clock.now()
        with self._database.write("mint") as connection:
            # Two files that swapped paths must not collide half way.
            connection.execute(sa.delete(items).where(items.c.path.in_([item.path for item, _ in fresh])))
            connection.execute(sa.delete(items).where(items.c.id.in_([id_ for _, id_ in fresh])))
            connection.execute(
                sa.insert(items),
                [
                    {
                        "id": id_,
                        "path": item.path,
                        "title": item.title,
                        "lang": item.lang,
                        "body": body_digest(item),
                        "minted_at": now,
                    }
                    for item, id_ in fresh
                ],
            )


#: Two items without words are not the same item.
_NO_BODY = hashlib.sha256(b"").hexdigest()


def body_digest(item: NewsItem) -> str:
    """What a moved file is known by."""
    return hashlib.sha256(item.markdown.strip().encode()).hexdigest()


class _Known:
    """The stored ids, looked up in the order path, body, title."""

    def __init__(self, rows: Sequence[sa.RowMapping], present: frozenset[str]) -> None:
        self._rows = {row["id"]: row for row in rows}
        self._by_path = {row["path"]: row["id"] for row in rows}
        gone = [row for row in rows if row["path"] not in present]
        self._by_body = {(row["lang"], row["body"]): row["id"] for row in gone if row["body"] != _NO_BODY}
        self._by_title = {(row["lang"], row["title"]): row["id"] for row in gone}
        self._taken = set(self._rows)

    def id_of(self, item: NewsItem) -> str:
        if item.explicit_id:
            return item.id
        stored = (
            self._by_path.get(item.path)
            or self._by_body.pop((item.lang, body_digest(item)), None)
            or self._by_title.pop((item.lang, item.title), None)
        )
        return stored or self._mint(item.id)

    def _mint(self, wish: str) -> str:
        """The wished id, or with a number where an item of the past has it."""
        number, id_ = 1, wish
        while id_ in self._taken:
            number += 1
            id_ = f"{wish}-{number}"
        self._taken.add(id_)
        return id_

    def differs(self, item: NewsItem, id_: str) -> bool:
        row = self._rows.get(id_)
        return row is None or (row["path"], row["title"], row["body"]) != (item.path, item.title, body_digest(item))
