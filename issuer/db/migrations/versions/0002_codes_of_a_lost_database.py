"""Codes that were given by a database which a backup replaced."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "lost_codes",
        sa.Column("list_name", sa.String(length=32), nullable=False),
        sa.Column("idx", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("value", sa.SmallInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["list_name"], ["lists.name"], name=op.f("fk_lost_codes_list_name_lists")),
        sa.PrimaryKeyConstraint("list_name", "idx", name=op.f("pk_lost_codes")),
    )


def downgrade() -> None:
    op.drop_table("lost_codes")
