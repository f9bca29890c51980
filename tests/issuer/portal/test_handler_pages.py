"""Handlers of a mandate: named by the agency, seen and ended by both sides, and nobody else of the agency acts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from fastapi import FastAPI
from sqlalchemy import update

from icard_crypto.errors import StateError
from issuer.accounts import mandate_handlers, mandates
from issuer.accounts.models import MandateHandler
from issuer.cards.parties import notify_parties, own_cards
from issuer.notices import inbox
from issuer.portal import make_portal
from issuer.service.app import make_service
from tests.issuer.portal.test_guard import Person, of
from tests.kit.forms import words
from tests.kit.people import Somebody, make
from tests.kit.portal import Town, town
from verifier.runtime import http


@dataclass
class Agency:
    """A town whose agency has two people, and its one mandate."""

    town: Town
    app: FastAPI
    other: Somebody
    mandate_id: str

    def enter(self, somebody: Somebody) -> Person:
        """Somebody's pages."""
        return Person(self.app, somebody.enter())

    def cards_of(self, somebody: Somebody) -> int:
        """How many cards somebody sees."""
        return len(own_cards(self.town.issuing_service.core, somebody.who()))

    def page(self, person: Person) -> str:
        """The mandate as a person reads it."""
        answer = person.get(f"mandates/{self.mandate_id}?lang=en")
        assert answer.status_code == 200
        return words(answer.text)


@pytest.fixture
def agency(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agency]:
    """An agency with a mandate."""
    made = town(tmp_path_factory.mktemp("handlers"))
    core = made.issuing_service.core
    other = make(made.issuing_service, "agency", "agency-2", organisation_id=made.agency_id)
    (given,) = mandates.list_mandates(core, made.people["agency"].who())
    app = make_service(core, http.Drain(), [make_portal(core)])
    yield Agency(made, app, other, given.mandate_id)
    core.close()


def test_only_named_handlers_act_and_either_side_ends_them(agency: Agency) -> None:
    """Before the first is named both people of the agency see the staff; then one; after both ends nobody does, and
    the pages say so."""
    first, other = agency.town.people["agency"], agency.other
    path = f"mandates/{agency.mandate_id}"
    person = agency.enter(first)
    assert "everyone of the agency can act" in agency.page(person)
    assert (agency.cards_of(first), agency.cards_of(other)) == (3, 3)
    empty = person.post(f"{path}/handlers", key="1" * 32, account_id="")
    assert 'href="#f-account_id"' in empty.text
    for _ in range(2):
        assert person.post(f"{path}/handlers", key="2" * 32, account_id=first.account_id).status_code == 303
    assert (agency.cards_of(first), agency.cards_of(other)) == (3, 0)
    assert "NGUYEN VAN AN" not in agency.enter(other).get("staff").text
    assert agency.town.employer_id in agency.enter(first).get("filings/new").text
    assert agency.town.employer_id not in agency.enter(other).get("filings/new").text
    again = person.post(f"{path}/handlers", key="3" * 32, account_id=first.account_id)
    assert (again.status_code, "already" in words(again.text)) == (409, True)

    employer = of(agency.app, agency.town, "employer")
    assert "Only these people of the agency act" in agency.page(employer)
    assert "Name of agency-1" in agency.page(employer)
    end = re.findall(rf'action="/portal/({path}/handlers/[0-9a-f]{{32}}/end)"', employer.get(path).text)
    assert len(end) == 1
    assert employer.post(end[0], key="4" * 32).status_code == 303
    assert employer.post(end[0], key="5" * 32).status_code == 303, "ended is no error"
    assert (agency.cards_of(first), agency.cards_of(other)) == (0, 0)
    assert "nobody of the agency can act" in agency.page(employer)
    assert agency.enter(other).post(f"{path}/handlers", key="6" * 32, account_id=other.account_id).status_code == 303
    assert (agency.cards_of(first), agency.cards_of(other)) == (0, 3)
    assert "Earlier handlers" in agency.page(employer)


def test_employer_and_strangers_name_nobody(agency: Agency) -> None:
    """The employer sees and ends but does not name; another organisation's person is no handler; to others the mandate
    is not there."""
    core, people = agency.town.issuing_service.core, agency.town.people
    path = f"mandates/{agency.mandate_id}/handlers"
    employer = of(agency.app, agency.town, "employer")
    assert employer.post(path, key="1" * 32, account_id=agency.other.account_id).status_code == 403
    person = agency.enter(agency.other)
    for account_id in (people["employer"].account_id, "0" * 32, "..", "<b>"):
        assert person.post(path, key="2" * 32, account_id=account_id).status_code in (404, 422)
    assert of(agency.app, agency.town, "holder").post(path, account_id="x").status_code == 403
    assert mandate_handlers.list_handlers(core, people["employer"].who(), agency.mandate_id) == []


def test_notices_of_a_client_reach_its_handlers_alone(agency: Agency) -> None:
    """A notice about a card of the client's staff goes to whoever is named, and to nobody else of the agency."""
    core, first, other = agency.town.issuing_service.core, agency.town.people["agency"], agency.other
    mandate_handlers.name_handler(core, other.who(), agency.mandate_id, other.account_id)
    before = [inbox.unread(core, one.account_id) for one in (first, other)]
    now = int(agency.town.issuing_service.clock.at)
    core.database.transact(lambda session: notify_parties(core, session, now, "card.suspend", [agency.town.cards[1]]))
    after = [inbox.unread(core, one.account_id) for one in (first, other)]
    assert [late - early for late, early in zip(after, before, strict=True)] == [0, 1]


def test_a_handler_written_into_the_database_does_not_act(agency: Agency) -> None:
    """Whoever can write to the database alone makes nobody a handler: the row does not fit its MAC."""
    core, first, other = agency.town.issuing_service.core, agency.town.people["agency"], agency.other
    named = mandate_handlers.name_handler(core, first.who(), agency.mandate_id, first.account_id)
    forged = update(MandateHandler).where(MandateHandler.id == named.handler_id).values(account_id=other.account_id)
    core.database.transact(lambda session: session.execute(forged) and None)
    with pytest.raises(StateError) as fault:
        agency.cards_of(other)
    assert fault.value.code == "at_rest.altered"


def test_mandate_has_few_handlers(agency: Agency) -> None:
    core, service = agency.town.issuing_service.core, agency.town.issuing_service
    who = agency.other.who()
    for number in range(3, 3 + mandate_handlers.MOST):
        one = make(service, "agency", f"agency-{number}", organisation_id=agency.town.agency_id)
        mandate_handlers.name_handler(core, who, agency.mandate_id, one.account_id)
    with pytest.raises(StateError) as fault:
        mandate_handlers.name_handler(core, who, agency.mandate_id, agency.other.account_id)
    assert fault.value.code == "mandate.handlers_full"
    assert "at most 3 handlers" in agency.page(agency.enter(agency.other))
    mandates.end_mandate(core, who, agency.mandate_id)
    assert "/handlers" not in agency.enter(agency.other).get(f"mandates/{agency.mandate_id}").text, "it is over"


def test_organisation_page_names_its_handlers(agency: Agency) -> None:
    """Who has an account of one's own organisation, and how each logs in."""
    text = words(agency.enter(agency.other).get("organisation?lang=en").text)
    assert "Name of agency-1" in text
    assert "Name of agency-2" in text
    assert "Name of employer-1" not in text
