"""How often what reports about an insured person are made of has changed: what was made before is out of date."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("insured_persons", sa.Column("changes", sa.BigInteger(), server_default="0", nullable=False))


def downgrade() -> None:
    op.drop_column("insured_persons", "changes")
