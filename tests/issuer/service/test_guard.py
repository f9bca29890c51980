"""The guard of the service's endpoints."""

from __future__ import annotations

from pathlib import Path

import pytest

from icard_crypto.errors import StateError
from issuer.service.access import require_access
from issuer.service.app import make_app, make_service
from tests.kit.http_clients import ask
from tests.kit.issuing_service import new_core
from verifier.runtime import http


def test_an_endpoint_without_access_does_not_start(database_url: str, tmp_path: Path) -> None:
    """An application with an endpoint that declares nothing is refused by the endpoint's name."""
    core = new_core(tmp_path, database_url, keys=False)
    app = make_service(core, http.Drain())
    app.get("/forgotten")(lambda: "open")
    with pytest.raises(StateError) as caught:
        require_access(app)
    assert (caught.value.code, caught.value.path) == ("api.no_access", "/forgotten")
    core.close()


def test_nobody_gets_past_the_guard(database_url: str, tmp_path: Path) -> None:
    """Without a session or a token a card is neither read nor issued; health is for anyone."""
    core = new_core(tmp_path, database_url, keys=False)
    app = make_app(core, http.Drain())
    assert ask(app, "GET", f"/v1/cards/{'0' * 32}").json()["code"] == "http.unauthenticated"
    assert ask(app, "POST", "/v1/cards", json={"card": {}}).status_code == 401
    bad = {"Authorization": "Bearer icard_000000000000_x"}
    assert ask(app, "GET", "/v1/cards", headers=bad).json()["code"] == "token.unknown"
    assert ask(app, "GET", "/healthz").status_code == 200
    assert ask(app, "GET", "/openapi.json").status_code == 200
    core.close()
