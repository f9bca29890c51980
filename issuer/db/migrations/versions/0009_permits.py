"""Permits: documents of persons, employers, offices, applications, permits; an authority's own rules."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "offices",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("name_zh", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offices")),
        sa.UniqueConstraint("region", name=op.f("uq_offices_region")),
    )
    op.create_table(
        "rule_changes",
        sa.Column("act", sa.String(length=40), nullable=False),
        sa.Column("name_key", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("act in ('add', 'end')", name=op.f("ck_rule_changes_act")),
        sa.PrimaryKeyConstraint("act", "name_key", name=op.f("pk_rule_changes")),
        sa.UniqueConstraint("id", name=op.f("uq_rule_changes_id")),
    )
    op.create_table(
        "employers",
        sa.Column("organisation_id", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("licence_until", sa.String(length=10), nullable=True),
        sa.Column("merged_into", sa.String(length=32), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "state in ('pending', 'verified', 'suspended', 'ceased', 'merged')", name=op.f("ck_employers_state")
        ),
        sa.ForeignKeyConstraint(
            ["merged_into"], ["organisations.id"], name=op.f("fk_employers_merged_into_organisations")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_employers_organisation_id_organisations")
        ),
        sa.PrimaryKeyConstraint("organisation_id", name=op.f("pk_employers")),
    )
    op.create_table(
        "permits",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("number_key", sa.String(length=64), nullable=False),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("employer_id", sa.String(length=32), nullable=False),
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("until", sa.String(length=10), nullable=False),
        sa.Column("interim_until", sa.String(length=10), nullable=True),
        sa.Column("card_id", sa.String(length=32), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "state in ('GRANTED', 'ACTIVE', 'EXTENDED_BY_LAW', 'EXPIRED', 'CANCELLED', 'REVOKED', 'WITHDRAWN', "
            "'LICENCE_WITHDRAWN', 'DEAD')",
            name=op.f("ck_permits_state"),
        ),
        sa.ForeignKeyConstraint(["card_id"], ["cards.id"], name=op.f("fk_permits_card_id_cards")),
        sa.ForeignKeyConstraint(
            ["employer_id"], ["organisations.id"], name=op.f("fk_permits_employer_id_organisations")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_permits_person_id_persons")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_permits")),
        sa.UniqueConstraint("number_key", name=op.f("uq_permits_number_key")),
        sa.UniqueConstraint("person_id", name=op.f("uq_permits_person_id")),
    )
    op.create_index("ix_permits_employer", "permits", ["employer_id", "id"], unique=False)
    op.create_index("ix_permits_region", "permits", ["region", "id"], unique=False)
    op.create_index("ix_permits_until", "permits", ["state", "until"], unique=False)
    op.create_table(
        "person_documents",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("until", sa.String(length=10), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_person_documents_person_id_persons")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person_documents")),
        sa.UniqueConstraint("digest", name=op.f("uq_person_documents_digest")),
    )
    op.create_index("ix_person_documents_person", "person_documents", ["person_id"], unique=False)
    op.create_table(
        "filings",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("process", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("employer_id", sa.String(length=32), nullable=False),
        sa.Column("agency_id", sa.String(length=32), nullable=True),
        sa.Column("person_id", sa.String(length=32), nullable=True),
        sa.Column("permit_id", sa.String(length=32), nullable=True),
        sa.Column("open_key", sa.String(length=64), nullable=True),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("rules_on", sa.String(length=10), nullable=True),
        sa.Column("submitted_on", sa.String(length=10), nullable=True),
        sa.Column("accepted_on", sa.String(length=10), nullable=True),
        sa.Column("decided_on", sa.String(length=10), nullable=True),
        sa.Column("pre_review_due", sa.String(length=10), nullable=True),
        sa.Column("defects_due", sa.String(length=10), nullable=True),
        sa.Column("decision_due", sa.String(length=10), nullable=True),
        sa.Column("promised_due", sa.String(length=10), nullable=True),
        sa.Column("answer_due", sa.String(length=10), nullable=True),
        sa.Column("prolonged", sa.Integer(), nullable=False),
        sa.Column("returns", sa.Integer(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "state in ('DRAFT', 'SUBMITTED', 'RETURNED', 'PRE_REVIEWED', 'ACCEPTED', 'APPROVED', 'REFUSED', "
            "'WITHDRAWN', 'LAPSED')",
            name=op.f("ck_filings_state"),
        ),
        sa.ForeignKeyConstraint(["agency_id"], ["organisations.id"], name=op.f("fk_filings_agency_id_organisations")),
        sa.ForeignKeyConstraint(
            ["employer_id"], ["organisations.id"], name=op.f("fk_filings_employer_id_organisations")
        ),
        sa.ForeignKeyConstraint(["permit_id"], ["permits.id"], name=op.f("fk_filings_permit_id_permits")),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_filings_person_id_persons")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_filings")),
    )
    op.create_index("ix_filings_employer", "filings", ["employer_id", "id"], unique=False)
    op.create_index("ix_filings_permit", "filings", ["permit_id"], unique=False)
    op.create_index("ix_filings_person", "filings", ["person_id"], unique=False)
    op.create_index("ix_filings_region", "filings", ["region", "state", "id"], unique=False)
    op.create_index("ix_filings_state", "filings", ["state", "defects_due"], unique=False)
    op.create_index(
        "uq_filings_open",
        "filings",
        ["open_key"],
        unique=True,
        sqlite_where=sa.text("state in ('SUBMITTED', 'RETURNED', 'PRE_REVIEWED', 'ACCEPTED')"),
        postgresql_where=sa.text("state in ('SUBMITTED', 'RETURNED', 'PRE_REVIEWED', 'ACCEPTED')"),
    )
    op.create_table(
        "office_members",
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("office_id", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_office_members_account_id_accounts")),
        sa.ForeignKeyConstraint(["office_id"], ["offices.id"], name=op.f("fk_office_members_office_id_offices")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_office_members")),
    )
    op.create_index("ix_office_members_office", "office_members", ["office_id"], unique=False)
    op.create_table(
        "filing_events",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("filing_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("move", sa.String(length=40), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("target", sa.String(length=40), nullable=False),
        sa.Column("party", sa.String(length=40), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=True),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_filing_events_account_id_accounts")),
        sa.ForeignKeyConstraint(["filing_id"], ["filings.id"], name=op.f("fk_filing_events_filing_id_filings")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_filing_events")),
        sa.UniqueConstraint("filing_id", "number", name=op.f("uq_filing_events_filing_id_number")),
    )
    op.create_table(
        "notifications",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("filing_id", sa.String(length=32), nullable=False),
        sa.Column("permit_id", sa.String(length=32), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("until", sa.String(length=10), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("state in ('ISSUED', 'USED', 'EXPIRED')", name=op.f("ck_notifications_state")),
        sa.ForeignKeyConstraint(["filing_id"], ["filings.id"], name=op.f("fk_notifications_filing_id_filings")),
        sa.ForeignKeyConstraint(["permit_id"], ["permits.id"], name=op.f("fk_notifications_permit_id_permits")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications")),
        sa.UniqueConstraint("filing_id", name=op.f("uq_notifications_filing_id")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_notifications_token_hash")),
    )
    op.create_index("ix_notifications_until", "notifications", ["state", "until"], unique=False)
    op.create_table(
        "permit_ends",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("permit_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("filing_id", sa.String(length=32), nullable=True),
        sa.Column("account_id", sa.String(length=32), nullable=True),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "kind in ('expired', 'cancelled', 'revoked', 'withdrawn', 'licence_withdrawn', 'dead')",
            name=op.f("ck_permit_ends_kind"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_permit_ends_account_id_accounts")),
        sa.ForeignKeyConstraint(["filing_id"], ["filings.id"], name=op.f("fk_permit_ends_filing_id_filings")),
        sa.ForeignKeyConstraint(["permit_id"], ["permits.id"], name=op.f("fk_permit_ends_permit_id_permits")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_permit_ends")),
        sa.UniqueConstraint("permit_id", "number", name=op.f("uq_permit_ends_permit_id_number")),
    )
    op.create_table(
        "permit_terms",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("permit_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("employer_id", sa.String(length=32), nullable=False),
        sa.Column("category", sa.String(length=40), nullable=False),
        sa.Column("first", sa.String(length=10), nullable=False),
        sa.Column("until", sa.String(length=10), nullable=False),
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("ground", sa.String(length=40), nullable=False),
        sa.Column("filing_id", sa.String(length=32), nullable=True),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["employer_id"], ["organisations.id"], name=op.f("fk_permit_terms_employer_id_organisations")
        ),
        sa.ForeignKeyConstraint(["filing_id"], ["filings.id"], name=op.f("fk_permit_terms_filing_id_filings")),
        sa.ForeignKeyConstraint(["permit_id"], ["permits.id"], name=op.f("fk_permit_terms_permit_id_permits")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_permit_terms")),
        sa.UniqueConstraint("permit_id", "number", name=op.f("uq_permit_terms_permit_id_number")),
    )
    op.create_index("ix_permit_terms_employer", "permit_terms", ["employer_id", "permit_id"], unique=False)
    op.create_table(
        "papers",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("filing_id", sa.String(length=32), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("committed_until", sa.String(length=10), nullable=True),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("decided_by", sa.String(length=32), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state in ('UNCHECKED', 'VERIFIED', 'REJECTED')", name=op.f("ck_papers_state")),
        sa.ForeignKeyConstraint(["decided_by"], ["accounts.id"], name=op.f("fk_papers_decided_by_accounts")),
        sa.ForeignKeyConstraint(["filing_id"], ["filings.id"], name=op.f("fk_papers_filing_id_filings")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_papers")),
        sa.UniqueConstraint("filing_id", "code", name=op.f("uq_papers_filing_id_code")),
    )


def downgrade() -> None:
    op.drop_table("papers")
    op.drop_index("ix_permit_terms_employer", table_name="permit_terms")
    op.drop_table("permit_terms")
    op.drop_table("permit_ends")
    op.drop_index("ix_notifications_until", table_name="notifications")
    op.drop_table("notifications")
    op.drop_table("filing_events")
    op.drop_index("ix_office_members_office", table_name="office_members")
    op.drop_table("office_members")
    op.drop_index(
        "uq_filings_open",
        table_name="filings",
        sqlite_where=sa.text("state in ('SUBMITTED', 'RETURNED', 'PRE_REVIEWED', 'ACCEPTED')"),
        postgresql_where=sa.text("state in ('SUBMITTED', 'RETURNED', 'PRE_REVIEWED', 'ACCEPTED')"),
    )
    op.drop_index("ix_filings_state", table_name="filings")
    op.drop_index("ix_filings_region", table_name="filings")
    op.drop_index("ix_filings_person", table_name="filings")
    op.drop_index("ix_filings_permit", table_name="filings")
    op.drop_index("ix_filings_employer", table_name="filings")
    op.drop_table("filings")
    op.drop_index("ix_person_documents_person", table_name="person_documents")
    op.drop_table("person_documents")
    op.drop_index("ix_permits_until", table_name="permits")
    op.drop_index("ix_permits_region", table_name="permits")
    op.drop_index("ix_permits_employer", table_name="permits")
    op.drop_table("permits")
    op.drop_table("employers")
    op.drop_table("rule_changes")
    op.drop_table("offices")
