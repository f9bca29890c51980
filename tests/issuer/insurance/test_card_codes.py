"""What cards say of the insurance: from the approval of a permit on, over registration, certificates, lapse and end."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from icard_crypto.card.card import Exemption, Insurance, Scheme, Service
from icard_crypto.errors import Unavailable
from icard_crypto.lists.tree import BUNDLE
from issuer import cards
from issuer.acts import Actor
from issuer.cards import codes
from issuer.cards.models import CodeRow
from issuer.insurance.card_codes import make_due_codes
from issuer.insurance.lapses import follow_due
from issuer.insurance.models import InsuredPerson
from issuer.insurance.registration import end_work, register
from issuer.permits.models import Permit
from tests.kit.insured import new_registration, registration_body
from tests.kit.people import Somebody, credit_code, make
from tests.kit.permit_office import PermitOffice, person_record
from tests.kit.signed_domain import bundle_domain, file_of, step, verdicts
from verifier import Policy, Verifier

pytestmark = pytest.mark.slow

BY = Actor("host:test", "a test", break_glass=True)
P, M, U, W, Y = Scheme
ALL = P | M | U | W | Y


@pytest.fixture
def office(tmp_path: Path) -> PermitOffice:
    return PermitOffice.begin(tmp_path, f"sqlite:///{tmp_path / 'issuer.db'}")


def told(office: PermitOffice, number: int = 1, **changes: Any) -> dict[str, Any]:
    """A registration of somebody who has a permit."""
    record = person_record(office.today, number)
    same = {"surname": record["surname"], "given": record["given"], "passport": record["passport"]}
    day = office.today.isoformat()
    return {**registration_body(number), **same, "born": record["birth"], "obtained": day, "began": day,
            "basis_until": record["until"], **changes}  # fmt: skip


def registered(office: PermitOffice, number: int = 1, **changes: Any) -> str:
    body = told(office, number, **changes)
    made = office.ok(office.employer, "POST", "/v1/insurance/registrations", body, key=f"registration-{number:016d}")
    return str(made["person_id"])


def said(office: PermitOffice, permit: dict[str, Any]) -> Insurance | None:
    return cards.show(office.core, permit["card_id"]).card.insurance


def benefit(office: PermitOffice, *texts: str) -> list[tuple[str, str]]:
    """What a benefit desk with the published bundle sees of codes."""
    step(office.core, office.issuing_service.clock)
    return [(one.outcome, str(one.reason)) for one in verdicts(office.core, texts, "benefit")]


def pay(office: PermitOffice, officer: Somebody, person_id: str, *months: str) -> None:
    """An insurance officer reports over HTTP that months were paid in full, in Shanghai, to the day."""
    number = office.ok(officer, "GET", f"/v1/insurance/people/{person_id}")["number"]
    rows = [
        {"number": number, "employer_code": credit_code(1), "kind": "paid", "month": month, "scheme": scheme,
         "employer_part": "4800.00", "employee_part": "2400.00", "day": office.today.isoformat()}
        for month in months for scheme in ("pension", "medical", "unemployment", "work_injury")
    ]  # fmt: skip
    key = f"payment-{'-'.join(months)}-000000"
    office.ok(officer, "POST", "/v1/insurance/contributions", {"rows": rows}, key=key)


def test_card_of_an_approval_serves_a_benefit_desk_from_the_registration_on(office: PermitOffice) -> None:
    """Registered, lapsed, paid, exempt from pension, and left: what the desk sees of the holder's work code."""
    permit = office.employed()
    first = office.code(permit, "work")
    assert said(office, permit) is None
    assert benefit(office, first) == [("INDETERMINATE", "not_disclosed")]
    person_id = registered(office)
    assert said(office, permit) == Insurance("0001", ALL, date(2026, 3, 1), None, "310115")
    work, public = office.code(permit, "work"), office.code(permit, "public")
    # The earlier code runs on, and says as little as before.
    assert office.verdict(first) == ["VALID"]
    assert benefit(office, work, first)[0] == ("VALID", "valid")
    officer = make(office.issuing_service, "insurance_officer", "insurance.officer")
    office.travel("2026-05-04")
    follow_due(office.core, BY)
    assert benefit(office, work) == [("INVALID", "insurance_lapsed")]
    assert office.verdict(public, work) == ["VALID", "VALID"]
    pay(office, officer, person_id, "2026-03", "2026-04")
    assert benefit(office, work) == [("VALID", "valid")]
    body = {"country": "DEU", "number": "D-1", "schemes": ["pension", "unemployment"], "first": "2026-05-01",
            "last": "2031-04-30", "surname": "VOGEL", "given": "HANNELORE B"}  # fmt: skip
    path = f"/v1/insurance/people/{person_id}"
    office.ok(office.employer, "POST", f"{path}/certificates", body, key="a-certificate-0001")
    held = said(office, permit)
    assert held is not None
    assert held.schemes == M | W | Y
    assert held.exemptions == (Exemption(P | U, "D-1", date(2026, 5, 1), date(2031, 4, 30)),)
    # What is no longer so is not shown any more.
    exempt = office.code(permit, "work")
    assert benefit(office, work, exempt) == [("INVALID", "replaced"), ("VALID", "valid")]
    office.ok(office.employer, "POST", f"{path}/end", {"day": "2026-05-20"})
    assert benefit(office, exempt)[0][0] == "VALID"
    office.travel("2026-06-01")
    assert follow_due(office.core, BY).people == 1
    assert make_due_codes(office.core, BY) == 1
    assert make_due_codes(office.core, BY) == 0
    last = office.code(permit, "work")
    assert benefit(office, exempt, last) == [("INVALID", "replaced"), ("INVALID", "policy_not_met")]


