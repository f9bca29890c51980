"""The benchmark of the scan page at its smallest: both ways see the film and get the verdict."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.scan_page import verdicts


@pytest.mark.slow
def test_each_way_gets_its_verdict(tmp_path: Path) -> None:
    """One film by frames to the service, one by the browser's own reader, each after it became clear."""
    told = verdicts(tmp_path, runs=1)
    assert sorted(told) == ["frames to the service", "the browser's own reader"]
    assert all(len(each) == 1 and each[0] > 0 for each in told.values())
