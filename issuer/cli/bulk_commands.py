"""``icard-issuer bulk``: issue from a file; renew, replace and revoke what a file names."""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from icard_crypto.errors import catalogue
from verifier.runtime.cli.run_context import AsJson, Lang, run_context
from verifier.runtime.cli.terminal import error_console
from verifier.runtime.files import FileFault

from .service import (
    BreakGlassReason,
    Folder,
    GivenReason,
    NamedOperator,
    Operator,
    ReasonOption,
    ServiceFolder,
    acting,
    tell,
)

if TYPE_CHECKING:
    from issuer.acts import Actor
    from issuer.bulk.refusals import RefusedFault
    from issuer.bulk.rows import Source
    from issuer.bulk.run import Kind, Options
    from issuer.core import Core

__all__ = ["bulk_app", "watched", "watched_steps", "write_refused"]

bulk_app = typer.Typer(help="Many cards from a file, CSV or JSON Lines.", no_args_is_help=True)

#: Faults that a dry run prints; all of them go to the file.
_MOST_SHOWN: Final = 50

File = Annotated[Path, typer.Argument(metavar="FILE", help="CSV with a line of columns, or JSON Lines.")]
FormOption = Annotated[Literal["csv", "jsonl"] | None, typer.Option("--form", help="[default: by the file's name]")]
Key = Annotated[
    str | None,
    typer.Option("--key", metavar="NAME", help="A column that identifies a row.  [default: file and row number]"),
]
Codes = Annotated[
    Path | None, typer.Option("--codes", metavar="FILE", help="Write the codes there, one JSON object a card.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Look at every row and report all faults; write nothing.")]
Refused = Annotated[Path | None, typer.Option("--refused", metavar="FILE", help="Write the refused rows there: CSV.")]


