"""What all tests share: hypothesis without deadlines, and the same examples on every run.

``make soak`` looks for new examples; the runs that gate a change must not fail one day for an input of yesterday.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.kit.fast_modules import has_fast_tests

settings.register_profile(
    "icard",
    deadline=None,
    derandomize=True,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("icard")


#: Modules whose tests draw, run commands or search long; left out by ``make test-native``.
_SLOW = (
    *("test_photo.py", "test_pages.py", "test_sign.py", "test_engine.py", "test_wycheproof.py", "test_oracle.py"),
    *("test_cli_verify.py", "test_cli_inspect.py", "test_cli_qr.py", "test_cbor_readers.py", "test_qr_read.py"),
    *("test_wire.py", "test_restore_commands.py", "test_bulk_commands.py", "test_store_kills.py", "test_lists.py"),
)
#: Single tests that take as long as a module does, by a part of their ids.
_SLOW_TESTS = (
    "benchmarks/test_pictures.py",
    "test_bench.py::test_every_case_has_a_figure",
    "test_claim_readers.py::test_any_claims_with_anything_left_out_or_changed",
    "test_indexes.py::test_the_permutation_gives_every_number_once",
    "test_never_raises.py::test_any_",
    "test_sync.py::test_a_timestamp_or_trust_list_that_fails_harms_no_status_list",
    "test_vectors.py::test_the_vectors_can_be_made_again",
    "test_verdict.py::test_json_keeps_to_its_schema",
)

#: Where the database matters (locks, kills, migrations, constraints, restores): ``make test`` runs these on both.
#: All others it runs on SQLite, and ``make test-databases`` on PostgreSQL.
_BOTH_DATABASES = (
    *("issuer/db/", "issuer/restore/", "issuer/status/", "issuer/worker/test_isolation.py", "service/test_once.py"),
    *("_process.py", "_kills.py", "_model.py"),
)
#: What takes a third of the time and walks the whole of something: each command of a page or a runbook, each screen,
#: each operation of a benchmark, each endpoint, each alert, each revision of the tables: ``make test-walks``.
_WALKS = (
    *("docs/test_issuing.py", "docs/test_operations.py", "docs/test_running.py", "docs/test_production_page.py"),
    *("docs/test_accounts_page.py", "docs/test_notices.py", "docs/test_api_page.py", "docs/test_permits_page.py"),
    *("docs/test_insurance_page.py", "docs/test_privacy_page.py::test_commands", "docs/test_service.py::test_the_page"),
    *("docs/test_embed.py::test_the_programs", "deploy/test_units.py::test_what_the"),
    "deploy/test_prometheus.py::test_each_alert",
    *("issuer/runbooks/", "portal/test_walks_browser.py", "scan/test_matrix_browser.py"),
    *("scan/test_first_day_browser.py", "scan/test_no_wrong_answer_browser.py"),
    *("db/test_every_revision.py::test_a_database_of_each", "issuer/test_demo.py", "trial/test_demo_data.py"),
    *("benchmarks/test_issuing_service.py", "benchmarks/test_origin.py", "benchmarks/test_scan_page.py"),
    *("approvals/test_confirmation_model.py", "service/test_openapi.py"),
    *("service/test_matrix.py::test_every_endpoint_has_a_row", "data/test_verdicts.py::test_a_hundred_thousand"),
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--fast``."""
    parser.addoption("--fast", action="store_true", help="only modules of pure rules (tests/kit/fast_modules.py)")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With ``--fast`` leave a module out before it is imported: importing all takes as long as the fast tests."""
    return True if config.getoption("fast") and not has_fast_tests(collection_path) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow what starts processes or searches long, and leave out of ``make test`` the walks and the second run
    of what does not depend on the database."""
    for item in items:
        name = item.nodeid
        process = item.path.name.endswith(("_process.py", "_browser.py"))
        if process or item.path.name in _SLOW or any(part in name for part in _SLOW_TESTS):
            item.add_marker(pytest.mark.slow)
        if "tests/issuer/" in name and "[postgresql" in name and not any(part in name for part in _BOTH_DATABASES):
            item.add_marker(pytest.mark.second_database)
        elif item.get_closest_marker("second_database") is None and any(part in name for part in _WALKS):
            item.add_marker(pytest.mark.walk)
            item.add_marker(pytest.mark.slow)
