"""A service of accounts for each test, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.people import House, new_house


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[House]:
    """A service without signing keys, and its clock."""
    made = new_house(tmp_path, database_url)
    yield made
    made.core.close()
