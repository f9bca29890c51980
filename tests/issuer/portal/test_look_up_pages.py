"""Look-ups with purpose and power, a card's whole history as one list, and a month of contributions reconciled."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from fastapi import FastAPI

from icard_crypto.card.card import Profile
from issuer.approvals import engine
from issuer.cards import lookups
from issuer.cards.views import newest_code
from issuer.insurance import books, reconciliation, registration, views
from issuer.insurance.money import in_yuan
from issuer.insurance.new_entries import entry_from
from issuer.portal import BASE, make_portal
from issuer.portal.catalogue import Words
from issuer.rules.days import day_of
from issuer.service.app import make_service
from issuer.service.card_history import ACTS
from tests.issuer.portal.test_guard import Person, of
from tests.kit.forms import words
from tests.kit.insured import new_registration
from tests.kit.people import HOST, credit_code, make
from tests.kit.portal import Town, town
from verifier.runtime import http

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A service with people, permits and insurance."""
    new = town(tmp_path_factory.mktemp("looks"), office=True)
    yield new
    new.issuing_service.core.close()


@pytest.fixture(scope="module")
def app(made: Town) -> FastAPI:
    """Its application, without the edge."""
    return make_service(made.issuing_service.core, http.Drain(), [make_portal(made.issuing_service.core)])


def test_inspector_names_purpose_and_power_and_the_holder_reads_both(app: FastAPI, made: Town) -> None:
    """The code's text as a hand scanner types it leads to the card; what was chosen is on its page and in the holder's
    log, with the law; a purpose of another role is refused."""
    card, inspector = made.ids["permit_card"], of(app, made, "inspector")
    page = words(inspector.get("search?lang=en").text)
    assert "Labour security inspection" in page
    assert "Inquiry into a suspected breach of the law" in page
    code = newest_code(made.issuing_service.core, card, Profile.PUBLIC)
    assert code is not None
    sent = inspector.post("search", kind="code", value=code.text, purpose="inquiry")
    assert sent.headers["location"] == f"{BASE}cards/{card}?purpose=inquiry"
    shown = words(inspector.get(f"cards/{card}?purpose=inquiry&lang=en").text)
    assert "Purpose: Inquiry into a suspected breach of the law. Legal basis:" in shown
    log = words(of(app, made, "resident").get("lookups?lang=en").text)
    assert "Inquiry into a suspected breach of the law" in log
    assert inspector.post("search", kind="code", value=code.text, purpose="permit_service").status_code == 422


def test_code_that_was_not_issued_here_finds_nothing(app: FastAPI, made: Town) -> None:
    """Neither one with the id of a genuine code and another content, nor what is no code at all."""
    code = newest_code(made.issuing_service.core, made.ids["permit_card"], Profile.PUBLIC)
    assert code is not None
    forged = code.text[:-3] + ("AAA" if not code.text.endswith("AAA") else "BBB")
    for text in (forged, "https://example.org/", "IC1:", "0" * 17, "IC1:" + "A" * 3900):
        answer = of(app, made, "inspector").post("search", kind="code", value=text)
        assert answer.status_code == 422, text[:30]
        assert 'href="#f-value"' in answer.text


def test_history_is_one_list_of_what_its_reader_may_see(app: FastAPI, made: Town) -> None:
    """An officer reads codes, terms and the moves of applications in one list; an insurance officer nothing of
    applications; employers and holders have no such page."""
    path = f"cards/{made.ids['permit_card']}/history"
    text = words(of(app, made, "permit_officer").get(f"{path}?lang=en").text)
    for told in ("Card issued", "Term of the permit begins", "Submitted", "Approved", "Organisation 1"):
        assert told in text, told
    assert text.index("Card issued") < text.index("Approved") < text.index("Submitted"), "the newest first"
    other = words(of(app, made, "insurance_officer").get(f"{path}?lang=en").text)
    assert "Card issued" in other
    assert "Submitted" not in other
    assert of(app, made, "employer").get(path).status_code == 403
    assert [name for name in ACTS if not Words("en").has(f"history.{name.replace('.', '_')}")] == []


