"""Registration, certificates, the books and the cards that follow, on both databases."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from icard_crypto.errors import StateError
from issuer import cards
from issuer.accounts.models import Account
from issuer.acts import Actor
from issuer.audit.models import Read
from issuer.bulk.refusals import refusals
from issuer.bulk.rows import Source
from issuer.cards import NewCard
from issuer.cards.models import CardRow, CodeRow
from issuer.insurance import views
from issuer.insurance.answering import answer_finding
from issuer.insurance.books import record, take_back
from issuer.insurance.certificates import NewCertificate, add_certificate
from issuer.insurance.claim_stops import stop_claims_for
from issuer.insurance.departure import choose, record_death
from issuer.insurance.eligibility import benefit_of
from issuer.insurance.identity import record_passport
from issuer.insurance.imports import import_file
from issuer.insurance.lapses import follow_due
from issuer.insurance.models import InsuranceEntry, InsuredPerson
from issuer.insurance.new_entries import entry_from
from issuer.insurance.overview import as_csv, employer_overview
from issuer.insurance.registration import end_work, register
from issuer.insurance.schemes import ALL, Scheme, schemes_of
from issuer.insurance.service_grants import grant_service
from issuer.permits.people import passport_of, person_for
from issuer.permits.people import record_passport as put_on_record
from issuer.permits.records import FilingRecord
from issuer.service.app import make_service
from tests.issuer.insurance.conftest import Agency
from tests.kit.callers import by_session
from tests.kit.insured import new_registration, registration_body
from tests.kit.issuing_service import person
from tests.kit.people import Somebody, credit_code, make, organisation
from verifier.runtime.http import Drain

BY = Actor("host:test", "a test", break_glass=True)
P, M, U, W, Y = Scheme
#: 30,000 yuan in Shanghai in 2026: no rates are known there, so any payment counts.
SCHEMES = ("pension", "medical", "unemployment", "work_injury")


def entry(agency: Agency, number: str, month: str, scheme: str = "pension", **changes: Any) -> dict[str, str]:
    """A row for the books, as a program tells it."""
    values = {
        "number": number,
        "employer_code": agency.code_of(agency.employer_id),
        "kind": "paid",
        "month": month,
        "scheme": scheme,
        "employer_part": "4800.00",
        "employee_part": "2400.00",
        "day": "2026-11-20",
    }
    return {**values, **changes}


def registered(agency: Agency, number: int = 1, /, **changes: Any) -> tuple[str, str]:
    """Somebody whom the employer has registered: id and insurance number."""
    made = register(agency.core, agency.employer.who(), new_registration(number, **changes))
    view = views.show_insurance(agency.core, agency.officer.who(), made.person_id)
    assert view.number is not None
    return made.person_id, view.number


def pay(agency: Agency, number: str, *months: str, schemes: tuple[str, ...] = SCHEMES, **changes: Any) -> None:
    """Pay months in full."""
    rows = [entry_from(entry(agency, number, month, scheme, **changes)) for month in months for scheme in schemes]
    batch = f"{abs(hash((number, months, schemes, str(changes)))):032x}"
    record(agency.core, rows, BY, batch[:32])


def state(agency: Agency, person_id: str) -> tuple[str, str | None]:
    row = agency.core.database.read(lambda session: session.get_one(InsuredPerson, person_id))
    return row.state, row.lapsed_since


def values(agency: Agency, card_id: str) -> dict[int, int]:
    """The status entries of a card's codes by profile."""
    query = select(CodeRow.profile, CodeRow.value).where(CodeRow.card_id == card_id)
    rows = agency.core.database.read(lambda session: session.execute(query).all())
    return {row.profile: row.value for row in rows}


def code(work: Any) -> tuple[str, str | None]:
    with pytest.raises(StateError) as caught:
        work()
    return caught.value.code, caught.value.path


def test_registered_person_has_a_number_by_the_rule_and_five_schemes(agency: Agency) -> None:
    person_id, number = registered(agency)
    assert number == "DEU000000C00000001"
    view = views.show_insurance(agency.core, agency.inspector.who(), person_id)
    assert set(view.schemes.values()) == {"ENROLLED"}
    assert (view.region, view.number_regular, view.name) == ("310115", True, "Muster Erika")
    assert view.rules[0]["name"] == "insurance_duty/duty/310000/2021-08-16"
    own = views.show_insurance(agency.core, agency.employer.who(), person_id)
    assert (own.number, own.number_last4) == (None, "0001")


def test_agency_registers_for_its_client_and_not_for_others(agency: Agency) -> None:
    made = register(agency.core, agency.agency.who(), new_registration(1, employer_id=agency.employer_id))
    assert views.insured_people(agency.core, agency.agency.who()) == [made.person_id]
    refused = code(lambda: register(agency.core, agency.agency.who(), new_registration(2)))
    assert refused == ("insurance.employer", "employer_id")
    assert code(lambda: register(agency.core, agency.inspector.who(), new_registration(2)))[0] == "access.not_allowed"


