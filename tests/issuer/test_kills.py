"""Issuing processes are killed at random points: on both databases. The full size runs in the soak."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.issuer.conftest import postgres_server
from tests.kit.issuing_kills import RepeatedKills, check, small_lists
from tests.kit.issuing_service import new_core
from tests.kit.postgres import Server

POINTS = int(os.environ.get("ICARD_KILL_POINTS", "20"))


@pytest.mark.slow
def test_killed_clerks_lose_nothing(tmp_path: Path, database_url: str) -> None:
    """Twenty kills of three clerks: no index twice, signed = recorded, nothing acknowledged is lost."""
    core = new_core(tmp_path, database_url, list_capacity=200)
    small_lists(core, 1000 * POINTS)
    core.close()
    with RepeatedKills(tmp_path, database_url) as kills:
        kills.kill(POINTS)
    found = check(tmp_path, database_url)
    assert found["told"] > 0
    assert found["codes"] >= 3 * found["cards"] > 0


@pytest.mark.slow
def test_a_crashing_server_loses_nothing(tmp_path: Path) -> None:
    """PostgreSQL itself is ended without a checkpoint while clerks work, and comes back: none of them gives up."""
    postgres_server()
    server = Server(durable=True)
    try:
        url = server.new_database()
        new_core(tmp_path, url).close()
        with RepeatedKills(tmp_path, url, seed=2) as kills:
            kills.kill(3)
            for _ in range(2):
                server.stop(signal.SIGQUIT)
                server.start()
                kills.kill(3)
        assert check(tmp_path, url)["told"] > 0
    finally:
        server.remove()
