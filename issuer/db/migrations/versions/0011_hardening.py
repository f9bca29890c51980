"""Rows that grant rights are bound by a MAC; so are the audit's rows. Reads of personal data, and counts of the day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_BOUND = (
    "persons",
    "organisations",
    "accounts",
    "login_sessions",
    "invitations",
    "api_tokens",
    "mandates",
    "confirmations",
    "card_parties",
    "keys",
    "notices",
    "webhooks",
    "outbox",
    "audit",
)


def upgrade() -> None:
    for table in _BOUND:
        op.add_column(table, sa.Column("mac", sa.String(length=64), server_default="", nullable=False))
    op.add_column("meta", sa.Column("bound_at", sa.BigInteger(), nullable=True))
    op.add_column("meta", sa.Column("place", sa.String(length=200), nullable=True))
    op.add_column("accounts", sa.Column("confirms_from", sa.BigInteger(), nullable=True))
    # What was proposed with an invitation is now proposed at each look.
    with op.batch_alter_table("invitations") as invitations:
        invitations.drop_column("totp_secret")
    op.create_table(
        "reads",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=32), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("way", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reads")),
    )
    op.create_index("ix_reads_at", "reads", ["at", "id"], unique=False)
    op.create_index("ix_online_lookups_at", "online_lookups", ["at", "id"], unique=False)
    withdrawn = sa.text("standing = 'revoked'")
    op.create_index(
        "ix_cards_withdrawn_permit", "cards", ["permit_key"], sqlite_where=withdrawn, postgresql_where=withdrawn
    )
    op.create_table(
        "tallies",
        sa.Column("day", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "name", name=op.f("pk_tallies")),
    )


def downgrade() -> None:
    op.drop_index("ix_cards_withdrawn_permit", table_name="cards")
    op.drop_table("tallies")
    op.drop_index("ix_online_lookups_at", table_name="online_lookups")
    op.drop_index("ix_reads_at", table_name="reads")
    op.drop_table("reads")
    op.add_column("invitations", sa.Column("totp_secret", sa.LargeBinary(), nullable=True))
    op.drop_column("accounts", "confirms_from")
    op.drop_column("meta", "place")
    op.drop_column("meta", "bound_at")
    for table in reversed(_BOUND):
        op.drop_column(table, "mac")
