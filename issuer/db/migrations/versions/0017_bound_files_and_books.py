"""Rows of permits, rules and insurance are bound too; what is served is compared with what was published."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_BOUND = (
    "person_documents",
    "employers",
    "offices",
    "office_members",
    "filings",
    "filing_events",
    "papers",
    "permits",
    "permit_terms",
    "permit_ends",
    "notifications",
    "rule_changes",
    "insured_persons",
    "insurance_facts",
    "insurance_entries",
    "insurance_findings",
)


def upgrade() -> None:
    for table in _BOUND:
        op.add_column(table, sa.Column("mac", sa.String(length=64), server_default="", nullable=False))
    op.add_column("meta", sa.Column("bound_to", sa.String(length=16), nullable=True))
    op.execute("UPDATE meta SET bound_to = '0011' WHERE bound_at IS NOT NULL")
    op.add_column("meta", sa.Column("differs_at", sa.BigInteger(), nullable=True))
    op.create_table(
        "published_at",
        sa.Column("iat", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("iat", name=op.f("pk_published_at")),
    )
    op.execute(
        "INSERT INTO published_at (iat) SELECT DISTINCT iat FROM artefacts WHERE kind in ('status', 'timestamp')"
    )


def downgrade() -> None:
    op.drop_table("published_at")
    op.drop_column("meta", "differs_at")
    op.drop_column("meta", "bound_to")
    for table in reversed(_BOUND):
        op.drop_column(table, "mac")
