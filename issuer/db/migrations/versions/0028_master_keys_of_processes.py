"""Which master keys a process holds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("processes") as table:
        table.add_column(sa.Column("master_keys", sa.Text(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("processes") as table:
        table.drop_column("master_keys")
