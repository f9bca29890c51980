"""Physical social security cards."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_LIVE = "state not in ('REPLACED', 'CANCELLED', 'WITHDRAWN')"


def upgrade() -> None:
    op.create_table(
        "social_cards",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("permit_id", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("replaces", sa.String(length=32), nullable=True),
        sa.Column("ordered_on", sa.String(length=10), nullable=False),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("mac", sa.String(length=64), server_default="", nullable=False),
        sa.CheckConstraint(
            "state in ('ORDERED', 'MADE', 'NOT_ACTIVATED', 'NORMAL', 'ORAL_LOSS', 'WRITTEN_LOSS', 'FROZEN', "
            "'REPLACED', 'CANCELLED', 'WITHDRAWN')",
            name=op.f("ck_social_cards_state"),
        ),
        sa.ForeignKeyConstraint(["permit_id"], ["permits.id"], name=op.f("fk_social_cards_permit_id_permits")),
        sa.ForeignKeyConstraint(["replaces"], ["social_cards.id"], name=op.f("fk_social_cards_replaces_social_cards")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_social_cards_account_id_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_social_cards")),
    )
    op.create_index("ix_social_cards_permit", "social_cards", ["permit_id", "created_at"], unique=False)
    op.create_index(
        "uq_social_cards_live",
        "social_cards",
        ["permit_id"],
        unique=True,
        sqlite_where=sa.text(_LIVE),
        postgresql_where=sa.text(_LIVE),
    )


def downgrade() -> None:
    op.drop_index("uq_social_cards_live", table_name="social_cards")
    op.drop_index("ix_social_cards_permit", table_name="social_cards")
    op.drop_table("social_cards")
