"""Processes that cause and deliver notices are killed at random points, against a real mail server: none is lost."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kit.couriers import check, deliver_the_rest, open_house
from tests.kit.issuing_kills import RepeatedKills, small_lists
from tests.kit.issuing_service import new_core
from tests.kit.mail_server import MailServer

POINTS = int(os.environ.get("ICARD_KILL_POINTS", "5"))
SOAK_POINTS = 50


def besieged(folder: Path, url: str, server: MailServer, points: int) -> Counter[str]:
    """Kill so many times, deliver the rest, and look at what is left."""
    core = new_core(folder, url, list_capacity=2000)
    small_lists(core, 2000 * points)
    core.close()
    kills = RepeatedKills(folder, url, clerks=2, seed=points, module="tests.kit.couriers", more=(str(server.port),))
    with kills:
        kills.kill(points, shortest=0.1, longest=0.8)
    core = open_house(folder, url, server.port, "after")
    deliver_the_rest(core)
    return check(core, folder, server)


def test_killed_couriers_lose_nothing(tmp_path: Path, database_url: str, mail_server: MailServer) -> None:
    """Five kills: a notice for every act on record, every one taken by the server, none without its cause."""
    found = besieged(tmp_path, database_url, mail_server, POINTS)
    assert found["taken"] >= found["notices"] > 0


@pytest.mark.soak
def test_fifty_killed_couriers_lose_nothing(
    tmp_path: Path, database_url: str, mail_server: MailServer, record_property: Callable[[str, object], None]
) -> None:
    """Fifty kills of processes that change cards and deliver: 0 notices lost, none without its cause."""
    found = besieged(tmp_path, database_url, mail_server, SOAK_POINTS)
    for name, figure in ({"kills": SOAK_POINTS, "lost": 0} | dict(found)).items():
        record_property(name, f"{figure:,}")
    assert found["taken"] >= found["notices"] > 0
