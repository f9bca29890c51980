"""docs/permits.md: its commands run in order, and its tables and drawings are those of the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from issuer.permits.processes import MACHINES
from tests.docs.pages import ROOT, blocks, run_shell

PAGE = "docs/permits.md"


@pytest.mark.slow
def test_commands_of_the_page_run(tmp_path: Path) -> None:
    """From a new service to a row that was added and ended."""
    ended = run_shell("export ICARD_ISSUER_SCRYPT_LOG2=14\n" + "\n".join(blocks(PAGE, "sh")), tmp_path)
    assert ended.returncode == 0, ended.stderr + ended.stdout[-2000:]
    assert "Administrative Licensing Law, articles 42, 45, 82" in ended.stdout
    assert "deadlines/D05/310000/2027-01-01" in ended.stdout


def test_every_process_is_drawn() -> None:
    drawn = blocks(PAGE, "mermaid")
    assert len(drawn) == len(MACHINES)
    page = (ROOT / PAGE).read_text("utf-8")
    assert all(move.name in page for machine in MACHINES.values() for move in machine.moves)
