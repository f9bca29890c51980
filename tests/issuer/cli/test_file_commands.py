"""``icard-issuer files``: one group for plain files; old names still run and say the new one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from issuer.cli.commands import app
from tests.kit.cli import run

FILES = ("keygen", "sign", "trust", "status", "publish")


def test_help_shows_the_service_and_plain_files_apart() -> None:
    """Two headings; the commands on plain files stand in their group alone."""
    shown = run(app, "--help").out
    service, _, files = shown[shown.index("The service") :].partition("Plain files")
    listed = {line.split()[1] for line in service.splitlines() if line.startswith("│ ") and line[2] != " "}
    assert {"init", "serve", "doctor", "trust-list", "key"} <= listed
    assert not listed & set(FILES)
    assert "files" in files
    inside = run(app, "files", "--help").out
    assert all(f"│ {name} " in inside for name in FILES)


@pytest.mark.parametrize("name", FILES)
def test_an_old_name_runs_the_command_and_names_the_new_one(name: str) -> None:
    """The output is that of the new name; the note goes to standard error."""
    old, new = (run(app, *words, "--help") for words in ((name,), ("files", name)))
    assert (old.status, old.out) == (new.status, new.out) == (0, new.out)
    assert "cli.moved" in old.err
    assert f"icard-issuer files {name}" in old.err
    assert new.err == ""


def test_the_note_of_an_old_name_is_json_where_the_output_is(tmp_path: Path) -> None:
    """A program reads each line of standard error as one object, the note among them."""
    path = tmp_path / "key.pem"
    done = run(app, "keygen", "--out", path, "--no-passphrase", "--json")
    assert (done.status, path.exists()) == (0, True)
    assert json.loads(done.err)["warning"]["code"] == "cli.moved"
    again = run(app, "keygen", "--out", path, "--no-passphrase", "--json")
    told = [json.loads(line) for line in again.err.splitlines()]
    assert [next(iter(line)) for line in told] == ["warning", "error"]
    assert again.status == 64


def test_a_command_that_never_was_has_no_old_name() -> None:
    """Only the commands that moved are found under two names."""
    done = run(app, "assemble", "--json")
    assert (done.status, "cli.moved" in done.err) == (64, False)
