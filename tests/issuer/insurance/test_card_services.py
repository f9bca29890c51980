"""Services of a card: granted into its codes, required by a policy, withdrawn; places that refused the card."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from icard_crypto.card.card import Profile, Service
from icard_crypto.errors import StateError
from issuer import cards
from issuer.accounts.consents import NewConsent, give_consent
from issuer.cards import NewCard
from issuer.cards.models import CodeRow
from issuer.insurance.service_grants import (
    answer_report,
    grant_service,
    list_grants,
    list_reports,
    report_refusal,
    show_grant,
    withdraw_service,
)
from issuer.keys.models import KeyRow
from issuer.keys.states import trusted_key
from issuer.notices.inbox import inbox
from issuer.privacy.withdrawal import withdraw_consent
from issuer.rules.days import day_of
from issuer.service.app import make_service
from tests.issuer.insurance.conftest import Agency
from tests.issuer.insurance.test_registration import BY, holder_of, registered
from tests.kit.callers import by_session
from tests.kit.issuing_service import person
from tests.kit.people import Somebody, make
from verifier import Policy, TrustDomain, TrustedKey, Verifier
from verifier.runtime.http import Drain

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

Carded = tuple[Agency, str, Somebody, str]


def carded(agency: Agency, region: str) -> Carded:
    """Somebody who is insured in a region, their account and their card."""
    person_id, _ = registered(agency, 1, region=region)
    holder = holder_of(agency, person_id)
    bare = NewCard(replace(person(1), services=()), holder=person_id)
    return agency, person_id, holder, cards.issue(agency.core, [bare], BY)[0].card_id


@pytest.fixture
def jiaxing(agency: Agency) -> Carded:
    return carded(agency, "330402")


@pytest.fixture
def beijing(agency: Agency) -> Carded:
    return carded(agency, "110105")


def refused(work: Any) -> tuple[str, str | None]:
    with pytest.raises(StateError) as caught:
        work()
    return caught.value.code, caught.value.path


def services(agency: Agency, card_id: str) -> tuple[Service, ...]:
    return cards.show(agency.core, card_id).card.services


def replaced(agency: Agency, card_id: str) -> list[bool]:
    """Of each generation of codes, whether it reads replaced."""
    query = select(CodeRow.generation, CodeRow.replaced).where(CodeRow.card_id == card_id, CodeRow.profile == 1)
    rows = agency.core.database.read(lambda session: session.execute(query.order_by(CodeRow.generation)).all())
    return [row.replaced for row in rows]


def consented(holder: Somebody, agency: Agency) -> str:
    until = day_of(int(agency.issuing_service.clock.at)) + timedelta(days=365)
    return give_consent(agency.core, holder.who(), NewConsent("service", "Transit Group", until, "transit"))


def test_service_needs_the_persons_consent_where_its_item_says_so(jiaxing: Carded) -> None:
    agency, person_id, holder, card_id = jiaxing
    wrong = refused(lambda: grant_service(agency.core, agency.officer.who(), person_id, "transit"))
    assert wrong == ("grant.consent", "service")
    assert services(agency, card_id) == ()
    consented(holder, agency)
    made = grant_service(agency.core, agency.officer.who(), person_id, "transit")
    assert (made.service, made.region, made.withdrawn_at) == ("transit", "330400", None)
    assert services(agency, card_id) == (Service.TRANSIT,)
    # The earlier codes run to their own end.
    assert replaced(agency, card_id) == [False, False]
    assert [one.service for one in list_grants(agency.core, holder.who(), person_id)] == ["transit"]
    for look in (
        lambda: list_grants(agency.core, agency.employer.who(), person_id),
        lambda: show_grant(agency.core, agency.employer.who(), made.grant_id),
    ):
        assert refused(look)[0] == "access.not_allowed"
    again = refused(lambda: grant_service(agency.core, agency.officer.who(), person_id, "transit"))
    assert again == ("grant.exists", "service")
    kinds = [one.kind for one in inbox(agency.core, holder.account_id)]
    assert "service.granted" in kinds


def test_policy_that_requires_the_service_takes_the_new_code_alone(jiaxing: Carded) -> None:
    agency, person_id, holder, card_id = jiaxing
    before = _text(agency, card_id)
    consented(holder, agency)
    grant_service(agency.core, agency.officer.who(), person_id, "transit")
    policy = Policy("unsafe_bus", status_required=False, status_max_age=None, timestamp_max_age=None,
                    service=int(Service.TRANSIT))  # fmt: skip
    row = agency.core.database.read(lambda session: session.scalars(select(CodeRow).limit(1)).one())
    trusted = _trusted(agency, row.key)
    verifier = Verifier(TrustDomain.from_keys([trusted], environment="test"), policy)
    now = int(agency.issuing_service.clock.at) + 5
    assert str(verifier.verify(before, now=now).reason) == "policy_not_met"
    assert verifier.verify(_text(agency, card_id), now=now).outcome == "VALID"


def _text(agency: Agency, card_id: str) -> str:
    return next(code.text for code in cards.show(agency.core, card_id).codes if code.profile is Profile.PUBLIC)


def _trusted(agency: Agency, thumbprint: str) -> TrustedKey:
    row = agency.core.database.read(lambda session: session.get_one(KeyRow, thumbprint))
    return trusted_key(row, agency.core.issuer)


def test_withdrawn_consent_takes_the_service_off_the_card_in_one_step(jiaxing: Carded) -> None:
    agency, person_id, holder, card_id = jiaxing
    consent_id = consented(holder, agency)
    grant_service(agency.core, agency.officer.who(), person_id, "transit")
    for _ in range(2):
        withdraw_consent(agency.core, holder.who(), consent_id)
    assert services(agency, card_id) == ()
    assert replaced(agency, card_id) == [True, True, False]
    (grant,) = list_grants(agency.core, holder.who(), person_id)
    assert grant.withdrawn_at is not None
    assert "service.withdrawn" in [one.kind for one in inbox(agency.core, holder.account_id)]


def test_officer_withdraws_with_a_reason_and_the_person_without(beijing: Carded) -> None:
    agency, person_id, holder, card_id = beijing
    first = grant_service(agency.core, agency.officer.who(), person_id, "hospital_registration")
    second = grant_service(agency.core, agency.officer.who(), person_id, "subsidy")
    assert services(agency, card_id) == (Service.HOSPITAL_REGISTRATION, Service.SUBSIDY)
    assert refused(lambda: withdraw_service(agency.core, agency.officer.who(), first.grant_id))[0] == "grant.reason"
    other = make(agency.issuing_service, "holder", "other")
    assert refused(lambda: withdraw_service(agency.core, other.who(), first.grant_id))[0] == "grant.none"
    insured = holder_of(agency, person_id, "officer.insured", "insurance_officer")
    own = refused(lambda: withdraw_service(agency.core, insured.who(), first.grant_id, "I need it no more."))
    assert own[0] == "account.self"
    withdraw_service(agency.core, agency.officer.who(), first.grant_id, "Granted by mistake.")
    assert services(agency, card_id) == (Service.SUBSIDY,)
    for _ in range(2):
        withdraw_service(agency.core, holder.who(), second.grant_id)
    assert services(agency, card_id) == ()


def test_service_that_is_not_offered_there_is_refused(jiaxing: Carded) -> None:
    agency, person_id, _, card_id = jiaxing
    wrong = refused(lambda: grant_service(agency.core, agency.officer.who(), person_id, "sports"))
    assert wrong == ("insurance.service", "service")
    cards.revoke(agency.core, card_id, BY)
    gone = refused(lambda: grant_service(agency.core, agency.officer.who(), person_id, "medical_settlement"))
    assert gone == ("grant.no_card", "person_id")


def test_place_that_must_take_the_card_is_reported_and_answered(beijing: Carded) -> None:
    agency, _, holder, _ = beijing
    app = make_service(agency.core, Drain())
    own, officer = by_session(app, holder.enter()), by_session(app, agency.officer.enter())
    told = {"service": "tourism", "day": "2026-11-28", "place": "West gate", "words": "They wanted a passport."}
    made = own("POST", "/v1/services/refusals", told, key="a-refusal-000000001").json()["report_id"]
    (shown,) = own("GET", "/v1/services/refusals").json()["items"]
    assert (shown["report_id"], shown["state"], shown["region"]) == (made, "open", "110000")
    assert "一卡通" in shown["source"]
    answer = {"outcome": "upheld", "answer": "The gate has been told."}
    assert officer("POST", f"/v1/services/refusals/{made}/answer", answer).status_code == 204
    (shown,) = list_reports(agency.core, holder.who())
    assert (shown.state, shown.answer) == ("upheld", "The gate has been told.")
    again = refused(lambda: answer_report(agency.core, agency.officer.who(), made, "dismissed", "x"))
    assert again[0] == "grant.answered"
    items = {one["service"]: one for one in own("GET", "/v1/services/regions/110105").json()}
    assert items["tourism"]["must_take"] is True
    assert own("GET", "/v1/services/regions/310115").json() == []


def test_place_that_need_not_take_the_card_is_not_reported(jiaxing: Carded) -> None:
    agency, _, holder, _ = jiaxing

    def report(service: str, day: date) -> str:
        return report_refusal(agency.core, holder.who(), service, day, "A bus", "No.")

    assert refused(lambda: report("transit", date(2026, 11, 28))) == ("grant.may_refuse", "service")
    assert refused(lambda: report("transit", date(2026, 12, 28))) == ("grant.report", "day")
