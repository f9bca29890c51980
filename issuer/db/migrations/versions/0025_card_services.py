"""Services of cards: grants, and reports of places that refused a card."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "service_grants",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("card_id", sa.String(length=32), nullable=False),
        sa.Column("service", sa.String(length=40), nullable=False),
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("consent_id", sa.String(length=32), nullable=True),
        sa.Column("granted_by", sa.String(length=32), nullable=False),
        sa.Column("granted_at", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.Column("mac", sa.String(length=64), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["card_id"], ["cards.id"], name=op.f("fk_service_grants_card_id_cards")),
        sa.ForeignKeyConstraint(["consent_id"], ["consents.id"], name=op.f("fk_service_grants_consent_id_consents")),
        sa.ForeignKeyConstraint(["granted_by"], ["accounts.id"], name=op.f("fk_service_grants_granted_by_accounts")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["insured_persons.person_id"], name=op.f("fk_service_grants_person_id_insured_persons")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_grants")),
    )
    op.create_index("ix_service_grants_person", "service_grants", ["person_id", "service"], unique=False)
    op.create_index("ix_service_grants_consent", "service_grants", ["consent_id"], unique=False)
    op.create_table(
        "refusal_reports",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("service", sa.String(length=40), nullable=False),
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("decided_by", sa.String(length=32), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("mac", sa.String(length=64), server_default="", nullable=False),
        sa.CheckConstraint("state in ('open', 'upheld', 'dismissed')", name=op.f("ck_refusal_reports_state")),
        sa.ForeignKeyConstraint(["decided_by"], ["accounts.id"], name=op.f("fk_refusal_reports_decided_by_accounts")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["insured_persons.person_id"], name=op.f("fk_refusal_reports_person_id_insured_persons")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refusal_reports")),
    )
    op.create_index("ix_refusal_reports_person", "refusal_reports", ["person_id", "id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_refusal_reports_person", table_name="refusal_reports")
    op.drop_table("refusal_reports")
    op.drop_index("ix_service_grants_consent", table_name="service_grants")
    op.drop_index("ix_service_grants_person", table_name="service_grants")
    op.drop_table("service_grants")
