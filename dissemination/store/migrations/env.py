"""How alembic runs here: on the connection it is given, each upgrade in one transaction on both databases."""

from __future__ import annotations

from alembic import context

from dissemination.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    # SQLite can roll schema changes back; alembic's default says it cannot.
    transactional_ddl=True,
)
# The caller holds the transaction: a failed step leaves nothing behind.
context.run_migrations()
