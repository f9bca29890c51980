"""Messages between the parties of an application and its office."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "file_messages",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("filing_id", sa.String(length=32), nullable=False),
        sa.Column("side", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind in ('asked', 'answered', 'passed_on')", name=op.f("ck_file_messages_kind")),
        sa.CheckConstraint("side in ('applicant', 'holder')", name=op.f("ck_file_messages_side")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_file_messages_account_id_accounts")),
        sa.ForeignKeyConstraint(["filing_id"], ["filings.id"], name=op.f("fk_file_messages_filing_id_filings")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_file_messages")),
        sa.UniqueConstraint("filing_id", "side", "number", name=op.f("uq_file_messages_filing_id_side_number")),
    )
    op.create_index("ix_file_messages_at", "file_messages", ["at", "id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_file_messages_at", table_name="file_messages")
    op.drop_table("file_messages")
