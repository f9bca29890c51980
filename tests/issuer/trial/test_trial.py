"""``icard-issuer trial``: a whole authority in one command, and a card that verifies in two more."""

from __future__ import annotations

import stat
from pathlib import Path

from issuer.cli.commands import app
from issuer.doctor.examine import examine
from issuer.settings import Settings
from issuer.trial.build import build
from tests.kit.cli import run
from verifier.cli.commands import app as verifier_app


def test_three_commands_lead_to_a_card_that_verifies(tmp_path: Path) -> None:
    """Made, issued, verified offline; the verdict says that it is a test."""
    folder = tmp_path / "trial"
    made = run(app, "trial", folder)
    assert made.status == 0, made.err
    assert "icard-issuer card issue" in made.out
    issued = run(app, "card", "issue", folder / "card.json", "-C", folder / "issuer", "--out", folder / "codes")
    assert issued.status == 0, issued.err
    verified = run(verifier_app, "verify", folder / "codes" / "public.txt", "--state", folder / "verifier")
    assert (verified.status, "VALID" in verified.out, "TEST" in verified.out) == (0, True, True), verified.err


def test_what_it_makes_is_well(tmp_path: Path) -> None:
    """The doctor finds what a trial lacks: a running server, and a backup; its secrets are for their owner alone."""
    trial = build(tmp_path / "trial")
    assert {each.fault.code for each in examine(trial.service, offline=True)} == {
        "worker.missing",
        "doctor.backup_none",
    }
    for secret in ("invitations.txt", "roots/root1.pem", "issuer/master.key", "issuer/passphrase"):
        assert stat.S_IMODE((trial.folder / secret).stat().st_mode) == 0o600, secret
    lines = (trial.folder / "invitations.txt").read_text("ascii").splitlines()
    assert [line.split()[:2] for line in lines] == [list(login) for login in trial.logins]


def test_what_is_served_is_compared_only_where_somebody_serves_it(tmp_path: Path) -> None:
    """At the usual prefix, which is reserved, a worker would report that again and again."""
    usual = build(tmp_path / "usual")
    own = build(tmp_path / "own", status_prefix="https://status.city.test/s/")
    found = [Settings.load(trial.service).compare_published for trial in (usual, own)]
    assert found == [False, True]


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    """Nothing is written."""
    (tmp_path / "mine").write_text("mine")
    done = run(app, "trial", tmp_path, "--json")
    assert (done.status, done.error["code"]) == (64, "file.exists")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
