"""What a refused row of a bulk file should have been, and what it was."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("bulk_refusals") as table:
        table.add_column(sa.Column("expected", sa.String(length=200), nullable=True))
        table.add_column(sa.Column("found", sa.String(length=200), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("bulk_refusals") as table:
        table.drop_column("found")
        table.drop_column("expected")
