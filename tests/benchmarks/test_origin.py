"""The benchmark of changes that reach the origin, at its smallest: every kind arrives, through a real server."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.origin import measure
from tests.issuer.conftest import new_database_url


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_each_kind_of_change_arrives(tmp_path: Path, kind: str) -> None:
    """Six kinds of changes of one card, each seen in the bundle that a server serves; public codes show no lapse."""
    told = measure(tmp_path, new_database_url(kind, tmp_path), cards_changed=1, lists=0)
    assert sorted(told["kinds"]) == ["lapse", "replace", "restore", "resume", "revoke", "suspend"]
    assert told["changes"] == 6
