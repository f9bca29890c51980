"""Who works on an application."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "filings_taken",
        sa.Column("filing_id", sa.String(length=32), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_filings_taken_account_id_accounts")),
        sa.ForeignKeyConstraint(["filing_id"], ["filings.id"], name=op.f("fk_filings_taken_filing_id_filings")),
        sa.PrimaryKeyConstraint("filing_id", name=op.f("pk_filings_taken")),
    )


def downgrade() -> None:
    op.drop_table("filings_taken")
