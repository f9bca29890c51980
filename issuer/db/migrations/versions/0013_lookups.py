"""Look-ups: of people beside cards, with their purpose; deferrals of an inquiry."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "lookup_deferrals",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("law", sa.LargeBinary(), nullable=False),
        sa.Column("begins_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("revealed_at", sa.BigInteger(), nullable=True),
        sa.Column("mac", sa.String(length=64), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_lookup_deferrals_account_id_accounts")),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_lookup_deferrals_person_id_persons")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lookup_deferrals")),
    )
    op.create_index("ix_lookup_deferrals_person", "lookup_deferrals", ["person_id", "ends_at"], unique=False)
    op.create_index("ix_lookup_deferrals_ends", "lookup_deferrals", ["revealed_at", "ends_at"], unique=False)
    with op.batch_alter_table("online_lookups") as lookups:
        lookups.alter_column("card_id", existing_type=sa.String(length=32), nullable=True)
        lookups.add_column(sa.Column("person_id", sa.String(length=32), nullable=True))
        lookups.add_column(sa.Column("purpose", sa.String(length=80), nullable=True))
        lookups.add_column(sa.Column("deferral_id", sa.String(length=32), nullable=True))
        lookups.create_foreign_key(op.f("fk_online_lookups_person_id_persons"), "persons", ["person_id"], ["id"])
        lookups.create_foreign_key(
            op.f("fk_online_lookups_deferral_id_lookup_deferrals"), "lookup_deferrals", ["deferral_id"], ["id"]
        )
    op.create_index("ix_online_lookups_person", "online_lookups", ["person_id", "at", "id"], unique=False)
    deferred = sa.text("deferral_id is not null")
    op.create_index(
        "ix_online_lookups_deferral",
        "online_lookups",
        ["deferral_id", "at"],
        unique=False,
        sqlite_where=deferred,
        postgresql_where=deferred,
    )


def downgrade() -> None:
    op.drop_index("ix_online_lookups_deferral", table_name="online_lookups")
    op.drop_index("ix_online_lookups_person", table_name="online_lookups")
    # What earlier versions have no place for.
    op.execute("delete from online_lookups where card_id is null")
    with op.batch_alter_table("online_lookups") as lookups:
        lookups.drop_constraint(op.f("fk_online_lookups_deferral_id_lookup_deferrals"), type_="foreignkey")
        lookups.drop_constraint(op.f("fk_online_lookups_person_id_persons"), type_="foreignkey")
        lookups.drop_column("deferral_id")
        lookups.drop_column("purpose")
        lookups.drop_column("person_id")
        lookups.alter_column("card_id", existing_type=sa.String(length=32), nullable=False)
    op.drop_index("ix_lookup_deferrals_ends", table_name="lookup_deferrals")
    op.drop_index("ix_lookup_deferrals_person", table_name="lookup_deferrals")
    op.drop_table("lookup_deferrals")
