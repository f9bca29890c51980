"""``icard-issuer permits``: physical permits from a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from verifier.runtime.cli.run_context import AsJson, Lang

from .bulk_commands import watched, write_refused
from .service import BreakGlassReason, Folder, NamedOperator, ServiceFolder, acting, tell

if TYPE_CHECKING:
    pass

__all__ = ["permits_app"]

permits_app = typer.Typer(help="Permits from before the switch to the card.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(metavar="FILE", help="CSV with a line of columns, or JSON Lines.")]
FormOption = Annotated[Literal["csv", "jsonl"] | None, typer.Option("--form", help="[default: by the file's name]")]
Refused = Annotated[Path | None, typer.Option("--refused", metavar="FILE", help="Write the refused rows there: CSV.")]


@permits_app.command("import")
def permits_import(
    file: File,
    form: FormOption = None,
    refused: Refused = None,
    *,
    operator: NamedOperator,
    reason: BreakGlassReason,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Take physical permits over. They stay valid as they are; a card comes with the next extension or change, or by an
    electronic reissue. Run again after whatever stopped it: no permit is written twice.

    Example:  icard-issuer permits import physical.csv -C issuer --operator "Li Wei" --reason "switch to the card" \\
              --refused refused.csv
    """
    from issuer.bulk.rows import Source
    from issuer.switchover.physical import import_permits

    by = acting(operator, reason, break_glass=True)
    service = ServiceFolder(folder)
    source = Source.of(file, form)
    with service.opened() as core:
        with watched(source.size) as progress:
            made = import_permits(core, source, by, progress)
        if refused is not None:
            write_refused(core, made.run_id, refused)
        tell({"run": made.run_id, "done": made.done, "refused": made.refused, "resumed": made.resumed})
    if made.refused:
        raise typer.Exit(1)
