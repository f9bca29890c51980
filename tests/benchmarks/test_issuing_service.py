"""The benchmark of the issuing service at its smallest: real servers, a token and two officers, every operation."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.issuing_service import measure
from tests.issuer.conftest import new_database_url


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "servers"), [("sqlite", 1), ("postgresql", 2)])
def test_each_operation_is_answered(tmp_path: Path, kind: str, servers: int) -> None:
    """Cards are issued, searched for, looked up and revoked by two officers; any other status would end it."""
    folder = tmp_path / "issuer"
    folder.mkdir()
    told = measure(folder, new_database_url(kind, tmp_path), servers, 20, clients=2, known=50)
    names = ["issue", "search by permit number", "look-up by id", "revoke: asked for", "revoke: confirmed"]
    assert list(told) == names
    for figures in told.values():
        assert figures["requests"] == 16
        assert 0 < figures["p50_ms"] <= figures["p99_ms"]
