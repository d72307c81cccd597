"""The age of retries is each person's own, and a bucket may be counted until its day is over.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("troubles", schema=None) as batch_op:
        batch_op.add_column(sa.Column("since", sa.BigInteger(), nullable=True))
    with op.batch_alter_table("batches", schema=None) as batch_op:
        batch_op.drop_column("since")
    # A day's bucket was full again so many days later as it had given mails: no row would ever be forgotten.
    op.execute("DELETE FROM quotas WHERE bucket LIKE '%day:%' OR bucket LIKE 'mail:warm-up:%'")
    with op.batch_alter_table("quotas", schema=None) as batch_op:
        batch_op.add_column(sa.Column("taken", sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    op.execute("DELETE FROM quotas WHERE taken > 0")
    with op.batch_alter_table("quotas", schema=None) as batch_op:
        batch_op.drop_column("taken")
    with op.batch_alter_table("batches", schema=None) as batch_op:
        batch_op.add_column(sa.Column("since", sa.BigInteger(), nullable=True))
    with op.batch_alter_table("troubles", schema=None) as batch_op:
        batch_op.drop_column("since")
