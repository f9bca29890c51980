"""Objections, corrections of permits, pauses, proof of delivery, what stands first in the queue."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("filings", sa.Column("delivered_on", sa.String(length=10), nullable=True))
    op.add_column("filings", sa.Column("first_since", sa.String(length=10), nullable=True))
    op.add_column("filings", sa.Column("pauses", sa.String(length=1000), nullable=True))
    # Without a foreign key: objections refer to permits, and a circle could not be dropped.
    op.add_column("permits", sa.Column("restored_by", sa.String(length=32), nullable=True))
    op.create_table(
        "objections",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("filing_id", sa.String(length=32), nullable=True),
        sa.Column("end_id", sa.String(length=32), nullable=True),
        sa.Column("permit_id", sa.String(length=32), nullable=True),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("organisation_id", sa.String(length=32), nullable=True),
        sa.Column("open_key", sa.String(length=32), nullable=True),
        sa.Column("lodged_on", sa.String(length=10), nullable=False),
        sa.Column("admitted_on", sa.String(length=10), nullable=True),
        sa.Column("examined_due", sa.String(length=10), nullable=False),
        sa.Column("decided_due", sa.String(length=10), nullable=True),
        sa.Column("prolonged", sa.Integer(), nullable=False),
        sa.Column("simple", sa.Boolean(), nullable=False),
        sa.Column("stayed", sa.Boolean(), nullable=False),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("mac", sa.String(length=64), server_default="", nullable=False),
        sa.CheckConstraint(
            "state in ('LODGED', 'ADMITTED', 'INADMISSIBLE', 'UPHELD', 'ANNULLED', 'WITHDRAWN')",
            name=op.f("ck_objections_state"),
        ),
        sa.CheckConstraint("(filing_id is null) <> (end_id is null)", name=op.f("ck_objections_about")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_objections_account_id_accounts")),
        sa.ForeignKeyConstraint(["end_id"], ["permit_ends.id"], name=op.f("fk_objections_end_id_permit_ends")),
        sa.ForeignKeyConstraint(["filing_id"], ["filings.id"], name=op.f("fk_objections_filing_id_filings")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_objections_organisation_id_organisations")
        ),
        sa.ForeignKeyConstraint(["permit_id"], ["permits.id"], name=op.f("fk_objections_permit_id_permits")),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_objections_person_id_persons")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_objections")),
        sa.UniqueConstraint("number", name=op.f("uq_objections_number")),
        sa.UniqueConstraint("open_key", name=op.f("uq_objections_open_key")),
    )
    op.create_index("ix_objections_organisation", "objections", ["organisation_id", "id"], unique=False)
    op.create_index("ix_objections_permit", "objections", ["permit_id"], unique=False)
    op.create_index("ix_objections_region", "objections", ["region", "id"], unique=False)
    op.create_index("ix_objections_state", "objections", ["state", "examined_due"], unique=False)
    op.create_table(
        "permit_corrections",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("permit_id", sa.String(length=32), nullable=False),
        sa.Column("field", sa.String(length=40), nullable=False),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("mac", sa.String(length=64), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_permit_corrections_account_id_accounts")
        ),
        sa.ForeignKeyConstraint(["permit_id"], ["permits.id"], name=op.f("fk_permit_corrections_permit_id_permits")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_permit_corrections")),
    )
    op.create_index("ix_permit_corrections_permit", "permit_corrections", ["permit_id", "at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_permit_corrections_permit", table_name="permit_corrections")
    op.drop_table("permit_corrections")
    for name in ("state", "region", "permit", "organisation"):
        op.drop_index(f"ix_objections_{name}", table_name="objections")
    op.drop_table("objections")
    op.drop_column("permits", "restored_by")
    for name in ("pauses", "first_since", "delivered_on"):
        op.drop_column("filings", name)
