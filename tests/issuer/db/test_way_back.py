"""``icard-issuer migrate``: forward, and back only on purpose."""

from __future__ import annotations

import json
from pathlib import Path

from sqlalchemy import select

from issuer.accounts import host
from issuer.accounts.changes import NewAccount
from issuer.acts import Actor
from issuer.audit.models import AuditDetail, AuditRow
from issuer.audit.verify import open_details
from issuer.cli.commands import app
from issuer.core import Core
from issuer.db import schema
from issuer.processes.heartbeat import Heartbeat
from tests.kit.cli import run
from tests.kit.issuing_service import new_core
from tests.kit.signed_domain import write_settings

WHY = ("--operator", "Li Na", "--reason", "the new version lost a report")


def service(folder: Path, url: str) -> Core:
    """A service with an account, and its settings for the commands."""
    core = new_core(folder, url)
    new = NewAccount(role="auditor", login="an.quan", name="An Quan", identity="STAFF-1")
    host.add(core, new, Actor("host:li", "a first account", break_glass=True))
    write_settings(core, folder)
    return core


def test_the_way_back_says_what_it_deletes_and_asks(tmp_path: Path, database_url: str) -> None:
    """Without a reason, or a yes, nothing is changed; with both the audit has who, why and what went, and the way
    forward leads to a service whose audit is whole."""
    folder, core = tmp_path, service(tmp_path, database_url)
    core.close()
    back = ("migrate", "--to", "0016", "-C", folder)
    unreasoned = run(app, *back, "--yes", "--json")
    assert (unreasoned.status, unreasoned.error["path"]) == (64, "--reason")
    asked = run(app, *back, *WHY)
    assert asked.status == 14
    assert "database.back_not_confirmed" in asked.err
    assert "deletes jobs" not in asked.err
    reopened = Core.open(core.settings)
    assert schema.current(reopened.database) == schema.newest()
    reopened.close()
    assert run(app, "migrate", "--to", "0003", "-C", folder, *WHY).err.count("deletes accounts: 1\n") == 1
    done = run(app, *back, *WHY, "--yes", "--json")
    assert (done.status, json.loads(done.out)) == (0, {"before": schema.newest(), "now": "0016"})
    again = run(app, "migrate", "-C", folder, *WHY, "--json")
    assert again.status == 0, again.err
    assert json.loads(again.out)["before"] == "0016"
    assert run(app, "audit", "verify", "-C", folder).status == 0
    reopened = Core.open(core.settings)
    (row,) = reopened.database.read(
        lambda session: session.scalars(select(AuditRow).where(AuditRow.action == "database.back")).all()
    )
    detail = reopened.database.read(lambda session: session.get_one(AuditDetail, row.seq))
    said = str(open_details(reopened, row, detail))
    assert [words for words in ("host:Li Na", "the new version lost a report", "0016") if words not in said] == [], said
    reopened.close()
    assert len(json.loads(run(app, "account", "list", "-C", folder, "--json").out)) == 1


def test_no_way_back_while_a_server_runs(tmp_path: Path, database_url: str) -> None:
    """A heartbeat of the last minute is enough."""
    folder, core = tmp_path, service(tmp_path, database_url)
    Heartbeat(core, "server").beat()
    core.close()
    refused = run(app, "migrate", "--to", "0016", "-C", folder, *WHY, "--yes", "--json")
    assert (refused.status, refused.error["code"]) == (11, "database.processes")


def test_base_is_no_way_back(tmp_path: Path) -> None:
    """It would delete every card."""
    service(tmp_path, f"sqlite:///{tmp_path / 'a.db'}").close()
    assert run(app, "migrate", "--to", "base", "-C", tmp_path, *WHY, "--yes", "--json").status == 64
