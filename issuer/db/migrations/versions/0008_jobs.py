"""The state of every worker's jobs, for readiness, metrics and ``icard-issuer worker --status``."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "jobs",
        sa.Column("worker", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("host", sa.String(length=80), nullable=False),
        sa.Column("seen_at", sa.Float(53), nullable=False),
        sa.Column("budget", sa.Float(53), nullable=False),
        sa.Column("running_since", sa.Float(53), nullable=True),
        sa.Column("succeeded_at", sa.Float(53), nullable=True),
        sa.Column("failing_since", sa.Float(53), nullable=True),
        sa.Column("fault", sa.String(length=80), nullable=True),
        sa.PrimaryKeyConstraint("worker", "name", name=op.f("pk_jobs")),
    )
    op.create_index(op.f("ix_jobs_seen_at"), "jobs", ["seen_at"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_jobs_seen_at"), table_name="jobs")
    op.drop_table("jobs")
