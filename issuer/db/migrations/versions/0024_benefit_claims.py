"""Claims for benefits, and pay orders."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "benefit_claims",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("benefit", sa.String(length=80), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("filed_on", sa.String(length=10), nullable=False),
        sa.Column("due_on", sa.String(length=10), nullable=True),
        sa.Column("monthly", sa.BigInteger(), nullable=True),
        sa.Column("first_month", sa.Integer(), nullable=True),
        sa.Column("last_month", sa.Integer(), nullable=True),
        sa.Column("stopped_on", sa.String(length=10), nullable=True),
        sa.Column("stop_event", sa.String(length=40), nullable=True),
        sa.Column("decided_by", sa.String(length=32), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("mac", sa.String(length=64), server_default="", nullable=False),
        sa.CheckConstraint(
            "state in ('filed', 'granted', 'refused', 'withdrawn', 'stopped')", name=op.f("ck_benefit_claims_state")
        ),
        sa.ForeignKeyConstraint(["decided_by"], ["accounts.id"], name=op.f("fk_benefit_claims_decided_by_accounts")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["insured_persons.person_id"], name=op.f("fk_benefit_claims_person_id_insured_persons")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_benefit_claims")),
    )
    op.create_index("ix_benefit_claims_person", "benefit_claims", ["person_id", "benefit", "state"], unique=False)
    op.create_index("ix_benefit_claims_state", "benefit_claims", ["state", "id"], unique=False)
    op.create_table(
        "benefit_orders",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("claim_id", sa.String(length=32), nullable=False),
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("paid_on", sa.String(length=10), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("mac", sa.String(length=64), server_default="", nullable=False),
        sa.CheckConstraint("state in ('ordered', 'paid', 'cancelled')", name=op.f("ck_benefit_orders_state")),
        sa.ForeignKeyConstraint(
            ["claim_id"], ["benefit_claims.id"], name=op.f("fk_benefit_orders_claim_id_benefit_claims")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_benefit_orders")),
        sa.UniqueConstraint("claim_id", "month", name=op.f("uq_benefit_orders_claim_id_month")),
    )


def downgrade() -> None:
    op.drop_table("benefit_orders")
    op.drop_index("ix_benefit_claims_state", table_name="benefit_claims")
    op.drop_index("ix_benefit_claims_person", table_name="benefit_claims")
    op.drop_table("benefit_claims")
