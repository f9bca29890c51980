"""What a thread reads together: one transaction, each row checked, nothing written within it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from icard_crypto.errors import StateError
from issuer.accounts.models import Account, Person
from issuer.db.bound import checked_row
from tests.kit.people import ServiceUnderTest, make, new_service_under_test


@pytest.fixture
def issuing_service(tmp_path: Path) -> Iterator[ServiceUnderTest]:
    """A service on SQLite with an account."""
    made = new_service_under_test(tmp_path, f"sqlite:///{tmp_path}/issuer.db")
    make(made, "auditor", "one")
    yield made
    made.core.close()


def account_of(session: Session) -> str:
    """The id of the one account."""
    found: str = session.execute(text("SELECT id FROM accounts")).scalar_one()
    return found


def test_what_is_read_together_is_one_transaction(issuing_service: ServiceUnderTest) -> None:
    database, begun = issuing_service.core.database, list[object]()
    event.listen(database.engine, "begin", begun.append)

    def work() -> tuple[str, str]:
        return database.read(account_of), database.read(account_of)

    one, two = database.read_together(work)
    assert one == two
    assert len(begun) == 1
    database.read(account_of)
    assert len(begun) == 2


def test_reading_together_within_another_is_part_of_it(issuing_service: ServiceUnderTest) -> None:
    """Its end ends nothing: what is read afterwards is the same transaction, and what is written still waits."""
    database, begun, written = issuing_service.core.database, list[object](), list[object]()
    event.listen(database.engine, "begin", begun.append)

    def work() -> None:
        database.read_together(lambda: database.read(account_of))
        database.read(account_of)
        database.after_reading(lambda: written.append(len(begun)))
        assert written == []

    database.read_together(work)
    assert written == [1]


def test_nothing_is_written_while_a_thread_reads_together(issuing_service: ServiceUnderTest) -> None:
    """A write waits until the reading is over, also where that fails; one within it is a fault of the code."""
    database, written = issuing_service.core.database, list[object]()

    def note() -> None:
        written.append(database.transact(account_of))

    def asks_first() -> None:
        database.after_reading(note)
        assert written == []
        raise StateError("session.unknown")

    with pytest.raises(StateError, match="unknown"):
        database.read_together(asks_first)
    assert len(written) == 1
    with pytest.raises(RuntimeError, match="nothing is written"):
        database.read_together(lambda: database.transact(account_of))
    database.after_reading(note)
    assert len(written) == 2


def test_a_row_that_was_changed_is_refused_and_noted(issuing_service: ServiceUnderTest) -> None:
    """By one row, as by objects: also where it is read together with others."""
    core = issuing_service.core
    account_id = core.database.read(account_of)
    person_id = core.database.read(lambda session: session.get_one(Account, account_id).person_id)
    found = core.database.read(lambda session: checked_row(session, Account, id=account_id))
    assert found is not None
    assert (found.person_id, found.role) == (person_id, "auditor")
    assert core.database.read(lambda session: checked_row(session, Person, id="0" * 32)) is None
    core.database.transact(lambda session: session.execute(text("UPDATE accounts SET role = 'system_admin'")) and None)

    def look() -> object:
        return core.database.read(lambda session: checked_row(session, Account, id=account_id))

    with pytest.raises(StateError) as fault:
        core.database.read_together(look)
    assert (fault.value.code, fault.value.path) == ("at_rest.altered", "accounts")
    assert core.altered.remaining(core.database) == [("accounts", account_id)]
