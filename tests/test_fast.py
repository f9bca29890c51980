"""What ``make test-fast`` runs, and the helper that bundles cheap cases."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kit.cases import check_all
from tests.kit.fast_modules import has_fast_tests, slow_import

TESTS = Path(__file__).parent


@pytest.mark.parametrize(
    "name", ["icard_crypto/encoding/test_cbor.py", "verifier/decision/test_policy.py", "issuer/rules/test_deadlines.py"]
)
def test_a_module_of_pure_rules_is_fast(name: str) -> None:
    """Nothing that it imports opens, starts or runs anything."""
    assert slow_import(TESTS / name) is None


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("issuer/status/test_indexes.py", "threading"),
        ("issuer/accounts/test_directory.py", "tests.kit.issuing_service: "),
        ("issuer/cli/test_keygen.py", "issuer.cli"),
        ("verifier/data/test_kills.py", "subprocess"),
    ],
)
def test_a_module_that_opens_or_starts_something_is_not_fast(name: str, cause: str) -> None:
    """The cause is named, also where a helper imports it."""
    assert (slow_import(TESTS / name) or "").startswith(cause)


def test_each_package_has_fast_tests() -> None:
    """The selection is never empty for a package, nor for the whole of the rules of the issuing service."""
    assert all(has_fast_tests(TESTS / package) for package in ("icard_crypto", "verifier", "issuer"))
    assert len([path for path in TESTS.rglob("test_*.py") if slow_import(path) is None]) >= 75


def test_bundled_cases_name_each_that_failed() -> None:
    """The other cases are run all the same; no cases at all are a failure."""

    def check(value: int) -> None:
        assert value < 2, "too large"

    with pytest.raises(AssertionError, match=r"2 of 4 failed\n\[c\] AssertionError: too large.*\n(.*\n)*\[d\]"):
        check_all({"a": 0, "b": 1, "c": 2, "d": 3}, check)
    with pytest.raises(AssertionError, match="no cases"):
        check_all({}, check)
