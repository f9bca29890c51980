"""Requests, consents, heirs and the copy of everything, over HTTP and at the services."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from sqlalchemy.orm import Session

from icard_crypto.errors import StateError
from issuer import cards
from issuer.accounts.consents import NewConsent, consent_for, give_consent, list_consents
from issuer.accounts.models import Account
from issuer.cards import NewCard, lookups
from issuer.db.base import SEALED, Base
from issuer.insurance import registration, views
from issuer.insurance.departure import record_death
from issuer.insurance.heirs import end_heir, give_heir
from issuer.notices.inbox import inbox
from issuer.permits.offices import create_office, join_office
from issuer.privacy import floods, requests
from issuer.privacy.export import export_of, export_schema
from issuer.privacy.holdings import APART, HOLDINGS
from issuer.privacy.withdrawal import withdraw_consent
from issuer.rules.days import day_of
from issuer.service.app import make_service
from tests.kit.callers import by_session, problem
from tests.kit.insured import new_registration
from tests.kit.issuing_service import person
from tests.kit.people import HOST, ServiceUnderTest, Somebody, make, new_service_under_test, organisation
from verifier.runtime.http import Drain

DAY = 86_400


class Town:
    """A holder who is insured and has a card, an heir, and officers."""

    def __init__(self, issuing_service: ServiceUnderTest) -> None:
        self.issuing_service, self.core = issuing_service, issuing_service.core
        self.employer_id = organisation(issuing_service, "employer", 1)
        self.employer = make(issuing_service, "employer", "employer", organisation_id=self.employer_id)
        self.officer = make(issuing_service, "insurance_officer", "officer")
        self.holder, self.heir = make(issuing_service, "holder", "holder"), make(issuing_service, "holder", "heir")
        self.inspector = make(issuing_service, "inspector", "inspector")
        new = new_registration(1, employer_id=self.employer_id, began=self.today() - timedelta(days=200),
                               obtained=self.today() - timedelta(days=200))  # fmt: skip
        self.person_id = registration.register(self.core, self.officer.who(), new).person_id
        self.core.database.transact(self._move)
        self.holder.person_id = self.person_id
        self.card_id = cards.issue(self.core, [NewCard(person(1), holder=self.person_id)], HOST)[0].card_id

    def _move(self, session: Session) -> None:
        session.get_one(Account, self.holder.account_id).person_id = self.person_id

    def today(self) -> date:
        """In Beijing."""
        return day_of(int(self.issuing_service.clock.at))

    def told(self, who: Somebody, kind: str) -> int:
        """How many notices of a kind somebody has."""
        return [one.kind for one in inbox(self.core, who.account_id)].count(kind)


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    issuing_service = new_service_under_test(tmp_path, f"sqlite:///{tmp_path}/issuer.db", keys=True)
    yield Town(issuing_service)
    issuing_service.core.close()


def refused(work: Any) -> tuple[str, str | None]:
    with pytest.raises(StateError) as caught:
        work()
    return caught.value.code, caught.value.path


def test_every_table_about_people_is_in_the_list_of_holdings() -> None:
    """A table with a sealed column, or that names a person, an account, a card, a permit or an application."""
    named = {"person_id", "account_id", "card_id", "permit_id", "filing_id", "holder_id"}
    about = {
        table.name
        for table in Base.metadata.sorted_tables
        if named & set(table.columns.keys()) or any(column.info.get(SEALED) for column in table.columns)
    }
    listed = {holding.model.__tablename__ for holding in HOLDINGS}
    assert listed & APART.keys() == set()
    assert about - listed - APART.keys() == set()
    for holding in HOLDINGS:
        columns = Base.metadata.tables[holding.model.__tablename__].columns
        assert {*holding.shown, *holding.opened, *holding.emptied} <= set(columns.keys())
        assert set(holding.opened) <= set(holding.sealed)


def test_copy_of_everything_fits_its_schema_and_has_nothing_of_others(town: Town) -> None:
    lookups.note_lookup(town.core, town.inspector.who(), town.card_id, "card")
    requests.ask(town.core, town.holder.who(), "correction", "insurance", "My name is Erika.")
    give_consent(town.core, town.holder.who(), NewConsent("statistics", "A university", town.today()))
    app = make_service(town.core, Drain())
    answer = by_session(app, town.holder.enter())("GET", "/v1/privacy/export")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    document = answer.json()
    jsonschema.Draft202012Validator(export_schema()).validate(document)
    assert document["person"]["person_id"] == town.person_id
    assert document["insurance"][0]["record"]["surname"] == "Muster"
    assert {one["kind"] for one in document["insurance_record"]} == {"basis", "employment", "enrolment"}
    assert document["cards"][0]["record"]["holder"]["name"] == person(1).holder.name
    assert document["requests"][0]["body"] == {"words": "My name is Erika."}
    assert document["consents"][0]["record"] == {"recipient": "A university"}
    assert [one["purpose"] for one in document["lookups"]] == ["inspection"]
    assert {"insurance.register", "privacy.export"} <= {one["action"] for one in document["acts"]}
    assert {one["category"] for one in document["kept"]} >= {"insurance", "permit", "account"}
    for other in (town.inspector, town.officer, town.employer):
        assert other.account_id not in answer.text
    schema = by_session(app, town.officer.enter())("GET", "/v1/privacy/export/schema").json()
    assert schema == export_schema()


def test_copy_is_for_the_person_alone(town: Town) -> None:
    app = make_service(town.core, Drain())
    assert problem(by_session(app, town.officer.enter())("GET", "/v1/privacy/export")) == (403, "access.not_allowed")
    other = by_session(app, town.heir.enter())("GET", f"/v1/privacy/export?person_id={town.person_id}")
    assert problem(other) == (404, "privacy.none")


def test_correction_has_a_last_day_and_is_late_after_it(town: Town) -> None:
    app = make_service(town.core, Drain())
    own = by_session(app, town.holder.enter())
    body = {"kind": "correction", "topic": "insurance", "words": "My given name is written Erika."}
    made = own("POST", "/v1/privacy/requests", body, key="a-correction-00001").json()["request_id"]
    again = own("POST", "/v1/privacy/requests", body, key="a-correction-00001").json()["request_id"]
    assert made == again
    shown = own("GET", f"/v1/privacy/requests/{made}").json()
    assert shown["due_on"] == (town.today() + timedelta(days=30)).isoformat()
    assert "GB/T 35273-2020" in shown["rule"]["en"]
    assert (shown["state"], shown["overdue"]) == ("received", False)
    assert town.told(town.officer, "privacy.wanted") == 1
    town.issuing_service.later(31 * DAY)
    own, officer = by_session(app, town.holder.enter()), by_session(app, town.officer.enter())
    assert own("GET", f"/v1/privacy/requests/{made}").json()["overdue"] is True
    assert [one["request_id"] for one in officer("GET", "/v1/privacy/requests").json()["items"]] == [made]
    place = f"/v1/privacy/requests/{made}/decide"
    assert officer("POST", place, {"outcome": "done", "words": "Put right."}).status_code == 204
    assert problem(officer("POST", place, {"outcome": "done", "words": "Again."})) == (409, "privacy.decided")
    shown = own("GET", f"/v1/privacy/requests/{made}").json()
    assert (shown["state"], shown["answer"], shown["overdue"]) == ("done", "Put right.", False)
    assert town.told(town.holder, "privacy.done") == 1


def test_refusal_names_reasons_and_ways_of_redress(town: Town) -> None:
    made = requests.ask(town.core, town.holder.who(), "deletion", "insurance", "Delete my contributions.")
    assert refused(lambda: requests.decide(town.core, town.officer.who(), made, "refused", "")) == (
        "privacy.words",
        "words",
    )
    requests.decide(town.core, town.officer.who(), made, "refused", "The law keeps them.")
    shown = requests.show_request(town.core, town.holder.who(), made)
    assert (shown.state, shown.answer) == ("refused", "The law keeps them.")
    assert [one["way"] for one in shown.redress] == ["reconsideration", "court"]
    assert town.told(town.holder, "privacy.refused") == 1


def test_only_whoever_keeps_the_data_decides(town: Town) -> None:
    made = requests.ask(town.core, town.holder.who(), "correction", "permit", "Wrong post.")
    permit_officer = make(town.issuing_service, "permit_officer", "permit.officer")
    wrong = refused(lambda: requests.decide(town.core, town.officer.who(), made, "done", "x"))
    assert wrong[0] == "privacy.none"
    assert refused(lambda: requests.show_request(town.core, town.heir.who(), made))[0] == "privacy.none"
    requests.decide(town.core, permit_officer.who(), made, "done", "Put right.")
    own = requests.ask(town.core, town.holder.who(), "correction", "insurance", "x")
    requests.withdraw(town.core, town.holder.who(), own)
    requests.withdraw(town.core, town.holder.who(), own)
    assert refused(lambda: requests.decide(town.core, town.officer.who(), own, "done", "x"))[0] == "privacy.decided"
    for _ in range(10):
        requests.ask(town.core, town.holder.who(), "explanation", "card", "why")
    assert refused(lambda: requests.ask(town.core, town.holder.who(), "explanation", "card", "why"))[0] == (
        "privacy.too_many"
    )


def test_nobody_floods_those_who_decide(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each request notifies all who may decide: asking and withdrawing again and again ends, until the next day."""
    monkeypatch.setattr(floods, "MOST_WITHDRAWN", 2)
    who = town.holder.who()
    for _ in range(2):
        requests.withdraw(town.core, who, requests.ask(town.core, who, "explanation", "card", "why"))
    assert refused(lambda: requests.ask(town.core, who, "explanation", "card", "why"))[0] == "privacy.too_often"
    town.issuing_service.later(86_400)
    requests.ask(town.core, town.holder.who(), "explanation", "card", "why")


