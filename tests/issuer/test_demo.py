"""``make demo``, as it stands."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import blocks
from tools import demo, demo_authority, serve_demo


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
    assert printed.count("\n$ ") >= 18
    code = (tmp_path / "demo" / "codes" / "public.txt").read_text("ascii").strip()
    assert code not in printed
    assert not (tmp_path / "other.db").exists()
    # What docs/embed.md copies to be followed by hand: its first program says of one code that it stands, of one not.
    place = tmp_path / "try"
    place.mkdir()
    lines = blocks("docs/embed.md", "console")[0].splitlines()
    for source, target in (line.split()[-2:] for line in lines if line.startswith("cp ")):
        copy = shutil.copytree if (tmp_path / source.removeprefix("../")).is_dir() else shutil.copy
        copy(tmp_path / source.removeprefix("../"), place / target)
    (place / "gate.py").write_text(next(code for code in blocks("docs/embed.md", "python") if "gate.py" in code))
    shown = (place / "card.txt").read_bytes() + (place / "revoked.txt").read_bytes() + b"\xe9tude\n"
    said = subprocess.run([sys.executable, "gate.py"], cwd=place, input=shown, capture_output=True, check=True).stdout
    outcomes = [line.partition(b":")[0] for line in said.splitlines() if not line.startswith(b" ")]
    assert outcomes == [b"VALID", b"INVALID", b"INVALID"]


def test_a_command_that_fails_says_what_it_printed(tmp_path: Path) -> None:
    """A demonstration does not go on past a command that was refused."""
    run = demo_authority.in_process(tmp_path)
    with pytest.raises(demo_authority.CommandFailed) as failed:
        run("icard-issuer", "settings", "-C", "nowhere", "--bad")
    assert "exit status 64" in str(failed.value)
    assert "--bad" in str(failed.value)


@pytest.mark.slow
def test_what_make_serve_publishes_reaches_its_scan_page(tmp_path: Path) -> None:
    """A card that is revoked meanwhile is refused by the verifier's state; where nothing is new, nothing is brought."""
    authority = demo_authority.make(tmp_path / "authority")
    card = authority.issue(authority.folder / "card.json", "codes")
    authority.publish()
    authority.new_verifier("state")
    authority.carry_news("state")
    news = serve_demo.News(authority, "state")
    check = ("icard", "verify", "codes/public.txt", "--state", "state")
    assert not news.bring()
    assert "VALID" in authority.run(*check)
    authority.revoke(card, "demo")
    authority.publish()
    assert (news.bring(), news.bring()) == (True, False)
    with pytest.raises(demo_authority.CommandFailed, match="INVALID"):
        authority.run(*check)
