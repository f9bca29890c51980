"""``icard-issuer audit``: verify, export, purge, checkpoint."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from verifier.runtime.cli.faults import CommandError
from verifier.runtime.cli.run_context import AsJson, Lang, run_context
from verifier.runtime.files import FileFault, write_whole

from .service import (
    BreakGlassReason,
    Folder,
    GivenReason,
    NamedOperator,
    Operator,
    ServiceFolder,
    acting,
    tell,
    tell_rows,
)
from .two_operators import FirstOperator, SecondOperator, both_operators, proven

if TYPE_CHECKING:
    from issuer.core import Core

__all__ = ["audit_app"]

audit_app = typer.Typer(help="The audit: verify, export, purge, checkpoint.", no_args_is_help=True)

#: Exports may have personal data.
_SECRET = 0o600

Outside = Annotated[
    Path | None,
    typer.Option("--checkpoints", metavar="FOLDER", help="Checkpoints outside.  [default: beside the settings]"),
]


@audit_app.command("verify")
def audit_verify(outside: Outside = None, *, folder: Folder = None, lang: Lang = None, as_json: AsJson = False) -> None:
    """Walk the chain and check it against its checkpoints. Exit status 1: something was changed; 2: acts are missing.

    After a restore, checkpoints of what was lost are named; audit name-loss says that the loss is known.

    What no chain can show: acts made up by whoever has the database and the master key, after the newest checkpoint.
    """
    from issuer.audit.verify import verify

    service = ServiceFolder(folder)
    with service.opened() as core:
        report = verify(core, _checkpoints(core, outside))
        language = run_context().language
        rows, lost, known, altered = (
            [
                {"code": fault.code, "where": fault.path, "what": fault.message(language), "expected": fault.expected}
                for fault in faults
            ]
            for faults in (report.faults, report.lost, report.known, report.altered)
        )
        facts: dict[str, Any] = {
            "rows": report.rows,
            "head": report.head,
            "purged": report.purged,
            "checkpoints": report.checkpoints,
            "faults": rows if run_context().json else len(rows) + report.more,
        }
        for name, found in (("lost_checkpoints", lost), ("known_losses", known), ("altered_records", altered)):
            facts[name] = found if run_context().json else len(found)
        tell(facts)
        if not run_context().json:
            tell_rows(rows)
            tell_rows(lost)
            tell_rows(known)
            tell_rows(altered)
        if report.faults or report.altered:
            raise typer.Exit(1)
        if not report.whole:
            raise typer.Exit(2)


@audit_app.command("name-loss")
def audit_name_loss(
    row: Annotated[int, typer.Option("--row", help="The restore's row, as audit verify names it.")],
    *,
    operator: NamedOperator,
    reason: GivenReason,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Say about a restore that it took place and that what it lost is known: the audit counts as whole again."""
    from issuer.audit.purge import name_loss

    by = acting(operator, reason)
    service = ServiceFolder(folder)
    with service.opened() as core:
        name_loss(core, row, by.actor, by.reason)
        tell({"row": row})


@audit_app.command("checkpoint")
def audit_checkpoint(
    outside: Outside = None, *, folder: Folder = None, lang: Lang = None, as_json: AsJson = False
) -> None:
    """Sign the chain's end and write it outside the database."""
    from issuer.publication import checkpoints
    from issuer.publication.publish import check_signers

    service = ServiceFolder(folder)
    with service.opened() as core:
        target = outside or checkpoints.default_folder(core)
        check_signers(core)
        made = checkpoints.make(core, target)
        tell({"row": made and made.seq, "hash": made and made.hash, "folder": str(target)})


@audit_app.command("export")
def audit_export(
    target: Annotated[Path, typer.Argument(metavar="FILE", help="JSON Lines; - for standard output.")],
    details: Annotated[
        bool, typer.Option("--details", help="With what was done and why: personal data, and itself audited.")
    ] = False,
    actor: Annotated[str | None, typer.Option("--actor", help="Acts of this actor only.")] = None,
    subject: Annotated[str | None, typer.Option("--subject", help="Acts about this card or key only.")] = None,
    *,
    operator: Operator = None,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Write the audit as one JSON object a line."""
    from issuer.audit.purge import export

    by = acting(operator)
    service = ServiceFolder(folder)
    with service.opened() as core:
        lines = export(core, details=details, by=by.actor, actor=actor, subject=subject)
        if str(target) == "-":
            for line in lines:
                typer.echo(line)
            return
        content = "".join(f"{line}\n" for line in lines)
        write_whole(target, content.encode(), mode=_SECRET)
        tell({"file": str(target), "rows": content.count("\n")})


@audit_app.command("purge")
def audit_purge(
    before: Annotated[str, typer.Option("--before", metavar="YYYY-MM-DD", help="Acts before this day (UTC).")],
    second: SecondOperator,
    *,
    operator: FirstOperator,
    reason: BreakGlassReason,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Delete the details of old acts, permanently; the chain stays whole. Takes the time of writing the database again.

    Two administrators do it, each with a code of the authenticator app; nothing younger than the setting
    audit_details_days goes.
    """
    from issuer.audit.purge import purge, require_age

    service = ServiceFolder(folder)
    try:
        moment = int(datetime.strptime(before, "%Y-%m-%d").replace(tzinfo=UTC).timestamp())
    except ValueError:
        raise CommandError("cli.option", path="--before", expected="YYYY-MM-DD", found=before) from None
    two = both_operators(operator, second)
    with service.opened() as core:
        require_age(moment, core.database.read(core.clock.now), core.settings.audit_details_days)
        count, through = purge(core, moment, proven(core, two, reason).actor, reason)
        tell({"purged": count, "through_row": through})


def _checkpoints(core: Core, outside: Path | None) -> dict[str, bytes]:
    from issuer.audit.checkpoints import checkpoint_files, read_file
    from issuer.publication import checkpoints

    folder = outside or checkpoints.default_folder(core)
    if outside is not None and not outside.is_dir():
        raise FileFault("file.no_such_file", found=str(outside))
    return {path.name: read_file(path) for path in checkpoint_files(folder)}
