"""All faults of a refused row of a bulk file."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("bulk_refusals") as table:
        table.add_column(sa.Column("also", sa.Text(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("bulk_refusals") as table:
        table.drop_column("also")
