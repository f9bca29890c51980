"""Issuing processes are killed at random points: on both databases. The full size runs in the soak."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.issuer.kills import Siege, check
from tests.issuer.service import new_core

POINTS = int(os.environ.get("ICARD_KILL_POINTS", "20"))


@pytest.mark.slow
def test_killed_clerks_lose_nothing(tmp_path: Path, database_url: str) -> None:
    """Twenty kills of three clerks: no index twice, signed = recorded, nothing acknowledged is lost."""
    new_core(tmp_path, database_url).close()
    with Siege(tmp_path, database_url) as siege:
        siege.kill(POINTS)
    found = check(tmp_path, database_url)
    assert found["told"] > 0
    assert found["codes"] >= 3 * found["cards"] > 0
