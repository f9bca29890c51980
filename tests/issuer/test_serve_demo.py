"""The demo data of ``make serve``: an authority at work whose accounts can be used at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pyotp
import pytest

from issuer.accounts import login
from issuer.core import Core
from issuer.permits import due, views
from issuer.settings import Settings
from tests.kit.people import HOME
from tools import demo_authority, demo_office, serve_demo
from tools.demo_office import DemoAccount

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Core, dict[str, DemoAccount]]]:
    """A trial authority with the demo data, opened again, and its accounts by login name."""
    folder: Path = tmp_path_factory.mktemp("demo")
    demo_authority.make(folder)
    accounts = {account.login: account for account in demo_office.fill(folder / "issuer")}
    core = Core.open(Settings.load(folder / "issuer"))
    yield core, accounts
    core.close()


def test_demo_accounts_log_in_and_find_work(filled: tuple[Core, dict[str, DemoAccount]]) -> None:
    """Each password fits; the employer has something due, and the office a queue with a refusal behind it."""
    core, accounts = filled
    entered = {
        name: login.login(core, name, account.password, HOME).who
        for name, account in accounts.items()
        if account.secret is None
    }
    assert {account.role for account in accounts.values()} >= {
        "administrator",
        "permit_officer",
        "office_head",
        "auditor",
    }
    kinds = [one.kind for one in due.due_list(core, entered["demo.employer"])]
    assert kinds == ["answer", "extension"]
    states = {one.state for one in views.list_filings(core, entered["demo.employer"])}
    assert states == {"DRAFT", "SUBMITTED", "RETURNED", "ACCEPTED", "REFUSED", "APPROVED"}
    assert [one.may_work for one in views.list_permits(core, entered["demo.holder"])] == [True]


def test_code_of_a_demo_account_is_the_one_that_its_app_shows(
    filled: tuple[Core, dict[str, DemoAccount]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It follows from the secret in the list; an account that is not there, or that has no app, has none."""
    _, accounts = filled
    path = tmp_path / "accounts.json"
    path.write_text(json.dumps([asdict(account) for account in accounts.values()]), "utf-8")
    monkeypatch.setattr(serve_demo, "_ACCOUNTS", path)
    totp = pyotp.TOTP(accounts["demo.officer"].secret or "")
    assert totp.verify(serve_demo.code_of("demo.officer"), valid_window=1)
    for login_name in ("nobody", "demo.holder"):
        with pytest.raises(SystemExit):
            serve_demo.code_of(login_name)
