"""Social insurance: who is insured, what is on record, the books, states of findings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "insured_persons",
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("number_key", sa.String(length=64), nullable=False),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("lapsed_since", sa.String(length=10), nullable=True),
        sa.Column("look_on", sa.String(length=10), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state in ('good', 'lapsed')", name=op.f("ck_insured_persons_state")),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_insured_persons_person_id_persons")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_insured_persons")),
        sa.UniqueConstraint("number_key", name=op.f("uq_insured_persons_number_key")),
    )
    op.create_index("ix_insured_persons_look_on", "insured_persons", ["look_on"], unique=False)
    op.create_table(
        "insurance_entries",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("employer_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("scheme", sa.SmallInteger(), nullable=False),
        sa.Column("employer_part", sa.BigInteger(), nullable=False),
        sa.Column("employee_part", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("recorded_on", sa.String(length=10), nullable=False),
        sa.Column("takes_back", sa.String(length=32), nullable=True),
        sa.Column("source_key", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind in ('reported', 'paid', 'refunded')", name=op.f("ck_insurance_entries_kind")),
        sa.ForeignKeyConstraint(
            ["employer_id"], ["organisations.id"], name=op.f("fk_insurance_entries_employer_id_organisations")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["insured_persons.person_id"], name=op.f("fk_insurance_entries_person_id_insured_persons")
        ),
        sa.ForeignKeyConstraint(
            ["takes_back"], ["insurance_entries.id"], name=op.f("fk_insurance_entries_takes_back_insurance_entries")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_insurance_entries")),
        sa.UniqueConstraint("source_key", name=op.f("uq_insurance_entries_source_key")),
        sa.UniqueConstraint("takes_back", name=op.f("uq_insurance_entries_takes_back")),
    )
    op.create_index("ix_insurance_entries_person", "insurance_entries", ["person_id", "month"], unique=False)
    op.create_table(
        "insurance_facts",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("employer_id", sa.String(length=32), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_on", sa.String(length=10), nullable=False),
        sa.Column("replaced_on", sa.String(length=10), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "kind in ('basis', 'employment', 'agreement', 'certificate', 'enrolment', 'payout')",
            name=op.f("ck_insurance_facts_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["employer_id"], ["organisations.id"], name=op.f("fk_insurance_facts_employer_id_organisations")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["insured_persons.person_id"], name=op.f("fk_insurance_facts_person_id_insured_persons")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_insurance_facts")),
    )
    op.create_index(
        "ix_insurance_facts_employer", "insurance_facts", ["employer_id", "kind", "person_id"], unique=False
    )
    op.create_index("ix_insurance_facts_person", "insurance_facts", ["person_id", "kind"], unique=False)
    op.create_table(
        "insurance_findings",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("finding_key", sa.String(length=64), nullable=False),
        sa.Column("employer_id", sa.String(length=32), nullable=False),
        sa.Column("month", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "state in ('open', 'explained', 'contested', 'settled', 'closed')", name=op.f("ck_insurance_findings_state")
        ),
        sa.ForeignKeyConstraint(
            ["employer_id"], ["organisations.id"], name=op.f("fk_insurance_findings_employer_id_organisations")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["insured_persons.person_id"], name=op.f("fk_insurance_findings_person_id_insured_persons")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_insurance_findings")),
        sa.UniqueConstraint("person_id", "finding_key", name=op.f("uq_insurance_findings_person_id_finding_key")),
    )


def downgrade() -> None:
    op.drop_table("insurance_findings")
    op.drop_index("ix_insurance_facts_person", table_name="insurance_facts")
    op.drop_index("ix_insurance_facts_employer", table_name="insurance_facts")
    op.drop_table("insurance_facts")
    op.drop_index("ix_insurance_entries_person", table_name="insurance_entries")
    op.drop_table("insurance_entries")
    op.drop_index("ix_insured_persons_look_on", table_name="insured_persons")
    op.drop_table("insured_persons")
