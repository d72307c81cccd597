"""Bringing a database to the present schema, with a backup first."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from dissemination.errors import StoreError
from dissemination.store.database import Database


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def head() -> str:
    """The revision this program works with."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    if revision is None:
        raise StoreError("database: the program ships no schema; install it again")
    return revision


def upgrade(database: Database) -> str:
    """Bring the schema to `head`; an existing database is copied to <name>.before-<revision> first.

    Returns:
        The revision found before ("" for a new database).

    Raises:
        StoreError: the database is of a newer program.
    """
    with database.read() as connection:
        found = MigrationContext.configure(connection).get_current_revision() or ""
    if found == head():
        return found
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if found and found not in known:
        raise StoreError(f"database: its schema {found} is of a newer version of this program; upgrade the program")
    if found and database.path:
        copy = database.path.with_name(f"{database.path.name}.before-{head()}")
        if not copy.exists():
            database.backup(copy)
    with database.write("migrate") as connection:
        command.upgrade(_config(connection), "head")
    return found
