"""A service of accounts for each test, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.people import ServiceUnderTest, new_service_under_test


@pytest.fixture
def issuing_service(tmp_path: Path, database_url: str) -> Iterator[ServiceUnderTest]:
    """A service without signing keys, and its clock."""
    made = new_service_under_test(tmp_path, database_url)
    yield made
    made.core.close()
