"""The few words that the two databases spell differently.

What only PostgreSQL needs is imported only there: it takes a tenth of a second, and most projects have SQLite.
"""
# ruff: noqa: PLC0415 -- see above

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql


class _Numbers(sa.types.TypeDecorator[Sequence[int]]):
    """Whole numbers as one value: an array, or JSON where there is none."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        """The type of the driver."""
        if dialect.name != "postgresql":
            return dialect.type_descriptor(sa.Text())
        from sqlalchemy.dialects import postgresql

        return dialect.type_descriptor(postgresql.ARRAY(sa.BigInteger()))

    def process_bind_param(self, value: Sequence[int] | None, dialect: Dialect) -> Any:
        """For the driver."""
        return value if value is None or dialect.name == "postgresql" else json.dumps(value)


class _Each(GenericFunction[int]):
    """Its one argument's numbers as rows."""

    inherit_cache = True
    name = "each_number"


@compiles(_Each)
def _each(element: _Each, compiler: SQLCompiler, **words: Any) -> str:
    numbers = compiler.process(element.clauses, **words)
    one = f"unnest({numbers})" if compiler.dialect.name == "postgresql" else f"value FROM json_each({numbers})"
    return f"(SELECT {one})"


def among(column: sa.Column[int], name: str) -> sa.ColumnElement[bool]:
    """Whether a column is one of the numbers of a parameter, which may be any list.

    It is one parameter, however many they are: the statement's text stays the same, and is understood only once.
    """
    return column.op("IN", is_comparison=True)(_Each(sa.bindparam(name, type_=_Numbers())))


def upsert(connection: Connection, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that has `on_conflict_do_update`."""
    if connection.dialect.name != "postgresql":
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)


def insert_missing(connection: Connection, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that leaves what is there."""
    return upsert(connection, table).on_conflict_do_nothing()


def merged(connection: Connection, old: sa.ColumnElement[Any], new: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Two JSON objects as one; what the new one names, it decides."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

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
