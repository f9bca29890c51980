"""Who may know whom: imports go one way only, and the core loads nothing it does not need."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ALLOWED = {
    "icard_crypto": {"icard_crypto"},
    "verifier": {"icard_crypto", "verifier"},
    "issuer": {"icard_crypto", "verifier", "issuer"},
}
OURS = {*ALLOWED, "benchmarks", "tests", "tools"}
HEAVY = {"PIL", "zxingcpp", "numpy", "typer", "rich", "httpx", "fastapi", "sqlalchemy", "qrcode", "segno", "pyzbar"}
LONGEST_MODULE = 400


def modules(package: str) -> list[Path]:
    """The Python files of a package; there is at least one."""
    found = sorted((ROOT / package).rglob("*.py"))
    assert found
    return found


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """Line and top-level name of each absolute import in a file, wherever it stands."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name.partition(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module is not None:
            yield node.lineno, node.module.partition(".")[0]


@pytest.mark.parametrize("package", ALLOWED)
def test_imports_go_one_way(package: str) -> None:
    """No package imports one that stands above it, nor tests, tools or benchmarks."""
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in modules(package)
        for line, name in imported(path)
        if name in OURS - ALLOWED[package]
    ]
    assert wrong == []


@pytest.mark.parametrize("package", ALLOWED)
def test_modules_are_small(package: str) -> None:
    """No module is longer than 400 lines."""
    lengths = {str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for path in modules(package)}
    assert {name: length for name, length in lengths.items() if length > LONGEST_MODULE} == {}


def test_core_loads_nothing_heavy() -> None:
    """``import icard_crypto, verifier`` loads no part of any extra but the signature backend."""
    script = "import sys, icard_crypto, verifier; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = set(result.stdout.split())
    assert {"icard_crypto", "verifier", "cbor2"} <= loaded
    assert loaded & HEAVY == set()


@pytest.mark.parametrize("package", ["icard_crypto", "verifier"])
def test_doors_are_complete(package: str) -> None:
    """Every name in ``__all__`` is there, and the list is in order without doubles."""
    module = __import__(package)
    names = getattr(module, "__all__", [])
    assert [name for name in names if not hasattr(module, name)] == []
    assert len(set(names)) == len(names)