@bulk_app.command("issue")
def bulk_issue(
    file: File,
    form: FormOption = None,
    key: Key = None,
    codes: Codes = None,
    refused: Refused = None,
    dry_run: DryRun = False,
    no_photo: Annotated[bool, typer.Option("--no-photo", help="Keep photos out of the codes.")] = False,
    *,
    operator: Operator = None,
    reason: ReasonOption = None,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Issue a card for every row. Run again after whatever stopped it: it goes on, and nothing is made twice.

    Where cards come from approved applications (direct_issuing is off), only with a reason: as break-glass.

    Example:  icard-issuer bulk issue cards.csv -C issuer --codes codes.jsonl --refused refused.csv
    """
    by = acting(operator, reason)
    service = ServiceFolder(folder)
    by = replace(by, break_glass=by.reason is not None)
    _run(service, by, "issue", file, form, key, codes, refused, photo=not no_photo, dry_run=dry_run)


@bulk_app.command("renew")
def bulk_renew(
    file: File,
    form: FormOption = None,
    key: Key = None,
    codes: Codes = None,
    refused: Refused = None,
    dry_run: DryRun = False,
    *,
    operator: NamedOperator,
    reason: GivenReason,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """New codes for every card that the file names; the old ones run to their own end."""
    by = acting(operator, reason)
    service = ServiceFolder(folder)
    _run(service, by, "renew", file, form, key, codes, refused, dry_run=dry_run)


@bulk_app.command("replace")
def bulk_replace(
    file: File,
    form: FormOption = None,
    key: Key = None,
    codes: Codes = None,
    refused: Refused = None,
    dry_run: DryRun = False,
    *,
    operator: NamedOperator,
    reason: GivenReason,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """New codes for every card that the file names; the old ones read replaced at once. As after a stolen key.

    Example:  icard-issuer card list --key 6f1d0a93 --out cards.jsonl, then: icard-issuer bulk replace cards.jsonl
    """
    by = acting(operator, reason)
    service = ServiceFolder(folder)
    _run(service, by, "replace", file, form, key, codes, refused, dry_run=dry_run)


@bulk_app.command("revoke")
def bulk_revoke(
    file: File,
    form: FormOption = None,
    refused: Refused = None,
    dry_run: DryRun = False,
    *,
    operator: NamedOperator,
    reason: BreakGlassReason,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Withdraw every card that the file names, permanently; in the audit as break-glass."""
    by = acting(operator, reason, break_glass=True)
    service = ServiceFolder(folder)
    _run(service, by, "revoke", file, form, None, None, refused, dry_run=dry_run)


def _run(
    service: ServiceFolder,
    by: Actor,
    kind: Kind,
    file: Path,
    form: Literal["csv", "jsonl"] | None,
    key: str | None,
    codes: Path | None,
    refused: Path | None,
    *,
    photo: bool = True,
    dry_run: bool = False,
) -> None:
    from issuer.bulk import run
    from issuer.bulk.codes import CodesFile
    from issuer.bulk.rows import Source
    from issuer.cards.codes import make_ready

    source = Source.of(file, form)
    if dry_run:
        _dry_run(service, kind, source, run.Options(key), refused)
        return
    with service.opened(signs=True) as core:
        if kind != "revoke":
            make_ready(core)
        with watched(source.size) as progress:
            options = run.Options(key, photo, None if codes is None else CodesFile(codes), progress)
            outcome = run.run(core, kind, source, by, options)
        if refused is not None:
            write_refused(core, outcome.run_id, refused)
        tell({"run": outcome.run_id, "done": outcome.done, "refused": outcome.refused, "resumed": outcome.resumed})
    if outcome.refused:
        raise typer.Exit(1)


def _dry_run(service: ServiceFolder, kind: Kind, source: Source, options: Options, refused: Path | None) -> None:
    from issuer.bulk.dry_run import dry_run
    from issuer.bulk.refusals import kept

    good = bad = 0
    faults: list[RefusedFault] = []
    with service.opened() as core, watched(source.size) as progress:
        for row in dry_run(core, kind, source, options, progress):
            good, bad = good + (not row.faults), bad + bool(row.faults)
            faults += kept(row.number, row.faults)
    if refused is not None:
        _write_csv(refused, faults)
    elif not run_context().json:
        for one in faults[:_MOST_SHOWN]:
            expected = None if one.expected is None else f"expected {one.expected}"
            parts = [part for part in (one.path, expected, one.found) if part]
            typer.echo(f"row {one.row}: {one.code}  {'; '.join(parts)}")
        if len(faults) > _MOST_SHOWN:
            typer.echo(f"... and {len(faults) - _MOST_SHOWN} more faults; --refused FILE has them all")
    tell({"rows": good + bad, "good": good, "refused": bad, "faults": len(faults)})
    if bad:
        raise typer.Exit(1)


@contextmanager
def watched(size: int) -> Iterator[Callable[[int, int, int], None]]:
    """Progress on the terminal, where there is one."""
    if not sys.stderr.isatty():
        yield lambda done, refused, read: None
        return
    columns = (
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[done]:,} + {task.fields[refused]:,} x"),
        TextColumn("{task.fields[rate]:,.0f}/s"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=error_console(), transient=True) as progress:
        task = progress.add_task("", total=size, done=0, refused=0, rate=0.0)
        begun = time.monotonic()

        def moved(done: int, refused: int, read: int) -> None:
            rate = (done + refused) / max(time.monotonic() - begun, 0.001)
            progress.update(task, completed=read, done=done, refused=refused, rate=rate)

        yield moved


@contextmanager
def watched_steps(unit: str) -> Iterator[Callable[[int, int], None]]:
    """Progress of steps that are counted, on the terminal, where there is one."""
    if not sys.stderr.isatty():
        yield lambda done, all_of_them: None
        return
    columns = (BarColumn(), TaskProgressColumn(), TextColumn(f"{{task.completed:,}} {unit}"), TimeRemainingColumn())
    with Progress(*columns, console=error_console(), transient=True) as progress:
        task = progress.add_task("", total=None)
        yield lambda done, all_of_them: progress.update(task, completed=done, total=all_of_them)


def write_refused(core: Core, run_id: str, path: Path) -> None:
    """Write the rows that a run refused, each fault of a row as a line, with the errors in words.

    Raises:
        FileFault: ``file.unwritable``.
    """
    from issuer.bulk.run import refusals

    _write_csv(path, refusals(core, run_id))


def _write_csv(path: Path, faults: Iterable[RefusedFault]) -> None:
    texts = catalogue()
    language = run_context().language
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("row", "path", "code", "expected", "found", "message"))
            for one in faults:
                writer.writerow((one.row, one.path, one.code, one.expected, one.found, texts[one.code][language]))
    except OSError as fault:
        raise FileFault("file.unwritable", found=f"{path}: {fault.strerror}") from None
