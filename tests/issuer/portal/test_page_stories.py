"""Stories over weeks, through the pages: an extension that is left lying, a change of employer, a list and a lapse."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI

from issuer.accounts import mandates
from issuer.insurance import books
from issuer.insurance.lapses import follow_due
from issuer.insurance.new_entries import NewEntry, entry_from
from issuer.permits.models import Permit
from issuer.portal import make_portal
from issuer.service.app import make_service
from tests.issuer.conftest import new_database_url
from tests.issuer.permits.test_permit_life import extension
from tests.issuer.portal.test_batch_pages import work_through
from tests.issuer.portal.test_guard import Person
from tests.kit.forms import field, words
from tests.kit.insured import registration_body
from tests.kit.people import HOST, Somebody, credit_code, make, organisation
from tests.kit.permit_office import PermitOffice, person_record
from verifier.runtime import http

pytestmark = pytest.mark.slow


@pytest.fixture
def office(tmp_path: Path) -> Iterator[PermitOffice]:
    """Shanghai's office on Monday, 2 March 2026."""
    made = PermitOffice.begin(tmp_path, new_database_url("sqlite", tmp_path))
    yield made
    made.core.close()


@pytest.fixture
def app(office: PermitOffice) -> FastAPI:
    """Its application with the portal, without the edge."""
    return make_service(office.core, http.Drain(), [make_portal(office.core)])


def holder_of(office: PermitOffice, permit_id: str, name: str) -> Somebody:
    """The account of a permit's person."""
    person_id = office.core.database.read(lambda session: session.get_one(Permit, permit_id).person_id)
    return make(office.issuing_service, "holder", name, person_id=person_id)


def text_of(app: FastAPI, somebody: Somebody, path: str) -> str:
    """A page as its reader has it, in English."""
    answer = Person(app, somebody.enter()).get(f"{path}{'&' if '?' in path else '?'}lang=en")
    assert answer.status_code == 200, path
    return words(answer.text)


def test_extension_is_left_lying_the_head_sees_it_coming_and_the_card_stays_valid(
    office: PermitOffice, app: FastAPI
) -> None:
    """Ten working days before the end it stands first with the head; after the end the permit goes on by law, the
    holder reads so, and the interim code is VALID."""
    permit = office.employed()
    holder, path = holder_of(office, permit["permit_id"], "holder.one"), f"permits/{permit['permit_id']}"
    office.travel("2026-04-13")
    filing_id = office.accepted("extension", extension(office, permit), permit_id=permit["permit_id"])
    assert "No undecided extension is near its end." in text_of(app, office.head, "load")
    office.travel("2026-05-29")
    coming = text_of(app, office.head, "load")
    assert "1 extension will continue by law" in coming
    assert "VOGEL HANNELORE B" in coming
    assert "its permit is about to end and continues by law" in text_of(app, office.officer, "queue")
    office.travel("2026-06-06")
    office.turn()
    office.travel("2026-06-11")
    office.turn()
    text = text_of(app, holder, path)
    assert "May go on working for Organisation 1" in text
    assert "In force by law" in text
    assert office.verdict(office.code(office.permit(permit["permit_id"]))) == ["VALID"]
    assert "Overdue" in text_of(app, office.officer, "queue")
    assert "Accepted" in text_of(app, office.employer, f"filings/{filing_id}")


def test_extension_shows_what_its_permit_has_and_asks_for_none_of_it(office: PermitOffice, app: FastAPI) -> None:
    """A new draft has the passport's last day, post and category and leads to the permit; the approval has its category
    chosen, not the first of the list; a part that does not exist is no fault of the service."""
    permit = office.employed(category="B")
    passport = person_record(office.today)["passport_until"]
    office.travel("2026-04-13")
    body = {"process": "extension", "permit_id": permit["permit_id"]}
    draft = office.ok(office.employer, "POST", "/v1/filings", body)["filing_id"]
    page = Person(app, office.employer.enter()).get(f"filings/{draft}?lang=en").text
    record = office.ok(office.employer, "GET", f"/v1/filings/{draft}")["record"]
    assert record["passport_until"] == passport
    assert "Passport valid until –" not in words(page)
    assert f"Post {permit['terms'][-1]['post']} Category B" in words(page)
    assert f'/portal/permits/{permit["permit_id"]}"' in page
    employer = Person(app, office.employer.enter())
    asked = ["category_by_proof", "dependants", "physical_permit", "regulated_industry"]
    assert _questions(employer, draft) == asked, "what the documents follow from, and nothing that categories do"
    job = employer.get(f"filings/{draft}/edit?part=job&lang=en").text
    assert f"Now: {permit['terms'][-1]['post']}. Leave this empty if it stays." in words(job)
    for number, (category, more) in enumerate((("B", False), ("A", True), ("", False))):
        sent = {"part": "job", "version": field(job, "version"), "category": category}
        assert employer.post(f"filings/{draft}/edit", key=f"{number}" * 32, **sent).status_code == 303
        job = employer.get(f"filings/{draft}/edit?part=job&lang=en").text
        assert ("education" in _questions(employer, draft)) == more, category
    accepted = office.accepted("extension", extension(office, permit), permit_id=permit["permit_id"])
    form = Person(app, office.officer.enter()).get(f"filings/{accepted}/approve?lang=en").text
    assert re.findall(r'<option value="(.)" selected', form) == ["B"]
    for part in ("history", "facts.x"):
        assert Person(app, office.employer.enter()).get(f"filings/{draft}/edit?part={part}").status_code == 404


