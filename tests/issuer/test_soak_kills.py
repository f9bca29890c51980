"""The kills of test_kills.py at full size: two hundred points on each database; ``make soak`` runs them."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.issuer.conftest import postgres_server
from tests.kit.issuing_kills import RepeatedKills, check, small_lists
from tests.kit.issuing_service import new_core
from tests.kit.postgres import Server

Record = Callable[[str, object], None]

POINTS = 200
CRASHES = 20


def _note(record: Record, found: dict[str, int], **more: int) -> None:
    for name, figure in (more | dict(found)).items():
        record(name, f"{figure:,}")


@pytest.mark.soak
def test_two_hundred_kills_lose_nothing(tmp_path: Path, database_url: str, record_property: Record) -> None:
    """Two hundred kills of clerks at random points: no index twice, signed = recorded, no acknowledged change lost,
    the audit's chain whole, every code verifies."""
    core = new_core(tmp_path, database_url, list_capacity=200)
    small_lists(core, 1000 * POINTS)
    core.close()
    with RepeatedKills(tmp_path, database_url, seed=3) as kills:
        kills.kill(POINTS)
    found = check(tmp_path, database_url)
    _note(record_property, found, kills=POINTS)
    assert found["told"] > 0
    assert found["codes"] >= 3 * found["cards"] > 0


@pytest.mark.soak
def test_a_server_that_crashes_twenty_times_loses_nothing(tmp_path: Path, record_property: Record) -> None:
    """PostgreSQL is ended without a checkpoint twenty times, with kills of clerks between: nothing is lost and no clerk
    gives up."""
    postgres_server()
    server = Server(durable=True)
    try:
        url = server.new_database()
        new_core(tmp_path, url).close()
        with RepeatedKills(tmp_path, url, seed=4) as kills:
            for _ in range(CRASHES):
                kills.kill(POINTS // CRASHES // 2)
                server.stop(signal.SIGQUIT)
                server.start()
            kills.kill(POINTS // CRASHES)
        found = check(tmp_path, url)
        _note(record_property, found, crashes=CRASHES, kills=POINTS // 2 + POINTS // CRASHES)
        assert found["told"] > 0
    finally:
        server.remove()
