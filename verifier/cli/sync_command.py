"""``icard sync``: fetch what is new, once or continuously."""

from __future__ import annotations

import json
import signal
import threading
from pathlib import Path
from types import FrameType
from typing import Annotated, Final

import typer

from verifier.runtime.cli.faults import CommandError, printable, sentence
from verifier.runtime.cli.run_context import AsJson, Lang, run_context, word
from verifier.runtime.outbound.addresses import networks
from verifier.sync import Agent, Limits, Round

from .state_options import AcceptTime, StateFolder, open_store

__all__ = ["sync_command"]

INCOMPLETE: Final = 2


class _Stop(BaseException):
    """SIGTERM: leaves whatever is waited for. The state is whole at every moment."""


def sync_command(
    once: Annotated[bool, typer.Option("--once", help="One round, then stop (the default).")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Round after round, until SIGTERM or Ctrl-C.")] = False,
    interval: Annotated[int, typer.Option("--interval", min=1, help="Seconds between rounds, with --watch.")] = 300,
    allow_network: Annotated[
        list[str] | None,
        typer.Option("--allow-network", metavar="CIDR", help="A private network that may be connected to; repeatable."),
    ] = None,
    ca_file: Annotated[
        Path | None, typer.Option("--ca-file", metavar="FILE", help="PEM certificates of a private authority.")
    ] = None,
    accept_time: AcceptTime = False,
    state: StateFolder = None,
    *,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Fetch timestamps, trust lists and status lists over HTTPS.

    What cannot be fetched or is refused leaves what is known as it is. Exit status 0 all reached, 2 something was not,
    64 wrong use. With --json one object a domain and round.

    Example:  icard sync --once
    """
    if accept_time and watch:
        raise CommandError("cli.option", path="--accept-time", expected="one round", found="--watch")
    if once and watch:
        raise CommandError("cli.option", path="--once", expected="--once or --watch", found="both")
    limits = Limits(allowed=networks(allow_network or ()), ca_file=ca_file)
    agent = Agent(open_store(state), limits, accept_time=accept_time)
    if watch:
        signal.signal(signal.SIGTERM, _stop)
        try:
            agent.watch(interval, _show, threading.Event())
        except _Stop:
            raise typer.Exit(0) from None
    rounds = agent.once()
    _show(rounds)
    if not rounds and not run_context().json:
        typer.echo(word("no_domains"))
    raise typer.Exit(INCOMPLETE if not rounds or any(each.faults for each in rounds) else 0)


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise _Stop


def _show(rounds: list[Round]) -> None:
    for each in rounds:
        if run_context().json:
            faults = [{"source": source, "error": error.to_dict()} for source, error in each.faults]
            taken = [item.to_dict() for item in each.taken]
            answer = {"domain": each.domain, "now": each.now, "taken": taken, "faults": faults}
            typer.echo(json.dumps(answer, ensure_ascii=True))
            continue
        for item in each.taken:
            label = f"{word(item.kind)} {printable(item.name)}".strip()
            typer.echo(f"{each.domain}  {label}{word('colon')}{word('taken')}")
        for source, error in each.faults:
            where = f"{printable(source)}{word('colon')}" if source else ""
            typer.echo(f"{each.domain}  {word('sync_failing')}{word('colon')}{where}{sentence(error)}")
        if not each.taken and not each.faults:
            typer.echo(f"{each.domain}  {word('nothing_new')}")
