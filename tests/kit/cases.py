"""Many cheap cases in one test.

A parametrized case costs pytest some milliseconds, often more than the case itself. Here each costs its own time only,
and the failure still names every case that failed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import pytest

__all__ = ["check_all", "check_files"]

T = TypeVar("T")


def check_all(cases: Mapping[str, T], check: Callable[[T], None]) -> None:
    """Run ``check`` on every case, by name.

    Raises:
        AssertionError: some case failed, or there is none; it names each that failed, with its error.
    """
    assert cases, "there are no cases"
    failed = {}
    for name, case in cases.items():
        try:
            check(case)
        except (Exception, pytest.fail.Exception) as fault:
            failed[name] = f"{type(fault).__name__}: {fault}"
    assert not failed, f"{len(failed)} of {len(cases)} failed\n" + "\n".join(
        f"[{n}] {text}" for n, text in failed.items()
    )


def check_files(folder: Path, check: Callable[[Path], None]) -> None:
    """Run ``check`` on every JSON file of a folder, by the file's name without its suffix; see :func:`check_all`."""
    check_all({path.stem: path for path in sorted(folder.glob("*.json"))}, check)
