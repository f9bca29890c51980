"""Regions whose contributions are computed again, and how far that is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "insurance_recomputations",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("rule", sa.String(length=200), nullable=True),
        sa.Column("change_id", sa.String(length=32), nullable=True),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("position", sa.String(length=32), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("people", sa.BigInteger(), nullable=False),
        sa.Column("lapsed", sa.BigInteger(), nullable=False),
        sa.Column("restored", sa.BigInteger(), nullable=False),
        sa.Column("employer_difference", sa.BigInteger(), nullable=False),
        sa.Column("employee_difference", sa.BigInteger(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("state in ('waiting', 'running', 'done')", name=op.f("ck_insurance_recomputations_state")),
        sa.ForeignKeyConstraint(
            ["change_id"], ["rule_changes.id"], name=op.f("fk_insurance_recomputations_change_id_rule_changes")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_insurance_recomputations")),
        sa.UniqueConstraint("change_id", name=op.f("uq_insurance_recomputations_change_id")),
    )
    op.create_index(
        "ix_insurance_recomputations_state", "insurance_recomputations", ["state", "asked_at"], unique=False
    )


def downgrade() -> None:
    op.drop_index("ix_insurance_recomputations_state", table_name="insurance_recomputations")
    op.drop_table("insurance_recomputations")
