"""When the newest backup was made."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("meta", sa.Column("backup_at", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("meta", "backup_at")
