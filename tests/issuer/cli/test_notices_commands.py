"""``icard-issuer notices`` as a person would type it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from issuer.cli.commands import app
from issuer.core import Core
from issuer.notices.models import Outbox
from tests.issuer.conftest import new_database_url
from tests.kit.cli import Done, run
from tests.kit.notified_service import add_account, notified_core, outbox, tell
from tests.kit.signed_domain import write_settings


@pytest.fixture
def issuing_service(tmp_path: Path) -> Iterator[Core]:
    core = notified_core(tmp_path, new_database_url("sqlite", tmp_path))
    write_settings(core, tmp_path)
    for number in range(3):
        tell(
            core, add_account(core, email=f"marked{number}@post.example"), "card.suspended", {"card": f"marked{number}"}
        )
    yield core
    core.close()


def kill(core: Core, count: int) -> list[str]:
    """So many of the letters are dead."""
    names = [row.id for row in outbox(core)][:count]
    values = {"state": "dead", "attempts": 7, "last_fault": "mail.refused", "last_answer": 550, "ended_at": 1}
    core.database.transact(lambda session: session.execute(update(Outbox).where(Outbox.id.in_(names)).values(**values)))
    return names


def command(core: Core, *words: str | Path) -> Done:
    return run(app, "notices", *words, "-C", core.settings.folder)


def told(core: Core, *words: str | Path) -> Any:
    """What a command says with ``--json``; it must succeed."""
    done = command(core, *words, "--json")
    assert (done.status, done.err) == (0, "")
    assert "marked" not in done.out, "contents or addresses"
    return json.loads(done.out)


def test_what_waits_and_what_died_is_seen(issuing_service: Core) -> None:
    """Listed by state and channel, counted for each channel, shown with the words of its fault; never its contents."""
    (dead,) = kill(issuing_service, 1)
    assert sorted(row["state"] for row in told(issuing_service, "list")) == ["dead", "waiting", "waiting"]
    assert [row["id"] for row in told(issuing_service, "list", "--state", "dead")] == [dead]
    assert told(issuing_service, "list", "--channel", "webhook") == []
    assert len(told(issuing_service, "list", "--most", "2")) == 2
    email, webhook = told(issuing_service, "figures")
    assert (email["channel"], email["waiting"], email["dead"], webhook["waiting"]) == ("email", 2, 1, 0)
    shown = told(issuing_service, "show", dead)
    assert (shown["attempts"], shown["fault"], shown["answer"]) == (7, "mail.refused", 550)
    assert shown["says"] == "The mail server refuses this message for good."
    assert "邮件服务器永久拒收此邮件。" in command(issuing_service, "show", dead, "--lang", "zh").out


def test_dead_letters_are_retried_or_dropped(issuing_service: Core) -> None:
    """By id, or all that are dead; what was dropped may be retried; the acts are in the audit."""
    first, second, _ = kill(issuing_service, 3)
    assert told(issuing_service, "retry", first, "--operator", "Li", "--reason", "address mended") == {"retried": 1}
    assert told(issuing_service, "drop", "--all-dead", "--operator", "Li") == {"dropped": 2}
    assert told(issuing_service, "list", "--state", "dead") == []
    assert told(issuing_service, "retry", second) == {"retried": 1}
    assert {row["state"] for row in told(issuing_service, "list", "--state", "dropped")} == {"dropped"}
    found = run(app, "audit", "verify", "-C", issuing_service.settings.folder, "--json")
    assert found.status == 0


@pytest.mark.parametrize(
    ("words", "status", "code"),
    [
        (["retry"], 64, "cli.option"),
        (["drop", "0" * 32, "--all-dead"], 64, "cli.option"),
        (["show", "0" * 32], 10, "notice.none"),
        (["retry", "0" * 32], 10, "notice.none"),
    ],
)
def test_what_cannot_be_done_is_said(issuing_service: Core, words: list[str], status: int, code: str) -> None:
    """One line with the code, and the exit status of a refusal or of wrong use."""
    done = command(issuing_service, *words)
    assert (done.status, code in done.err) == (status, True)
