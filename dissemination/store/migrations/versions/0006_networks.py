"""Threads are known part by part, posts have a price, and channels have a vault.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("publications", schema=None) as batch_op:
        batch_op.add_column(sa.Column("parts", sa.JSON(), server_default="[]", nullable=False))
        batch_op.add_column(sa.Column("price", sa.BigInteger(), server_default="0", nullable=False))
    op.create_table(
        "vault",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "name", name=op.f("pk_vault")),
    )


def downgrade() -> None:
    op.drop_table("vault")
    with op.batch_alter_table("publications", schema=None) as batch_op:
        batch_op.drop_column("price")
        batch_op.drop_column("parts")
