"""``icard-issuer bulk``: issue from a file; renew, replace and revoke what a file names."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

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
    from issuer.bulk.run import Kind
    from issuer.core import Core

__all__ = ["bulk_app", "watched", "write_refused"]

bulk_app = typer.Typer(help="Many cards from a file, CSV or JSON Lines.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(metavar="FILE", help="CSV with a line of columns, or JSON Lines.")]
FormOption = Annotated[Literal["csv", "jsonl"] | None, typer.Option("--form", help="[default: by the file's name]")]
Key = Annotated[
    str | None,
    typer.Option("--key", metavar="NAME", help="A column that identifies a row.  [default: file and row number]"),
]
Codes = Annotated[
    Path | None, typer.Option("--codes", metavar="FILE", help="Write the codes there, one JSON object a card.")
]
Refused = Annotated[Path | None, typer.Option("--refused", metavar="FILE", help="Write the refused rows there: CSV.")]


@bulk_app.command("issue")
def bulk_issue(
    file: File,
    form: FormOption = None,
    key: Key = None,
    codes: Codes = None,
    refused: Refused = None,
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
    _run(service, by, "issue", file, form, key, codes, refused, photo=not no_photo)


@bulk_app.command("renew")
def bulk_renew(
    file: File,
    form: FormOption = None,
    key: Key = None,
    codes: Codes = None,
    refused: Refused = None,
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
    _run(service, by, "renew", file, form, key, codes, refused)


@bulk_app.command("replace")
def bulk_replace(
    file: File,
    form: FormOption = None,
    key: Key = None,
    codes: Codes = None,
    refused: Refused = None,
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
    _run(service, by, "replace", file, form, key, codes, refused)


@bulk_app.command("revoke")
def bulk_revoke(
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
    """Withdraw every card that the file names, permanently; in the audit as break-glass."""
    by = acting(operator, reason, break_glass=True)
    service = ServiceFolder(folder)
    _run(service, by, "revoke", file, form, None, None, refused)


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
) -> None:
    from issuer.bulk import run
    from issuer.bulk.codes import CodesFile
    from issuer.bulk.rows import Source
    from issuer.cards.codes import make_ready

    source = Source.of(file, form)
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
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=error_console(), transient=True) as progress:
        task = progress.add_task("", total=size, done=0, refused=0)
        yield lambda done, refused, read: progress.update(task, completed=read, done=done, refused=refused)


def write_refused(core: Core, run_id: str, path: Path) -> None:
    """Write the rows that a run refused, with their errors in words.

    Raises:
        FileFault: ``file.unwritable``.
    """
    from issuer.bulk.run import refusals

    texts = catalogue()
    language = run_context().language
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("row", "path", "code", "expected", "found", "message"))
            for one in refusals(core, run_id):
                message = texts[one.code][language]
                writer.writerow((one.row, one.path, one.code, one.expected, one.found, message))
    except OSError as fault:
        raise FileFault("file.unwritable", found=f"{path}: {fault.strerror}") from None
