"""``icard-issuer trial``: a whole authority to try things on, in one command."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from verifier.runtime.cli.run_context import AsJson, Lang, run_context

from .service import tell

__all__ = ["trial_command"]


def trial_command(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="New or empty.")],
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
    """Make a trial authority: service, keys, roots, trust list, accounts, a published tree and a verifier.

    It is of the test environment: every verdict on its cards says so, and it never becomes production.

    Example:  icard-issuer trial trial
    """
    from issuer.trial.build import STATUS_PREFIX, build

    prefix = STATUS_PREFIX if status_prefix is None else status_prefix
    made = build(folder, status_prefix=prefix, database_url=database_url)
    facts = {
        "service": str(made.service),
        "anchor": str(made.anchor),
        "published": str(made.public),
        "verifier": str(made.verifier),
        "card": str(made.card),
        "accounts": str(len(made.logins)),
        "invitations": str(folder / "invitations.txt"),
    }
    tell(facts)
    if not run_context().json:
        place = shlex.quote(str(folder))
        typer.echo("\nNext:")
        for line in (
            f"icard-issuer card issue {place}/card.json -C {place}/issuer --out {place}/codes",
            f"icard verify {place}/codes/public.txt --state {place}/verifier",
            f"icard-issuer serve -C {place}/issuer",
            f"icard-issuer doctor -C {place}/issuer --offline",
        ):
            typer.echo(f"  {line}")
