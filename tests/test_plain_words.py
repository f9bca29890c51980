"""Words that may not come back: in docstrings, comments, pages and the English of messages; and retired names in code.

Each pattern has the term to use instead. The list is of wordings that readers stumbled over, not of style in general.
"""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parent.parent
PACKAGES: Final = ("icard_crypto", "verifier", "issuer", "benchmarks", "tools")

#: Wording, and what to write.
WORDS: Final = {
    r"(?:is|are|was|were|be|been) told": "is notified, is reported",
    r"told apart": "distinguished",
    r"for ever": "permanently",
    r"anew": "again",
    r"mended|mending": "fixed, repaired",
    r"goes by(?! the name)": "passes; is sent by",
    r"who waits": "the longest-idle connection; the request that waits",
    r"what sent it": "the sender",
    r"well again": "recovered",
    r"(?:of|by|takes?|needs?) two (?:people|persons)|two people's": "dual control; requester and approver",
    r"held against|hold (?:it|them|this|that) against": "checked against, compared with",
    r"tak(?:e|es|en|ing) apart": "parse",
    r"affair": "up to the caller",
    r"sees? to it": "makes sure",
    r"one door": "public interface",
    r"siege|upkeep": "load; outbox_admin",
}
#: Names that were replaced, and by what.
NAMES: Final = {
    r"\binline\(": "literal_sql",
    r"\bwell_again\b": "recovered",
    r"\bCoreFigures\b": "CoreMetrics",
    r"\bdef there\(|\bimport there\b": "require_found",
    r"\.(?:fall|doubt|knew)\(": "reject, undecided, remember",
    r"\brow\.(?:standing|over_at)\b|Row\.(?:standing|over_at)\b": "status, retired_at",
    r"^_DAY: Final = (?:datetime\.)?timedelta|\b86_?400\b": "icard_crypto.moments.DAY, ONE_DAY",
}
#: Where the number of seconds is written out: its one place, a bound of a setting, and SQL.
_SECONDS: Final = {"icard_crypto/moments.py", "issuer/settings.py", "issuer/db/engine.py"}


def sources(*packages: str) -> Iterator[tuple[str, str]]:
    """Name and text of every module; migrations are history."""
    for package in packages:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "versions" not in path.parts:
                yield str(path.relative_to(ROOT)), path.read_text("utf-8")


def prose_of(source: str) -> Iterator[str]:
    """The docstrings and comments of a module, each as one line."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield " ".join((ast.get_docstring(node) or "").split())
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string


def english() -> Iterator[tuple[str, str]]:
    """Where, and a text, of everything that people read in English."""
    for name, source in sources(*PACKAGES):
        for text in prose_of(source):
            yield name, text
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        if path.name != "CHANGELOG.md":
            yield path.name, " ".join(path.read_text("utf-8").split())
    for package in PACKAGES[:3]:
        for path in (ROOT / package / "messages").glob("*.json"):
            for code, entry in json.loads(path.read_text("utf-8")).items():
                yield code, f"{entry['en']} {entry['do_en']}"


def test_wordings_do_not_come_back() -> None:
    """None of them is in a docstring, a comment, a page or a message."""
    forbidden = re.compile("|".join(rf"\b(?:{pattern})\b" for pattern in WORDS), re.IGNORECASE)
    found = [
        f"{where}: {match[0]!r} in {text[max(0, match.start() - 40) : match.end() + 40]!r}"
        for where, text in english()
        for match in forbidden.finditer(text)
    ]
    assert found == []


@pytest.mark.parametrize("pattern", NAMES)
def test_names_do_not_come_back(pattern: str) -> None:
    """The code of the three packages uses the names that replaced them."""
    found = [
        f"{name}: {line.strip()}"
        for name, source in sources(*PACKAGES[:3])
        for line in source.splitlines()
        if re.search(pattern, line) and not ("86" in pattern and name in _SECONDS)
    ]
    assert found == []
