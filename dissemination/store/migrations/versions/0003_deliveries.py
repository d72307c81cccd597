"""Deliveries that wait each for itself, rates, and the pace of an edition.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("batches", schema=None) as batch_op:
        batch_op.add_column(sa.Column("since", sa.BigInteger(), nullable=True))
    with op.batch_alter_table("troubles", schema=None) as batch_op:
        batch_op.add_column(sa.Column("not_before", sa.BigInteger(), nullable=True))
    op.create_table(
        "paces",
        sa.Column("publication", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("minute", sa.BigInteger(), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("publication", "minute", name=op.f("pk_paces")),
    )
    op.create_table(
        "quotas",
        sa.Column("bucket", sa.Text(), nullable=False),
        sa.Column("full_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("bucket", name=op.f("pk_quotas")),
    )


def downgrade() -> None:
    op.drop_table("quotas")
    op.drop_table("paces")
    with op.batch_alter_table("troubles", schema=None) as batch_op:
        batch_op.drop_column("not_before")
    with op.batch_alter_table("batches", schema=None) as batch_op:
        batch_op.drop_column("since")
