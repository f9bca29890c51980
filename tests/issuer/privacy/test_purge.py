"""A purge takes what is no longer kept out of tables and files, keeps what the law keeps, and the chain stays whole."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from icard_crypto.errors import StateError
from issuer import cards
from issuer.accounts.directory import close_account
from issuer.accounts.models import Account, Person
from issuer.audit.models import AuditDetail, AuditRow
from issuer.audit.verify import verify
from issuer.cards.models import CardRow, CodeRow
from issuer.insurance.models import InsuranceFact, InsuredPerson
from issuer.insurance.registration import end_work
from issuer.notices.models import NoticeRow, Outbox
from issuer.privacy import requests
from issuer.privacy.export import export_of
from issuer.privacy.purge import purge_due, purge_person
from tests.issuer.privacy.test_own_data import Town
from tests.kit.people import HOST, count, make, new_house

DAY = 86_400
YEAR = 366 * DAY


@pytest.fixture
def town(tmp_path: Path, database_url: str) -> Town:
    return Town(new_house(tmp_path, database_url, keys=True))


def sealed_bytes(town: Town) -> dict[str, bytes]:
    """What stands sealed about the holder, by where it stands."""

    def look(session: Session) -> dict[str, bytes]:
        found = {"card": session.get_one(CardRow, town.card_id).record}
        found["account"] = session.get_one(Account, town.holder.account_id).record
        for code in session.scalars(select(CodeRow).where(CodeRow.card_id == town.card_id)):
            assert code.cose is not None
            found[f"code {code.profile}"] = code.cose
        for notice in session.scalars(select(NoticeRow).where(NoticeRow.account_id == town.holder.account_id)):
            found[f"notice {notice.id}"] = notice.facts
        for letter in session.scalars(select(Outbox).where(Outbox.account_id == town.holder.account_id)):
            found[f"letter {letter.id}"] = letter.body
        return found

    return town.core.database.read(look)


def in_files(folder: Path, wanted: dict[str, bytes]) -> list[str]:
    """Which of them are found in the database's files."""
    content = b"".join(path.read_bytes() for path in folder.glob("issuer.db*"))
    assert content
    return [name for name, value in wanted.items() if value in content]


def ended(town: Town) -> None:
    """The card is withdrawn and the account closed."""
    cards.revoke(town.core, town.card_id, HOST)
    admin = make(town.house, "administrator", "admin")
    close_account(town.core, admin.who(), town.holder.account_id)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_details_are_gone_from_the_files_and_what_the_law_keeps_is_kept_and_said(town: Town, tmp_path: Path) -> None:
    before = sealed_bytes(town)
    codes = count(town.core, CodeRow)
    ended(town)
    done = purge_person(town.core, town.person_id, HOST)
    # The account is closed; card and permit have years to go, the insurance a hundred.
    assert {one.category: one.reason for one in done.kept} == {"card": "own_rule", "insurance": "in_force"}
    town.house.later(4 * YEAR)
    done = purge_person(town.core, town.person_id, HOST)
    assert [one.category for one in done.kept] == ["insurance"]
    assert done.rows["codes"] == 3
    assert done.details > 0
    assert not done.person
    assert in_files(tmp_path, before) == []
    report = verify(town.core)
    assert (report.faults, report.altered) == ([], [])
    rows = count(town.core, AuditRow)
    assert report.rows == rows
    assert count(town.core, CodeRow) == codes
    # The insurance is in force: whole, and found by its number.
    assert count(town.core, InsuredPerson) == 1
    assert town.core.database.read(lambda session: session.get_one(Person, town.person_id)).record
    again = purge_person(town.core, town.person_id, HOST)
    assert (again.rows, again.details, again.person) == ({}, 0, False)
    with pytest.raises(StateError) as caught:
        cards.show(town.core, town.card_id)
    assert caught.value.code == "issue.no_card"
    town.core.close()


def test_everything_goes_once_nothing_is_kept(town: Town) -> None:
    made = requests.ask(town.core, town.holder.who(), "deletion", "account", "All of it.")
    requests.withdraw(town.core, town.holder.who(), made)
    export_of(town.core, town.holder.who())
    end_work(town.core, town.employer.who(), town.person_id, None, town.today() - timedelta(days=1))
    ended(town)
    town.house.later(4 * YEAR)
    done = purge_person(town.core, town.person_id, HOST)
    assert {one.category: one.reason for one in done.kept} == {"insurance": "law"}
    assert (done.kept[0].until is not None, done.person) == (True, False)
    town.house.later(101 * YEAR)
    assert purge_due(town.core, HOST)[1] >= 1
    person = town.core.database.read(lambda session: session.get_one(Person, town.person_id))
    assert person.identity_key is None
    for table in (InsuredPerson, InsuranceFact):
        assert count(town.core, table) == 0
    assert verify(town.core).faults == []
    town.core.close()


def test_details_that_somebody_else_deletes_are_still_found(town: Town) -> None:
    ended(town)
    town.house.later(4 * YEAR)
    purge_person(town.core, town.person_id, HOST)
    last = town.core.database.read(lambda session: session.scalar(select(func.max(AuditDetail.seq))))
    doomed = select(func.max(AuditDetail.seq)).where(AuditDetail.seq < last).scalar_subquery()
    town.core.database.transact(
        lambda session: session.execute(delete(AuditDetail).where(AuditDetail.seq == doomed)) and None
    )
    assert "audit.details_missing" in [fault.code for fault in verify(town.core).faults]
    town.core.close()
