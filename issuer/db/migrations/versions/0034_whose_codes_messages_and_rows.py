"""Whose codes, messages and rows of lists these are is bound; a list is done once its account has said so."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

_BOUND = ("codes", "file_messages", "batch_chunks")


def upgrade() -> None:
    for table in _BOUND:
        op.add_column(table, sa.Column("mac", sa.String(length=64), server_default="", nullable=False))
    op.add_column("batches", sa.Column("started", sa.LargeBinary(), nullable=True))
    # Their accounts begin them again: a row that was done is not done twice.
    op.execute("UPDATE batches SET state = 'ready', position = 0 WHERE state = 'running'")


def downgrade() -> None:
    op.drop_column("batches", "started")
    for table in reversed(_BOUND):
        op.drop_column(table, "mac")
