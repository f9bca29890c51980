"""``icard-issuer account``: the first administrators and the way back, as a person would type them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from issuer.audit.purge import export
from issuer.cli.commands import app
from issuer.core import Core
from issuer.settings import Settings
from tests.kit.cli import run
from tests.kit.issuing_service import FakeClock, new_core
from tests.kit.people import CHEAP, ServiceUnderTest, Somebody, take_up
from tests.kit.signed_domain import write_settings

pytestmark = pytest.mark.slow

WHO = ("--operator", "Wang Wei", "--reason", "first administrator")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new service on SQLite, its hashes as cheap as it gets."""
    for name, value in CHEAP.items():
        monkeypatch.setenv(f"ICARD_ISSUER_{name.upper()}", str(value))
    core = new_core(tmp_path, f"sqlite:///{tmp_path}/issuer.db", keys=False)
    write_settings(core, tmp_path)
    core.close()
    return tmp_path


def told(folder: Path, *words: str) -> Any:
    done = run(app, "account", *words, "--folder", folder, "--json")
    assert (done.status, done.err) == (0, "")
    return json.loads(done.out)


def add(folder: Path, login: str) -> dict[str, str]:
    words = ("--role", "administrator", "--name", "Li Na", "--identity", "S-" + login.replace(".", "-"))
    found: dict[str, str] = told(folder, "add", login, *words, *WHO)
    return found


def opened(folder: Path) -> ServiceUnderTest:
    clock = FakeClock()
    return ServiceUnderTest(Core.open(Settings.load(folder), clock=clock.clock()), clock)


def test_the_first_administrators_and_the_way_back(folder: Path) -> None:
    """Two are made and take up their accounts; one loses phone and password, is reset, locked and let in again."""
    made = [add(folder, login) for login in ("li.na", "wang.wei")]
    issuing_service = opened(folder)
    first: list[Somebody] = [take_up(issuing_service, each["invitation"], each["account"]) for each in made]
    first[0].login = "li.na"
    assert first[0].who().may("account.give")
    reset = told(folder, "reset", "li.na", *WHO)
    again = take_up(issuing_service, reset["invitation"], "li.na")
    assert again.secret != first[0].secret
    for act in ("lock", "unlock"):
        assert told(folder, act, "li.na", *WHO) == {"login": "li.na", "done": act}
    states = [(row["login"], row["role"], row["state"], row["totp"]) for row in told(folder, "list")]
    assert sorted(states) == [
        ("li.na", "administrator", "active", True),
        ("wang.wei", "administrator", "active", True),
    ]
    told(folder, "close", "li.na", *WHO)
    assert [row["login"] for row in told(folder, "list")] == ["wang.wei"]
    issuing_service.core.close()


def test_each_act_is_audited_as_break_glass(folder: Path) -> None:
    """With who and why; an act without them is refused by the command's options."""
    add(folder, "li.na")
    issuing_service = opened(folder)
    lines = [json.loads(line) for line in export(issuing_service.core, details=True, by="host:test")]
    (found,) = [line for line in lines if line["action"] == "account.create"]
    assert found["details"] == {
        "actor": "host:Wang Wei",
        "reason": "first administrator",
        "break_glass": True,
        "role": "administrator",
    }
    issuing_service.core.close()
    done = run(app, "account", "lock", "li.na", "--folder", folder)
    assert (done.status, "--operator" in done.err) == (64, True)
    done = run(app, "account", "lock", "li.na", "--operator", "x", "--reason", " ", "--folder", folder)
    assert (done.status, "cli.option" in done.err) == (64, True)


def test_a_refusal_says_what_to_do(folder: Path) -> None:
    """An unknown role names them all, an unknown login is told, an official account needs a number."""
    done = run(app, "account", "add", "li.na", "--role", "king", "--name", "Li Na", *WHO, "--folder", folder)
    assert done.status != 0
    assert "permit_officer" in done.err
    assert "account.role" in done.err
    done = run(app, "account", "lock", "nobody", *WHO, "--folder", folder)
    assert "There is no such account" in done.err
    done = run(app, "account", "add", "li.na", "--role", "auditor", "--name", "Li Na", *WHO, "--folder", folder)
    assert "identity" in done.err
