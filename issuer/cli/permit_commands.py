"""``icard-issuer permits``: physical permits, and applications that are open at the switch, from files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from verifier.runtime.cli.run_context import AsJson, Lang

from .bulk_commands import watched, write_refused
from .service import BreakGlassReason, Folder, NamedOperator, ServiceFolder, acting, tell

if TYPE_CHECKING:
    from issuer.acts import Actor
    from issuer.bulk.imports import Imported, Progress
    from issuer.bulk.rows import Source
    from issuer.core import Core

    Import: TypeAlias = Callable[[Core, Source, Actor, Progress], Imported]

__all__ = ["permits_app"]

permits_app = typer.Typer(help="Permits and applications from before the switch to the card.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(metavar="FILE", help="CSV with a line of columns, or JSON Lines.")]
FormOption = Annotated[Literal["csv", "jsonl"] | None, typer.Option("--form", help="[default: by the file's name]")]
Refused = Annotated[Path | None, typer.Option("--refused", metavar="FILE", help="Write the refused rows there: CSV.")]


def _physical() -> Import:
    from issuer.switchover.physical import import_permits

    return import_permits


def _open_files() -> Import:
    from issuer.switchover.open_files import import_open_files

    return import_open_files


def _declare(name: str, load: Callable[[], Import], words: str) -> None:
    """Declare a command that imports a file.

    Args:
        load: gives what imports it; called when the command is run.
        words: its help.
    """

    def command(
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
        from issuer.bulk.rows import Source

        by = acting(operator, reason, break_glass=True)
        service = ServiceFolder(folder)
        source = Source.of(file, form)
        with service.opened() as core:
            with watched(source.size) as progress:
                made = load()(core, source, by, progress)
            if refused is not None:
                write_refused(core, made.run_id, refused)
            tell({"run": made.run_id, "done": made.done, "refused": made.refused, "resumed": made.resumed})
        if made.refused:
            raise typer.Exit(1)

    command.__doc__ = words
    permits_app.command(name)(command)


_declare(
    "import",
    _physical,
    """Take physical permits over. They stay valid as they are; a card comes with the next extension or change, or by an
    electronic reissue. Run again after whatever stopped it: no permit is written twice.

    Example:  icard-issuer permits import physical.csv -C issuer --operator "Li Wei" --reason "switch to the card" \\
              --refused refused.csv
    """,
)
_declare(
    "import-open",
    _open_files,
    """Carry over applications that are open at the switch, and notifications of a first entry that are not used yet,
    with the days that they have. Import the permits that they are about first. An officer checks each paper here. Run
    again after whatever stopped it.

    Example:  icard-issuer permits import-open open.csv -C issuer --operator "Li Wei" --reason "switch to the card" \\
              --refused refused.csv
    """,
)