def test_official_of_another_regions_office_neither_sees_nor_decides(town: Town) -> None:
    """The person is insured in Shanghai and has no permit."""
    admin = make(town.issuing_service, "administrator", "admin")
    offices = [create_office(town.core, admin.who(), code, "An office", "机构") for code in ("310000", "110000")]
    there = make(town.issuing_service, "insurance_officer", "officer.beijing")
    for office, who in zip(offices, (town.officer, there), strict=True):
        join_office(town.core, admin.who(), office.office_id, who.account_id)
    made = requests.ask(town.core, town.holder.who(), "correction", "insurance", "My name is Erika.")
    assert (town.told(town.officer, "privacy.wanted"), town.told(there, "privacy.wanted")) == (1, 0)
    assert requests.list_requests(town.core, there.who()) == []
    for work in (
        lambda: requests.show_request(town.core, there.who(), made),
        lambda: requests.decide(town.core, there.who(), made, "done", "Put right."),
    ):
        assert refused(work)[0] == "privacy.none"
    assert [one.request_id for one in requests.list_requests(town.core, town.officer.who())] == [made]
    requests.decide(town.core, town.officer.who(), made, "done", "Put right.")


def test_consent_is_withdrawn_in_one_step_and_counts_no_more(town: Town) -> None:
    app = make_service(town.core, Drain())
    own = by_session(app, town.holder.enter())
    body = {"purpose": "service", "service": "transit", "recipient": "Transit Group",
            "until": (town.today() + timedelta(days=365)).isoformat()}  # fmt: skip
    made = own("POST", "/v1/privacy/consents", body, key="a-consent-00000001").json()
    assert (made["in_force"], made["recipient"], made["until"]) == (True, "Transit Group", body["until"])

    def stands() -> bool:
        now = int(town.issuing_service.clock.at)
        return town.core.database.read(
            lambda session: consent_for(session, town.person_id, "service", "transit", now) is not None
        )

    assert stands()
    assert problem(
        by_session(app, town.heir.enter())("POST", f"/v1/privacy/consents/{made['consent_id']}/withdraw")
    ) == (404, "consent.none")
    for _ in range(2):
        assert own("POST", f"/v1/privacy/consents/{made['consent_id']}/withdraw").status_code == 204
    assert not stands()
    (shown,) = list_consents(town.core, town.holder.who())
    assert (shown.in_force, shown.withdrawn_at is not None) == (False, True)
    withdraw_consent(town.core, town.holder.who(), made["consent_id"])


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"purpose": "curiosity"}, ("consent.purpose", "purpose")),
        ({"service": "transit"}, ("consent.service", "service")),
        ({"purpose": "service"}, ("consent.service", "service")),
        ({"purpose": "service", "service": "casino"}, ("consent.service", "service")),
        ({"recipient": ""}, ("consent.recipient", "recipient")),
        ({"recipient": "a\u202eb"}, ("consent.recipient", "recipient")),
        ({"until": date(2020, 1, 1)}, ("consent.until", "until")),
        ({"until": date(2099, 1, 1)}, ("consent.until", "until")),
    ],
)
def test_consent_that_says_too_little_is_refused(town: Town, changes: dict[str, Any], wanted: tuple[str, str]) -> None:
    new = NewConsent(**{"purpose": "statistics", "recipient": "A university", "until": town.today(), **changes})
    assert refused(lambda: give_consent(town.core, town.holder.who(), new)) == wanted


