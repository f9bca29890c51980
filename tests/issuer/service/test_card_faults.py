"""A card that may not be issued, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp

from issuer import cards
from issuer.cards import NewCard
from issuer.cards.models import CardRow
from issuer.service.app import make_app
from tests.kit.http_clients import ask
from tests.kit.issuing_api import headers_of, wanted_card
from tests.kit.issuing_service import person
from tests.kit.people import HOST, ServiceUnderTest, count, make, new_service_under_test
from verifier.runtime import http


@pytest.fixture
def issuing_service(tmp_path: Path) -> Iterator[ServiceUnderTest]:
    made = new_service_under_test(tmp_path, f"sqlite:///{tmp_path}/issuer.db", keys=True)
    yield made
    made.core.close()


@pytest.fixture
def app(issuing_service: ServiceUnderTest) -> ASGIApp:
    """Its application with the edge around it."""
    return make_app(issuing_service.core, http.Drain())


@pytest.mark.parametrize("replaced", [False, True], ids=["issue", "replace"])
def test_every_fault_of_a_card_is_named(issuing_service: ServiceUnderTest, app: ASGIApp, *, replaced: bool) -> None:
    """Each by its place in the body, with its sentence; a name that the client made up is not repeated."""
    body: dict[str, Any] = {**wanted_card(1), "reason": "moved"} if replaced else wanted_card(1)
    issued = cards.issue(issuing_service.core, [NewCard(person(1))], HOST) if replaced else []
    path = f"/v1/cards/{issued[0].card_id}/replace" if issued else "/v1/cards"
    body["card"]["permit"]["region"] = "31011"
    body["card"]["insurance"]["schemes"] = ["pension", "dental"]
    body["card"]["holder"]["passport"] = "C01X00T47"
    headers = {
        **headers_of(make(issuing_service, "permit_officer", "li.wei").enter()),
        "Idempotency-Key": "a-card-with-faults",
    }
    answer = ask(app, "POST", path, json=body, headers={**headers, "If-Match": '"1"'})
    assert (answer.status_code, answer.json()["code"]) == (422, "card.unknown_field")
    assert [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]] == [
        ("/body/card/holder", "card.unknown_field"),
        ("/body/card/permit/region", "card.too_short"),
        ("/body/card/insurance/schemes/1", "card.unknown_value"),
    ]
    assert all(fault["message"] and fault["expected"] for fault in answer.json()["errors"])
    assert "C01X00T47" not in answer.text
    assert count(issuing_service.core, CardRow) == int(replaced)
