"""What a locked account holds up, and what not."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from icard_crypto.errors import Conflict
from issuer.accounts import changes, directory
from issuer.accounts.changes import locked_account
from issuer.accounts.models import Account
from tests.kit.people import ServiceUnderTest, make


def test_row_that_names_a_locked_account_can_be_written_meanwhile(issuing_service: ServiceUnderTest) -> None:
    """A notice to an officer whose own request is under way waits for nothing: two officers who asked and confirmed
    waited for each other, second after second."""
    database = issuing_service.core.database
    if database.is_sqlite:
        pytest.skip("SQLite has one writer")
    account_id = make(issuing_service, "permit_officer", "officer").account_id

    def held(session: Session) -> int:
        locked_account(session, account_id)
        with database.engine.connect() as other:
            other.execute(text("SET LOCAL lock_timeout = '2s'"))
            # What a foreign key asks for when a row that has it is written.
            named = text("SELECT count(*) FROM (SELECT id FROM accounts WHERE id = :id FOR KEY SHARE) AS named")
            return int(other.execute(named, {"id": account_id}).scalar_one())

    assert database.transact(held, settled=lambda session: None) == 1


def test_account_that_a_merger_gives_to_another_person_meanwhile_stays_as_it_is(
    issuing_service: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was decided about one person changes nothing of another's."""
    admin = make(issuing_service, "administrator", "admin")
    holder, other = (make(issuing_service, "holder", name) for name in ("zhang", "wang"))

    def merged(session: Session, account_id: str) -> Account:
        session.get_one(Account, account_id).person_id = other.person_id
        session.flush()
        return locked_account(session, account_id)

    monkeypatch.setattr(changes, "locked_account", merged)
    with pytest.raises(Conflict) as fault:
        directory.close_account(issuing_service.core, admin.who(), holder.account_id)
    assert fault.value.code == "account.changed"
