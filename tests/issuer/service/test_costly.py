"""What takes long, and everybody else."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import httpx
import pytest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from issuer.portal.subjects import batches, registration
from issuer.service.api import SUBJECTS
from issuer.service.app import make_app
from issuer.service.cookies import SESSION
from issuer.service.costly import CostlyRoom
from tests.kit.people import ServiceUnderTest, make, new_service_under_test
from verifier.runtime import http
from verifier.runtime.http.overload import ShedLoad

COSTLY = (
    "GET /v1/lists/{batch_id}/rows",
    "POST /v1/lists",
    "POST /v1/lists/{batch_id}/advance",
    "GET /v1/insurance/compliance",
    "GET /v1/insurance/compliance.csv",
    "GET /v1/insurance/compliance.svg",
    "POST /v1/insurance/contributions",
    "POST /v1/insurance/registrations/batch",
    "GET /v1/permits/{permit_id}/certificate.pdf",
    "GET /v1/permits/{permit_id}/certificate.png",
    "GET /v1/filings/{filing_id}/form.pdf",
    "GET /v1/filings/{filing_id}/notification.pdf",
    "GET /v1/privacy/export",
    "GET /v1/privacy/export.pdf",
    "POST /v1/files/{filing_id}/{code}",
)


@pytest.fixture
def issuing_service(tmp_path: Path) -> Iterator[ServiceUnderTest]:
    """A service without signing keys; for one account nothing but its own work is a limit."""
    made = new_service_under_test(
        tmp_path, f"sqlite:///{tmp_path}/a.sqlite", account_per_second=1000, account_burst=5000
    )
    yield made
    made.core.close()


def test_one_account_has_a_few_and_all_have_a_bounded_number() -> None:
    """The 17th of one account is 429 at once, the 65th of all 503; a place is given back, also by a fault."""
    room, told = CostlyRoom(), Counter[str]()
    free = threading.Event()

    def work() -> None:
        assert free.wait(30)

    def fails() -> None:
        raise RuntimeError

    async def one(account: str) -> None:
        try:
            await room.run(account, work)
        except http.Problem as refused:
            told[f"{account}: {refused.status}"] += 1
        else:
            told[f"{account}: done"] += 1

    async def run() -> None:
        async with anyio.create_task_group() as group:
            for account in ("a", "b", "c", "d", "e"):
                for _ in range(18):
                    group.start_soon(one, account)
            await anyio.sleep(0.05)
            free.set()
        for _ in range(20):
            with pytest.raises(RuntimeError):
                await room.run("a", fails)

    anyio.run(run)
    assert told == {
        **{f"{account}: done": 16 for account in "abcd"},
        **{f"{account}: 429": 2 for account in "abcd"},
        "e: 503": 18,
    }


def test_the_pictures_of_one_account_hold_up_nobody_elses() -> None:
    """One account asks for sixteen pages: whoever comes after waits for a few of these, not for all."""
    room, first, second = CostlyRoom(), threading.Event(), threading.Event()
    waited: list[bool] = []

    async def page(number: int) -> None:
        # Those behind the first four hold their threads until the other account's page is there.
        waited.append(await room.run("a", lambda: (first if number < 4 else second).wait(10)))

    async def other() -> None:
        await room.run("b", second.set)

    async def run() -> None:
        async with anyio.create_task_group() as group:
            for number in range(16):
                group.start_soon(page, number)
            group.start_soon(other)
            await anyio.sleep(0.05)
            first.set()

    anyio.run(run)
    assert waited == [True] * 16


def test_documents_take_no_thread_of_others(issuing_service: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A holder who asks for twenty copies at once: a few are made, and meanwhile each request of others is answered."""
    holder, other = make(issuing_service, "holder", "zhang"), make(issuing_service, "holder", "wang")
    free, answered = threading.Event(), Counter[str]()

    def slow(*_: Any) -> dict[str, Any]:
        assert free.wait(30)
        return {}

    monkeypatch.setattr("issuer.service.api.privacy.export_of", slow)
    app = make_app(issuing_service.core, http.Drain())

    async def ask(session: str, path: str) -> int:
        transport = httpx.ASGITransport(app)
        headers = {"Cookie": f"{SESSION}={session}"}
        async with httpx.AsyncClient(transport=transport, base_url="https://icard.example", headers=headers) as client:
            return (await client.get(path)).status_code

    async def copy(session: str) -> None:
        answered[f"copy {await ask(session, '/v1/privacy/export')}"] += 1

    async def run() -> None:
        anyio.to_thread.current_default_thread_limiter().total_tokens = issuing_service.core.settings.serve_threads
        one, two = holder.enter().token, other.enter().token
        async with anyio.create_task_group() as group:
            for _ in range(20):
                group.start_soon(copy, one)
            await anyio.sleep(0)
            with anyio.fail_after(30):
                for _ in range(10):
                    answered[f"other {await ask(two, '/v1/session')}"] += 1
            free.set()

    anyio.run(run)
    assert answered == {"copy 200": 16, "copy 429": 4, "other 200": 10}


def test_what_draws_or_looks_at_files_is_costly() -> None:
    """Each endpoint that takes a third of a second and more; their paths as they are declared."""
    found = [f"{one.method} {one.path}" for subject in SUBJECTS for one in subject._all if one.costly]
    assert sorted(found) == sorted(COSTLY)


def test_who_is_in_the_room_takes_no_place_of_the_others() -> None:
    """Sixteen in the room behind a bound of one: an ordinary request is answered meanwhile."""
    room, free = CostlyRoom(), threading.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != "/":
            await room.run(scope["path"], lambda: free.wait(30))
        await Response("here")(scope, receive, send)

    async def run() -> tuple[int, list[int]]:
        transport = httpx.ASGITransport(ShedLoad(app, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://service.test") as client:
            inside = [asyncio.create_task(client.get(f"/{number // 4}")) for number in range(16)]
            while sum(room._inside.values()) < 16:
                await asyncio.sleep(0.01)
            ordinary = await client.get("/")
            free.set()
            return ordinary.status_code, [(await one).status_code for one in inside]

    assert asyncio.run(asyncio.wait_for(run(), 30)) == (200, [200] * 16)


def test_pages_that_work_through_many_rows_are_costly() -> None:
    """A part of a list takes most of a second: one handler with ten lists kept everybody waiting for seconds."""
    found = {one.path for one in (*batches.pages.all, *registration.pages.all) if one.costly}
    assert found == {"insurance/register-many", "lists/{batch_id}/go", "permits/many"}
