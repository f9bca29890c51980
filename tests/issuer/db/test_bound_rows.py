"""Many bound rows at once: the same MACs as objects have, and the same refusal of what was changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Table, create_engine, update
from sqlalchemy.orm import Session

from icard_crypto.errors import StateError
from issuer.accounts.models import Account
from issuer.db.base import SEALED, Base
from issuer.db.bound import bound_tables, checked_rows, content_of, update_rows
from tests.kit.people import ServiceUnderTest, make, new_service_under_test

TABLES = sorted(bound_tables(), key=lambda one: one[0].name)
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.text(max_size=20), st.binary(max_size=8)
)


@pytest.fixture
def issuing_service(tmp_path: Path) -> Iterator[ServiceUnderTest]:
    """A service on SQLite with two accounts."""
    made = new_service_under_test(tmp_path, f"sqlite:///{tmp_path}/issuer.db")
    make(made, "auditor", "one")
    make(made, "auditor", "two")
    yield made
    made.core.close()


def as_json(table: Table, columns: tuple[str, ...], row: dict[str, Any]) -> bytes:
    """What rows of databases in use are bound over."""

    def plain(name: str) -> Any:
        value = row[name]
        if table.c[name].info.get(SEALED):
            return value is not None
        return value.hex() if isinstance(value, bytes) else value

    key = [plain(column.name) for column in table.primary_key.columns]
    values = [[name, plain(name)] for name in columns]
    return json.dumps([table.name, key, values], ensure_ascii=True, separators=(",", ":")).encode()


@pytest.mark.parametrize("place", range(len(TABLES)), ids=[table.name for table, _ in TABLES])
@settings(max_examples=8)
@given(data=st.data())
def test_what_a_mac_covers_is_the_json_of_table_key_and_columns(place: int, data: st.DataObject) -> None:
    table, columns = TABLES[place]
    names = {*columns, *(column.name for column in table.primary_key.columns)}
    row = {name: data.draw(VALUES, name) for name in sorted(names)}
    assert content_of(table, columns, row) == as_json(table, columns, row)


def test_rows_that_are_written_together_fit_as_objects(issuing_service: ServiceUnderTest) -> None:
    def change(session: Session) -> None:
        update_rows(session, Account, list(checked_rows(session, Account)), {"role": "inspector"})

    issuing_service.core.database.transact(change)
    roles = issuing_service.core.database.read(lambda session: [one.role for one in session.query(Account)])
    assert set(roles) == {"inspector"}


def test_a_row_that_was_changed_outside_is_refused_among_many(issuing_service: ServiceUnderTest) -> None:
    table = Base.metadata.tables[Account.__tablename__]
    attacker = create_engine(issuing_service.core.database.engine.url)
    with attacker.begin() as connection:
        connection.execute(update(table).where(table.c.role == "auditor").values(role="administrator"))
    attacker.dispose()
    with pytest.raises(StateError) as caught:
        issuing_service.core.database.read(lambda session: list(checked_rows(session, Account)))
    assert caught.value.code == "at_rest.altered"


def test_rows_that_wait_to_be_written_are_read_too(issuing_service: ServiceUnderTest) -> None:
    def change(session: Session) -> list[str]:
        for one in session.query(Account):
            one.role = "inspector"
        return [row["role"] for row in checked_rows(session, Account)]

    assert set(issuing_service.core.database.transact(change)) == {"inspector"}
