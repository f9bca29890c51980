"""``icard verify --input``: the verdicts on every row of a file."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from icard_crypto import limits
from verifier.decision.policy import Policy
from verifier.knowledge.trust import TrustDomain
from verifier.runtime.cli.faults import printable, report_warning
from verifier.runtime.cli.run_context import run_context, word
from verifier.runtime.cli.terminal import error_console
from verifier.runtime.files import read_capped

from .options import moment
from .state_options import open_store

if TYPE_CHECKING:
    from verifier.data import Summary
    from verifier.data.job import Progress as Watch

__all__ = ["Claims", "Column", "FileOptions", "InputFile", "Keep", "OutputFile", "WorkerCount", "verify_file"]

_PANEL = "Many codes from a file"
_FORMATS = ".parquet, .csv, .jsonl"

InputFile = Annotated[
    Path | None,
    typer.Option("--input", metavar="FILE", help=f"File with a column of codes: {_FORMATS}.", rich_help_panel=_PANEL),
]
OutputFile = Annotated[
    Path | None,
    typer.Option("--output", metavar="FILE", help=f"File of verdicts to write: {_FORMATS}.", rich_help_panel=_PANEL),
]
Column = Annotated[str, typer.Option("--column", metavar="NAME", help="The column of codes.", rich_help_panel=_PANEL)]
Keep = Annotated[
    list[str] | None,
    typer.Option(
        "--keep", metavar="NAME", help="A column of the input that goes along; may be repeated.", rich_help_panel=_PANEL
    ),
]
Claims = Annotated[
    list[str] | None,
    typer.Option(
        "--claim",
        metavar="NAME",
        help="A claim of the card that goes along, such as nationality; may be repeated.",
        rich_help_panel=_PANEL,
    ),
]
WorkerCount = Annotated[
    int | None,
    typer.Option(
        "--workers", metavar="N", min=1, help="Processes that verify (default: all cores).", rich_help_panel=_PANEL
    ),
]

_UNREADABLE = 1


@dataclass(frozen=True, slots=True)
class FileOptions:
    """What the command was asked for about files."""

    input: Path
    output: Path
    column: str
    keep: tuple[str, ...]
    claims: tuple[str, ...]
    workers: int | None


def verify_file(asked: FileOptions, trusted: Path | None, state: Path | None, policy: Policy, now: str | None) -> int:
    """Do the job, or what is left of it; the exit status.

    Raises:
        IcardError: as :func:`verifier.data.job.run`; ``data.extra_missing``.
    """
    from verifier.data import Job, run

    given = None if trusted is None else read_capped(trusted, limits.TRUST_LIST_BYTES)
    if given is not None:
        TrustDomain.from_trusted_file(given)
    store = None if given is not None and state is None else open_store(state)
    if store is not None:
        store.load()
        for fault in store.faults:
            report_warning(fault.error)
    job = Job(
        asked.input,
        asked.output,
        policy,
        moment(now),
        column=asked.column,
        keep=asked.keep,
        claims=asked.claims,
        state=store,
        trusted=given,
        workers=asked.workers,
        now_given=now is not None,
    )
    with _watching() as watch:
        summary = run(job, watch)
    _tell(summary, asked.output)
    return _UNREADABLE if summary.unreadable else 0


@contextmanager
def _watching() -> Iterator[Watch]:
    """A bar with rows on a terminal; elsewhere nothing."""
    if not sys.stderr.isatty():
        yield lambda rows, share: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]:,}"),
        TimeElapsedColumn(),
    )
    # Drawn when there is news: workers are forked, which a thread of the display would make unsafe.
    with Progress(*columns, console=error_console(), transient=True, auto_refresh=False) as progress:
        task = progress.add_task(word("checking"), total=1.0, rows=0)

        def watch(rows: int, share: float) -> None:
            progress.update(task, completed=share, rows=rows, refresh=True)

        yield watch


def _tell(summary: Summary, output: Path) -> None:
    at = f"{datetime.fromtimestamp(summary.now, UTC):%Y-%m-%dT%H:%M:%SZ}"
    if run_context().json:
        typer.echo(json.dumps(_facts(summary, output, at), ensure_ascii=False))
        return
    colon = word("colon")
    typer.echo(f"{word('wrote')} {printable(str(output))}{colon}{summary.rows:,} {word('rows')}, {word('as_of')} {at}")
    if summary.resumed:
        typer.echo(f"{word('done_before')}{colon}{summary.resumed:,}")
    for outcome, reasons in _by_outcome(summary).items():
        typer.echo(f"{outcome}{colon}{sum(reasons.values()):,}")
        for reason, count in reasons.items():
            typer.echo(f"  {reason}{colon}{count:,}")
    if summary.nulls:
        typer.echo(f"{word('no_code')}{colon}{summary.nulls:,}")
    if summary.unreadable:
        first = f"{word('first_in_row')} {summary.first_unreadable:,}"
        typer.echo(f"{word('unreadable_rows')}{colon}{summary.unreadable:,} ({first})")


def _by_outcome(summary: Summary) -> dict[str, dict[str, int]]:
    """Reasons and how many of each, by outcome; the most frequent first."""
    found: dict[str, dict[str, int]] = {}
    for (outcome, reason), count in summary.verdicts.most_common():
        found.setdefault(outcome, {})[reason] = count
    return found


def _facts(summary: Summary, output: Path, at: str) -> dict[str, Any]:
    return {
        "output": str(output),
        "now": at,
        "rows": summary.rows,
        "done_before": summary.resumed,
        "without_code": summary.nulls,
        "unreadable": summary.unreadable,
        "first_unreadable": summary.first_unreadable,
        "verdicts": _by_outcome(summary),
    }
