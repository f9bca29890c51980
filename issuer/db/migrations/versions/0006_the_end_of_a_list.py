"""When a status list was over: every code of it had ended, and it is signed no more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("lists") as table:
        table.add_column(sa.Column("over_at", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("lists") as table:
        table.drop_column("over_at")
