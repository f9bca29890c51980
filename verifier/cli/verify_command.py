"""``icard verify``: the verdict on codes, pictures, PDF pages and folders of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.progress import Progress

from icard_crypto.encoding.envelope import PREFIX
from icard_crypto.errors import DecodeError
from verifier.decision.verdict import Verdict
from verifier.decision.verifier import Verifier
from verifier.knowledge.trust import TrustDomain
from verifier.runtime.cli.faults import CommandError, report_warning
from verifier.runtime.cli.run_context import AsJson, Lang, run_context, word
from verifier.runtime.cli.terminal import console, error_console
from verifier.runtime.files import FileFault

from .inputs import Source, read_source, sources
from .options import CODE_HELP, Now, PolicyName, Trusted, moment, policy, trusted_domain
from .pictures import PictureProcess
from .state_options import StateFolder, open_store
from .verdict_view import show
from .verify_file import Claims, Column, FileOptions, InputFile, Keep, OutputFile, WorkerCount, verify_file

__all__ = ["verify_command"]

_STATUS: Final = {"VALID": 0, "INVALID": 1, "INDETERMINATE": 2}
#: Characters; a signature alone has 64 bytes, which are 96.
_SHORTEST_CODE: Final = 100
#: From best to worst: of several codes the worst decides.
_RANK: Final = ("VALID", "INDETERMINATE", "INVALID")


def verify_command(
    code: Annotated[
        str | None, typer.Argument(metavar="CODE", help=CODE_HELP + " A folder: all of these in it.")
    ] = None,
    trusted: Trusted = None,
    state: StateFolder = None,
    policy_name: PolicyName = "gate",
    now: Now = None,
    input_file: InputFile = None,
    output_file: OutputFile = None,
    column: Column = "code",
    keep: Keep = None,
    claims: Claims = None,
    workers: WorkerCount = None,
    *,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Check whether a card is genuine and still valid.

    Trust comes from the state folder, see icard init, and from a file named with --trusted; with --trusted alone only
    from that file.

    Exit status 0 valid, 1 invalid, 2 not confirmed; 64 and above: no verdict. Of several codes the worst. With --json
    one verdict a line; for a folder each line is an object of source and verdict.

    With --input instead of CODE every row of a file is verified and --output is written, with a summary at the end.
    A run that was stopped goes on where it was when it is repeated. Exit status 0 all rows done, 1 some could not be
    read.

    Example:  icard verify code.png --trusted trusted.json --policy unsafe_no_status

    Example:  icard verify --input scans.parquet --output verdicts.parquet --keep scan_id
    """
    if input_file is not None or output_file is not None:
        if code is not None or input_file is None or output_file is None:
            raise CommandError("cli.input_and_output")
        asked = FileOptions(input_file, output_file, column, tuple(keep or ()), tuple(claims or ()), workers)
        raise typer.Exit(verify_file(asked, trusted, state, policy(policy_name), now))
    if code is None:
        raise CommandError("cli.nothing_to_verify")
    verifier = Verifier(_domains(trusted, state), policy(policy_name))
    clock = moment(now)
    named = sources(code)
    text = named[0].text
    if text is not None and not text.lstrip("\ufeff \t\r\n").startswith(PREFIX) and len(text) < _SHORTEST_CODE:
        # A file that is not there must not read as INVALID: no code is so short.
        raise CommandError("cli.no_such_input", found=text or "nothing")
    worst = 0
    for source, verdict in _verdicts(verifier, named, clock):
        worst = max(worst, _RANK.index(verdict.outcome))
        if not run_context().json:
            show(verdict, source.name, console())
            continue
        answer = verdict.to_dict(run_context().language)
        typer.echo(
            json.dumps({"source": source.name, "verdict": answer} if source.in_folder else answer, ensure_ascii=False)
        )
    raise typer.Exit(_STATUS[_RANK[worst]])


def _domains(trusted: Path | None, state: Path | None) -> tuple[TrustDomain, ...]:
    """What is trusted; a part of the state that is damaged is reported, and the rest of it counts."""
    given = trusted_domain(trusted)
    if given is not None and state is None:
        return (given,)
    store = open_store(state)
    domains = store.load()
    for fault in store.faults:
        report_warning(fault.error)
    return domains if given is None else (*domains, given)


def _verdicts(verifier: Verifier, named: list[Source], now: int) -> Iterator[tuple[Source, Verdict]]:
    watched = named[0].in_folder and sys.stderr.isatty()
    with (
        PictureProcess() as pictures,
        Progress(console=error_console(), transient=True) if watched else nullcontext() as progress,
    ):
        task = progress.add_task(word("checking"), total=len(named)) if progress else None
        for source in named:
            for verdict in _of_source(verifier, source, pictures, now):
                yield source, verdict
            if progress is not None and task is not None:
                progress.advance(task)


def _of_source(verifier: Verifier, source: Source, pictures: PictureProcess, now: int) -> Iterator[Verdict]:
    try:
        kind, content = read_source(source)
    except (CommandError, FileFault) as fault:
        if not source.in_folder:
            raise
        # One file that cannot be read must not hide the verdicts on the others.
        yield verifier.unreadable(DecodeError("picture.unreadable", found=fault.code), now=now)
        return
    if kind == "code" or isinstance(content, str):
        yield verifier.verify(content, now=now)
        return
    try:
        for shown in pictures.codes(content):
            yield verifier.verify(shown, now=now)
    except DecodeError as error:
        yield verifier.unreadable(error, now=now)
