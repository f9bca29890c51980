"""Ends of permits: hearings, reports of leaving, forged papers, applications by the person, readmission."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_PAPER_STATES = "state in ('UNCHECKED', 'VERIFIED', 'REJECTED', 'FORGED')"
_PAPER_STATES_BEFORE = "state in ('UNCHECKED', 'VERIFIED', 'REJECTED')"


def upgrade() -> None:
    op.add_column("filings", sa.Column("filer", sa.String(length=40), server_default="employer", nullable=False))
    op.execute("update filings set filer = 'agency' where agency_id is not null")
    op.add_column("permits", sa.Column("readmitted_at", sa.BigInteger(), nullable=True))
    _paper_states(_PAPER_STATES)
    op.create_table(
        "hearings",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("permit_id", sa.String(length=32), nullable=False),
        sa.Column("filing_id", sa.String(length=32), nullable=True),
        sa.Column("end", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("until", sa.String(length=10), nullable=False),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("mac", sa.String(length=64), server_default="", nullable=False),
        sa.CheckConstraint("state in ('OPEN', 'HEARD', 'OVER')", name=op.f("ck_hearings_state")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_hearings_account_id_accounts")),
        sa.ForeignKeyConstraint(["filing_id"], ["filings.id"], name=op.f("fk_hearings_filing_id_filings")),
        sa.ForeignKeyConstraint(["permit_id"], ["permits.id"], name=op.f("fk_hearings_permit_id_permits")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hearings")),
    )
    op.create_index("ix_hearings_permit", "hearings", ["permit_id", "created_at"], unique=False)
    op.create_index("ix_hearings_until", "hearings", ["state", "until"], unique=False)
    op.create_table(
        "leaving_reports",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("permit_id", sa.String(length=32), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("mac", sa.String(length=64), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_leaving_reports_account_id_accounts")),
        sa.ForeignKeyConstraint(["permit_id"], ["permits.id"], name=op.f("fk_leaving_reports_permit_id_permits")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leaving_reports")),
    )
    op.create_index("ix_leaving_reports_permit", "leaving_reports", ["permit_id", "created_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_leaving_reports_permit", table_name="leaving_reports")
    op.drop_table("leaving_reports")
    op.drop_index("ix_hearings_until", table_name="hearings")
    op.drop_index("ix_hearings_permit", table_name="hearings")
    op.drop_table("hearings")
    op.execute("update papers set state = 'REJECTED' where state = 'FORGED'")
    _paper_states(_PAPER_STATES_BEFORE)
    op.drop_column("permits", "readmitted_at")
    op.drop_column("filings", "filer")


def _paper_states(condition: str) -> None:
    with op.batch_alter_table("papers") as papers:
        papers.drop_constraint(op.f("ck_papers_state"), type_="check")
        papers.create_check_constraint(op.f("ck_papers_state"), condition)
