"""A proxy that the settings do not name, and a mark that lies beside the database: /readyz warns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import anyio
import httpx
import pytest

from issuer.service.app import make_app
from tests.kit.people import ServiceUnderTest, new_service_under_test
from verifier.runtime import http


@pytest.fixture
def issuing_service(tmp_path: Path, database_url: str) -> Iterator[ServiceUnderTest]:
    """A service behind a proxy on this machine, its mark elsewhere."""
    (tmp_path / "outside").mkdir()
    made = new_service_under_test(
        tmp_path, database_url, trusted_proxies=("127.0.0.1/32",), epoch_file=tmp_path / "outside" / "epoch"
    )
    yield made
    made.core.close()


def warnings(issuing_service: ServiceUnderTest, peer: str, headers: dict[str, str]) -> dict[str, str]:
    """What /readyz warns of after a request from there."""
    app = make_app(issuing_service.core, http.Drain())

    async def run() -> dict[str, str]:
        transport = httpx.ASGITransport(app, client=(peer, 1))
        async with httpx.AsyncClient(transport=transport, base_url="https://icard.example") as client:
            await client.get("/healthz", headers=headers)
            answer: dict[str, dict[str, str]] = (await client.get("/readyz")).json()
            # These services have no trust list, of which they warn as well.
            return {name: code for name, code in answer["warnings"].items() if name != "trust_list"}

    return anyio.run(run)


def test_an_unknown_proxy_is_a_warning(issuing_service: ServiceUnderTest) -> None:
    """Only where the header comes from a peer that is not trusted."""
    forwarded = {"X-Forwarded-For": "203.0.113.5"}
    assert warnings(issuing_service, "127.0.0.1", forwarded) == {}
    assert warnings(issuing_service, "192.0.2.1", {}) == {}
    assert warnings(issuing_service, "192.0.2.1", forwarded) == {"proxy": "http.forwarded"}
    assert warnings(issuing_service, "::1", forwarded) == {"proxy": "http.forwarded"}


def test_a_mark_beside_the_database_is_a_warning(tmp_path: Path) -> None:
    """It would be put back with it; where what is published is compared, that remembers."""
    issuing_service = new_service_under_test(tmp_path, f"sqlite:///{tmp_path / 'issuer.db'}")
    assert warnings(issuing_service, "192.0.2.1", {}) == {"mark": "epoch.beside"}
    issuing_service.core.close()
