"""People: attributes and domain, lists that were left, the consent log.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    # Added column by column: a copy of the table would lose SQLite's AUTOINCREMENT counter.
    op.add_column("subscribers", sa.Column("domain", sa.Text(), server_default="", nullable=False))
    op.add_column("subscribers", sa.Column("attributes", sa.JSON(), nullable=True))
    op.add_column("subscribers", sa.Column("state_at", sa.BigInteger(), nullable=True))
    op.add_column("memberships", sa.Column("left_at", sa.BigInteger(), nullable=True))
    op.create_table(
        "wordings",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("lang", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_wordings")),
    )
    op.create_table(
        "consents",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("subscriber", _ID, nullable=True),
        sa.Column("hash", sa.Text(), server_default="", nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("lists", sa.Text(), nullable=False),
        sa.Column("lang", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("wording", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("erased_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
    )
    op.create_index(op.f("ix_consents_subscriber"), "consents", ["subscriber"], unique=False)
    op.create_index(
        "ix_consents_erased",
        "consents",
        ["erased_at"],
        unique=False,
        postgresql_where=sa.text("erased_at IS NOT NULL"),
        sqlite_where=sa.text("erased_at IS NOT NULL"),
    )
    postgres = op.get_bind().dialect.name == "postgresql"
    after_at = "split_part(address, '@', 2)" if postgres else "substr(address, instr(address, '@') + 1)"
    op.execute(f"UPDATE subscribers SET domain = {after_at}")
    # What was agreed before there was a log is its first line.
    op.execute(
        "INSERT INTO consents (subscriber, hash, step, lists, lang, source, form, at) "
        "SELECT id, '', 'given', '', lang, consent_source, 'before the consent log', consent_at "
        "FROM subscribers WHERE consent_at IS NOT NULL"
    )


def downgrade() -> None:
    op.drop_table("consents")
    op.drop_table("wordings")
    op.drop_column("memberships", "left_at")
    for column in ("state_at", "attributes", "domain"):
        op.drop_column("subscribers", column)
