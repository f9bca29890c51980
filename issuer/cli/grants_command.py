"""``icard-issuer grants``: what each role of a PostgreSQL database may do, as SQL for the owner of the tables."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from verifier.runtime.cli.faults import CommandError
from verifier.runtime.cli.run_context import AsJson, Lang, run_context

__all__ = ["grants_command"]


def grants_command(
    server: Annotated[str | None, typer.Option("--server", help="The role that icard-issuer serve logs in as.")] = None,
    worker: Annotated[str | None, typer.Option("--worker", help="The role of icard-issuer worker.")] = None,
    auditor: Annotated[str | None, typer.Option("--auditor", help="A role that verifies the audit.")] = None,
    *,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Write the SQL that lets each role of a PostgreSQL database do its work and no more. The owner of the tables, who
    migrates, runs it; after each migration again.

    Example:  icard-issuer grants --server icard_server --worker icard_worker | psql --single-transaction icard
    """
    from issuer import tables  # noqa: F401  (every table)
    from issuer.db.grants import Roles, grants

    if server is None and worker is None and auditor is None:
        raise CommandError("cli.option", path="--server", expected="a role: --server, --worker or --auditor")
    found = grants(Roles(server, worker, auditor))
    typer.echo(json.dumps(found) if run_context().json else "\n".join(f"{each};" for each in found))
