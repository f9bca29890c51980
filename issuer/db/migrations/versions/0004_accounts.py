"""Accounts, organisations, mandates, and what two people confirm."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "login_attempts",
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("wait_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_login_attempts")),
    )
    op.create_index("ix_login_attempts_last", "login_attempts", ["last_at"], unique=False)
    op.create_table(
        "organisations",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("code_key", sa.String(length=64), nullable=False),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind in ('employer', 'agency')", name=op.f("ck_organisations_kind")),
        sa.CheckConstraint("state in ('active', 'closed')", name=op.f("ck_organisations_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisations")),
        sa.UniqueConstraint("code_key", name=op.f("uq_organisations_code_key")),
    )
    op.create_table(
        "persons",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("identity_key", sa.String(length=64), nullable=True),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_persons")),
        sa.UniqueConstraint("identity_key", name=op.f("uq_persons_identity_key")),
    )
    op.create_table(
        "accounts",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("organisation_id", sa.String(length=32), nullable=True),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("login_key", sa.String(length=64), nullable=True),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("password", sa.LargeBinary(), nullable=True),
        sa.Column("totp_secret", sa.LargeBinary(), nullable=True),
        sa.Column("totp_counter", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("role_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state in ('invited', 'active', 'locked', 'closed')", name=op.f("ck_accounts_state")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_accounts_organisation_id_organisations")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_accounts_person_id_persons")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("login_key", name=op.f("uq_accounts_login_key")),
    )
    op.create_index("ix_accounts_organisation", "accounts", ["organisation_id"], unique=False)
    op.create_index("ix_accounts_person", "accounts", ["person_id"], unique=False)
    op.create_table(
        "card_parties",
        sa.Column("card_id", sa.String(length=32), nullable=False),
        sa.Column("holder_id", sa.String(length=32), nullable=True),
        sa.Column("employer_id", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["card_id"], ["cards.id"], name=op.f("fk_card_parties_card_id_cards")),
        sa.ForeignKeyConstraint(
            ["employer_id"], ["organisations.id"], name=op.f("fk_card_parties_employer_id_organisations")
        ),
        sa.ForeignKeyConstraint(["holder_id"], ["persons.id"], name=op.f("fk_card_parties_holder_id_persons")),
        sa.PrimaryKeyConstraint("card_id", name=op.f("pk_card_parties")),
    )
    op.create_index("ix_card_parties_employer", "card_parties", ["employer_id"], unique=False)
    op.create_index("ix_card_parties_holder", "card_parties", ["holder_id"], unique=False)
    op.create_table(
        "mandates",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("agency_id", sa.String(length=32), nullable=False),
        sa.Column("employer_id", sa.String(length=32), nullable=False),
        sa.Column("begins_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("begins_at < ends_at", name=op.f("ck_mandates_order")),
        sa.ForeignKeyConstraint(["agency_id"], ["organisations.id"], name=op.f("fk_mandates_agency_id_organisations")),
        sa.ForeignKeyConstraint(
            ["employer_id"], ["organisations.id"], name=op.f("fk_mandates_employer_id_organisations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mandates")),
    )
    op.create_index("ix_mandates_agency", "mandates", ["agency_id", "ends_at"], unique=False)
    op.create_index("ix_mandates_employer", "mandates", ["employer_id", "ends_at"], unique=False)
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("prefix", sa.String(length=16), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("label", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_on", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_api_tokens_account_id_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("prefix", name=op.f("uq_api_tokens_prefix")),
    )
    op.create_index("ix_api_tokens_account", "api_tokens", ["account_id"], unique=False)
    op.create_index("ix_api_tokens_expires", "api_tokens", ["expires_at"], unique=False)
    op.create_table(
        "confirmations",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("act", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("arguments", sa.LargeBinary(), nullable=False),
        sa.Column("asked_by", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_by", sa.String(length=32), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("state in ('waiting', 'done', 'refused', 'expired')", name=op.f("ck_confirmations_state")),
        sa.ForeignKeyConstraint(["asked_by"], ["accounts.id"], name=op.f("fk_confirmations_asked_by_accounts")),
        sa.ForeignKeyConstraint(["decided_by"], ["accounts.id"], name=op.f("fk_confirmations_decided_by_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_confirmations")),
    )
    op.create_index("ix_confirmations_expires", "confirmations", ["expires_at"], unique=False)
    op.create_index(
        "uq_confirmations_waiting",
        "confirmations",
        ["act", "subject"],
        unique=True,
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "invitations",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("totp_secret", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_invitations_account_id_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_invitations_token_hash")),
    )
    op.create_index("ix_invitations_account", "invitations", ["account_id"], unique=False)
    op.create_index("ix_invitations_expires", "invitations", ["expires_at"], unique=False)
    op.create_table(
        "known_places",
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind in ('device', 'network')", name=op.f("ck_known_places_kind")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_known_places_account_id_accounts")),
        sa.PrimaryKeyConstraint("account_id", "kind", "digest", name=op.f("pk_known_places")),
    )
    op.create_index("ix_known_places_seen", "known_places", ["seen_at"], unique=False)
    op.create_table(
        "login_sessions",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("step", sa.String(length=40), nullable=False),
        sa.Column("place", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("totp_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("step in ('password', 'full')", name=op.f("ck_login_sessions_step")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_login_sessions_account_id_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_login_sessions_token_hash")),
    )
    op.create_index("ix_login_sessions_account", "login_sessions", ["account_id", "created_at"], unique=False)
    op.create_index("ix_login_sessions_ends", "login_sessions", ["ends_at"], unique=False)
    op.create_table(
        "recovery_codes",
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_recovery_codes_account_id_accounts")),
        sa.PrimaryKeyConstraint("account_id", "digest", name=op.f("pk_recovery_codes")),
    )


def downgrade() -> None:
    op.drop_table("recovery_codes")
    op.drop_index("ix_login_sessions_ends", table_name="login_sessions")
    op.drop_index("ix_login_sessions_account", table_name="login_sessions")
    op.drop_table("login_sessions")
    op.drop_index("ix_known_places_seen", table_name="known_places")
    op.drop_table("known_places")
    op.drop_index("ix_invitations_expires", table_name="invitations")
    op.drop_index("ix_invitations_account", table_name="invitations")
    op.drop_table("invitations")
    op.drop_index(
        "uq_confirmations_waiting",
        table_name="confirmations",
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.drop_index("ix_confirmations_expires", table_name="confirmations")
    op.drop_table("confirmations")
    op.drop_index("ix_api_tokens_expires", table_name="api_tokens")
    op.drop_index("ix_api_tokens_account", table_name="api_tokens")
    op.drop_table("api_tokens")
    op.drop_index("ix_mandates_employer", table_name="mandates")
    op.drop_index("ix_mandates_agency", table_name="mandates")
    op.drop_table("mandates")
    op.drop_index("ix_card_parties_holder", table_name="card_parties")
    op.drop_index("ix_card_parties_employer", table_name="card_parties")
    op.drop_table("card_parties")
    op.drop_index("ix_accounts_person", table_name="accounts")
    op.drop_index("ix_accounts_organisation", table_name="accounts")
    op.drop_table("accounts")
    op.drop_table("persons")
    op.drop_table("organisations")
    op.drop_index("ix_login_attempts_last", table_name="login_attempts")
    op.drop_table("login_attempts")
