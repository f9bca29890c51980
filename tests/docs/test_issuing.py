"""docs/issuing.md: the installed commands run from ``init`` to a restored backup, and give the verdicts it names."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.docs.pages import blocks, run_shell
from tests.kit.reference import reference_card

PAGE = "docs/issuing.md"
_CLAIM = re.compile(r"^icard verify [^#\n]+# (\w+)(?:: (\w+))?$", re.MULTILINE)

#: Verdicts are collected as JSON; that one is not VALID must not end the script.
_COLLECT = """
icard() {
  if [ "$1" = verify ]; then command icard "$@" --json >> verdicts.jsonl || test $? -le 2; else command icard "$@"; fi
}
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder after all blocks of the page, as one script, and what they printed."""
    folder = tmp_path_factory.mktemp("issuing")
    card = reference_card().to_json()
    (folder / "card.json").write_text(json.dumps(card), "utf-8")
    card["permit"] |= {"number": "R310115202605004128", "number_last4": "4128"}
    (folder / "card2.json").write_text(json.dumps(card), "utf-8")
    ended = run_shell("export ICARD_ISSUER_SCRYPT_LOG2=14\n" + _COLLECT + "\n".join(blocks(PAGE, "sh")), folder)
    assert ended.returncode == 0, ended.stderr + ended.stdout[-3000:]
    return folder, ended.stdout


@pytest.mark.slow
def test_every_verdict_is_the_one_that_the_page_names(page: tuple[Path, str]) -> None:
    """Issue, lapse, replacement, revocation and a restored backup, as a verifier sees them."""
    folder, _ = page
    text = "\n".join(blocks(PAGE, "sh"))
    claimed = [(outcome, reason or outcome.lower()) for outcome, reason in _CLAIM.findall(text)]
    assert len(claimed) == len(re.findall(r"^icard verify", text, re.MULTILINE)) >= 8
    verdicts = [json.loads(line) for line in (folder / "verdicts.jsonl").read_text().splitlines()]
    assert [(verdict["outcome"], verdict["reason"]) for verdict in verdicts] == claimed


@pytest.mark.slow
def test_secrets_stay_out_of_what_is_printed(page: tuple[Path, str]) -> None:
    """Neither the passphrase nor the master key; ``settings`` was printed."""
    folder, printed = page
    assert "status_prefix" in printed
    assert (folder / "passphrase").read_text().strip() not in printed
    master = json.loads((folder / "issuer" / "master.key").read_bytes())
    assert [entry["id"] for entry in master["keys"] if entry["key"] in printed] == []
    assert len(master["keys"]) == 1


@pytest.mark.slow
def test_what_a_restore_names_is_written(page: tuple[Path, str]) -> None:
    """The report of the codes to be issued again is JSON, for its owner alone."""
    folder, _ = page
    report = folder / "again.json"
    assert isinstance(json.loads(report.read_bytes()), dict)
    assert report.stat().st_mode & 0o077 == 0