def test_all_that_is_wrong_with_a_registration_is_named(agency: Agency) -> None:
    wrong = new_registration(1, surname="", region="999999", born=date(1880, 1, 1), wage="0.00", passport="?")
    with pytest.raises(StateError) as caught:
        register(agency.core, agency.agency.who(), wrong)
    paths = [one.path for one in (caught.value, *caught.value.also)]
    assert paths == ["passport", "surname", "region", "born", "wage", "employer_id"]
    asks = by_session(make_service(agency.core, Drain()), agency.employer.enter())
    body = registration_body(1, region="999999", wage="0.00")
    answer = asks("POST", "/v1/insurance/registrations", body)
    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.json()["errors"]] == ["/body/region", "/body/wage"]


def test_agency_names_its_client_by_the_credit_code(agency: Agency) -> None:
    """Another employer's code and one that nobody has are one answer, which leads to the column."""
    organisation(agency.issuing_service, "employer", 9)
    own = agency.code_of(agency.employer_id)
    made = register(agency.core, agency.agency.who(), new_registration(1, employer_code=f" {own.lower()} "))
    assert views.insured_people(agency.core, agency.agency.who()) == [made.person_id]
    for other in (credit_code(9), credit_code(99), agency.code_of(agency.agency_id), "x"):
        new = new_registration(2, employer_code=other)
        assert code(partial(register, agency.core, agency.agency.who(), new)) == ("insurance.employer", "employer_code")


def test_new_passport_is_the_same_person_with_the_same_number(agency: Agency) -> None:
    person_id, number = registered(agency)
    record_passport(agency.core, agency.employer.who(), person_id, "DEU", "N 1234-567", None)
    end_work(agency.core, agency.employer.who(), person_id, None, date(2026, 10, 31))
    again = register(
        agency.core, agency.employer.who(), new_registration(1, passport="N1234567", began=date(2026, 11, 2))
    )
    assert again.person_id == person_id
    assert views.show_insurance(agency.core, agency.officer.who(), person_id).number == number
    other, _ = registered(agency, 7)
    taken = code(lambda: record_passport(agency.core, agency.employer.who(), other, "DEU", "N1234567", None))
    assert taken == ("insurance.document_taken", "passport")


def test_two_people_never_have_one_number(agency: Agency) -> None:
    _, number = registered(agency)
    for changes, wanted in (
        ({"number": number}, "insurance.other_person"),
        ({"number": number, "given": "Erika", "born": date(1990, 1, 1)}, "insurance.other_person"),
    ):
        told = new_registration(5, **{"surname": "Other", **changes})
        assert code(lambda told=told: register(agency.core, agency.employer.who(), told))[0] == wanted
    odd, assigned = registered(agency, 8, number="310000198805011234567")
    assert assigned == "310000198805011234567"
    assert views.show_insurance(agency.core, agency.officer.who(), odd).number_regular is False
    second = new_registration(8, number="DEU000000C00000099", began=date(2026, 4, 1))
    end_work(agency.core, agency.employer.who(), odd, None, date(2026, 3, 31))
    assert code(lambda: register(agency.core, agency.employer.who(), second))[0] == "insurance.other_number"


REFUSED: list[tuple[dict[str, Any], tuple[str, str]]] = [
    ({"nationality": "D"}, ("insurance.document", "nationality")),
    ({"passport": "!"}, ("insurance.document", "passport")),
    ({"surname": ""}, ("insurance.name", "surname")),
    ({"surname": "Mus\u202eter"}, ("insurance.name", "surname")),
    ({"region": "990000"}, ("insurance.region", "region")),
    ({"basis": "student"}, ("insurance.basis", "basis")),
    ({"began": date(2026, 11, 30)}, ("insurance.future", "began")),
    ({"obtained": date(1899, 12, 31)}, ("insurance.day", "obtained")),
    ({"born": date(2026, 3, 1)}, ("insurance.day", "born")),
    ({"basis_until": date(2026, 2, 1)}, ("insurance.day", "basis_until")),
    ({"wage": "-1"}, ("insurance.amount", "wage")),
    ({"wage": "0"}, ("insurance.amount", "wage")),
    ({"wage": "1.234"}, ("insurance.amount", "wage")),
    ({"wage": "99999999999"}, ("insurance.amount", "wage")),
    ({"injury_rate": "0.5"}, ("insurance.rate", "injury_rate")),
    ({"employer_id": "0" * 32}, ("insurance.employer", "employer_id")),
]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_cannot_be_is_refused_with_its_place(agency: Agency) -> None:
    who = agency.employer.who()
    for changes, wanted in REFUSED:
        new = new_registration(1, **changes)
        assert code(lambda new=new: register(agency.core, who, new)) == wanted
    count = select(func.count(InsuredPerson.person_id))
    assert agency.core.database.read(lambda session: session.scalar(count)) == 0


def test_employer_registers_a_person_once_while_the_work_goes_on(agency: Agency) -> None:
    registered(agency)
    again = code(lambda: register(agency.core, agency.employer.who(), new_registration(1)))
    assert again == ("insurance.registered", "employer_id")


