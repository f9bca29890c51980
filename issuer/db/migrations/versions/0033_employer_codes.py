"""Codes that employers had before, and the order in which entries about one person's insurance were made."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "former_codes",
        sa.Column("code_key", sa.String(length=64), nullable=False),
        sa.Column("organisation_id", sa.String(length=32), nullable=False),
        sa.Column("replaced_at", sa.BigInteger(), nullable=False),
        sa.Column("mac", sa.String(length=64), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_former_codes_organisation_id_organisations")
        ),
        sa.PrimaryKeyConstraint("code_key", name=op.f("pk_former_codes")),
    )
    # The version before writes no number: its entries are in the order of their times, as they were.
    op.add_column("insurance_facts", sa.Column("number", sa.BigInteger(), server_default="0", nullable=False))


def downgrade() -> None:
    op.drop_column("insurance_facts", "number")
    op.drop_table("former_codes")
