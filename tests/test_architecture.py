"""What holds of the layout beside its import contracts (pyproject.toml): sizes, what is loaded, what is exported."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
import tomllib
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
    """``import icard_crypto, verifier`` loads no part of any extra but the signature backend, no reader of key files,
    and makes no reader of cards."""
    script = (
        "import sys, icard_crypto, verifier; from icard_crypto.card import claims; print(*sys.modules, "
        "f'made={claims._claims_reader.cache_info().currsize + claims._facts_reader.cache_info().currsize}')"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    modules = set(result.stdout.split())
    loaded = {name.partition(".")[0] for name in modules}
    assert {"icard_crypto", "verifier", "cbor2"} <= loaded
    assert loaded & HEAVY == set()
    assert {"made=0", "icard_crypto.signing.keys"} <= modules
    assert "cryptography.hazmat.primitives.serialization" not in modules


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


@pytest.mark.parametrize("package", ["icard_crypto", "verifier", "issuer"])
def test_the_page_names_every_package_in_the_order_of_the_layers(package: str) -> None:
    """docs/architecture.md has a row for each name of the contract, lower layers first."""
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    section = page.partition(f"\n## {package}:")[2].partition("\n## ")[0]
    rows = [re.findall(r"`(\w+)/?`", line.split("|")[1]) for line in section.splitlines() if line.startswith("| `")]
    places = {name: place for place, names in enumerate(rows) for name in names}
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    (layers,) = (each["layers"] for each in contracts if each["id"] == package)
    groups = [re.findall(r"\w+", layer) for layer in reversed(layers)]
    assert {name for group in groups for name in group} - places.keys() == set()
    for lower, higher in itertools.pairwise(groups):
        assert max(places[name] for name in lower) <= min(places[name] for name in higher), (lower, higher)


def test_the_page_names_files_that_are_there() -> None:
    """Every file and folder that docs/architecture.md names by its path exists."""
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    named = re.findall(r"`((?:icard_crypto|verifier|issuer|tests|tools)/[\w./]+)`", page)
    assert len(named) > 25
    assert [path for path in named if "KIND" not in path and not (ROOT / path).exists()] == []
