"""One Idempotency-Key, however many requests."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx

from issuer.cards.models import CardRow
from issuer.service.app import make_app
from issuer.service.cookies import SESSION
from tests.kit.issuing_service import person
from tests.kit.people import count, make, new_service_under_test
from verifier.runtime import http as edge


def test_a_hundred_requests_with_one_key_make_one_card(database_url: str, tmp_path: Path) -> None:
    """A hundred at once get 201 and the same answer, and there is one card; the key with another body is 422."""
    issuing_service = new_service_under_test(tmp_path, database_url, keys=True, serve_threads=40, account_burst=300)
    entered = make(issuing_service, "permit_officer", "li.wei").enter()
    app = make_app(issuing_service.core, edge.Drain())
    headers = {
        "Cookie": f"{SESSION}={entered.token}",
        "X-CSRF-Token": entered.csrf,
        "Idempotency-Key": "one-card-for-a-hundred",
    }

    async def issue(http: httpx.AsyncClient, body: dict[str, Any]) -> httpx.Response:
        return await http.post("/v1/cards", json=body, headers=headers)

    async def asked() -> tuple[list[httpx.Response], httpx.Response]:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://service.test", timeout=60) as http:
            same = {"card": person(1).to_json()}
            answers = await asyncio.gather(*(issue(http, same) for _ in range(100)))
            return answers, await issue(http, {"card": person(2).to_json()})

    answers, other = asyncio.run(asked())
    assert [answer.status_code for answer in answers] == [201] * 100
    assert len({(answer.content, answer.headers["location"], answer.headers["etag"]) for answer in answers}) == 1
    assert (other.status_code, other.json()["code"]) == (422, "idempotency.other_body")
    assert count(issuing_service.core, CardRow) == 1
    issuing_service.core.close()
