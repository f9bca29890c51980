"""What repeated requests are answered with is bound; whose objections these are is bound with the rest of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("idempotency", sa.Column("mac", sa.String(length=64), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("idempotency", "mac")
