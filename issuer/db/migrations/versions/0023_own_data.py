"""Consents, requests about one's own data, and heirs' access."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "consents",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("purpose", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=40), nullable=False),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("given_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.Column("mac", sa.String(length=64), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_consents_person_id_persons")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
    )
    op.create_index("ix_consents_person", "consents", ["person_id", "purpose", "subject"], unique=False)
    op.create_table(
        "privacy_requests",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("topic", sa.String(length=40), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("due_on", sa.String(length=10), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_by", sa.String(length=32), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("mac", sa.String(length=64), server_default="", nullable=False),
        sa.CheckConstraint("kind in ('correction', 'deletion', 'explanation')", name=op.f("ck_privacy_requests_kind")),
        sa.CheckConstraint(
            "topic in ('account', 'card', 'permit', 'insurance')", name=op.f("ck_privacy_requests_topic")
        ),
        sa.CheckConstraint(
            "state in ('received', 'done', 'refused', 'withdrawn')", name=op.f("ck_privacy_requests_state")
        ),
        sa.ForeignKeyConstraint(["decided_by"], ["accounts.id"], name=op.f("fk_privacy_requests_decided_by_accounts")),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_privacy_requests_person_id_persons")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_privacy_requests")),
    )
    op.create_index("ix_privacy_requests_person", "privacy_requests", ["person_id", "id"], unique=False)
    op.create_index("ix_privacy_requests_waiting", "privacy_requests", ["topic", "state", "due_on", "id"], unique=False)
    op.create_table(
        "heir_accesses",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("heir_person_id", sa.String(length=32), nullable=False),
        sa.Column("relation", sa.String(length=40), nullable=False),
        sa.Column("given_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("mac", sa.String(length=64), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["heir_person_id"], ["persons.id"], name=op.f("fk_heir_accesses_heir_person_id_persons")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["insured_persons.person_id"], name=op.f("fk_heir_accesses_person_id_insured_persons")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_heir_accesses")),
    )
    op.create_index("ix_heir_accesses_heir", "heir_accesses", ["heir_person_id", "ends_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_heir_accesses_heir", table_name="heir_accesses")
    op.drop_table("heir_accesses")
    op.drop_index("ix_privacy_requests_waiting", table_name="privacy_requests")
    op.drop_index("ix_privacy_requests_person", table_name="privacy_requests")
    op.drop_table("privacy_requests")
    op.drop_index("ix_consents_person", table_name="consents")
    op.drop_table("consents")
