"""What holds of the layout beside its import contracts (pyproject.toml): sizes, what is loaded, what is exported."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("icard_crypto", "verifier", "issuer")
EXPORTED = json.loads((ROOT / "tests" / "exported_names.json").read_text("utf-8"))
HEAVY = {"PIL", "zxingcpp", "numpy", "typer", "rich", "httpx", "fastapi", "sqlalchemy", "qrcode", "segno", "pyzbar"}
LONGEST_MODULE = 400


def modules(package: str) -> list[Path]:
    """The Python files of a package; there is at least one."""
    found = sorted((ROOT / package).rglob("*.py"))
    assert found
    return found


@pytest.mark.parametrize("package", PACKAGES)
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


@pytest.mark.parametrize("package", ["icard_crypto", "verifier"])
def test_exported_names_are_the_kept_ones(package: str) -> None:
    """What embedders import changes on purpose only: with ``tests/exported_names.json`` and a line in the changelog."""
    assert sorted(__import__(package).__all__) == EXPORTED[package]
