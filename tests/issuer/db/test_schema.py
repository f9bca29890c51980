"""Migrations on both databases."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

import issuer.tables  # noqa: F401  (every table, whichever tests run)
from icard_crypto.errors import StateError
from issuer.db import schema
from issuer.db.base import Base, sealed_columns
from issuer.db.engine import Database, connect


def test_migrations_make_the_tables_of_the_models(database: Database) -> None:
    """After all migrations the schema is what the models say, types, constraints and indexes included."""
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
        made = {
            table.name: {index["name"] for index in inspect(connection).get_indexes(table.name)}
            for table in Base.metadata.sorted_tables
        }
    wanted = {table.name: {index.name for index in table.indexes} for table in Base.metadata.sorted_tables}
    assert {name: indexes & made[name] for name, indexes in wanted.items()} == wanted


def test_up_down_up(empty_database_url: str) -> None:
    """Up from nothing, down to nothing and up again; a second run changes nothing."""
    database = connect(empty_database_url)
    assert schema.current(database) is None
    schema.migrate(database)
    schema.migrate(database)
    assert schema.current(database) == schema.newest()
    schema.migrate(database, "base")
    assert inspect(database.engine).get_table_names() == ["alembic_version"]
    schema.migrate(database)
    schema.require_newest(database)
    database.close()


def test_an_unknown_revision_is_named(database: Database) -> None:
    """It changes nothing."""
    with pytest.raises(StateError) as caught:
        schema.migrate(database, "9999")
    assert (caught.value.code, caught.value.found) == ("database.revision", "9999")
    schema.require_newest(database)


def test_an_old_schema_is_named(empty_database_url: str) -> None:
    """A program refuses tables of another version and says what to run."""
    database = connect(empty_database_url)
    with pytest.raises(StateError) as caught:
        schema.require_newest(database)
    assert caught.value.code == "database.not_migrated"
    assert caught.value.found == "no tables"
    assert "icard-issuer migrate" in caught.value.hint()
    database.close()


def test_sealed_columns_are_the_ones_meant() -> None:
    """The encrypted columns: a list, so that dropping one is a decision and no accident."""
    assert sorted(f"{table.name}.{column.name}" for table, column in sealed_columns()) == [
        "accounts.password",
        "accounts.record",
        "accounts.totp_secret",
        "api_tokens.label",
        "audit_details.body",
        "batch_chunks.content",
        "batch_chunks.outcomes",
        "batches.started",
        "benefit_claims.body",
        "cards.record",
        "codes.cose",
        "codes.payload",
        "confirmations.arguments",
        "consents.record",
        "entries.record",
        "file_messages.text",
        "filing_events.record",
        "filings.record",
        "hearings.record",
        "insurance_facts.body",
        "insurance_findings.body",
        "insured_persons.record",
        "lists.permutation",
        "login_sessions.place",
        "lookup_deferrals.law",
        "meta.canary",
        "notices.facts",
        "notifications.token",
        "objections.record",
        "organisations.record",
        "outbox.body",
        "papers.record",
        "permit_corrections.record",
        "permit_ends.record",
        "permit_terms.record",
        "permits.record",
        "person_documents.record",
        "person_mergers.record",
        "persons.record",
        "privacy_requests.body",
        "refusal_reports.record",
        "social_cards.record",
        "uploads.key",
        "webhooks.secrets",
        "webhooks.url",
    ]


@pytest.mark.parametrize("url", ["sqlite:////nowhere/at/all.db", "postgresql://icard@/icard?host=/nowhere"])
def test_a_database_that_goes_away_while_it_is_opened(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the check and the look at its tables: still the error that whoever opens it waits for."""
    monkeypatch.setattr(Database, "check", lambda _: None)
    with pytest.raises(StateError) as caught:
        schema.require_newest(connect(url))
    assert caught.value.code == "database.unreachable"
    with pytest.raises(StateError) as caught:
        schema.migrate(connect(url))
    assert caught.value.code == "database.unreachable"
