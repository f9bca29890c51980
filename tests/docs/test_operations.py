"""docs/operations.md: the installed commands run every walk-through and give the verdicts that the page names."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, run_shell

PAGE = "docs/operations.md"
_SECTION = re.compile(r"^## (?P<title>[^\n]+)\n(?P<text>.*?)(?=^## |\Z)", re.DOTALL | re.MULTILINE)
_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_CLAIM = re.compile(r"^icard verify \S+ +# (\w+)(?:: (\w+))?$", re.MULTILINE)

#: Verdicts are collected as JSON; that one is not VALID must not end the block.
_COLLECT = """
icard() {
  if [ "$1" = verify ]; then command icard "$@" --json >> verdicts.jsonl || test $? -le 2; else command icard "$@"; fi
}
"""


def sections() -> dict[str, str]:
    """The page's blocks by the title of their section; each section has one at most."""
    text = (ROOT / PAGE).read_text("utf-8")
    found = {match["title"]: _BLOCK.findall(match["text"]) for match in _SECTION.finditer(text)}
    assert all(len(blocks) <= 1 for blocks in found.values())
    return {title: blocks[0] for title, blocks in found.items() if blocks}


SECTIONS = sections()
START = "The start of it all"
WALKS = [title for title in SECTIONS if title != START]


def walk(block: str, folder: Path) -> None:
    """Run a block; its verdicts are those that the page claims, in order."""
    claimed = [(outcome, reason or outcome.lower()) for outcome, reason in _CLAIM.findall(block)]
    assert len(claimed) == len(re.findall(r"^icard verify", block, re.MULTILINE)) > 0
    ended = run_shell(_COLLECT + block, folder)
    assert ended.returncode == 0, ended.stderr + ended.stdout
    verdicts = [json.loads(line) for line in (folder / "verdicts.jsonl").read_text().splitlines()]
    assert [(verdict["outcome"], verdict["reason"]) for verdict in verdicts] == claimed


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder after the page's first walk-through."""
    folder = tmp_path_factory.mktemp("operations")
    shutil.copy(ROOT / "tests" / "vectors" / "cards" / "reference.json", folder / "card.json")
    walk(SECTIONS[START], folder)
    (folder / "verdicts.jsonl").unlink()
    return folder


def test_the_page_walks_through_every_case() -> None:
    """Rotation of each kind of key, each disaster and re-issuing have a walk-through."""
    assert WALKS == [
        "Every day",
        "Rotating a card key",
        "Rotating a status key",
        "Rotating a timestamp key",
        "Rotating a root key",
        "A card key is stolen",
        "A status key is stolen",
        "One root of three is lost",
        "Issuing everything again",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("title", WALKS)
def test_walk_through(begun: Path, tmp_path: Path, title: str) -> None:
    """The commands run as they stand, and verifiers say afterwards what the page says."""
    folder = tmp_path / "walk"
    shutil.copytree(begun, folder)
    walk(SECTIONS[title], folder)