def test_contributions_of_a_month_are_those_of_the_compliance_report(app: FastAPI, made: Town) -> None:
    """What is owed and not paid is, to the fen, what the person's findings of that month say, before a payment and
    after it; where no rate is known the sum is open; an agency chooses among its clients, another's employer is not
    there, and a month that is none is the last one."""
    core, who = made.issuing_service.core, made.people["employer"].who()
    # Beijing's limits and rates are known until June 2026; Shanghai's rates of 2026 are not.
    new = new_registration(901, surname="REBANE", given="MART", region="110105")
    person_id = registration.register(core, who, new).person_id
    month = (2026 - 1970) * 12 + 2
    before = _reconciled(made, person_id, month)
    assert before.owed == _open_by_findings(made, person_id, month)
    assert (before.paid, before.standing) == (0, "short")
    number = views.show_insurance(core, made.people["insurance_officer"].who(), person_id).number
    entry = {"number": number, "employer_code": credit_code(1), "kind": "paid", "month": "2026-03", "scheme": "pension",
             "employer_part": "4000.00", "employee_part": "2000.00", "day": "2026-04-01"}  # fmt: skip
    books.record(core, [entry_from(entry)], HOST, "c" * 32)
    after = _reconciled(made, person_id, month)
    assert (after.owed, after.paid) == (before.owed, 600_000)
    assert after.owed is not None
    assert after.owed - after.paid == _open_by_findings(made, person_id, month)
    assert _reconciled(made, person_id, month - 1).standing == "nothing"
    assert _reconciled(made, made.ids["insured"], month + 6).standing == "open"

    employer = of(app, made, "employer")
    page = words(employer.get("insurance/contributions?month=2026-03&lang=en").text)
    for told in ("REBANE MART", in_yuan(after.owed), "6000.00", "Short"):
        assert told in page, told
    assert employer.get("insurance/contributions?month=2026-99").status_code == 200
    assert employer.get(f"insurance/contributions?employer={made.agency_id}").status_code == 404
    assert "REBANE MART" in words(of(app, made, "agency").get("insurance/contributions?month=2026-03&lang=en").text)


def _reconciled(made: Town, person_id: str, month: int) -> reconciliation.Reconciled:
    found = reconciliation.reconciled(made.issuing_service.core, made.people["employer"].who(), None, month)
    return next(one for one in found if one.person_id == person_id)


def _open_by_findings(made: Town, person_id: str, month: int) -> int:
    """What the compliance report says is owed for a month, in fen."""
    report, _ = views.compliance_of(made.issuing_service.core, made.people["employer"].who(), person_id, None, None)
    return sum(one.owed for one in report.findings if one.month == month and one.owed is not None)


def test_deferral_names_its_person_to_officials_of_the_region_and_leaves_no_trace_for_them(
    app: FastAPI, made: Town
) -> None:
    """Request and list say name and permit number to an inspector and to the head of the permit's office; a head of no
    office reads the number of the record alone; the person's own log is the same before and after."""
    core, resident = made.issuing_service.core, made.people["resident"]
    number = made.office.permit(made.ids["permit"])["number"] if made.office else ""
    before = lookups.list_own_lookups(core, resident.person_id)
    law = "Regulations on Labour Security Inspection, 17"
    about = {"person_id": resident.person_id, "account_id": made.people["inspector"].account_id, "law": law}
    day = day_of(int(made.issuing_service.clock.at)) + timedelta(days=10)
    asked = engine.ask(
        core, made.people["inspector"].who(), "lookup.defer", {**about, "shown_on": day.isoformat()}, "An inquiry."
    )
    inspector, head = of(app, made, "inspector"), of(app, made, "office_head")
    stranger = Person(app, make(made.issuing_service, "office_head", "head.elsewhere").enter())
    request = f"confirmations/{asked.confirmation_id}"
    assert "are notified" not in words(head.get(f"{request}?lang=en").text)
    for path in (request, "lookups/deferrals"):
        for reader in (inspector, head):
            page = reader.get(f"{path}?lang=en").text
            assert f"Name LINDQVIST ASTRID Permit number {number}" in words(page), path
            assert resident.person_id not in page
        page = stranger.get(path).text
        assert resident.person_id in page
        assert "LINDQVIST" not in page
        if path == request:
            assert head.post(f"{request}/confirm", key="d" * 32).status_code == 303
    assert lookups.list_own_lookups(core, resident.person_id) == before