def test_man_of_61_is_not_eligible_in_shanghai_and_does_not_lapse(agency: Agency) -> None:
    person_id, _ = registered(agency, born=date(1965, 3, 1), sex="male")
    view = views.show_insurance(agency.core, agency.officer.who(), person_id)
    assert set(view.schemes.values()) == {"not_eligible"}
    agency.issuing_service.later(400 * 86_400)
    follow_due(agency.core, BY)
    assert state(agency, person_id) == ("good", None)


def test_certificate_exempts_and_a_french_one_is_refused(agency: Agency) -> None:
    person_id, _ = registered(agency)
    new = NewCertificate("DEU", "posted", "D-1", P | U, date(2026, 3, 1), date(2031, 2, 28), "Muster", "Erika")
    _, answer = add_certificate(agency.core, agency.employer.who(), person_id, new)
    assert (answer.outcome, answer.reason) == ("accepted", "certificate_accepted")
    states = views.show_insurance(agency.core, agency.officer.who(), person_id).schemes
    assert {name for name, state in states.items() if state == "EXEMPT"} == {"pension", "unemployment"}
    assert {name for name, state in states.items() if state == "ENROLLED"} == {"medical", "work_injury", "maternity"}
    french = replace(new, country="FRA", number="F-1", first=date(2031, 3, 1), last=date(2032, 2, 29))
    fact_id, answer = add_certificate(agency.core, agency.employer.who(), person_id, french)
    assert (answer.outcome, answer.reason) == ("refused", "treaty_not_in_force")
    again = views.certificate_answer(agency.core, agency.employer.who(), person_id, fact_id)
    assert again.to_json() == answer.to_json()
    other = replace(new, number="D-2", surname="Other", first=date(2031, 3, 1), last=date(2032, 2, 29))
    assert add_certificate(agency.core, agency.employer.who(), person_id, other)[1].reason == "certificate_name"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_certificates_of_one_second_keep_the_reasons_that_they_were_given(
    agency: Agency, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is judged by those before it, whatever ids they have: here each has a smaller one."""
    person_id, _ = registered(agency)
    names = iter(range(10_000, 0, -1))
    monkeypatch.setattr("issuer.insurance.records.secrets.token_hex", lambda _: f"{next(names):032x}")
    new = NewCertificate("DEU", "posted", "D-1", P | U, date(2026, 3, 1), date(2031, 2, 28), "Muster", "Erika")
    handed = [new, replace(new, number="D-2"), replace(new, number="D-3", first=date(2031, 3, 1), extension=True,
                                                       last=date(2034, 2, 28))]  # fmt: skip
    made = [add_certificate(agency.core, agency.employer.who(), person_id, one) for one in handed]
    wanted = ["certificate_accepted", "certificate_overlaps", "certificate_accepted"]
    assert [answer.reason for _, answer in made] == wanted
    who = agency.employer.who()
    later = [views.certificate_answer(agency.core, who, person_id, fact_id) for fact_id, _ in made]
    assert [answer.reason for answer in later] == wanted


def test_lapse_turns_work_and_authority_codes_and_never_the_public_one(agency: Agency) -> None:
    """March to September paid, October not: lapsed on 1 December, good again once October is paid."""
    person_id, number = registered(agency)
    card_id = cards.issue(agency.core, [NewCard(person(1), holder=person_id)], BY)[0].card_id
    pay(agency, number, *(f"2026-{month:02d}" for month in range(3, 10)))
    assert state(agency, person_id) == ("good", None)
    assert values(agency, card_id) == {1: 0, 2: 0, 3: 0}
    agency.issuing_service.later(2 * 86_400)
    done = follow_due(agency.core, BY)
    assert (done.people, done.lapsed, done.restored) == (1, 1, 0)
    assert state(agency, person_id) == ("lapsed", "2026-12-01")
    assert values(agency, card_id) == {1: 0, 2: 13, 3: 13}
    # A part of what is due restores nothing.
    pay(agency, number, "2026-10", schemes=("pension", "medical"), day="2026-12-01")
    assert values(agency, card_id) == {1: 0, 2: 13, 3: 13}
    pay(agency, number, "2026-10", schemes=("unemployment", "work_injury"), day="2026-12-01")
    assert state(agency, person_id) == ("good", None)
    assert values(agency, card_id) == {1: 0, 2: 0, 3: 0}
    # Taking a payment back lapses again.
    entry_id = agency.core.database.read(
        lambda session: session.scalar(
            select(InsuranceEntry.id).where(InsuranceEntry.month == (2026 - 1970) * 12 + 9, InsuranceEntry.scheme == 2)
        )
    )
    assert entry_id is not None
    take_back(agency.core, person_id, entry_id, BY)
    assert values(agency, card_id) == {1: 0, 2: 13, 3: 13}
    assert code(lambda: take_back(agency.core, person_id, entry_id, BY))[0] == "insurance.corrected"


def test_time_alone_is_looked_at_once(agency: Agency) -> None:
    registered(agency)
    assert follow_due(agency.core, BY).people == 0
    agency.issuing_service.later(2 * 86_400)
    assert follow_due(agency.core, BY).people == 1
    assert follow_due(agency.core, BY).people == 0


def test_german_lapses_for_medical_alone(agency: Agency) -> None:
    person_id, number = registered(agency)
    new = NewCertificate("DEU", "posted", "D-1", P | U, date(2026, 3, 1), date(2031, 2, 28), "Muster", "Erika")
    add_certificate(agency.core, agency.employer.who(), person_id, new)
    months = [f"2026-{month:02d}" for month in range(3, 11)]
    pay(agency, number, *months, schemes=("work_injury",))
    assert state(agency, person_id)[0] == "lapsed"
    pay(agency, number, *months, schemes=("medical",))
    assert state(agency, person_id) == ("good", None)
    exempt = code(lambda: pay(agency, number, "2026-10", schemes=("pension",)))
    assert exempt == ("insurance.entry_exempt", "rows.0.scheme")


REFUSED_ROWS: list[tuple[dict[str, str], tuple[str, str]]] = [
    ({"number": "DEU000000XXXXXXXXX"}, ("insurance.none", "rows.0.number")),
    ({"employer_code": "91310000MA1FL0000N"}, ("insurance.employer", "rows.0.employer_code")),
    ({"month": "2026-02"}, ("insurance.entry_no_work", "rows.0.month")),
    ({"month": "2026-12"}, ("insurance.day", "rows.0.day")),
    ({"day": "2026-11-30"}, ("insurance.day", "rows.0.day")),
]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_row_that_cannot_be_is_refused_and_nothing_is_written(agency: Agency) -> None:
    _, number = registered(agency)
    for changes, wanted in REFUSED_ROWS:
        told = [{**entry(agency, number, "2026-03"), **changes}, entry(agency, number, "2026-04")]
        rows = [entry_from(row) for row in told]
        assert code(lambda rows=rows: record(agency.core, rows, BY, "0" * 32)) == wanted
    count = select(func.count(InsuranceEntry.id))
    assert agency.core.database.read(lambda session: session.scalar(count)) == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_refused_row_of_a_request_is_named_with_its_place(agency: Agency) -> None:
    """Rows that cannot be read and rows that the record refuses, all that is wrong with each; at most 200 faults."""
    _, number = registered(agency)
    good = entry(agency, number, "2026-03")
    unread = {**good, "month": "March", "day": "soon"}
    unknown = {**good, "number": "DEU000000XXXXXXXXX", "employer_code": "91310000MA1FL0000N"}
    officer = by_session(make_service(agency.core, Drain()), agency.officer.enter())
    refused = officer("POST", "/v1/insurance/contributions", {"rows": [good, unread, good, unknown]})
    found = refused.json()
    assert (refused.status_code, found["code"], found["found"]) == (422, "insurance.month", "3 of 4 rows refused")
    assert [(one["pointer"], one["code"]) for one in found["errors"]] == [
        ("/body/rows/1/month", "insurance.month"),
        ("/body/rows/1/day", "insurance.day"),
        ("/body/rows/2/month", "insurance.entry_twice"),
        ("/body/rows/3/number", "insurance.none"),
        ("/body/rows/3/employer_code", "insurance.employer"),
    ]
    many = officer("POST", "/v1/insurance/contributions", {"rows": [unknown] * 150}).json()
    assert (len(many["errors"]), many["found"]) == (200, "150 of 150 rows refused")
    count = select(func.count(InsuranceEntry.id))
    assert agency.core.database.read(lambda session: session.scalar(count)) == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_same_row_twice_is_refused_and_a_part_payment_is_not(agency: Agency) -> None:
    _, number = registered(agency)
    pay(agency, number, "2026-03", schemes=("pension",))
    twice = code(lambda: pay(agency, number, "2026-03", schemes=("pension",), kind="paid", day="2026-11-20"))
    assert twice == ("insurance.entry_twice", "rows.0.month")
    pay(agency, number, "2026-03", schemes=("pension",), day="2026-11-21")


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"kind": "gift"}, "kind"),
        ({"month": "March"}, "month"),
        ({"scheme": "housing"}, "schemes"),
        ({"employer_part": "1.234"}, "employer_part"),
        ({"employee_part": "-5"}, "employee_part"),
        ({"employer_part": "0", "employee_part": "0"}, "employer_part"),
        ({"day": "20261120"}, "day"),
        ({"day": "2026-02-30"}, "day"),
        ({"number": ""}, "number"),
        ({"extra": "x"}, "row"),
    ],
)
def test_row_in_another_form_is_refused(changes: dict[str, str], path: str) -> None:
    row = {"number": "1", "employer_code": "1", "kind": "paid", "month": "2026-03", "scheme": "pension"}
    row |= {"employer_part": "1.00", "employee_part": "1.00", "day": "2026-04-15", **changes}
    with pytest.raises(StateError) as caught:
        entry_from(row)
    assert caught.value.path == path


def test_all_fields_of_a_row_that_are_wrong_are_named() -> None:
    row = {"number": "1", "kind": "given", "month": "2026-13", "scheme": "luck"}
    with pytest.raises(StateError) as caught:
        entry_from({**row, "employer_part": "1.005", "employee_part": "", "day": "15.4.2026"})
    paths = [one.path for one in (caught.value, *caught.value.also)]
    assert paths[0] == "employer_code"
    assert set(paths) == {"employer_code", "kind", "month", "schemes", "employer_part", "employee_part", "day"}
    assert len(paths) == 7


def written(folder: Path, name: str, rows: list[dict[str, str]], extra: str = "") -> Source:
    """A CSV file of rows."""
    lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
    path = folder / name
    path.write_text("\n".join(lines) + "\n" + extra, "utf-8")
    return Source.of(path)


def test_file_is_written_once_with_its_refusals(agency: Agency, tmp_path: Path) -> None:
    """A sum row at the end, a month before work and an unknown number are refused; the same file again adds nothing."""
    people = [registered(agency, number) for number in (1, 2)]
    rows = [entry(agency, number, "2026-10", scheme) for _, number in people for scheme in SCHEMES]
    rows += [entry(agency, people[0][1], "2026-01"), entry(agency, "DEU000000ZZZZZZZZZ", "2026-10")]
    source = written(tmp_path, "rows.csv", rows, "Sum,,,,,72000.00,36000.00,\n")
    made = import_file(agency.core, source, BY)
    assert (made.done, made.refused, made.resumed) == (8, 3, False)
    assert made.followed.people == 2
    again = import_file(agency.core, source, BY)
    assert (again.done, again.refused, again.resumed, again.followed.people) == (8, 3, True, 0)
    faults = [(one.row, one.path) for one in refusals(agency.core, made.run_id)]
    assert faults[:3] == [(10, "month"), (11, "number"), (12, "day")]
    assert {path for _, path in faults[2:]} == {"day", "employer_code", "kind", "month", "scheme"}
    assert agency.core.database.read(lambda session: session.scalar(select(func.count(InsuranceEntry.id)))) == 8


def test_statement_shows_each_employer_its_own_months(agency: Agency) -> None:
    person_id, number = registered(agency)
    pay(agency, number, "2026-03", "2026-04", schemes=("pension",))
    for somebody in (agency.employer, agency.agency, agency.officer):
        found = views.statement(agency.core, somebody.who(), person_id, 2026)
        assert [(one.month, one.scheme, one.paid_employer, one.paid_employee) for one in found] == [
            ("2026-03", "pension", "4800.00", "2400.00"),
            ("2026-04", "pension", "4800.00", "2400.00"),
        ]
    assert views.statement(agency.core, agency.officer.who(), person_id, 2025) == []


def test_compliance_report_of_a_late_registration(agency: Agency) -> None:
    """Work since March, registered in late November: both clocks are missed; what is paid since is no finding."""
    person_id, number = registered(agency)
    pay(agency, number, *(f"2026-{month:02d}" for month in range(3, 11)))
    found, _ = views.compliance_of(agency.core, agency.inspector.who(), person_id, None, None)
    assert {one.kind for one in found.findings} == {"late_registration"}
    assert [one.facts["deadline"] for one in found.findings] == ["2026-03-31", "2026-03-31"]
    # What was recorded in November was not known in October.
    earlier, _ = views.compliance_of(agency.core, agency.inspector.who(), person_id, date(2026, 10, 1), None)
    assert earlier.lines == ()
    later, _ = views.compliance_of(
        agency.core, agency.inspector.who(), person_id, date(2026, 10, 1), date(2026, 11, 29)
    )
    kinds = {one.kind for one in later.findings}
    assert kinds == {"uncovered", "late_registration", "no_rule_known"}


def test_benefit_and_leaving_are_answered_from_the_books(agency: Agency) -> None:
    person_id, number = registered(agency)
    pay(agency, number, *(f"2026-{month:02d}" for month in range(3, 11)))
    found = benefit_of(agency.core, agency.officer.who(), person_id, "unemployment", {"facts": {}})
    check = next(one for one in found.checks if one.test == "months_paid")
    assert (check.values["paid"], check.values["left"], found.eligible) == ("8", "4", False)
    keep, pay_out = views.leaving_of(agency.core, agency.officer.who(), person_id)
    assert (keep.months_after, pay_out.paid) == (8, 8 * 240_000)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_nothing_of_a_person_stands_readable_in_the_database(agency: Agency, tmp_path: Path) -> None:
    registered(agency, passport="SECRETPASS1", surname="Unmistakable", wage="31415.92")
    agency.core.close()
    content = b"".join(path.read_bytes() for path in tmp_path.rglob("issuer.db*"))
    for secret in ("SECRETPASS1", "Unmistakable", "31415.92", "3141592", "1988-05-01"):
        assert secret.encode() not in content
        assert json.dumps(secret).encode() not in content


def test_card_rows_are_left_alone_where_nothing_changes(agency: Agency) -> None:
    person_id, number = registered(agency)
    card_id = cards.issue(agency.core, [NewCard(person(1), holder=person_id)], BY)[0].card_id
    before = agency.core.database.read(lambda session: session.get_one(CardRow, card_id).revision)
    pay(agency, number, "2026-03")
    assert agency.core.database.read(lambda session: session.get_one(CardRow, card_id).revision) == before
    assert schemes_of(SCHEMES) == ALL & ~Y


def test_contested_month_makes_no_lapse_until_an_officer_decides(agency: Agency) -> None:
    person_id, number = registered(agency)
    card_id = cards.issue(agency.core, [NewCard(person(1), holder=person_id)], BY)[0].card_id
    pay(agency, number, *(f"2026-{month:02d}" for month in range(3, 10)))
    agency.issuing_service.later(2 * 86_400)
    follow_due(agency.core, BY)
    assert values(agency, card_id)[2] == 13
    found, states = views.compliance_of(agency.core, agency.inspector.who(), person_id, None, None)
    (finding,) = [one for one in found.findings if one.kind == "unpaid"]
    assert states == {}
    for somebody in (agency.employer, agency.agency):
        refused = code(lambda by=somebody: answer_finding(agency.core, by.who(), person_id, finding.key, "closed", "x"))
        assert refused == ("insurance.step", "state")
    answer_finding(agency.core, agency.employer.who(), person_id, finding.key, "contested", "Paid in Suzhou.")
    assert values(agency, card_id) == {1: 0, 2: 0, 3: 0}
    made = answer_finding(agency.core, agency.officer.who(), person_id, finding.key, "open", "Not found there.")
    assert [(step.state, step.role) for step in made.steps] == [
        ("contested", "employer"),
        ("open", "insurance_officer"),
    ]
    assert values(agency, card_id) == {1: 0, 2: 13, 3: 13}
    unknown = code(lambda: answer_finding(agency.core, agency.officer.who(), person_id, "unpaid:x", "closed", "x"))
    assert unknown == ("insurance.no_finding", "key")
    _, states = views.compliance_of(agency.core, agency.employer.who(), person_id, None, None)
    assert states[finding.key] == made


def holder_of(agency: Agency, person_id: str, login: str = "holder.one", role: str = "holder") -> Somebody:
    """The person's own account."""
    somebody = make(agency.issuing_service, role, login)

    def move(session: Session) -> None:
        session.get_one(Account, somebody.account_id).person_id = person_id

    agency.core.database.transact(move)
    return somebody


def test_holder_who_leaves_is_paid_out_and_begins_anew_on_return(agency: Agency) -> None:
    person_id, number = registered(agency)
    pay(agency, number, *(f"2026-{month:02d}" for month in range(3, 11)))
    holder = holder_of(agency, person_id)
    working = code(lambda: choose(agency.core, holder.who(), person_id, "pay_out", signed=True))
    assert working == ("insurance.still_working", "choice")
    end_work(agency.core, agency.employer.who(), person_id, None, date(2026, 10, 31))
    employer = code(lambda: choose(agency.core, agency.employer.who(), person_id, "pay_out", signed=True))
    assert employer[0] == "access.not_allowed"
    officer = code(lambda: choose(agency.core, agency.officer.who(), person_id, "pay_out", signed=True))
    assert officer[0] == "insurance.not_yours_to_choose"
    unsigned = code(lambda: choose(agency.core, holder.who(), person_id, "pay_out", signed=False))
    assert unsigned == ("insurance.written_request", "signed")
    keep, pay_out = views.leaving_of(agency.core, holder.who(), person_id)
    assert (keep.months_after, pay_out.paid, pay_out.months_after) == (8, 8 * 240_000, 0)
    assert choose(agency.core, holder.who(), person_id, "pay_out", signed=True).paid == 8 * 240_000
    again = code(lambda: choose(agency.core, holder.who(), person_id, "pay_out", signed=True))
    assert again == ("insurance.chosen", "choice")
    # Back in December: the months before count no more.
    agency.issuing_service.later(10 * 86_400)
    register(agency.core, agency.employer.who(), new_registration(1, began=date(2026, 12, 1)))
    pay(agency, number, "2026-12", day="2026-12-05")
    keep, pay_out = views.leaving_of(agency.core, holder.who(), person_id)
    assert (keep.months_after, pay_out.paid) == (1, 240_000)


def test_account_that_was_kept_adds_up_on_return(agency: Agency) -> None:
    person_id, number = registered(agency)
    pay(agency, number, "2026-03", "2026-04")
    end_work(agency.core, agency.employer.who(), person_id, None, date(2026, 4, 30))
    holder = holder_of(agency, person_id)
    choose(agency.core, holder.who(), person_id, "keep", signed=True)
    register(agency.core, agency.employer.who(), new_registration(1, began=date(2026, 9, 1)))
    pay(agency, number, "2026-09", "2026-10")
    assert views.leaving_of(agency.core, holder.who(), person_id)[0].months_after == 4


def test_death_ends_work_and_the_heirs_are_paid(agency: Agency) -> None:
    person_id, number = registered(agency)
    pay(agency, number, *(f"2026-{month:02d}" for month in range(3, 10)))
    record_death(agency.core, agency.officer.who(), person_id, date(2026, 9, 15))
    record_death(agency.core, agency.officer.who(), person_id, date(2026, 9, 15))
    assert code(lambda: record_death(agency.core, agency.officer.who(), person_id, date(2026, 9, 16)))[1] == "day"
    agency.issuing_service.later(100 * 86_400)
    follow_due(agency.core, BY)
    assert state(agency, person_id) == ("good", None)
    after = code(lambda: pay(agency, number, "2026-10", schemes=("pension",)))
    assert after == ("insurance.entry_no_work", "rows.0.month")
    (heirs,) = views.leaving_of(agency.core, agency.officer.who(), person_id)
    assert (heirs.name, heirs.paid) == ("death", 7 * 240_000)
    assert choose(agency.core, agency.officer.who(), person_id, "death", signed=True).paid == 7 * 240_000
    again = code(lambda: choose(agency.core, agency.officer.who(), person_id, "death", signed=True))
    assert again[0] == "insurance.chosen"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("people", [20, pytest.param(200, marks=pytest.mark.soak)])
def test_agency_registers_many_over_http_and_three_are_refused_with_reasons(agency: Agency, people: int) -> None:
    """First as a preview that writes nothing; then for good; then again, which makes nobody twice."""
    app = make_service(agency.core, Drain())
    caller = by_session(app, agency.agency.enter())
    rows = [registration_body(number, employer_id=agency.employer_id) for number in range(1, people + 1)]
    rows[4]["region"] = "990000"
    rows[9]["born"] = "tomorrow"
    rows[14]["employer_id"] = "0" * 32
    path = "/v1/insurance/registrations/batch"
    wanted = {
        4: ("insurance.region", "region"),
        9: ("insurance.row", "born"),
        14: ("insurance.employer", "employer_id"),
    }
    count = select(func.count(InsuredPerson.person_id))
    seen: list[list[str | None]] = []
    for preview, key in ((True, "preview-0000000000"), (False, "for-good-000000000"), (False, "for-good-000000000")):
        answer = caller("POST", path, {"rows": rows, "preview": preview}, key=key).json()
        assert (answer["done"], answer["refused"]) == (people - 3, 3)
        refused = {row["row"]: (row["code"], row["path"]) for row in answer["rows"] if row["code"]}
        assert refused == wanted
        assert all(set(row["message"]) == {"en", "zh"} for row in answer["rows"] if row["code"])
        seen.append([row["person_id"] for row in answer["rows"]])
        assert agency.core.database.read(lambda session: session.scalar(count)) == (0 if preview else people - 3)
    assert seen[1] == seen[2]
    # A preview says who is on record: it leaves a row for each that could be registered.
    looked = select(func.count(Read.id)).where(Read.way == "insurance.preview")
    assert agency.core.database.read(lambda session: session.scalar(looked) or 0) >= people - 3
    changed = caller("POST", path, {"rows": rows[:1], "preview": False}, key="for-good-000000000").json()
    assert changed["rows"][0]["code"] == "idempotency.other_body"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_overview_of_an_employer_adds_up_to_the_reports_of_its_staff(agency: Agency) -> None:
    for number in range(1, 4):
        _, insured = registered(agency, number)
        pay(agency, insured, "2026-03", "2026-04")
    found = employer_overview(agency.core, agency.agency.who(), agency.employer_id)
    rows = {row.kind: (row.findings, row.people, row.without_sum) for row in found.rows}
    # May to September were due by the end of October.
    assert rows["unpaid"] == (15, 3, 15)
    assert rows["late_registration"] == (6, 3, 6)
    assert (found.staff, found.employer_id) == (3, agency.employer_id)
    lines = as_csv(found).split("\r\n")
    assert lines[0] == "region,kind,findings,people,without_sum,owed,late_fees"
    assert "310115,unpaid,15,3,15,," in lines
    other = code(lambda: employer_overview(agency.core, agency.agency.who(), "0" * 32))
    assert other == ("insurance.employer", "employer_id")


def test_employer_reports_nobody_elses_passport_and_puts_none_on_a_card(agency: Agency) -> None:
    """Somebody with a work permit, registered by an employer under the number of that passport."""
    core = agency.core
    filed = FilingRecord(surname="MUSTER", given="ERIKA", nationality="DEU", birth=date(1988, 5, 1), sex="female",
                         passport="C00000001", passport_until=date(2030, 1, 1))  # fmt: skip
    holder = core.database.transact(
        lambda session: person_for(core, session, int(agency.issuing_service.clock.at), filed)
    )

    def number() -> str:
        return str(core.database.read(lambda session: passport_of(core, session, holder))["number"])

    for changes, path in (
        ({"surname": "Mustermann"}, "surname"),
        ({"born": date(1988, 5, 2)}, "born"),
        ({"sex": "male"}, "sex"),
        ({"nationality": "FRA"}, "nationality"),
    ):
        wrong = new_registration(1, **{**changes, "employer_id": agency.employer_id})
        for who, told in ((agency.officer, path), (agency.employer, "passport"), (agency.agency, "passport")):
            found = code(partial(register, core, who.who(), wrong))
            assert found == ("insurance.other_person", told), "to others, no field is right or wrong by itself"
    person_id, insured = registered(agency)
    assert person_id == holder
    agency.issuing_service.later(60)
    new = {"passport": "X7654321", "number": insured, "region": "320500", "employer_id": agency.employer_id}
    end_work(core, agency.employer.who(), person_id, None, date(2026, 11, 28))
    other = code(lambda: registered(agency, **{**new, "nationality": "FRA"}))
    assert other == ("insurance.other_person", "passport")
    record_passport(core, agency.officer.who(), person_id, "DEU", "A1111111", date(2035, 1, 1))
    assert number() == "A1111111"
    agency.issuing_service.later(60)
    registered(agency, **{**new, "began": date(2026, 11, 29)})
    record_passport(core, agency.employer.who(), person_id, "DEU", "Y7654321", None)
    assert number() == "A1111111"
    agency.issuing_service.later(60)
    record_passport(core, agency.officer.who(), person_id, "DEU", "Y7654321", None)
    assert number() == "Y7654321"
    core.database.transact(
        lambda session: put_on_record(core, session, int(agency.issuing_service.clock.at) + 60, holder,
                                      replace(filed, passport="X7654321"))
    )  # fmt: skip
    assert number() == "X7654321"


def test_application_takes_the_place_of_a_passport_that_was_reported_alone(agency: Agency) -> None:
    core = agency.core
    person_id, _ = registered(agency)
    assert core.database.read(lambda session: passport_of(core, session, person_id)) == {}
    filed = FilingRecord(surname="MUSTER", given="ERIKA", nationality="DEU", birth=date(1988, 5, 1), sex="female",
                         passport="C00000001", passport_until=date(2030, 1, 1))  # fmt: skip
    found = core.database.transact(
        lambda session: person_for(core, session, int(agency.issuing_service.clock.at), filed)
    )
    assert found == person_id
    assert core.database.read(lambda session: passport_of(core, session, person_id))["until"] == "2030-01-01"


def test_an_employer_of_before_sees_nothing_of_the_next_one(agency: Agency) -> None:
    """Neither region nor state nor schemes of what came after; and puts no passport on record any more."""
    person_id, _ = registered(agency)
    end_work(agency.core, agency.employer.who(), person_id, None, date(2026, 6, 30))
    firm = organisation(agency.issuing_service, "employer", 7)
    other = make(agency.issuing_service, "employer", "employer.seven", organisation_id=firm)
    register(agency.core, other.who(), new_registration(1, began=date(2026, 7, 1), region="320500"))
    before = views.show_insurance(agency.core, agency.employer.who(), person_id)
    assert (before.region, before.state, before.lapsed_since) == ("310115", None, None)
    assert set(before.schemes.values()) <= {"TERMINATED", "not_enrolled"}
    assert [one.employer_id for one in before.employments] == [agency.employer_id]
    now = views.show_insurance(agency.core, other.who(), person_id)
    assert now.region == "320500"
    assert now.state is not None
    refused = code(lambda: record_passport(agency.core, agency.employer.who(), person_id, "DEU", "X1234567", None))
    assert refused[0] == "insurance.none"
    new = NewCertificate("DEU", "posted", "D1", schemes_of(["pension"]), date(2026, 3, 1), date(2027, 2, 28), "Muster",
                         "Erika")  # fmt: skip
    refused = code(lambda: add_certificate(agency.core, agency.employer.who(), person_id, new))
    assert refused[0] == "insurance.none"


def test_nobody_in_office_changes_what_is_on_record_about_himself(agency: Agency) -> None:
    """An insurance officer who is insured: neither books nor findings, passports, ends of work nor a death."""
    person_id, number = registered(agency)
    core, officer = agency.core, agency.officer

    def same(session: Session) -> None:
        account = session.get_one(Account, officer.account_id)
        account.person_id = person_id

    core.database.transact(same)
    who = officer.who()
    assert who.person_id == person_id
    row = entry_from(entry(agency, number, "2026-03"))
    for act in (
        lambda: record(core, [row], who.by(), "0" * 32, who=who),
        lambda: end_work(core, who, person_id, agency.employer_id, date(2026, 10, 31)),
        lambda: record_passport(core, who, person_id, "DEU", "X1234567", None),
        lambda: record_death(core, who, person_id, date(2026, 10, 31)),
        lambda: register(core, who, new_registration(1, employer_id=agency.employer_id)),
        lambda: answer_finding(core, who, person_id, "unpaid:x", "settled", "paid"),
        lambda: choose(core, who, person_id, "death", signed=True),
        lambda: grant_service(core, who, person_id, "subsidy"),
        lambda: stop_claims_for(core, who, person_id, "moved_abroad", date(2026, 10, 31)),
    ):
        assert code(act)[0] == "account.self"
    assert views.show_insurance(core, who, person_id).number == number
