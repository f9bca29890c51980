"""Which test modules ``make test-fast`` runs: those of pure rules, as their imports show.

Promises:

1. A test module is fast if neither it nor a helper of the tests that it imports, at any depth, imports a module that
   opens a database, starts a process, a thread or a server, runs a command, draws a picture or parses the source
   (:data:`SLOW`).
2. The source is searched for import lines; no module is imported for it.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Final

__all__ = ["SLOW", "has_fast_tests", "slow_import"]

_ROOT: Final = Path(__file__).parents[2]
#: Modules whose importers are not fast.
SLOW: Final = (
    *("alembic", "ast", "fastapi", "httpx", "multiprocessing", "PIL", "playwright", "pyarrow", "sqlalchemy"),
    *("starlette.testclient", "subprocess", "threading", "typer", "uvicorn"),
    *("icard_crypto.pictures", "icard_crypto.qr", "issuer.cli", "issuer.core", "issuer.db"),
    *("tests.kit.raised_errors", "tests.kit.scan", "verifier.cli", "verifier.data", "verifier.sync"),
)
#: ``import NAME``, ``from NAME import ONE, OTHER``; names in brackets may be on several lines.
_IMPORT: Final = re.compile(r"^[ \t]*(?:import|from) ([\w.]+)(?:[^\n]*? import (\([^)]*\)|[^\n(]+))?", re.MULTILINE)


@functools.cache
def slow_import(path: Path) -> str | None:
    """Find what keeps a module of the tests from being fast.

    Args:
        path: of the module's file.

    Returns:
        The first import that is slow, by way of the helpers that lead to it; None for a fast module.
    """
    for match in _IMPORT.finditer(path.read_text("utf-8")):
        module, names = str(match[1]), str(match[2] or "").strip("()").split(",")
        imported = [module, *(f"{module}.{name.split(' as ')[0].strip()}" for name in names)]
        for name in imported:
            if any(name == slow or name.startswith(f"{slow}.") for slow in SLOW):
                return name
            helper = _helper(name)
            if helper is not None and helper != path and (found := slow_import(helper)) is not None:
                return f"{name}: {found}"
    return None


def has_fast_tests(path: Path) -> bool:
    """Whether a test module is fast, or a folder has one that is."""
    if path.is_dir():
        return any(slow_import(module) is None for module in path.rglob("test_*.py"))
    return not path.name.startswith("test_") or slow_import(path) is None


def _helper(name: str) -> Path | None:
    """The file of a module of the tests; None for any other name."""
    if name.partition(".")[0] != "tests":
        return None
    path = _ROOT.joinpath(*name.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)
