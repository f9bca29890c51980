"""``Raises:`` in docstrings: each code is one that the source raises, under a kind that it is raised with."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

import pytest

from icard_crypto.errors import catalogue
from tests.kit.raised_errors import CHECKOUT, kinds_by_code, modules

#: An entry of the section: kinds, then codes and their explanations on lines that are indented further.
_ENTRY: Final = re.compile(r"^ {4}([A-Z]\w+(?:, [A-Z]\w+)*): (.*(?:\n {8}.*)*)", re.MULTILINE)
_CODE: Final = re.compile(r"``([a-z_]+\.[a-z0-9_]+)``")
#: What a caller can act on; StateError is also their common base, and says less.
_REFUSALS: Final = {"NotAllowed", "NotFound", "Conflict", "Invalid", "Unavailable"}


def _entries() -> Iterator[tuple[str, set[str], str]]:
    """Where, the kinds and one code, for every code of every section."""
    for path, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                _, found, section = (ast.get_docstring(node) or "").partition("Raises:\n")
                for kinds, text in _ENTRY.findall(section) if found else ():
                    for code in _CODE.findall(text):
                        yield f"{path.relative_to(CHECKOUT)}: {node.name}", set(kinds.split(", ")), code


def test_there_are_many() -> None:
    """The sections are found."""
    assert len(list(_entries())) > 1000


def test_each_code_is_in_the_catalogue() -> None:
    """No section names a code that nothing raises, such as one that was renamed; the catalogue has no others."""
    assert {f"{where} {code}" for where, _, code in _entries() if code not in catalogue()} == set()


#: How many codes may be listed under the base of the five, which is true of them but says less.
_LAX: Final = 20


@pytest.mark.parametrize("kind", sorted(_REFUSALS))
def test_a_refusal_is_named_by_its_kind(kind: str) -> None:
    """A code that is raised with one of the five kinds is listed under that kind, never under another of them, and but
    for a few not under their base."""
    known = kinds_by_code()
    wrong = {
        f"{where} {code}{' base' if kinds == {'StateError'} else ''}"
        for where, kinds, code in _entries()
        if set(known.get(code, ())) == {kind} and kind not in kinds and kinds <= {"StateError", *_REFUSALS}
    }
    assert {each for each in wrong if not each.endswith(" base")} == set()
    assert len(wrong) <= _LAX, wrong
