"""``icard-issuer demo-data``: an authority at work, with made-up people in every state."""

from __future__ import annotations

import shlex
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from verifier.runtime.cli.run_context import AsJson, Lang, run_context

from .bulk_commands import watched_steps
from .service import tell

__all__ = ["demo_command"]


def demo_command(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="New or empty.")],
    people: Annotated[int, typer.Option("--people", help="How many people: 40 to 20,000.")] = 2000,
    seed: Annotated[int, typer.Option("--seed", help="The same seed and day give the same data.")] = 1,
    day: Annotated[
        datetime | None,
        typer.Option("--day", formats=["%Y-%m-%d"], help="The last day that is lived through.  [default: today]"),
    ] = None,
    status_prefix: Annotated[
        str | None, typer.Option("--status-prefix", help="Where its status lists would be fetched: https://host/path/")
    ] = None,
    database_url: Annotated[
        str | None, typer.Option("--database-url", help="An empty database: postgresql://...  [default: SQLite]")
    ] = None,
    *,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Make a trial authority at work: three offices, employers, agencies, and people in every state of a permit.

    Half a year is lived through, day by day. It is of the test environment and never becomes production.

    Example:  icard-issuer demo-data demo --people 100
    """
    from issuer.trial.build import STATUS_PREFIX
    from issuer.trial.demo.fill import make_demo
    from issuer.trial.demo.summary import summary

    with watched_steps("days") as progress:
        made = make_demo(
            folder,
            people=people,
            seed=seed,
            day=day.date() if day else None,
            status_prefix=STATUS_PREFIX if status_prefix is None else status_prefix,
            database_url=database_url,
            progress=progress,
        )
    tell(summary(made))
    if not run_context().json:
        place = shlex.quote(str(folder))
        typer.echo(f"\nNext:\n  icard-issuer serve -C {place}/issuer")
