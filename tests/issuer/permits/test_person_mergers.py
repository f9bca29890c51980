"""Two records of one human being: merged by two officers, on record, and split again."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from issuer.accounts.models import Account, Person
from issuer.cards.models import CardParty
from issuer.db.base import Base
from issuer.insurance import registration
from issuer.permits.models import Filing, Permit, PersonDocument
from issuer.permits.person_mergers import _references
from tests.kit.callers import problem
from tests.kit.insured import new_registration
from tests.kit.people import Somebody, make
from tests.kit.permit_office import PermitOffice, person_record

pytestmark = pytest.mark.slow


def asked(office: PermitOffice, permit: dict[str, Any], **other: str) -> Any:
    return office.asked("person.merge", {"permit_id": permit["permit_id"], **other})


def merged(office: PermitOffice, permit: dict[str, Any], **other: str) -> dict[str, Any]:
    """Two officers merge; the merger as it is shown."""
    request = asked(office, permit, **other)
    assert request.status_code == 201, request.text
    answer = office.confirmed(request.json()["confirmation_id"])
    assert answer.status_code == 200, answer.text
    return mergers(office, permit)[0]


def split(office: PermitOffice, permit: dict[str, Any], merger: dict[str, Any]) -> Any:
    arguments = {"permit_id": permit["permit_id"], "merger_id": merger["merger_id"]}
    request = office.asked("person.split", arguments)
    return office.confirmed(request.json()["confirmation_id"]) if request.status_code == 201 else request


def mergers(office: PermitOffice, permit: dict[str, Any], by: Somebody | None = None) -> list[dict[str, Any]]:
    answer = office.ask(by or office.officer, "GET", f"/v1/permits/{permit['permit_id']}/mergers")
    assert answer.status_code == 200, answer.text
    return list(answer.json())


def kinds(office: PermitOffice, somebody: Somebody) -> list[str]:
    return [one["kind"] for one in office.ok(somebody, "GET", "/v1/notices")["items"]]


def test_application_under_a_mistyped_passport_goes_to_the_person_and_back(office: PermitOffice) -> None:
    """The holder sees it after the merger and not after the split; the codes stay valid throughout."""
    permit = office.employed(1)
    holder, code = office.holder(permit), office.code(permit, "work")
    filing_id = office.filed("overseas", person_record(office.today, 2))
    path = f"/v1/filings/{filing_id}"
    assert office.ask(holder, "GET", path).status_code == 404
    merger = merged(office, permit, filing_id=filing_id)
    assert merger == {
        "merger_id": merger["merger_id"],
        "state": "merged",
        "merged_on": office.today.isoformat(),
        "split_on": None,
        "moved": {"filings": 1, "person_documents": 1},
    }
    assert office.ok(holder, "GET", path)["state"] == "SUBMITTED"
    assert office.permit(permit["permit_id"])["name"] == permit["name"], "a mistyped passport is on no card"
    assert "person.merged" in kinds(office, holder)
    other = office.another_employer(7)
    again = office.draft("overseas", person_record(office.today, 2), other)
    refused = office.move(other, again, "submit").json()["errors"]
    assert [one["code"] for one in refused] == ["filing.other_employer"], "both passports are one person's"
    assert office.verdict(code) == ["VALID"]
    assert [one["state"] for one in mergers(office, permit, holder)] == ["merged"]

    assert split(office, permit, merger).status_code == 200
    assert office.ask(holder, "GET", path).status_code == 404
    assert office.moved(office.officer, filing_id, "pre-review")["state"] == "PRE_REVIEWED"
    documents = office.core.database.read(lambda session: session.scalars(select(PersonDocument)).all())
    assert [one.kind for one in documents] == ["passport"] * 2, "each record has its own again"
    assert "person.split" in kinds(office, holder)
    assert [one["state"] for one in mergers(office, permit)] == ["split"]
    assert problem(split(office, permit, merger)) == (409, "person.split")
    assert office.verdict(code) == ["VALID"]


def test_what_came_after_a_merger_stays_with_the_record_that_it_came_to(office: PermitOffice) -> None:
    permit = office.employed(1)
    filing_id = office.filed("overseas", person_record(office.today, 2))
    merger = merged(office, permit, filing_id=filing_id)
    later = office.filed("short", person_record(office.today, 2))
    split(office, permit, merger)
    of = office.core.database.read(
        lambda session: {row.id: row.person_id for row in session.scalars(select(Filing))},
    )
    owner = office.core.database.read(lambda session: session.get_one(Permit, permit["permit_id"]).person_id)
    assert (of[later], of[filing_id] == owner) == (owner, False)


def insured(office: PermitOffice, number: int) -> str:
    """Somebody whom an officer registered under a passport that no permit has."""
    officer = make(office.issuing_service, "insurance_officer", f"insurance.{number}")
    return registration.register(
        office.core, officer.who(), new_registration(number, employer_id=office.employer_id)
    ).person_id


def test_merger_is_not_split_while_a_later_one_holds_what_it_moved(office: PermitOffice) -> None:
    """Its rows are the later merger's by then: a split that found none of them would be on record as done, and what it
    moved would stay with another person once the later one is taken back."""
    over, permit = (office.employed(number, birth="1988-05-01") for number in (1, 2))
    office.ended(over, "dead.death")

    def passports() -> dict[str, str]:
        rows = office.core.database.read(lambda session: session.scalars(select(PersonDocument)).all())
        return {row.id: row.person_id for row in rows}

    before = passports()
    first = merged(office, permit, other_permit_id=over["permit_id"])
    second = merged(office, permit, person_id=insured(office, 9))
    assert problem(split(office, over, first)) == (409, "person.merged_on")
    assert split(office, permit, second).status_code == 200
    assert split(office, over, first).status_code == 200
    assert before.items() <= passports().items()


def test_insured_record_stays_and_gets_permit_card_and_account(office: PermitOffice) -> None:
    permit = office.employed(1, birth="1988-05-01")
    holder, code = office.holder(permit), office.code(permit, "work")
    person_id = insured(office, 3)
    merger = merged(office, permit, person_id=person_id)
    assert merger["moved"].keys() >= {"permits", "card_parties", "accounts", "person_documents"}

    def look(session: Any) -> list[str | None]:
        return [
            session.get_one(Permit, permit["permit_id"]).person_id,
            session.get_one(CardParty, permit["card_id"]).holder_id,
            session.get_one(Account, holder.account_id).person_id,
        ]

    assert office.core.database.read(look) == [person_id] * 3
    assert office.ok(holder, "GET", f"/v1/permits/{permit['permit_id']}")["number"] == permit["number"]
    assert office.ask(holder, "GET", f"/v1/insurance/people/{person_id}").status_code == 200
    assert office.verdict(code)[0] in ("VALID", "replaced")
    split(office, permit, merger)
    assert person_id not in office.core.database.read(look)


def test_merger_is_refused(office: PermitOffice) -> None:
    permit, other = office.employed(1), office.employed(2)
    born = office.employed(3, birth="1979-02-03")
    filing_id = office.filed("overseas", person_record(office.today, 4, birth="1979-02-03"))
    about = {"process": "cancellation", "permit_id": other["permit_id"]}
    draft = office.ok(office.employer, "POST", "/v1/filings", about)["filing_id"]
    unknown = "0" * 32
    assert problem(asked(office, permit)) == (422, "person.which")
    assert problem(asked(office, permit, filing_id=filing_id, person_id=unknown)) == (422, "person.which")
    assert problem(asked(office, permit, other_permit_id=permit["permit_id"])) == (409, "person.same")
    assert problem(asked(office, permit, filing_id=filing_id)) == (409, "person.birth")
    assert problem(asked(office, permit, filing_id=draft)) == (404, "filing.none"), "its filer's alone"
    assert problem(asked(office, permit, other_permit_id=born["permit_id"])) == (409, "person.birth")
    assert problem(asked(office, permit, other_permit_id=other["permit_id"])) == (409, "person.permit_live")
    assert problem(asked(office, permit, person_id=office.head.person_id)) == (409, "person.official")
    for name, code in (("person_id", "person.none"), ("filing_id", "filing.none"), ("other_permit_id", "permit.none")):
        assert problem(asked(office, permit, **{name: unknown})) == (404, code)
    office.ended(other, "dead.death")
    request = asked(office, permit, other_permit_id=other["permit_id"]).json()["confirmation_id"]
    assert problem(office.confirmed(request, office.officer)) == (403, "confirm.same_person")
    assert office.confirmed(request).status_code == 200, "an ended permit stays where it is"
    ended = office.permit(other["permit_id"])
    assert (ended["state"], ended["name"]) == ("DEAD", permit["name"]), "its passport is with the other record"
    assert problem(split(office, born, mergers(office, permit)[0])) == (404, "person.no_merger")


def test_nobody_merges_or_splits_their_own_record_whichever_of_the_two_it_is(office: PermitOffice) -> None:
    """An officer has the passport of the record that the request names second: they neither ask nor decide."""
    permit = office.employed(1)
    told = person_record(office.today, 2)
    filing_id = office.filed("overseas", told)
    first, second = (make(office.issuing_service, "administrator", name) for name in ("adm.one", "adm.two"))
    third = make(office.issuing_service, "permit_officer", "officer.three")
    office.join(third)
    office.issuing_service.later()
    note = {"account_id": office.officer.account_id, "nationality": told["nationality"], "number": told["passport"]}
    noted = office.asked("account.passport", note, first).json()["confirmation_id"]
    assert office.confirmed(noted, second).status_code == 200
    office.issuing_service.later()

    assert problem(asked(office, permit, filing_id=filing_id)) == (403, "account.self")
    about = {"permit_id": permit["permit_id"], "filing_id": filing_id}
    request = office.asked("person.merge", about, office.second).json()["confirmation_id"]
    assert problem(office.confirmed(request, office.officer)) == (403, "account.self")
    refused = office.ask(office.officer, "POST", f"/v1/confirmations/{request}/refuse")
    assert problem(refused) == (403, "account.self")
    assert office.confirmed(request, third).status_code == 200
    assert problem(split(office, permit, mergers(office, permit)[0])) == (403, "account.self")


def test_record_of_a_region_that_neither_officer_serves_is_not_merged(office: PermitOffice) -> None:
    permit = office.employed(1)
    filing_id = office.filed("overseas", person_record(office.today, 2))

    def lies_in(region: str) -> None:
        def move(session: Any) -> None:
            session.get_one(Filing, filing_id).region = region

        office.core.database.transact(move)

    lies_in("440305")
    request = asked(office, permit, filing_id=filing_id).json()["confirmation_id"]
    assert problem(office.confirmed(request)) == (403, "office.neither")
    lies_in("310115")
    assert office.confirmed(request).status_code == 200


def test_records_of_two_regions_are_merged_and_split_by_an_officer_of_each(office: PermitOffice) -> None:
    """Also where the other record is named by its person and has an application alone."""
    far = office.officer_elsewhere("440000")
    office.issuing_service.later()
    permit = office.employed(1)
    filing_id = office.filed("overseas", person_record(office.today, 2))

    def move(session: Any) -> str:
        filing = session.get_one(Filing, filing_id)
        filing.region = "440305"
        return str(filing.person_id)

    person_id = office.core.database.transact(move)
    request = asked(office, permit, person_id=person_id).json()["confirmation_id"]
    wanted = ["confirmation.wanted" in kinds(office, one) for one in (office.second, far)]
    assert wanted == [False, True], "whoever can confirm"
    assert problem(office.confirmed(request)) == (403, "office.neither")
    assert office.confirmed(request, far).status_code == 200
    (merger,) = mergers(office, permit)
    arguments = {"permit_id": permit["permit_id"], "merger_id": merger["merger_id"]}
    request = office.asked("person.split", arguments).json()["confirmation_id"]
    assert problem(office.confirmed(request)) == (403, "office.neither"), "as it was merged"
    assert office.confirmed(request, far).status_code == 200
    about = {"permit_id": permit["permit_id"], "person_id": person_id}
    stranger = office.officer_elsewhere("110000")
    assert problem(office.asked("person.merge", about, stranger)) == (404, "permit.none")


def test_closed_account_of_one_record_refuses_no_merger(office: PermitOffice) -> None:
    """The record that stays has the identity of the account in use; the split puts both back where they were."""
    permit = office.employed(1)
    closed, other = office.holder(permit), make(office.issuing_service, "holder", "holder.other")
    filing_id = office.filed("overseas", person_record(office.today, 2))

    def bind(session: Any) -> str:
        found = str(session.get_one(Filing, filing_id).person_id)
        session.get_one(Account, other.account_id).person_id = found
        for person_id, digit in ((closed.person_id, "1"), (found, "2")):
            session.get_one(Person, person_id).identity_key = digit * 64
        return found

    absorbed = office.core.database.transact(bind)

    def identities() -> list[str | None]:
        persons = (closed.person_id, absorbed)
        return office.core.database.read(lambda session: [session.get_one(Person, one).identity_key for one in persons])

    assert problem(asked(office, permit, filing_id=filing_id)) == (409, "person.accounts")
    path = f"/v1/accounts/{closed.account_id}"
    version = office.ask(office.admin, "GET", path).headers["etag"]
    assert office.ask(office.admin, "POST", f"{path}/close", version=version).status_code < 300
    merger = merged(office, permit, filing_id=filing_id)
    assert identities() == ["2" * 64, "1" * 64]
    assert office.ok(other, "GET", f"/v1/permits/{permit['permit_id']}")["number"] == permit["number"]
    assert split(office, permit, merger).status_code == 200
    assert identities() == ["1" * 64, "2" * 64]


def test_every_column_that_names_a_person_moves_or_is_known_to_stay() -> None:
    """A new table is covered without a word here; what stays is insurance's own key and evidence."""
    moving = {(one.class_.__tablename__, one.key) for one in _references()}
    naming = {
        (table.name, column.name)
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if any(key.target_fullname == "persons.id" for key in column.foreign_keys)
    }
    assert naming - moving == {
        ("insured_persons", "person_id"),
        ("online_lookups", "person_id"),
        ("person_mergers", "kept_id"),
        ("person_mergers", "absorbed_id"),
    }
    assert {("permits", "person_id"), ("accounts", "person_id"), ("card_parties", "holder_id")} <= moving
    assert Person.__tablename__ not in {table for table, _ in moving}
    assert PersonDocument.__tablename__ in {table for table, _ in moving}
