"""Records of persons that became one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "person_mergers",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("kept_id", sa.String(length=32), nullable=False),
        sa.Column("absorbed_id", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("asked_by", sa.String(length=32), nullable=True),
        sa.Column("confirmed_by", sa.String(length=32), nullable=True),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("merged_at", sa.BigInteger(), nullable=False),
        sa.Column("split_at", sa.BigInteger(), nullable=True),
        sa.Column("mac", sa.String(length=64), server_default="", nullable=False),
        sa.CheckConstraint("state in ('merged', 'split')", name=op.f("ck_person_mergers_state")),
        sa.ForeignKeyConstraint(["kept_id"], ["persons.id"], name=op.f("fk_person_mergers_kept_id_persons")),
        sa.ForeignKeyConstraint(["absorbed_id"], ["persons.id"], name=op.f("fk_person_mergers_absorbed_id_persons")),
        sa.ForeignKeyConstraint(["asked_by"], ["accounts.id"], name=op.f("fk_person_mergers_asked_by_accounts")),
        sa.ForeignKeyConstraint(
            ["confirmed_by"], ["accounts.id"], name=op.f("fk_person_mergers_confirmed_by_accounts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person_mergers")),
    )
    op.create_index("ix_person_mergers_kept", "person_mergers", ["kept_id"], unique=False)
    op.create_index("ix_person_mergers_absorbed", "person_mergers", ["absorbed_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_person_mergers_absorbed", table_name="person_mergers")
    op.drop_index("ix_person_mergers_kept", table_name="person_mergers")
    op.drop_table("person_mergers")
