"""``icard-issuer backup``, ``restore``, ``adopt``, ``withdraw``: backups, and a database that was put back or moved."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from icard_crypto.errors import StateError
from verifier.runtime.cli.faults import CommandError
from verifier.runtime.cli.run_context import AsJson, Lang, run_context
from verifier.runtime.files import write_whole

from .service import BreakGlassReason, Folder, NamedOperator, Operator, ReasonOption, ServiceFolder, acting, tell

if TYPE_CHECKING:
    pass

__all__ = ["adopt_command", "backup_command", "restore_command", "withdraw_command"]

_SECRET: Final = 0o600

Report = Annotated[
    Path | None, typer.Option("--report", metavar="FILE", help="Write what is to be issued again, as JSON.")
]


def backup_command(
    target: Annotated[
        Path | None, typer.Argument(metavar="TARGET", help="A folder for backups, best on another machine.")
    ] = None,
    keep: Annotated[
        int | None, typer.Option("--keep", min=1, metavar="N", help="Remove all but the newest N of its backups.")
    ] = None,
    check: Annotated[
        Path | None, typer.Option("--check", metavar="BACKUP", help="Read a backup and compare it with its manifest.")
    ] = None,
    *,
    operator: Operator = None,
    reason: ReasonOption = None,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Make a backup while the service runs: database, settings, keys and uploads, with their hashes.

    It has neither the master key nor the passphrase nor the mark: keep these apart. With PostgreSQL it needs pg_dump.

    Example:  icard-issuer backup /srv/backups -C issuer --keep 14
    """
    from issuer.restore.backup import back_up
    from issuer.restore.backup import check as checked

    by = acting(operator, reason)
    service = ServiceFolder(folder)
    if (target is None) == (check is None):
        raise CommandError("cli.option", path="TARGET", expected="a folder, or --check BACKUP")
    if check is not None:
        facts = checked(check)
        tell({name: facts[name] for name in ("made", "program", "revision", "audit")} | {"files": len(facts["files"])})
    if target is not None:
        with service.opened() as core:
            made = back_up(core, target, by, keep=keep)
            tell({"backup": str(made.folder), "audit": made.seq, "files": made.files, "bytes": made.size})


def restore_command(
    published: Annotated[
        Path | None, typer.Option("--published", metavar="PATH", help="The exported folder or bundle, as it is online.")
    ] = None,
    nothing_published: Annotated[bool, typer.Option("--nothing-published", help="Nothing was ever published.")] = False,
    source: Annotated[
        Path | None, typer.Option("--from", metavar="BACKUP", help="Put this backup's database in place before.")
    ] = None,
    report: Report = None,
    *,
    operator: NamedOperator,
    reason: BreakGlassReason,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Make a database that was put back from a backup fit to sign again. Stop every process of the service before.

    Closes all status lists, takes over what was published, names the codes to be issued again. Afterwards publish, for
    the first code waits for the new list.

    Example:  icard-issuer restore -C issuer --from backups/icard-20261129T020000Z --published /var/www/icard
    --operator Ann --reason "disk failed"
    """
    from issuer.restore.restore import restore

    by = acting(operator, reason, break_glass=True)
    service = ServiceFolder(folder)
    if (published is None) != nothing_published:
        raise StateError("restore.published", expected="--published or --nothing-published")
    if source is not None:
        from issuer.restore.put_back import put_back

        kept = put_back(service.settings(), source)
        if kept is not None and not run_context().json:
            tell({"database_before": str(kept)})
    with service.opened(restoring=True) as core:
        _tell_restored(asdict(restore(core, published, by)), report)


def adopt_command(
    report: Report = None,
    *,
    operator: NamedOperator,
    reason: BreakGlassReason,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Take a database over that was moved, or beside which another copy published: no other one runs, or ever will.

    What is served at the status prefix is taken over, the stricter of both stands, and codes get indexes of new lists
    alone. Stop every process of the service before, and publish afterwards. A database that was put back from a backup
    is for restore.
    """
    from issuer.restore.adopt import adopt
    from issuer.restore.served import read_served

    by = acting(operator, reason, break_glass=True)
    service = ServiceFolder(folder)
    with service.opened(restoring=True) as core:
        served = read_served(core, by.actor) if core.settings.compare_published else None
        adopted = adopt(core, by, served)
    if adopted.restored is not None:
        _tell_restored(asdict(adopted.restored), report)
        return
    tell({"epoch": adopted.epoch, "compared": 0 if served is None else len(served.lists)})


def withdraw_command(
    uri: Annotated[str, typer.Argument(metavar="URI", help="The list's address, as the restore named it.")],
    index: Annotated[int, typer.Argument(metavar="INDEX", min=0)],
    *,
    operator: NamedOperator,
    reason: BreakGlassReason,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Revoke a code that a lost database gave, once its holder has another."""
    from issuer.restore.restore import withdraw_lost

    by = acting(operator, reason, break_glass=True)
    service = ServiceFolder(folder)
    with service.opened() as core:
        withdraw_lost(core, uri, index, by)
        tell({"uri": uri, "index": index, "entry": "revoked"})


def _tell_restored(outcome: dict[str, Any], report: Path | None) -> None:
    if report is not None:
        write_whole(report, json.dumps(outcome, indent=1).encode() + b"\n", mode=_SECRET)
    if run_context().json:
        tell(outcome)
        return
    if outcome["lost_acts"] is None:
        # Without the mark nobody knows what came after the backup: none found is not none lost.
        outcome = {**outcome, "lost_acts": "unknown", "lost_codes": outcome["lost_codes"] or "unknown"}
    tell({name: _shown(value) for name, value in outcome.items()})


def _shown(value: Any) -> Any:
    """Lists as one line of at most a few; the report has them whole."""
    if not isinstance(value, list):
        return value
    few = [f"{one['uri']}#{one['index']}" if isinstance(one, dict) else str(one) for one in value[:5]]
    return f"{len(value)}" + (f": {', '.join(few)}" + (", ..." if len(value) > len(few) else "") if few else "")
