"""Rows that grant rights are bound by a MAC; so are the audit's rows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
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


def downgrade() -> None:
    op.drop_column("meta", "bound_at")
    for table in reversed(_BOUND):
        op.drop_column(table, "mac")