def test_consent_ends_with_its_day(town: Town) -> None:
    give_consent(town.core, town.holder.who(), NewConsent("statistics", "A university", town.today()))
    assert list_consents(town.core, town.holder.who())[0].in_force
    town.issuing_service.later(DAY)
    assert not list_consents(town.core, town.holder.who())[0].in_force


def test_heir_sees_the_record_of_who_died_until_the_day(town: Town) -> None:
    until = town.today() + timedelta(days=30)
    second = make(town.issuing_service, "insurance_officer", "officer.two")

    def give(by: Somebody = second, **changes: Any) -> str:
        told = {"heir_person_id": town.heir.person_id, "relation": "spouse", "proof": "Household register",
                "until": until, **changes}  # fmt: skip
        return give_heir(town.core, by.who(), town.person_id, **told)

    assert refused(give) == ("heir.alive", "person_id")
    record_death(town.core, town.officer.who(), town.person_id, town.today())
    assert refused(lambda: give(relation="friend")) == ("heir.relation", "relation")
    assert refused(lambda: give(proof="")) == ("heir.proof", "proof")
    assert refused(lambda: give(until=town.today() + timedelta(days=400))) == ("heir.until", "until")
    assert refused(lambda: give(heir_person_id=town.inspector.person_id)) == ("heir.account", "heir_person_id")
    before = refused(lambda: views.show_insurance(town.core, town.heir.who(), town.person_id))
    assert before[0] == "insurance.none"
    assert town.told(town.holder, "insurance.death") == 1
    assert refused(lambda: give(town.officer)) == ("heir.two_needed", "person_id")
    heir_id = give()
    assert (town.told(town.heir, "heir.given"), town.told(town.holder, "heir.given_on")) == (1, 1)
    assert views.show_insurance(town.core, town.heir.who(), town.person_id).number is not None
    copy = export_of(town.core, town.heir.who(), town.person_id)
    jsonschema.Draft202012Validator(export_schema()).validate(copy)
    assert copy["insurance"][0]["record"]["died"] is not None
    assert copy.keys() - {"format", "made_at", "issuer", "person", "kept"} == {
        "insurance", "insurance_record", "contributions", "findings", "refusals", "claims", "pay_orders", "heirs",
    }  # fmt: skip
    assert {one["category"] for one in copy["kept"]} == {"insurance"}
    town.issuing_service.later(31 * DAY)
    assert refused(lambda: views.show_insurance(town.core, town.heir.who(), town.person_id))[0] == "insurance.none"
    assert refused(lambda: export_of(town.core, town.heir.who(), town.person_id))[0] == "privacy.none"
    until = town.today() + timedelta(days=30)
    heir_id = give()
    end_heir(town.core, town.officer.who(), town.person_id, heir_id)
    assert refused(lambda: views.show_insurance(town.core, town.heir.who(), town.person_id))[0] == "insurance.none"
