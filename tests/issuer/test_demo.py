"""``make demo``, as it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import demo, demo_authority


@pytest.mark.slow
def test_the_demo_ends_as_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """From an empty folder to a revoked card; a database of this machine is left alone, and no code is shown whole."""
    monkeypatch.setattr(demo, "FOLDER", tmp_path / "demo")
    monkeypatch.setattr(demo, "CODES", 20)
    monkeypatch.setenv("ICARD_ISSUER_DATABASE_URL", f"sqlite:///{tmp_path / 'other.db'}")
    demo.main()
    printed = capfd.readouterr().out
    assert [printed.count(word) for word in (": ✓ VALID", ": ✕ INVALID", ": ? NOT CONFIRMED")] == [3, 4, 1]
    assert printed.count("\n$ ") >= 35
    code = (tmp_path / "demo" / "codes" / "public.txt").read_text("ascii").strip()
    assert code not in printed
    assert not (tmp_path / "other.db").exists()


def test_a_command_that_fails_says_what_it_printed(tmp_path: Path) -> None:
    """A demonstration does not go on past a command that was refused."""
    run = demo_authority.in_process(tmp_path)
    with pytest.raises(demo_authority.CommandFailed) as failed:
        run("icard-issuer", "settings", "-C", "nowhere", "--bad")
    assert "exit status 64" in str(failed.value)
    assert "--bad" in str(failed.value)
