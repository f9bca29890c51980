"""Claims from application to payment, over the services and over HTTP."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.errors import StateError
from issuer.acts import Actor
from issuer.audit.models import Read
from issuer.cards.models import OnlineLookup
from issuer.insurance.claim_payments import order_month, record_payment
from issuer.insurance.claim_records import ClaimView, claims_on_record, list_claims, orders_on_record, show_claim
from issuer.insurance.claim_stops import stop_claims_for
from issuer.insurance.claims import Grant, apply_claim, decide_claim, withdraw_claim
from issuer.insurance.departure import record_death
from issuer.insurance.heirs import give_heir
from issuer.insurance.models import BenefitOrder
from issuer.insurance.months import month_of, month_text, parse_month
from issuer.insurance.registration import end_work, register
from issuer.notices.inbox import inbox
from issuer.privacy.requests import ask
from issuer.rules.days import day_of
from issuer.rules.store import add_rules
from issuer.service.app import make_service
from tests.issuer.insurance.conftest import Agency
from tests.issuer.insurance.test_registration import BY, holder_of, pay, registered
from tests.kit.callers import by_session, problem
from tests.kit.insured import new_registration, registration_body
from tests.kit.people import Somebody, make
from verifier.runtime.http import Drain

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

SUBSIDY = {
    "kind": "insurance_benefits",
    "id": "subsidy.training",
    "region": "310000",
    "valid_from": "2026-01-01",
    "valid_to": None,
    "published_on": None,
    "source": "a notice of the city",
    "certainty": "V",
    "value": {
        "en": "Training subsidy",
        "zh": "培训补贴",
        "scheme": "unemployment",
        "conditions": [{"test": "months_paid", "scheme": "unemployment", "at_least": 6}],
        "months": [[6, 3]],
        "stops": ["death", "employed", "moved_abroad"],
    },
}


@pytest.fixture
def claimant(agency: Agency) -> tuple[Agency, str, Somebody]:
    """Somebody with five paid months of unemployment insurance, and a local programme that asks for six."""
    add_rules(agency.core, [SUBSIDY], BY)
    person_id, number = registered(agency)
    pay(agency, number, *(f"2026-{month:02d}" for month in range(3, 8)), schemes=("unemployment",))
    return agency, person_id, holder_of(agency, person_id)


def refused(work: Any) -> tuple[str, str | None]:
    with pytest.raises(StateError) as caught:
        work()
    return caught.value.code, caught.value.path


def month(agency: Agency) -> int:
    return month_of(day_of(int(agency.issuing_service.clock.at)))


def claimed(agency: Agency, who: Somebody, person_id: str) -> str:
    return apply_claim(agency.core, who.who(), person_id, "subsidy.training", {}, "Please.")


def test_who_applies_for_somebody_does_not_grant_it(claimant: tuple[Agency, str, Somebody]) -> None:
    """An officer files for a person and would find all that is needed: another one grants it; refusing takes one."""
    agency, person_id, _ = claimant
    pay(agency, "DEU000000C00000001", "2026-08", schemes=("unemployment",))
    claim_id = claimed(agency, agency.officer, person_id)
    grant = Grant("800.00", month(agency))
    alone = refused(lambda: decide_claim(agency.core, agency.officer.who(), claim_id, grant, "Met."))
    assert alone == ("claim.two_needed", "outcome")
    second = make(agency.issuing_service, "insurance_officer", "second.officer")
    decide_claim(agency.core, second.who(), claim_id, grant, "Met.")
    assert show_claim(agency.core, second.who(), claim_id).state == "granted"


def granted(agency: Agency, who: Somebody, person_id: str) -> ClaimView:
    """A claim of whoever has paid the sixth month."""
    number = "DEU000000C00000001"
    pay(agency, number, "2026-08", schemes=("unemployment",))
    claim_id = claimed(agency, who, person_id)
    decide_claim(agency.core, agency.officer.who(), claim_id, Grant("1975.00", month(agency)), "All is met.")
    return show_claim(agency.core, who.who(), claim_id)


def test_subsidy_is_refused_at_five_months_and_granted_at_six(claimant: tuple[Agency, str, Somebody]) -> None:
    agency, person_id, holder = claimant
    claim_id = claimed(agency, holder, person_id)
    (condition,) = show_claim(agency.core, holder.who(), claim_id).conditions
    assert (condition["state"], condition["test"]) == ("missing", "months_paid")
    grant = Grant("1975.00", month(agency))
    wrong = refused(lambda: decide_claim(agency.core, agency.officer.who(), claim_id, grant, "x"))
    assert wrong == ("claim.not_eligible", "outcome")
    decide_claim(agency.core, agency.officer.who(), claim_id, None, "Five of six months.")
    shown = show_claim(agency.core, holder.who(), claim_id)
    assert (shown.state, shown.reasons) == ("refused", "Five of six months.")
    assert [one["way"] for one in shown.redress] == ["reconsideration", "court"]
    assert (shown.monthly, shown.orders) == (None, [])
    view = granted(agency, holder, person_id)
    # As it was found: a payment afterwards does not rewrite a decision.
    assert show_claim(agency.core, holder.who(), claim_id).conditions[0]["state"] == "missing"
    assert (view.state, view.monthly, view.conditions[0]["state"]) == ("granted", "1975.00", "met")
    assert view.last_month == month_text(month(agency) + 2)
    kinds = [one.kind for one in inbox(agency.core, holder.account_id)]
    assert {"benefit.filed", "benefit.refused", "benefit.granted"} <= set(kinds)


def test_one_claim_is_open_at_a_time_and_employers_see_none(claimant: tuple[Agency, str, Somebody]) -> None:
    agency, person_id, holder = claimant
    claim_id = claimed(agency, holder, person_id)
    assert refused(lambda: claimed(agency, holder, person_id)) == ("claim.open", "benefit")
    assert refused(lambda: claimed(agency, agency.employer, person_id))[0] == "access.not_allowed"
    assert refused(lambda: show_claim(agency.core, agency.employer.who(), claim_id))[0] == "access.not_allowed"
    other = make(agency.issuing_service, "holder", "other")
    assert refused(lambda: show_claim(agency.core, other.who(), claim_id))[0] == "claim.none"
    assert list_claims(agency.core, other.who()) == []
    none = refused(lambda: apply_claim(agency.core, holder.who(), person_id, "subsidy.none", {}, ""))
    assert none == ("claim.benefit", "benefit")
    for _ in range(2):
        withdraw_claim(agency.core, holder.who(), claim_id)
    decided = refused(lambda: decide_claim(agency.core, agency.officer.who(), claim_id, None, "x"))
    assert decided[0] == "claim.state"
    claimed(agency, holder, person_id)


def test_decision_has_a_last_day_in_working_days(claimant: tuple[Agency, str, Somebody]) -> None:
    """Ten working days after Sunday, 29 November 2026."""
    agency, person_id, holder = claimant
    claim_id = claimed(agency, holder, person_id)
    assert show_claim(agency.core, holder.who(), claim_id).due_on == "2026-12-11"
    agency.issuing_service.later(13 * 86_400)
    assert show_claim(agency.core, holder.who(), claim_id).overdue


def test_orders_are_made_month_by_month_once_and_end_with_the_last(claimant: tuple[Agency, str, Somebody]) -> None:
    agency, person_id, holder = claimant
    view = granted(agency, holder, person_id)
    assert [(one.month, one.state, one.amount) for one in view.orders] == [("2026-11", "ordered", "1975.00")]
    assert order_month(agency.core, Actor("worker")) == 0
    for expected in (1, 1, 0):
        agency.issuing_service.later(31 * 86_400)
        assert order_month(agency.core, Actor("worker")) == expected
        assert order_month(agency.core, Actor("worker")) == 0
    view = show_claim(agency.core, holder.who(), view.claim_id)
    assert [one.month for one in view.orders] == ["2026-11", "2026-12", "2027-01"]
    first = view.orders[0]
    today = day_of(int(agency.issuing_service.clock.at))
    for _ in range(2):
        record_payment(agency.core, agency.officer.who(), view.claim_id, first.order_id, today)
    again = refused(
        lambda: record_payment(
            agency.core, agency.officer.who(), view.claim_id, first.order_id, today - timedelta(days=1)
        )
    )
    assert again[0] == "claim.order"
    view = show_claim(agency.core, holder.who(), view.claim_id)
    assert (view.orders[0].state, view.orders[0].paid_on) == ("paid", today.isoformat())
    (claim,) = claims_on_record(agency.core)
    assert (claim["claim_id"], claim["state"], claim["monthly"]) == (view.claim_id, "granted", "1975.00")
    assert claims_on_record(agency.core, "refused") == []
    (order,) = orders_on_record(agency.core, parse_month("2026-11"))
    assert (order["person_id"], order["state"], order["amount"]) == (claim["person_id"], "paid", "1975.00")


@pytest.mark.parametrize("event", ["employed", "death", "moved_abroad"])
def test_event_stops_the_claim_and_cancels_later_orders(claimant: tuple[Agency, str, Somebody], event: str) -> None:
    agency, person_id, holder = claimant
    end_work(agency.core, agency.employer.who(), person_id, None, date(2026, 8, 31))
    view = granted(agency, holder, person_id)
    agency.issuing_service.later(20 * 86_400)
    order_month(agency.core, Actor("worker"))
    day = date(2026, 11, 30)
    if event == "employed":
        register(agency.core, agency.employer.who(), new_registration(1, began=day))
    elif event == "death":
        record_death(agency.core, agency.officer.who(), person_id, day)
    else:
        assert stop_claims_for(agency.core, agency.officer.who(), person_id, event, day) == 1
        assert stop_claims_for(agency.core, agency.officer.who(), person_id, event, day) == 0
    shown = show_claim(agency.core, agency.officer.who(), view.claim_id)
    assert (shown.state, shown.stopped_by, shown.stopped_on) == ("stopped", event, day.isoformat())
    assert [one.state for one in shown.orders] == ["ordered", "cancelled"]
    agency.issuing_service.later(31 * 86_400)
    assert order_month(agency.core, Actor("worker")) == 0


def test_event_that_stops_nothing_is_refused(claimant: tuple[Agency, str, Somebody]) -> None:
    agency, person_id, _ = claimant
    day = date(2026, 11, 1)
    wrong = refused(lambda: stop_claims_for(agency.core, agency.officer.who(), person_id, "married", day))
    assert wrong == ("claim.event", "event")
    late = refused(lambda: stop_claims_for(agency.core, agency.officer.who(), person_id, "death", date(2027, 1, 1)))
    assert late[0] == "claim.event"


def test_grant_beyond_the_rule_is_refused(claimant: tuple[Agency, str, Somebody]) -> None:
    agency, person_id, holder = claimant
    pay(agency, "DEU000000C00000001", "2026-08", schemes=("unemployment",))
    claim_id = claimed(agency, holder, person_id)
    now = month(agency)
    for grant, wanted in (
        (Grant("1975.00", now, 4), ("claim.month", "months")),
        (Grant("1975.00", now - 13), ("claim.month", "first_month")),
        (Grant("1975.00", now + 2), ("claim.month", "first_month")),
        (Grant("0", now), ("insurance.amount", "monthly")),
        (Grant("1.234", now), ("insurance.amount", "monthly")),
    ):
        found = refused(lambda grant=grant: decide_claim(agency.core, agency.officer.who(), claim_id, grant, "x"))
        assert found == wanted
    assert show_claim(agency.core, holder.who(), claim_id).state == "filed"
    assert agency.core.database.read(lambda session: session.scalars(select(BenefitOrder)).all()) == []


def test_facts_that_the_applicant_told_grant_nothing(claimant: tuple[Agency, str, Somebody]) -> None:
    agency, person_id, holder = claimant
    told = {"facts": {"injury_recognised": True}}
    claim_id = apply_claim(agency.core, holder.who(), person_id, "work_injury", told, "")
    officer, grant = agency.officer.who(), Grant("100.00", month(agency))
    wrong = refused(lambda: decide_claim(agency.core, officer, claim_id, grant, "As told."))
    assert wrong == ("claim.not_eligible", "outcome")
    decide_claim(agency.core, officer, claim_id, grant, "Recognised.", {"injury_recognised": True})
    assert show_claim(agency.core, holder.who(), claim_id).state == "granted"


def test_heir_withdraws_no_claim(claimant: tuple[Agency, str, Somebody]) -> None:
    agency, person_id, holder = claimant
    claim_id = claimed(agency, holder, person_id)
    heir = make(agency.issuing_service, "holder", "heir")
    record_death(agency.core, agency.officer.who(), person_id, date(2026, 11, 28))
    second = make(agency.issuing_service, "insurance_officer", "officer.two")
    give_heir(agency.core, second.who(), person_id, heir.person_id, "spouse", "A register", date(2026, 12, 31))
    assert show_claim(agency.core, heir.who(), claim_id).state == "filed"
    assert refused(lambda: withdraw_claim(agency.core, heir.who(), claim_id))[0] == "claim.none"
    withdraw_claim(agency.core, agency.officer.who(), claim_id)


def test_officer_notes_no_payment_of_his_own_claim(claimant: tuple[Agency, str, Somebody]) -> None:
    agency, person_id, holder = claimant
    view = granted(agency, holder, person_id)
    own = holder_of(agency, person_id, "officer.insured", "insurance_officer")
    day = date(2026, 11, 29)
    wrong = refused(lambda: record_payment(agency.core, own.who(), view.claim_id, view.orders[0].order_id, day))
    assert wrong[0] == "account.self"


def test_officials_reads_leave_rows_and_the_persons_own_none(claimant: tuple[Agency, str, Somebody]) -> None:
    """Claims, services and heirs for the person to see; requests about data for auditors."""
    agency, person_id, holder = claimant
    claim_id = claimed(agency, holder, person_id)
    request_id = ask(agency.core, holder.who(), "correction", "insurance", "My name is Erika.")
    app = make_service(agency.core, Drain())
    own, officer = by_session(app, holder.enter()), by_session(app, agency.officer.enter())
    of_person = f"/v1/insurance/people/{person_id}"
    certificate = {"country": "DEU", "group": "posted", "number": "D1", "schemes": ["pension"], "first": "2026-03-01",
                   "last": "2027-02-28", "surname": "Muster", "given": "Erika"}  # fmt: skip
    reads = (
        ("GET", "/v1/insurance/claims", None),
        ("GET", f"/v1/insurance/claims/{claim_id}", None),
        ("GET", f"{of_person}/services", None),
        ("GET", f"{of_person}/heirs", None),
        ("POST", f"{of_person}/certificates", certificate),
        ("POST", "/v1/insurance/registrations", registration_body(2, employer_id=agency.employer_id, region="320500",
                                                                  began="2026-11-01")),
        ("GET", "/v1/privacy/requests", None),
        ("GET", f"/v1/privacy/requests/{request_id}", None),
    )  # fmt: skip

    def rows() -> int:
        def look(session: Session) -> int:
            return len(session.scalars(select(OnlineLookup)).all()) + len(session.scalars(select(Read)).all())

        return agency.core.database.read(look)

    for number, (method, path, body) in enumerate(reads):
        before = rows()
        if body is None and not path.endswith("/heirs"):
            assert own(method, path).status_code == 200
            assert rows() == before
        answer = officer(method, path, body, **({"key": f"an-officers-act-{number:04d}"} if body else {}))
        assert answer.status_code in (200, 201), answer.text
        assert (path, rows()) == (path, before + 1)


def test_claim_over_http_from_application_to_payment(claimant: tuple[Agency, str, Somebody]) -> None:
    agency, person_id, holder = claimant
    pay(agency, "DEU000000C00000001", "2026-08", schemes=("unemployment",))
    app = make_service(agency.core, Drain())
    own, officer = by_session(app, holder.enter()), by_session(app, agency.officer.enter())
    place = f"/v1/insurance/people/{person_id}/claims"
    told = {"benefit": "subsidy.training", "words": "Please."}
    made = own("POST", place, told, key="a-claim-00000000001").json()["claim_id"]
    assert own("POST", place, told, key="a-claim-00000000001").json()["claim_id"] == made
    decision = {"outcome": "granted", "reasons": "All is met."}
    where = f"/v1/insurance/claims/{made}"
    assert problem(officer("POST", f"{where}/decide", decision)) == (422, "claim.month")
    decision |= {"monthly": "1975.00", "first_month": "2026-11"}
    assert problem(own("POST", f"{where}/decide", decision)) == (403, "access.not_allowed")
    assert officer("POST", f"{where}/decide", decision).status_code == 204
    (order,) = own("GET", where).json()["orders"]
    paid = officer("POST", f"{where}/orders/{order['order_id']}/paid", {"day": "2026-11-28"})
    assert paid.status_code == 204
    assert [one["claim_id"] for one in own("GET", "/v1/insurance/claims").json()["items"]] == [made]
    assert own("GET", where).json()["orders"][0]["state"] == "paid"