def _questions(person: Person, filing_id: str) -> list[str]:
    """What the part with the questions asks."""
    form = person.get(f"filings/{filing_id}/edit?part=facts").text
    return sorted(
        set(re.findall(r'<(?:input|select)[^>]* name="([a-z_]+)"', form)) - {"csrf", "key", "version", "part"}
    )


def test_gap_between_two_employers_stands_on_the_pages_of_holder_new_employer_and_officer(
    office: PermitOffice, app: FastAPI
) -> None:
    """After the cancellation nobody is told that there is a right to work: who files until when, and the first day that
    was applied for, stand on each page."""
    permit = office.employed()
    holder, path = holder_of(office, permit["permit_id"], "holder.two"), f"permits/{permit['permit_id']}"
    office.travel("2026-03-20")
    end = {"ended_on": office.today.isoformat(), "ground": "resigned", "signed": True}
    facts = person_record(office.today)["facts"]
    office.approved("cancellation", {**end, "facts": facts}, permit_id=permit["permit_id"])
    text = text_of(app, holder, path)
    assert "No right to work on this permit since 20 March 2026." in text
    assert "Next step: the next employer." in text
    assert "by 19 April 2026" in text
    office.travel("2026-03-23")
    second = office.another_employer(5)
    first = office.today + timedelta(days=7)
    record = person_record(office.today, first=first.isoformat())
    facts = {"earlier_permit": True, "permit_ended": "2026-03-20", "other_employer": True}
    filing_id = office.filed("in_country", {**record, "facts": {**record["facts"], **facts}}, second)
    for reader in (second, holder, office.officer):
        gap = text_of(app, reader, f"filings/{filing_id}")
        assert "may not work for the new employer until this application is approved" in gap
        assert "30 March 2026" in gap


def test_agency_registers_a_list_one_lapses_the_employer_answers_and_payment_restores(
    office: PermitOffice, app: FastAPI
) -> None:
    """The officer sees the missing month with its rule; the employer's answer stands beside it; what is paid restores
    the person's state on every page."""
    core, issuing_service = office.core, office.issuing_service
    agency_id = organisation(issuing_service, "agency", 2)
    agency = make(issuing_service, "agency", "agency", organisation_id=agency_id)
    at = int(issuing_service.clock.at)
    mandates.give_mandate(core, office.employer.who(), agency_id, office.employer_id, at, at + 300 * 86_400)
    body = registration_body(1, obtained="2026-02-02", began="2026-02-02", employer_code=credit_code(1))
    row = {name: str(value) for name, value in body.items() if name not in ("basis", "basis_until")}
    people = [{**row, "surname": "MUSTER", "given": name, "passport": f"C0000000{n}"} for n, name in enumerate("AB", 1)]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(people[0]))
    writer.writeheader()
    writer.writerows(people)
    person = Person(app, agency.enter())
    sent = person.post("insurance/register-many", key="1" * 32, rows=text.getvalue())
    path, found = work_through(person, sent)
    assert "2 can be registered" in found
    assert not Person(app, office.employer.enter()).get("insurance").text.count("MUSTER"), "nobody yet"
    person.post(f"{path}/start")
    _, found = work_through(person, person.post(f"{path}/go"))
    assert "2 registered" in found
    officer = make(issuing_service, "insurance_officer", "insurance.officer")
    names = re.findall(r"/portal/insurance/([0-9a-f]{32})", Person(app, officer.enter()).get("insurance").text)
    assert len(set(names)) == 2
    office.travel("2026-06-15")
    follow_due(core, HOST)
    path = f"insurance/{names[0]}"
    shown = Person(app, officer.enter()).get(f"{path}?lang=en").text
    assert "Lapsed since" in words(shown)
    assert "February 2026: " in words(shown)
    assert "Source:" in words(shown)
    sent = Person(app, office.employer.enter()).post(
        f"{path}/finding",
        key="3" * 32,
        finding=field(shown, "finding"),
        state="explained",
        words="The bank was closed.",
    )
    assert sent.status_code == 303
    assert "The bank was closed." in text_of(app, officer, path)
    number = re.findall(r"DEU[0-9A-Z]{15}", shown)[0]
    books.record(core, _paid(number, office.today), HOST, "b" * 32)
    restored = text_of(app, office.employer, path)
    assert "Lapsed since" not in restored
    assert "in order" in restored


def _paid(number: str, today: date) -> list[NewEntry]:
    """Every scheme of every month until the one before last, at sums that no cap exceeds."""
    found = []
    for month in ("2026-02", "2026-03", "2026-04", "2026-05"):
        sums = {"pension": (9000, 4000), "medical": (6000, 2000), "unemployment": (500, 500), "work_injury": (500, 0)}
        for scheme, parts in sums.items():
            found.append(
                entry_from(
                    {
                        "number": number,
                        "employer_code": credit_code(1),
                        "kind": "paid",
                        "month": month,
                        "scheme": scheme,
                        "employer_part": f"{parts[0]}.00",
                        "employee_part": f"{parts[1]}.00",
                        "day": today.isoformat(),
                    }
                )
            )
    return found
