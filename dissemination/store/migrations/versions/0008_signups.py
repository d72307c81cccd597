"""People sign up by themselves, and may pause.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A copy of the table would lose SQLite's AUTOINCREMENT counter.
    op.add_column("subscribers", sa.Column("paused_until", sa.BigInteger(), nullable=True))
    op.create_table(
        "signups",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("lang", sa.Text(), nullable=False),
        sa.Column("lists", sa.Text(), nullable=False),
        sa.Column("wording", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.Column("mails", sa.Integer(), nullable=False),
        sa.Column("mail", sa.SmallInteger(), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("mail_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signups")),
        sa.UniqueConstraint("address", name=op.f("uq_signups_address")),
        sqlite_autoincrement=True,
    )
    where = sa.text("mail IN (1, 2)")
    op.create_index("ix_signups_mail", "signups", ["mail"], postgresql_where=where, sqlite_where=where)


def downgrade() -> None:
    op.drop_index("ix_signups_mail", table_name="signups")
    op.drop_table("signups")
    op.drop_column("subscribers", "paused_until")
