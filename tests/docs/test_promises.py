"""docs/promises.md names tests that exist and that ``make test`` runs."""

from __future__ import annotations

import ast
import functools
import re

import pytest

from tests.docs.pages import ROOT

_NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


@functools.cache
def _functions(path: str) -> dict[str, list[str]]:
    """The module's test functions with their markers; a class's tests count too."""
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return {
        node.name: [ast.unparse(decorator) for decorator in node.decorator_list]
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
    }


def test_every_promise_is_held_by_a_test_that_runs() -> None:
    """Each named test exists, and none is marked to be skipped or left to the soak."""
    page = (ROOT / "docs" / "promises.md").read_text("utf-8")
    named = _NAMED.findall(page)
    assert len(named) > 80
    missing = [f"{path}::{name}" for path, name in named if name not in _functions(path)]
    assert missing == []
    idle = [
        f"{path}::{name}"
        for path, name in named
        if any(word in marker for marker in _functions(path)[name] for word in ("skip", "xfail", "mark.soak"))
    ]
    assert idle == []


def test_every_row_of_promises_names_a_test() -> None:
    """No promise stands in the table without a test."""
    page = (ROOT / "docs" / "promises.md").read_text("utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith(("| promise", "| ---"))]
    assert rows
    assert [row for row in rows if not _NAMED.search(row)] == []


@pytest.mark.parametrize("page", ["promises.md", "security.md"])
def test_table_cells_are_short(page: str) -> None:
    """No cell has more than 25 words; what needs more is prose below the table."""
    lines = (ROOT / "docs" / page).read_text("utf-8").splitlines()
    cells = [cell for line in lines if line.startswith("|") for cell in line.strip("|").split("|")]
    prose = [cell for cell in cells if not _NAMED.search(cell)]
    assert prose
    assert [cell for cell in prose if len(cell.split()) > 25] == []
