"""``icard-issuer migrate``: the tables of this version, or, on purpose, of an earlier one.

Promises:

1. The way back says first what it deletes, table by table, and asks. It takes a reason, and the audit has it.
2. While a server or worker runs, or from tables that are not those of this program, it is refused.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from icard_crypto.errors import Conflict, StateError
from verifier.runtime.cli.faults import CommandError
from verifier.runtime.cli.run_context import AsJson, Lang, run_context

from .service import Folder, Operator, ReasonOption, ServiceFolder, acting, tell
from .words import label

if TYPE_CHECKING:
    from issuer.acts import Actor
    from issuer.core import Core
    from issuer.db.schema import Loss

__all__ = ["migrate_command"]


def migrate_command(
    revision: Annotated[str, typer.Option("--to", help="A revision, or head; base deletes every table.")] = "head",
    yes: Annotated[bool, typer.Option("--yes", help="Go back to an earlier revision without being asked.")] = False,
    *,
    operator: Operator = None,
    reason: ReasonOption = None,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Bring the database's tables and records to this version. Make a backup before.

    With an earlier revision it goes back: it shows what that deletes, asks, and needs --reason.
    """
    from issuer.db import schema
    from issuer.db.engine import connect
    from issuer.upgrade import bind

    by = acting(operator, reason)
    service = ServiceFolder(folder)
    if revision == "base":
        raise CommandError("cli.option", path="--to", expected="a revision: base would delete every card")
    database = connect(service.settings().database)
    try:
        database.check()
        before = schema.current(database)
        facts: dict[str, object] = {"before": before, "now": revision}
        if schema.is_way_back(database, revision):
            _go_back(service, by, revision, yes=yes)
        else:
            schema.migrate(database, revision)
            facts["now"] = schema.current(database)
    finally:
        database.close()
    if facts["now"] == schema.newest():
        with service.opened(upgrading=True) as core:
            facts["bound"] = bind(core, by)
    tell(facts)


def _go_back(service: ServiceFolder, by: Actor, revision: str, *, yes: bool) -> None:
    from issuer.db import schema
    from issuer.db.process_lock import process_lock
    from issuer.upgrade import go_back

    if not by.reason:
        raise CommandError("cli.option", path="--reason", expected="why, for the audit, to go back")
    with service.opened(upgrading=True) as core, process_lock(core.database):
        _require_alone(core)
        losses = schema.losses(core.database, revision)
        _show(losses)
        if not yes and (run_context().json or not sys.stdin.isatty() or not typer.confirm(label("delete"), err=True)):
            raise StateError("database.back_not_confirmed")
        go_back(core, by, revision, losses)


def _require_alone(core: Core) -> None:
    from issuer.processes.heartbeat import living

    running = core.database.read(lambda session: living(session, core.clock.now(session)))
    if running:
        raise Conflict("database.processes", found=", ".join(sorted({f"{one.kind} {one.host}" for one in running})))


def _show(losses: list[Loss]) -> None:
    if run_context().json:
        return
    for loss in losses:
        place = loss.table if loss.column is None else f"{loss.table}.{loss.column}"
        typer.echo(f"{label('deletes')} {place}: {loss.rows}", err=True)
