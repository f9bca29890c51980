"""What cannot be had says why; what stands is not made again."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks import peers
from benchmarks.child import Child, ChildFailed

NOBODY = "http://127.0.0.1:9/simple"


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for environments, and no way to a package."""
    monkeypatch.setattr(peers, "ENVIRONMENTS", tmp_path)
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("PIP_INDEX_URL", NOBODY)
    return tmp_path


@pytest.mark.slow
def test_a_registry_that_gives_no_answer_is_unreachable(elsewhere: Path) -> None:
    """The reason to skip is told from other failures, and nothing half made counts as ready."""
    with pytest.raises(peers.PeerMissing) as missing:
        peers.ready("claim169")
    assert missing.value.unreachable
    assert str(missing.value).startswith("claim169: ")
    assert not (elsewhere / "claim169" / ".ready").exists()


def test_an_environment_that_stands_is_not_made_again(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mark of the same requirements is enough; another mark is not."""
    made: list[list[str]] = []

    def run(_: str, command: list[str]) -> None:
        made.append(command)
        (elsewhere / "claim169").mkdir(exist_ok=True)

    monkeypatch.setattr(peers, "_run", run)
    python = peers.ready("claim169")
    assert python == elsewhere / "claim169" / "bin" / "python"
    assert [command[2] for command in made] == ["venv", "pip"]
    peers.ready("claim169")
    assert len(made) == 2
    (elsewhere / "claim169" / ".ready").write_text("another")
    peers.ready("claim169")
    assert len(made) == 4


def test_a_child_that_cannot_start_says_so() -> None:
    """The last line of its errors is the reason, and no pipe error hides it."""
    with Child(Path(sys.executable), ["-m", "benchmarks.peers.nothing"]) as child, pytest.raises(ChildFailed) as failed:
        child.ask(do="time", passes=1)
    assert str(failed.value).endswith("No module named benchmarks.peers.nothing")
