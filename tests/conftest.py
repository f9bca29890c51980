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


#: Of the issuer's tests on a database these stand for the others in ``make test-fast``, on SQLite.
_FAST_ISSUER = ("test_cards.py", "test_codes.py")
#: Modules whose tests draw, run commands or search long; others stand for them in ``make test-fast``.
_SLOW = (
    *("test_photo.py", "test_pages.py", "test_sign.py", "test_engine.py", "test_wycheproof.py", "test_oracle.py"),
    *("test_cli_verify.py", "test_cli_inspect.py", "test_cli_qr.py", "test_cbor_readers.py", "test_qr_read.py"),
    *("test_wire.py", "test_scan_browser.py", "test_verdicts_browser.py"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out of ``make test-fast`` what makes a service or a process of its own for each test."""
    for item in items:
        name, fixtures = item.nodeid, getattr(item, "fixturenames", ())
        on_database = "tests/issuer/" in name and not {"database", "database_url", "core", "house"}.isdisjoint(fixtures)
        service = on_database and item.path.name not in _FAST_ISSUER
        process = item.path.name.endswith("_process.py") or ("issuer/cli/test_" in name and "service" in name)
        if "[postgresql" in name or service or process or item.path.name in _SLOW:
            item.add_marker(pytest.mark.slow)
