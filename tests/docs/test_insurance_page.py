"""docs/insurance.md: its commands run in order."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.pages import blocks, run_shell


@pytest.mark.slow
def test_commands_of_the_page_run(tmp_path: Path) -> None:
    """A new service reports on a region: nobody is insured yet."""
    script = "export ICARD_ISSUER_SCRYPT_LOG2=14\n" + "\n".join(blocks("docs/insurance.md", "sh"))
    ended = run_shell(script, tmp_path)
    assert ended.returncode == 0, ended.stderr + ended.stdout[-2000:]
    assert (tmp_path / "report.csv").read_text("utf-8").startswith("employer_id,region,kind")
    assert "No findings." in (tmp_path / "report.svg").read_text("utf-8")
