"""An authority's office for each test that wants one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.issuer.conftest import new_database_url
from tests.kit.permit_office import PermitOffice


@pytest.fixture
def office(tmp_path: Path) -> Iterator[PermitOffice]:
    """Shanghai's office on Monday, 2 March 2026."""
    office = PermitOffice.begin(tmp_path, new_database_url("sqlite", tmp_path))
    yield office
    office.core.close()
