"""``icard-issuer restore`` and ``withdraw``, as a person would type them after putting a backup back."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path

import pytest

from tests.issuer.cli.test_service_commands import active_key, card_file, folder, refused, told

__all__ = ["folder"]

WHO = ("--operator", "Ann", "--reason", "the disk failed")


@pytest.fixture
def behind(folder: Path, tmp_path: Path) -> Path:
    """A service with an old database, whose second card was revoked after the backup and published."""
    active_key(folder)
    active_key(folder, "status")
    told(folder, "worker", "--once", "--export", tmp_path / "tree")
    told(folder, "card", "issue", card_file(folder, 1))
    shutil.copy(folder / "issuer.db", tmp_path / "backup")
    issued = told(folder, "card", "issue", card_file(folder, 2))
    (tmp_path / "issued.json").write_text(json.dumps(issued))
    told(folder, "card", "revoke", issued["card"], *WHO)
    told(folder, "worker", "--once", "--export", tmp_path / "tree")
    shutil.copy(tmp_path / "backup", folder / "issuer.db")
    return folder


def test_restore_from_the_command_line(behind: Path, tmp_path: Path) -> None:
    """Refused with the command to run; restored with a report; the next card waits for a publication and is issued."""
    done = refused(behind, "card", "issue", card_file(behind, 3))
    assert "epoch.behind" in done.err
    assert "icard-issuer restore" in done.err
    outcome = told(behind, "restore", "--published", tmp_path / "tree", "--report", tmp_path / "lost.json", *WHO)
    codes = json.loads((tmp_path / "issued.json").read_text())["codes"]
    lost = {(place["uri"], place["index"]): place["value"] for place in outcome["lost_codes"]}
    assert lost == {(code["status_uri"], code["status_index"]): 1 for code in codes}
    assert (outcome["epoch"], outcome["lost_acts"]) == (2, 2)
    assert json.loads((tmp_path / "lost.json").read_text()) == outcome
    assert stat.S_IMODE((tmp_path / "lost.json").stat().st_mode) == 0o600
    told(behind, "worker", "--once", "--export", tmp_path / "tree")
    assert len(told(behind, "card", "issue", card_file(behind, 3))["codes"]) == 3


def test_it_must_be_said_what_was_published(behind: Path) -> None:
    """Neither is assumed: a restore without the published lists would let what was revoked come back."""
    done = refused(behind, "restore", *WHO)
    assert "restore.published" in done.err
    assert "--nothing-published" in done.err


def test_a_lost_code_is_withdrawn(behind: Path, tmp_path: Path) -> None:
    """By the place that the report names; another place is refused."""
    place = told(behind, "restore", "--published", tmp_path / "tree", *WHO)["lost_codes"][0]
    assert told(behind, "withdraw", place["uri"], str(place["index"]), *WHO)["entry"] == "revoked"
    assert "restore.no_code" in refused(behind, "withdraw", place["uri"], "65535", *WHO).err
