"""Strangers who log in without pause, and everybody else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import httpx
import pytest
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from issuer.accounts.attempts import is_genuine, new_device
from issuer.portal import make_portal
from issuer.portal.rendering import BASE
from issuer.service import login_door
from issuer.service.app import make_app
from issuer.service.cookies import DEVICE, SESSION
from issuer.service.login_door import PATH, LogInDoor
from tests.kit.people import PASSWORD, ServiceUnderTest, make, new_service_under_test
from verifier.runtime import http


@pytest.fixture
def issuing_service(tmp_path: Path, database_url: str) -> Iterator[ServiceUnderTest]:
    """A service without signing keys."""
    made = new_service_under_test(
        tmp_path, database_url, published_per_second=10_000, account_per_second=1000, account_burst=5000
    )
    yield made
    made.core.close()


def test_only_what_the_service_made_is_a_known_device(issuing_service: ServiceUnderTest) -> None:
    """By its MAC; the MAC of another secret, none, and nonsense are strangers'."""
    one, other = new_device(issuing_service.core), new_device(issuing_service.core)
    assert is_genuine(issuing_service.core, one)
    mixed = f"{one.partition('.')[0]}.{other.partition('.')[2]}"
    for wrong in (None, "", ".", one[:-1], mixed, one.partition(".")[0], "x" * 100_000, f"{one}é"):
        assert not is_genuine(issuing_service.core, wrong)


async def post(app: ASGIApp, address: str, body: dict[str, str], device: str | None = None, path: str = PATH) -> int:
    """A log-in from an address, as a program or with the form; its status."""
    transport = httpx.ASGITransport(app, client=(address, 1))
    headers = {} if device is None else {"Cookie": f"{DEVICE}={device}"}
    async with httpx.AsyncClient(transport=transport, base_url="https://icard.example") as client:
        content: dict[str, Any] = {"json": body} if path == PATH else {"data": body}
        return (await client.post(path, **content, headers={**headers, "Origin": "https://icard.example"})).status_code


@pytest.mark.parametrize("path", [PATH, f"{BASE}log-in"])
def test_strangers_take_no_place_of_others(
    issuing_service: ServiceUnderTest, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two hundred wrong passwords at once, from two hundred networks: of requests in sessions none is refused, nor a
    log-in from a known device, nor /healthz; of the strangers most are told to come again.
    """
    monkeypatch.setattr(login_door, "_PAUSE", 0.05)
    holder = make(issuing_service, "holder", "zhang")
    entered = holder.enter()
    app = make_app(issuing_service.core, http.Drain(), [make_portal(issuing_service.core)])
    wrong = {"login": "zhang", "password": "entirely wrong words"}
    right = {"login": "zhang", "password": PASSWORD}
    found: dict[str, list[int]] = {"strangers": [], "session": [], "device": [], "health": []}

    async def stranger(number: int) -> None:
        found["strangers"].append(await post(app, f"203.{number}.113.5", wrong, path=path))

    async def honest(client: httpx.AsyncClient) -> None:
        for _ in range(10):
            found["session"].append((await client.get("/v1/session")).status_code)
            found["health"].append((await client.get("/healthz")).status_code)

    async def at_home() -> None:
        for _ in range(3):
            found["device"].append(await post(app, "192.0.2.7", right, entered.device, path))

    async def run() -> None:
        # As the server has it: the hashes come beside these.
        anyio.to_thread.current_default_thread_limiter().total_tokens = issuing_service.core.settings.serve_threads
        headers = {"Cookie": f"{SESSION}={entered.token}"}
        async with (
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app), base_url="https://icard.example", headers=headers
            ) as client,
            anyio.create_task_group() as group,
        ):
            for number in range(200):
                group.start_soon(stranger, number)
            for _ in range(4):
                group.start_soon(honest, client)
            group.start_soon(at_home)

    anyio.run(run)
    assert Counter(found["session"]) == {200: 40}
    assert Counter(found["health"]) == {200: 40}
    assert Counter(found["device"]) == {201 if path == PATH else 303: 3}
    assert set(found["strangers"]) <= {401, 422, 429, 503}
    assert found["strangers"].count(503) > 150


def test_a_place_is_given_back(issuing_service: ServiceUnderTest) -> None:
    """Also where the application fails: the next one comes in."""

    async def fails(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise RuntimeError

    door = LogInDoor(fails, issuing_service.core, http.Metrics("icard_issuer"))

    async def run() -> None:
        # More often than there are places, and no more often than strangers may come at once.
        for _ in range(8):
            with pytest.raises(RuntimeError):
                await post(door, "203.0.113.5", {})

    anyio.run(run)


def test_the_description_is_made_once(app: FastAPI) -> None:
    """Strangers may ask for it as often as for any public file: what has been written is the same object still."""
    assert app.openapi() is app.openapi()
