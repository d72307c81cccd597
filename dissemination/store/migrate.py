"""Bringing a database to the present schema, with a backup first.

Most runs find the schema as it should be, and a new database is made as it should be at once: alembic is imported
only where an older one is found. A test holds both ways against each other.
"""
# ruff: noqa: PLC0415 -- see above

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from dissemination.errors import StoreError
from dissemination.store.database import Database
from dissemination.store.schema import metadata

if TYPE_CHECKING:
    from alembic.config import Config

#: The newest revision in migrations/versions; a test holds the two against each other.
HEAD = "0009"
#: Where alembic notes the revision of a database.
_VERSION = sa.Table(
    "alembic_version",
    sa.MetaData(),
    sa.Column("version_num", sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


def _config(connection: Connection | None = None) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def upgrade(database: Database) -> str:
    """Bring the schema to `HEAD`; an existing database is copied to <name>.before-<revision> first.

    Returns:
        The revision found before ("" for a new database).

    Raises:
        StoreError: the database is of a newer program.
    """
    with database.read() as connection:
        found = _revision(connection)
    if not found:
        _create(database)
    elif found != HEAD:
        _upgrade(database, found)
    return found


def _revision(connection: Connection) -> str:
    if not sa.inspect(connection).has_table(_VERSION.name):
        return ""
    return str(connection.execute(sa.select(_VERSION.c.version_num)).scalar() or "")


def _create(database: Database) -> None:
    with database.write("migrate") as connection:
        if not _revision(connection):  # another process may have been quicker
            metadata.create_all(connection)
            _VERSION.create(connection)
            connection.execute(sa.insert(_VERSION).values(version_num=HEAD))


def _upgrade(database: Database, found: str) -> None:
    from alembic import command
    from alembic.script import ScriptDirectory

    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if found not in known:
        raise StoreError(f"database: its schema {found} is of a newer version of this program; upgrade the program")
    if database.path:
        copy = database.path.with_name(f"{database.path.name}.before-{HEAD}")
        if not copy.exists():
            database.backup(copy)
    with database.write("migrate") as connection:
        command.upgrade(_config(connection), "head")
