"""The few words that the two databases spell differently."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection


def upsert(connection: Connection, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that has `on_conflict_do_update`."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def insert_missing(connection: Connection, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that leaves what is there."""
    return upsert(connection, table).on_conflict_do_nothing()


def merged(connection: Connection, old: sa.ColumnElement[Any], new: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Two JSON objects as one; what the new one names, it decides."""
    if connection.dialect.name == "postgresql":
        kind = postgresql.JSONB()
        both = sa.cast(sa.func.coalesce(old, sa.text("'{}'")), kind).op("||")(sa.cast(new, kind))
        return sa.cast(both, sa.JSON())
    return sa.func.json_patch(sa.func.coalesce(old, sa.text("'{}'")), new, type_=sa.JSON())


def keys_of(connection: Connection, column: sa.Column[Any]) -> sa.Select[Any]:
    """The names that the JSON objects of a column have, each once."""
    if connection.dialect.name == "postgresql":
        return sa.select(sa.func.json_object_keys(column)).where(column.is_not(None)).distinct()
    pairs = sa.func.json_each(column).table_valued("key", joins_implicitly=True)
    return sa.select(pairs.c.key).select_from(column.table, pairs).where(column.is_not(None)).distinct()