def test_card_of_somebody_insured_says_so_and_shows_the_lapse_at_once(office: PermitOffice) -> None:
    """Insured with permanent residence and in arrears, then a work permit: the new card is born lapsed."""
    person_id = registered(office, basis="permanent_residence", basis_until=None)
    office.travel("2026-05-04")
    follow_due(office.core, BY)
    permit = office.employed()
    held = said(office, permit)
    assert held is not None
    assert held.schemes == ALL
    assert (
        office.core.database.read(lambda session: session.get_one(Permit, permit["permit_id"])).person_id == person_id
    )
    assert benefit(office, office.code(permit, "work")) == [("INVALID", "insurance_lapsed")]
    assert office.verdict(office.code(permit, "public")) == ["VALID"]


def test_codes_that_could_not_be_signed_are_made_by_the_worker(
    office: PermitOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    permit = office.employed()

    def away(*_: object) -> None:
        raise Unavailable("signer.busy")

    with monkeypatch.context() as patch:
        patch.setattr(codes, "usable_key", away)
        person_id = registered(office)
        assert said(office, permit) is None
        # A payment meanwhile does not take the mark away.
        officer = make(office.issuing_service, "insurance_officer", "insurance.officer")
        pay(office, officer, person_id, "2026-03")
        with pytest.raises(Unavailable):
            make_due_codes(office.core, BY)
    assert make_due_codes(office.core, BY) == 1
    assert said(office, permit) is not None
    row = office.core.database.read(lambda session: session.get_one(InsuredPerson, person_id))
    assert row.look_on == "2026-05-01"


def test_payment_alone_makes_no_codes(office: PermitOffice) -> None:
    permit = office.employed()
    person_id = registered(office)
    officer = make(office.issuing_service, "insurance_officer", "insurance.officer")
    before = generations(office, permit)
    office.travel("2026-04-02")
    pay(office, officer, person_id, "2026-03", "2026-04")
    follow_due(office.core, BY)
    make_due_codes(office.core, BY)
    assert generations(office, permit) == before == 2


def generations(office: PermitOffice, permit: dict[str, Any]) -> int:
    query = select(CodeRow.generation).where(CodeRow.card_id == permit["card_id"]).distinct()
    return len(office.core.database.read(lambda session: session.scalars(query).all()))


def test_work_that_has_ended_leaves_the_schemes_of_the_other_employer(office: PermitOffice) -> None:
    permit = office.employed()
    person_id = registered(office)
    other = office.another_employer(7)
    new = new_registration(1, **{name: value for name, value in told(office).items() if isinstance(value, str)
                                 and name in ("surname", "given", "passport")},
                           born=date(1986, 1, 15), obtained=office.today, began=office.today)  # fmt: skip
    register(office.core, other.who(), new)
    end_work(office.core, office.employer.who(), person_id, None, office.today)
    office.travel("2026-04-01")
    follow_due(office.core, BY)
    make_due_codes(office.core, BY)
    held = said(office, permit)
    assert held is not None
    assert held.schemes == ALL
    assert generations(office, permit) == 2


def test_pilot_service_is_granted_required_by_a_policy_and_withdrawn_over_http(office: PermitOffice) -> None:
    """The person agrees, an officer grants, a bus reads the code; the person withdraws in one step."""
    permit = office.employed()
    # The registry offers it in Jiaxing.
    person_id = registered(office, region="330402")
    officer = make(office.issuing_service, "insurance_officer", "insurance.officer")
    holder = office.holder(permit)
    offered = office.ask(holder, "GET", "/v1/services/regions/330402").json()
    assert {one["service"]: one["consent"] for one in offered}["transit"] is True
    path = f"/v1/insurance/people/{person_id}/services"
    refused = office.ask(officer, "POST", path, {"service": "transit"})
    assert refused.json()["code"] == "grant.consent"
    agreed = {"purpose": "service", "recipient": "Transit Group", "service": "transit", "until": "2027-03-01"}
    office.ok(holder, "POST", "/v1/privacy/consents", agreed)
    before = office.code(permit)
    office.ok(officer, "POST", path, {"service": "transit"})
    granted = office.code(permit)
    assert rides(office, before, granted) == [("INVALID", "policy_not_met"), ("VALID", "valid")]
    (grant,) = office.ask(holder, "GET", path).json()
    office.ok(holder, "POST", f"/v1/services/grants/{grant['grant_id']}/withdraw", {})
    assert rides(office, granted, office.code(permit)) == [("INVALID", "replaced"), ("INVALID", "policy_not_met")]


def rides(office: PermitOffice, *texts: str) -> list[tuple[str, str]]:
    """What a bus that requires the service sees of codes."""
    step(office.core, office.issuing_service.clock)
    now = int(office.core.clock.local())
    domain = bundle_domain(file_of(office.core, BUNDLE), now)
    verifier = Verifier(domain, Policy("bus", service=int(Service.TRANSIT)))
    return [(one.outcome, str(one.reason)) for one in (verifier.verify(text, now=now) for text in texts)]
