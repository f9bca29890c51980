"""``icard-issuer doctor`` as a command: what it looks at beside the parts, its form and its exit status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from icard_crypto.errors import Unavailable, catalogue
from issuer.cli.commands import app
from issuer.doctor.examine import CHECKS, examine
from issuer.doctor.findings import FIXES, finding
from tests.issuer.conftest import new_database_url
from tests.kit.cli import run
from tests.kit.signed_domain import published_core, step, write_settings

ROOT = Path(__file__).parent.parent.parent.parent


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    core = published_core(tmp_path, new_database_url("sqlite", tmp_path))
    step(core)
    write_settings(core, tmp_path)
    core.close()
    (tmp_path / "icard-issuer.toml").chmod(0o600)
    return tmp_path


def codes(folder: Path) -> set[str]:
    return {each.fault.code for each in examine(folder, offline=True)}


def test_the_most_urgent_comes_first_with_what_to_do(folder: Path) -> None:
    """No worker runs: critical, exit status 3, before the warnings; the same as JSON."""
    done = run(app, "doctor", "-C", str(folder), "--offline")
    assert done.status == 3
    lines = done.out.splitlines()
    assert lines[0].startswith("critical  readiness: No worker is running")
    assert lines[2].strip() == "-> docs/runbooks/worker-gone.md"
    assert lines[3].startswith("warning")
    told = json.loads(run(app, "doctor", "-C", str(folder), "--offline", "--json").out)
    assert (told["status"], told["checks"]) == (3, list(CHECKS))
    assert [each["severity"] for each in told["findings"]] == ["critical", "warning", "warning"]
    assert told["findings"][0]["code"] == "worker.missing"


def test_a_secret_that_others_may_read_is_named(folder: Path) -> None:
    """The settings with a passphrase, the master key, a key's file."""
    assert "doctor.file_mode" not in codes(folder)
    key = next((folder / "keys").glob("*.json"))
    for path in (folder / "icard-issuer.toml", folder / "master.key", key):
        before = path.stat().st_mode
        path.chmod(0o640)
        found = [each.fault for each in examine(folder, offline=True) if each.fault.code == "doctor.file_mode"]
        assert [(fault.path, fault.found) for fault in found] == [(str(path), "0640")]
        path.chmod(before)


def test_what_keeps_a_service_from_opening_is_said(folder: Path, tmp_path: Path) -> None:
    """No settings, a master key that is gone, a mark that is gone: one finding each, and no traceback."""
    (folder / "epoch").rename(folder / "kept")
    assert "epoch.missing" in codes(folder)
    (folder / "kept").rename(folder / "epoch")
    (folder / "master.key").unlink()
    assert any(code.startswith(("at_rest.", "file.")) for code in codes(folder))
    done = run(app, "doctor", "-C", str(tmp_path / "nowhere"), "--offline")
    assert done.status != 0
    assert "Traceback" not in done.err


def test_nobody_is_asked_for_a_passphrase(folder: Path) -> None:
    """Where the settings do not have it, that is the finding."""
    path = folder / "icard-issuer.toml"
    lines = path.read_text("utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.startswith("passphrase")), "utf-8")
    assert "doctor.passphrase_unknown" in codes(folder)


def test_an_address_that_verifiers_cannot_fetch_is_critical(folder: Path) -> None:
    """The prefix of the tests is a name that nobody has."""
    found = examine(folder)
    unreachable = [each for each in found if each.fault.code == "doctor.unreachable"]
    assert [each.severity for each in unreachable] == ["critical"]


def test_fixes_are_pages_and_commands_that_there_are() -> None:
    """Each code of the table is one of the catalogue, or the beginning of some."""
    known = catalogue()
    assert [code for code in FIXES if not any(one.startswith(code) for one in known)] == []
    for fix in FIXES.values():
        assert fix.startswith(("icard-issuer ", "chmod ")) or (ROOT / fix).is_file(), fix
    assert finding("x", Unavailable("clock.behind")).severity == "critical"
