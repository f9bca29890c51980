"""What a person gets who begins in the wrong folder, or with the wrong passphrase: one line, before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from issuer.cli.commands import app
from tests.issuer.conftest import new_database_url
from tests.kit.cli import run
from tests.kit.signed_domain import published_core, write_settings


@pytest.mark.parametrize("command", [("serve",), ("key", "list"), ("settings",)])
def test_a_folder_without_a_service_is_named(tmp_path: Path, command: tuple[str, ...]) -> None:
    """Also one that is not there; nothing is made in it."""
    for folder in (tmp_path, tmp_path / "none"):
        done = run(app, *command, "-C", folder)
        assert (done.status, "cli.no_service" in done.err, str(folder) in done.err) == (64, True, True)
        assert "icard-issuer init" in done.err
    assert list(tmp_path.iterdir()) == []


def test_settings_may_come_from_the_environment_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without a file is a service's where the environment names the issuer."""
    monkeypatch.setenv("ICARD_ISSUER_ISSUER", "cn.310000")
    assert run(app, "settings", "-C", tmp_path).status == 0


@pytest.mark.slow
def test_a_server_with_the_wrong_passphrase_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence and what to do; no address, and no trace of the server's."""
    core = published_core(tmp_path, new_database_url("sqlite", tmp_path))
    write_settings(core, tmp_path)
    core.close()
    monkeypatch.setenv("ICARD_ISSUER_PASSPHRASE", "wrong")
    done = run(app, "serve", "-C", tmp_path, "--port", "0")
    assert (done.status, done.out, done.err.count("\n")) == (1, "", 2)
    assert "key.passphrase_wrong" in done.err
