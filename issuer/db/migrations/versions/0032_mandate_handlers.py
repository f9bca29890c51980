"""Handlers of mandates."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mandate_handlers",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("mandate_id", sa.String(length=32), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("named_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("mac", sa.String(length=64), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_mandate_handlers_account_id_accounts")),
        sa.ForeignKeyConstraint(["mandate_id"], ["mandates.id"], name=op.f("fk_mandate_handlers_mandate_id_mandates")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mandate_handlers")),
    )
    op.create_index("ix_mandate_handlers_account", "mandate_handlers", ["account_id"], unique=False)
    op.create_index("ix_mandate_handlers_mandate", "mandate_handlers", ["mandate_id", "account_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_mandate_handlers_mandate", table_name="mandate_handlers")
    op.drop_index("ix_mandate_handlers_account", table_name="mandate_handlers")
    op.drop_table("mandate_handlers")
