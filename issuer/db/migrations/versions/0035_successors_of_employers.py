"""Which employers were merged into one, found by it; since when all who worked for a merged employer have followed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Of employers that were merged before this, nobody has followed: the worker takes them up.
    op.add_column("employers", sa.Column("taken_over_at", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_employers_merged_into",
        "employers",
        ["merged_into"],
        sqlite_where=sa.text("merged_into is not null"),
        postgresql_where=sa.text("merged_into is not null"),
    )


def downgrade() -> None:
    op.drop_index("ix_employers_merged_into", table_name="employers")
    op.drop_column("employers", "taken_over_at")
