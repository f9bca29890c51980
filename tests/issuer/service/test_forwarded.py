"""A proxy that the settings do not name, and a mark that lies beside the database: /readyz warns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import anyio
import httpx
import pytest

from issuer.service.app import make_app
from tests.kit.people import House, new_house
from verifier.runtime import http


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[House]:
    """A service behind a proxy on this machine, its mark elsewhere."""
    (tmp_path / "outside").mkdir()
    made = new_house(
        tmp_path, database_url, trusted_proxies=("127.0.0.1/32",), epoch_file=tmp_path / "outside" / "epoch"
    )
    yield made
    made.core.close()


def warnings(house: House, peer: str, headers: dict[str, str]) -> dict[str, str]:
    """What /readyz warns of after a request from there."""
    app = make_app(house.core, http.Drain())

    async def run() -> dict[str, str]:
        transport = httpx.ASGITransport(app, client=(peer, 1))
        async with httpx.AsyncClient(transport=transport, base_url="https://icard.example") as client:
            await client.get("/healthz", headers=headers)
            answer: dict[str, dict[str, str]] = (await client.get("/readyz")).json()
            # These services have no trust list, of which they warn as well.
            return {name: code for name, code in answer["warnings"].items() if name != "trust_list"}

    return anyio.run(run)


def test_an_unknown_proxy_is_a_warning(house: House) -> None:
    """Only where the header comes from a peer that is not trusted."""
    forwarded = {"X-Forwarded-For": "203.0.113.5"}
    assert warnings(house, "127.0.0.1", forwarded) == {}
    assert warnings(house, "192.0.2.1", {}) == {}
    assert warnings(house, "192.0.2.1", forwarded) == {"proxy": "http.forwarded"}
    assert warnings(house, "::1", forwarded) == {"proxy": "http.forwarded"}


def test_a_mark_beside_the_database_is_a_warning(tmp_path: Path) -> None:
    """It would be put back with it; where what is published is compared, that remembers."""
    house = new_house(tmp_path, f"sqlite:///{tmp_path / 'issuer.db'}")
    assert warnings(house, "192.0.2.1", {}) == {"mark": "epoch.beside"}
    house.core.close()
