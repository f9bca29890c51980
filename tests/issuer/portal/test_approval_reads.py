"""Whoever opens a request for dual control leaves a row about the record that its page shows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import func, select

from issuer.audit.models import Read
from issuer.cards.models import OnlineLookup
from issuer.portal import make_portal
from issuer.service.app import make_service
from tests.issuer.conftest import new_database_url
from tests.issuer.portal.test_guard import Person
from tests.kit.forms import words
from tests.kit.people import Somebody
from tests.kit.permit_office import PermitOffice
from verifier.runtime import http

pytestmark = pytest.mark.slow


def with_portal(office: PermitOffice) -> FastAPI:
    return make_service(office.core, http.Drain(), [make_portal(office.core)])


def looks(office: PermitOffice, card_id: str, by: Somebody) -> int:
    """How often somebody's looks at a card are on record for its holder."""
    rows = select(func.count()).where(OnlineLookup.card_id == card_id, OnlineLookup.account_id == by.account_id)
    return office.core.database.read(lambda session: session.scalar(rows) or 0)


def reads(office: PermitOffice, permit_id: str) -> int:
    """How often a request's page has shown whose permit it is."""
    pseudonym = office.core.at_rest.pseudonym("subject", f"permit:{permit_id}")
    rows = select(func.count()).where(Read.subject == pseudonym, Read.way == "permit.read")
    return office.core.database.read(lambda session: session.scalar(rows) or 0)


def test_page_that_names_the_holder_of_a_permit_leaves_a_row(tmp_path: Path) -> None:
    """One that the holder sees and one for the audit; the list of requests, which names nobody, leaves neither."""
    office = PermitOffice.begin(tmp_path, new_database_url("sqlite", tmp_path))
    permit = office.employed(1)
    arguments = {"permit_id": permit["permit_id"], "end": "dead.death"}
    request = office.asked("permit.end", arguments).json()["confirmation_id"]
    second = Person(with_portal(office), office.second.enter())
    assert permit["name"] not in words(second.get("confirmations").text)
    assert (looks(office, permit["card_id"], office.second), reads(office, permit["permit_id"])) == (0, 0)
    assert permit["name"] in words(second.get(f"confirmations/{request}").text)
    assert (looks(office, permit["card_id"], office.second), reads(office, permit["permit_id"])) == (1, 1)
    office.core.close()


def test_request_with_the_new_record_of_a_card_leaves_a_row_wherever_it_is_shown(tmp_path: Path) -> None:
    """On its page, over the API, and in the API's list."""
    office = PermitOffice.begin(tmp_path, new_database_url("sqlite", tmp_path), direct_issuing=True)
    permit = office.employed(1)
    path = f"/v1/cards/{permit['card_id']}"
    card = office.ok(office.officer, "GET", path)["card"]
    asked = office.asked("card.replace", {"card_id": permit["card_id"], "card": json.dumps(card)})
    assert asked.status_code == 201, asked.text
    request = asked.json()["confirmation_id"]
    second = Person(with_portal(office), office.second.enter())
    shown: list[Callable[[], object]] = [
        lambda: second.get(f"confirmations/{request}"),
        lambda: office.ok(office.second, "GET", f"/v1/confirmations/{request}"),
        lambda: office.ok(office.second, "GET", "/v1/confirmations"),
    ]
    for number, look in enumerate(shown, 1):
        look()
        assert looks(office, permit["card_id"], office.second) == number
    office.core.close()
