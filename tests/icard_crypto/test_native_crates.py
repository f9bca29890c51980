"""The native core's crates: from one registry, under licences that ``native/deny.toml`` allows, each with its reason.

cargo-deny holds the same, and asks for advisories too, where it is installed (``make lint``).
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from typing import Any

import pytest

from tests.docs.pages import ROOT

NATIVE = ROOT / "native"


@pytest.fixture(scope="module")
def crates() -> list[dict[str, Any]]:
    """What ``cargo metadata`` says of every crate in the lock file."""
    if shutil.which("cargo") is None:
        pytest.skip("cargo is not installed")
    asked = ["cargo", "metadata", "--locked", "--format-version", "1"]
    ended = subprocess.run(asked, cwd=NATIVE, capture_output=True, text=True, check=False)
    if "failed to download" in ended.stderr or "Couldn't resolve host" in ended.stderr:
        pytest.skip("the package registry can't be reached")
    assert ended.returncode == 0, ended.stderr
    found: list[dict[str, Any]] = json.loads(ended.stdout)["packages"]
    assert len(found) > 10
    return found


def is_allowed(expression: str, allowed: set[str]) -> bool:
    """Whether an SPDX expression can be met by these licences: alternatives within parts that all hold."""
    parts = re.split(r"\)?\s+AND\s+\(?", expression.replace("/", " OR ").strip("()"))
    return all(allowed & {each.strip(" ()") for each in part.split(" OR ")} for part in parts)


def test_every_crate_has_a_licence_that_is_allowed(crates: list[dict[str, Any]]) -> None:
    """The same list as cargo-deny's."""
    allowed = set(tomllib.loads((NATIVE / "deny.toml").read_text("utf-8"))["licenses"]["allow"])
    refused = {each["name"]: each["license"] for each in crates if not is_allowed(each["license"] or "none", allowed)}
    assert refused == {}


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("MIT OR GPL-3.0", True),
        ("MIT/Apache-2.0", True),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", True),
        ("(MIT OR Apache-2.0) AND NCSA", False),
        ("GPL-3.0", False),
        ("none", False),
    ],
)
def test_an_expression_is_met_or_not(expression: str, allowed: bool) -> None:
    """Each part of an AND must be met; of an OR one is enough."""
    assert is_allowed(expression, {"MIT", "Apache-2.0", "Unicode-3.0"}) is allowed


def test_every_crate_comes_from_the_registry_by_its_checksum(crates: list[dict[str, Any]]) -> None:
    """No repository of anybody's, no path outside; the lock file has a checksum for each."""
    outside = [each for each in crates if each["source"] is not None]
    (source,) = {each["source"] for each in outside}
    assert source.startswith("registry+")
    locked = tomllib.loads((NATIVE / "Cargo.lock").read_text("utf-8"))["package"]
    assert {each["name"] for each in locked if "checksum" not in each} == {"icard-core", "icard-native"}


def test_every_crate_that_is_asked_for_has_its_reason(crates: list[dict[str, Any]]) -> None:
    """``native/README.md`` says why each is there, and names no other."""
    told = set(re.findall(r"^\| ([\w-]+) \|", (NATIVE / "README.md").read_text("utf-8"), re.MULTILINE)) - {
        "Crate",
        "---",
    }
    ours = [each for each in crates if each["source"] is None]
    asked = {needed["name"] for each in ours for needed in each["dependencies"] if needed["source"] is not None}
    assert told == asked
