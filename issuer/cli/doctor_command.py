"""``icard-issuer doctor``: what is wrong with the service on this host, and the command that fixes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from verifier.runtime.cli.faults import CommandError, sentence
from verifier.runtime.cli.run_context import AsJson, Lang, run_context
from verifier.runtime.outbound.addresses import networks

from .service import Folder, ServiceFolder

__all__ = ["doctor_command"]


def doctor_command(
    offline: Annotated[bool, typer.Option("--offline", help="Do not fetch what is published.")] = False,
    allow_network: Annotated[
        list[str] | None,
        typer.Option("--allow-network", metavar="NETWORK", help="The web server may be there: 10.0.0.0/8. Repeatable."),
    ] = None,
    ca_file: Annotated[
        Path | None, typer.Option("--ca-file", metavar="FILE", help="PEM certificates of a private authority.")
    ] = None,
    *,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Look at everything: settings, rights of files, keys, trust list, clock, database, publication, backups, disks.

    The most urgent comes first, each with what to do. Ends with 0 where nothing is wrong, 1 for warnings, 2 where a
    part does not work, 3 where verifiers confirm nothing new or a revocation does not go out. Nothing is changed.

    Example:  icard-issuer doctor -C issuer
    """
    from issuer.doctor.examine import CHECKS, examine
    from issuer.doctor.findings import exit_status, ranked

    service = ServiceFolder(folder)
    try:
        allowed = networks(allow_network or ())
    except Exception as fault:
        raise CommandError("cli.option", path="--allow-network", expected="networks such as 10.0.0.0/8") from fault
    found = ranked(examine(service.folder, offline=offline, allowed=allowed, ca_file=ca_file))
    language = run_context().language
    if run_context().json:
        facts = {"status": exit_status(found), "checks": list(CHECKS), "findings": [f.facts(language) for f in found]}
        typer.echo(json.dumps(facts, ensure_ascii=True))
    else:
        for each in found:
            typer.echo(f"{each.severity:<8}  {each.check}: {sentence(each.fault)}")
            typer.echo(f"          {each.fault.hint(language)}")
            if each.fix is not None:
                typer.echo(f"          -> {each.fix}")
        if not found:
            typer.echo(f"nothing is wrong: {len(CHECKS)} checks")
    if found:
        raise typer.Exit(exit_status(found))
