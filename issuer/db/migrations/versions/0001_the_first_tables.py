"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "artefacts",
        sa.Column("path", sa.String(length=200), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("iat", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("path", "version", name=op.f("pk_artefacts")),
    )
    op.create_index("ix_artefacts_version", "artefacts", ["version"], unique=False)
    op.create_table(
        "audit",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=32), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=32), nullable=False),
        sa.Column("details_hash", sa.String(length=64), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit")),
    )
    op.create_index("ix_audit_actor", "audit", ["actor"], unique=False)
    op.create_index("ix_audit_subject", "audit", ["subject"], unique=False)
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "bulk_runs",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state in ('running', 'done')", name=op.f("ck_bulk_runs_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_runs")),
        sa.UniqueConstraint("kind", "source", name=op.f("uq_bulk_runs_kind_source")),
    )
    op.create_table(
        "cards",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("permit_key", sa.String(length=64), nullable=True),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("standing", sa.String(length=40), nullable=False),
        sa.Column("permit", sa.String(length=40), nullable=False),
        sa.Column("insurance", sa.String(length=40), nullable=False),
        sa.Column("photo", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("insurance in ('good', 'lapsed')", name=op.f("ck_cards_insurance")),
        sa.CheckConstraint("permit in ('good', 'suspended')", name=op.f("ck_cards_permit")),
        sa.CheckConstraint("standing in ('active', 'suspended', 'revoked')", name=op.f("ck_cards_standing")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cards")),
    )
    op.create_index(
        "uq_cards_live_permit",
        "cards",
        ["permit_key"],
        unique=True,
        sqlite_where=sa.text("standing <> 'revoked'"),
        postgresql_where=sa.text("standing <> 'revoked'"),
    )
    op.create_table(
        "checkpoints",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("iat", sa.BigInteger(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_checkpoints")),
    )
    op.create_table(
        "idempotency",
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("route", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("body", sa.String(length=64), nullable=False),
        sa.Column("made", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", "route", "key", name=op.f("pk_idempotency")),
    )
    op.create_index(op.f("ix_idempotency_created_at"), "idempotency", ["created_at"], unique=False)
    op.create_table(
        "keys",
        sa.Column("thumbprint", sa.String(length=64), nullable=False),
        sa.Column("usage", sa.String(length=40), nullable=False),
        sa.Column("algorithm", sa.String(length=40), nullable=False),
        sa.Column("public", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("emergency", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=True),
        sa.Column("valid_from", sa.BigInteger(), nullable=True),
        sa.Column("valid_until", sa.BigInteger(), nullable=True),
        sa.Column("activated_at", sa.BigInteger(), nullable=True),
        sa.Column("retired_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_kind", sa.String(length=40), nullable=True),
        sa.CheckConstraint(
            "state in ('draft', 'published', 'active', 'retired', 'revoked')", name=op.f("ck_keys_state")
        ),
        sa.CheckConstraint("usage in ('card', 'status', 'timestamp')", name=op.f("ck_keys_usage")),
        sa.PrimaryKeyConstraint("thumbprint", name=op.f("pk_keys")),
    )
    op.create_index(
        "uq_keys_active",
        "keys",
        ["usage"],
        unique=True,
        sqlite_where=sa.text("state = 'active'"),
        postgresql_where=sa.text("state = 'active'"),
    )
    op.create_table(
        "lists",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("uri", sa.Text(), nullable=False),
        sa.Column("capacity", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("permutation", sa.LargeBinary(), nullable=False),
        sa.Column("changes", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=True),
        sa.Column("published_at", sa.BigInteger(), nullable=True),
        sa.Column("published_iat", sa.BigInteger(), nullable=True),
        sa.Column("published_changes", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("state in ('standby', 'open', 'full', 'closed')", name=op.f("ck_lists_state")),
        sa.CheckConstraint("used >= 0 and used <= capacity", name=op.f("ck_lists_used")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lists")),
        sa.UniqueConstraint("uri", name=op.f("uq_lists_uri")),
    )
    op.create_index(
        "uq_lists_open",
        "lists",
        ["state"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "meta",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("database_id", sa.String(length=32), nullable=False),
        sa.Column("issuer", sa.String(length=64), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("newest_iat", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("canary", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meta")),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_fault", sa.String(length=40), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("state in ('waiting', 'sent', 'dead')", name=op.f("ck_outbox_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_index("ix_outbox_due", "outbox", ["state", "due_at"], unique=False)
    op.create_table(
        "publisher",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("iat", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_publisher")),
    )
    op.create_table(
        "audit_details",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["seq"], ["audit.seq"], name=op.f("fk_audit_details_seq_audit")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_details")),
    )
    op.create_table(
        "bulk_refusals",
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("row", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("code", sa.String(length=80), nullable=False),
        sa.Column("path", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["bulk_runs.id"], name=op.f("fk_bulk_refusals_run_id_bulk_runs")),
        sa.PrimaryKeyConstraint("run_id", "row", name=op.f("pk_bulk_refusals")),
    )
    op.create_table(
        "card_lookups",
        sa.Column("card_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["card_id"], ["cards.id"], name=op.f("fk_card_lookups_card_id_cards")),
        sa.PrimaryKeyConstraint("card_id", "kind", "digest", name=op.f("pk_card_lookups")),
    )
    op.create_index("ix_card_lookups_digest", "card_lookups", ["kind", "digest"], unique=False)
    op.create_table(
        "codes",
        sa.Column("cti", sa.String(length=16), nullable=False),
        sa.Column("card_id", sa.String(length=32), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("profile", sa.SmallInteger(), nullable=False),
        sa.Column("list_name", sa.String(length=32), nullable=False),
        sa.Column("idx", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("replaced", sa.Boolean(), nullable=False),
        sa.Column("value", sa.SmallInteger(), nullable=False),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("payload_hash", sa.String(length=64), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=True),
        sa.Column("cose", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("state in ('intent', 'issued', 'burnt')", name=op.f("ck_codes_state")),
        sa.CheckConstraint("idx >= 0", name=op.f("ck_codes_idx")),
        sa.ForeignKeyConstraint(["card_id"], ["cards.id"], name=op.f("fk_codes_card_id_cards")),
        sa.ForeignKeyConstraint(["key"], ["keys.thumbprint"], name=op.f("fk_codes_key_keys")),
        sa.ForeignKeyConstraint(["list_name"], ["lists.name"], name=op.f("fk_codes_list_name_lists")),
        sa.PrimaryKeyConstraint("cti", name=op.f("pk_codes")),
        sa.UniqueConstraint("list_name", "idx", name=op.f("uq_codes_list_name_idx")),
    )
    op.create_index("ix_codes_card", "codes", ["card_id", "generation"], unique=False)
    op.create_index(
        "ix_codes_entries",
        "codes",
        ["list_name", "idx", "value"],
        unique=False,
        sqlite_where=sa.text("value <> 0"),
        postgresql_where=sa.text("value <> 0"),
    )
    op.create_index(
        "ix_codes_intents",
        "codes",
        ["created_at"],
        unique=False,
        sqlite_where=sa.text("state = 'intent'"),
        postgresql_where=sa.text("state = 'intent'"),
    )
    op.create_index("ix_codes_key", "codes", ["key", "expires_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_codes_key", table_name="codes")
    op.drop_index(
        "ix_codes_intents",
        table_name="codes",
        sqlite_where=sa.text("state = 'intent'"),
        postgresql_where=sa.text("state = 'intent'"),
    )
    op.drop_index(
        "ix_codes_entries",
        table_name="codes",
        sqlite_where=sa.text("value <> 0"),
        postgresql_where=sa.text("value <> 0"),
    )
    op.drop_index("ix_codes_card", table_name="codes")
    op.drop_table("codes")
    op.drop_index("ix_card_lookups_digest", table_name="card_lookups")
    op.drop_table("card_lookups")
    op.drop_table("bulk_refusals")
    op.drop_table("audit_details")
    op.drop_table("publisher")
    op.drop_index("ix_outbox_due", table_name="outbox")
    op.drop_table("outbox")
    op.drop_table("meta")
    op.drop_index(
        "uq_lists_open",
        table_name="lists",
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.drop_table("lists")
    op.drop_index(
        "uq_keys_active",
        table_name="keys",
        sqlite_where=sa.text("state = 'active'"),
        postgresql_where=sa.text("state = 'active'"),
    )
    op.drop_table("keys")
    op.drop_index(op.f("ix_idempotency_created_at"), table_name="idempotency")
    op.drop_table("idempotency")
    op.drop_table("checkpoints")
    op.drop_index(
        "uq_cards_live_permit",
        table_name="cards",
        sqlite_where=sa.text("standing <> 'revoked'"),
        postgresql_where=sa.text("standing <> 'revoked'"),
    )
    op.drop_table("cards")
    op.drop_table("bulk_runs")
    op.drop_table("audit_head")
    op.drop_index("ix_audit_subject", table_name="audit")
    op.drop_index("ix_audit_actor", table_name="audit")
    op.drop_table("audit")
    op.drop_index("ix_artefacts_version", table_name="artefacts")
    op.drop_table("artefacts")
