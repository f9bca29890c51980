"""Cards over HTTP: a revision that ETags are made of, and the log of online look-ups that a holder sees."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("cards", sa.Column("revision", sa.BigInteger(), server_default="1", nullable=False))
    op.create_table(
        "online_lookups",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("card_id", sa.String(length=32), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("way", sa.String(length=40), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_online_lookups_account_id_accounts")),
        sa.ForeignKeyConstraint(["card_id"], ["cards.id"], name=op.f("fk_online_lookups_card_id_cards")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_online_lookups")),
    )
    op.create_index("ix_online_lookups_card", "online_lookups", ["card_id", "at", "id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_online_lookups_card", table_name="online_lookups")
    op.drop_table("online_lookups")
    op.drop_column("cards", "revision")
