"""What all tests share: hypothesis without deadlines, and the same examples on every run.

``make soak`` looks for new examples; the runs that gate a change must not fail one day for an input of yesterday.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "icard",
    deadline=None,
    derandomize=True,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("icard")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """``make test-fast`` runs the issuer's tests on SQLite alone; a PostgreSQL server takes its time."""
    for item in items:
        if "[postgresql" in item.nodeid:
            item.add_marker(pytest.mark.slow)
