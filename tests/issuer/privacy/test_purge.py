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
from issuer.core import Core
from issuer.delivery import webhooks
from issuer.insurance.models import InsuranceFact, InsuredPerson
from issuer.insurance.registration import end_work
from issuer.notices.models import NoticeRow, Outbox
from issuer.privacy import requests
from issuer.privacy.export import export_of
from issuer.privacy.holdings import HOLDINGS
from issuer.privacy.purge import purge_due, purge_person
from issuer.privacy.subject_rows import rows_of, subject_of
from issuer.publication.export import export
from issuer.publication.publish import publish
from tests.issuer.privacy.test_own_data import Town
from tests.kit.insured import registration_body
from tests.kit.people import HOST, count, make, new_service_under_test
from tests.kit.permit_office import PermitOffice, person_record
from tests.kit.uploaded import pdf

DAY = 86_400
YEAR = 366 * DAY


@pytest.fixture
def town(tmp_path: Path, database_url: str) -> Town:
    return Town(new_service_under_test(tmp_path, database_url, keys=True))


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
    admin = make(town.issuing_service, "administrator", "admin")
    close_account(town.core, admin.who(), town.holder.account_id)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_details_are_gone_from_the_files_and_what_the_law_keeps_is_kept_and_said(town: Town, tmp_path: Path) -> None:
    before = sealed_bytes(town)
    codes = count(town.core, CodeRow)
    ended(town)
    done = purge_person(town.core, town.person_id, HOST)
    # The account is closed; card and permit have years to go, the insurance a hundred.
    assert {one.category: one.reason for one in done.kept} == {"card": "own_rule", "insurance": "in_force"}
    town.issuing_service.later(4 * YEAR)
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
    town.issuing_service.later(4 * YEAR)
    done = purge_person(town.core, town.person_id, HOST)
    assert {one.category: one.reason for one in done.kept} == {"insurance": "law"}
    assert (done.kept[0].until is not None, done.person) == (True, False)
    town.issuing_service.later(101 * YEAR)
    assert purge_due(town.core, HOST)[1] >= 1
    person = town.core.database.read(lambda session: session.get_one(Person, town.person_id))
    assert person.identity_key is None
    for table in (InsuredPerson, InsuranceFact):
        assert count(town.core, table) == 0
    assert verify(town.core).faults == []
    town.core.close()


def test_details_that_somebody_else_deletes_are_still_found(town: Town) -> None:
    ended(town)
    town.issuing_service.later(4 * YEAR)
    purge_person(town.core, town.person_id, HOST)
    last = town.core.database.read(lambda session: session.scalar(select(func.max(AuditDetail.seq))))
    doomed = select(func.max(AuditDetail.seq)).where(AuditDetail.seq < last).scalar_subquery()
    town.core.database.transact(
        lambda session: session.execute(delete(AuditDetail).where(AuditDetail.seq == doomed)) and None
    )
    assert "audit.details_missing" in [fault.code for fault in verify(town.core).faults]
    town.core.close()


#: Columns with the keyed hash of something by which a person could be found.
_HASHES = frozenset({"digest", "finding_key", "identity_key", "login_key", "number_key", "permit_key"})


def held(core: Core, person_id: str) -> dict[str, bytes]:
    """Everything sealed, and every keyed hash, in the rows about a person and in the files of their papers."""

    def look(session: Session) -> dict[str, bytes]:
        found = {}
        subject = subject_of(session, person_id)
        for holding in HOLDINGS:
            for row in rows_of(session, holding, subject):
                for name in {*holding.sealed, *(_HASHES & set(row.__table__.columns.keys()))}:
                    value = getattr(row, name)
                    if value is not None:
                        place = f"{row.__tablename__}.{name}.{getattr(row, holding.key)}"
                        found[place] = value if isinstance(value, bytes) else str(value).encode()
        return found

    papers = {str(path): path.read_bytes() for path in core.settings.uploads_path.glob("*/*")}
    return {**core.database.read(look), **papers}


@pytest.mark.slow
def test_nothing_sealed_is_left_of_permit_papers_and_insurance_in_any_file(tmp_path: Path) -> None:
    """Database, papers, published tree and outbox of somebody about whom no law keeps anything any more."""
    office = PermitOffice.begin(tmp_path, f"sqlite:///{tmp_path / 'issuer.db'}")
    core, record = office.core, person_record(office.today)
    filing_id = office.draft("in_country", record)
    office.ok(office.employer, "POST", f"/v1/files/{filing_id}/M04", pdf())
    for step in ("submit", "pre-review"):
        office.moved(office.employer if step == "submit" else office.officer, filing_id, step)
    office.verify_papers(filing_id)
    office.moved(office.officer, filing_id, "accept")
    approved = office.moved(office.officer, filing_id, "approve", {"category": record["category"]})
    permit = office.permit(approved["permit_id"])
    holder = office.holder(permit)
    webhooks.add(core, holder.account_id, "https://hooks.example/icard", "a test")
    day = office.today.isoformat()
    same = {"surname": record["surname"], "given": record["given"], "passport": record["passport"]}
    told = registration_body(1, **same, born=record["birth"], obtained=day, began=day, basis_until=None)
    person_id = office.ok(office.employer, "POST", "/v1/insurance/registrations", told, key="a" * 20)["person_id"]
    assert person_id == holder.person_id
    paper = {"country": "DEU", "number": "D-1", "schemes": ["pension"], "first": day, "last": "2031-02-28",
             "surname": record["surname"], "given": record["given"]}  # fmt: skip
    office.ok(office.employer, "POST", f"/v1/insurance/people/{person_id}/certificates", paper, key="b" * 20)
    publish(core)
    export(core, tmp_path / "tree")
    before = held(core, person_id)
    tables = {place.partition(".")[0] for place in before}
    assert {"filings", "permits", "permit_terms", "person_documents", "cards", "codes", "outbox", "notices"} <= tables
    assert {"insured_persons", "insurance_facts", "papers", "uploads", "accounts"} <= tables
    assert any(str(core.settings.uploads_path) in place for place in before)
    assert found_in(tmp_path, before) == set(before)
    office.ended(permit, "dead.death")
    office.ok(office.employer, "POST", f"/v1/insurance/people/{person_id}/end", {"day": day})
    before |= {f"{place}, later": value for place, value in held(core, person_id).items()}
    close_account(core, office.admin.who(), holder.account_id)
    office.issuing_service.later(120 * YEAR)
    done = purge_person(core, person_id, HOST)
    assert done.kept == ()
    assert found_in(tmp_path, before) == set()
    assert list(core.settings.uploads_path.glob("*/*")) == []
    assert (verify(core).faults, verify(core).altered) == ([], [])
    core.close()


def found_in(folder: Path, wanted: dict[str, bytes]) -> set[str]:
    """Which of these stand in any file below a folder."""
    content = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    return {name for name, value in wanted.items() if value in content}
