"""What follows a first entry: its file, times at windows, bookings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "entries",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("permit_id", sa.String(length=32), nullable=False),
        sa.Column("filing_id", sa.String(length=32), nullable=False),
        sa.Column("entered_on", sa.String(length=10), nullable=False),
        sa.Column("originals", sa.String(length=40), nullable=False),
        sa.Column("originals_due", sa.String(length=10), nullable=True),
        sa.Column("decided_by", sa.String(length=32), nullable=True),
        sa.Column("residence", sa.String(length=40), nullable=False),
        sa.Column("residence_on", sa.String(length=10), nullable=True),
        sa.Column("residence_due", sa.String(length=10), nullable=False),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("mac", sa.String(length=64), server_default="", nullable=False),
        sa.CheckConstraint(
            "originals in ('NOT_NEEDED', 'DUE', 'OVERDUE', 'SHOWN', 'NOT_SHOWN')", name=op.f("ck_entries_originals")
        ),
        sa.CheckConstraint(
            "residence in ('not_applied', 'applied', 'granted', 'refused')", name=op.f("ck_entries_residence")
        ),
        sa.ForeignKeyConstraint(["permit_id"], ["permits.id"], name=op.f("fk_entries_permit_id_permits")),
        sa.ForeignKeyConstraint(["filing_id"], ["filings.id"], name=op.f("fk_entries_filing_id_filings")),
        sa.ForeignKeyConstraint(["decided_by"], ["accounts.id"], name=op.f("fk_entries_decided_by_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entries")),
        sa.UniqueConstraint("filing_id", name=op.f("uq_entries_filing_id")),
    )
    op.create_index("ix_entries_due", "entries", ["originals", "originals_due"], unique=False)
    op.create_index("ix_entries_permit", "entries", ["permit_id"], unique=False)
    op.create_table(
        "slots",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("office_id", sa.String(length=32), nullable=False),
        sa.Column("window", sa.String(length=40), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state in ('open', 'cancelled')", name=op.f("ck_slots_state")),
        sa.CheckConstraint("places > 0", name=op.f("ck_slots_places")),
        sa.ForeignKeyConstraint(["office_id"], ["offices.id"], name=op.f("fk_slots_office_id_offices")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slots")),
        sa.UniqueConstraint("office_id", "window", "starts_at", name=op.f("uq_slots_office_id_window_starts_at")),
    )
    op.create_index("ix_slots_starts", "slots", ["office_id", "starts_at"], unique=False)
    op.create_table(
        "bookings",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("slot_id", sa.String(length=32), nullable=False),
        sa.Column("entry_id", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state in ('booked', 'cancelled', 'kept')", name=op.f("ck_bookings_state")),
        sa.ForeignKeyConstraint(["slot_id"], ["slots.id"], name=op.f("fk_bookings_slot_id_slots")),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name=op.f("fk_bookings_entry_id_entries")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_bookings_account_id_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bookings")),
    )
    live = sa.text("state = 'booked'")
    op.create_index("uq_bookings_live", "bookings", ["entry_id"], unique=True, sqlite_where=live, postgresql_where=live)
    op.create_index("ix_bookings_slot", "bookings", ["slot_id", "state"], unique=False)


def downgrade() -> None:
    for table in ("bookings", "slots", "entries"):
        op.drop_table(table)
