"""What the pages show works: every command and snippet is run as it stands."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, blocks, run_shell
from verifier import Policy, TrustDomain


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the README's commands have been run."""
    made = tmp_path_factory.mktemp("readme")
    (commands,) = [block for block in blocks("README.md", "sh") if "icard-issuer files keygen" in block]
    ended = run_shell(commands, made)
    assert ended.returncode == 0, ended.stderr
    assert "VALID" in ended.stdout
    assert "COSE" in ended.stdout, "icard inspect shows the layers"
    return made


def _run_python(code: str, folder: Path) -> str:
    ended = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_readme_embeds_in_ten_lines(folder: Path) -> None:
    """The README's snippet verifies the code that its commands made, in ten lines."""
    (snippet,) = blocks("README.md", "python")
    assert len(snippet.strip().splitlines()) == 10
    assert _run_python(snippet, folder).splitlines() == [
        "VALID Genuine card. The work permit is in force. No photo in this code. Ask for the passport and compare it.",
        "HANNELORE BRIGITTA VOGEL until 2028-04-30",
    ]


def test_verify_page_snippets_run_in_order(folder: Path) -> None:
    """The snippets of docs/verify.md run one after the other, and say what the page says."""
    policy, trusted = blocks("docs/verify.md", "json")
    (folder / "clinic.json").write_text(policy)
    printed = _run_python("\n".join(blocks("docs/verify.md", "python")), folder).splitlines()
    assert printed[2:] == ["not_a_card 这是网址，不是集成卡。", "live 43200 259200", "trust_list_missing"]
    assert Policy.from_json(policy).service == 3
    assert TrustDomain.from_trusted_file(trusted.encode()).environment == "test"


def test_verify_page_commands_run(folder: Path) -> None:
    """The commands of docs/verify.md run; the drawn SVG is there."""
    (commands,) = blocks("docs/verify.md", "sh")
    ended = run_shell(commands, folder)
    assert ended.returncode == 0, ended.stderr
    outcomes = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")]
    assert [verdict["outcome"] for verdict in outcomes] == ["VALID"]
    assert (folder / "card.svg").read_text().startswith("<")


def test_generated_parts_are_up_to_date() -> None:
    """``python -m tools.make_docs`` would change no page."""
    ended = subprocess.run(
        [sys.executable, "-m", "tools.make_docs", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.stdout == ""
    assert ended.returncode == 0


def test_links_between_pages_lead_somewhere() -> None:
    """Every relative link of every page names a file that is there."""
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("tests/vectors/*.md")]
        for target in re.findall(r"\]\(([^)#:]+)[^):]*\)", page.read_text("utf-8"))
        if not (page.parent / target).exists()
    ]
    assert broken == []


def test_make_targets_that_pages_name_exist() -> None:
    """Every ``make`` target that a page names is in the Makefile, with a line in ``make help``."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):.*##", makefile, re.MULTILINE))
    named = {
        target
        for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
        for target in re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text("utf-8"), re.MULTILINE)
    }
    assert named
    assert named <= targets
