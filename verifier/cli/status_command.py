"""``icard status``: how fresh each thing is, and until when a policy accepts it."""

from __future__ import annotations

import json
import os
from datetime import datetime
from typing import Final

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from icard_crypto.errors import IcardError, StateError
from verifier.decision.findings import CLOCK_TOLERANCE
from verifier.runtime.cli.faults import printable, report_warning, sentence
from verifier.runtime.cli.run_context import AsJson, Lang, run_context, word
from verifier.runtime.cli.terminal import console
from verifier.store import Freshness, Store, freshness
from verifier.sync.journal import Journal, read_journal

from .options import Now, PolicyName, moment, policy
from .state_options import StateFolder, age_words, open_store

__all__ = ["status_command"]

STALE: Final = 2
_STYLES: Final = {"fresh": "green", "stale": "bold red", "missing": "bold yellow"}


def status_command(
    policy_name: PolicyName = "gate",
    state: StateFolder = None,
    now: Now = None,
    *,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Show what is known, how old it is, and until when the policy accepts it.

    Exit status 0 all fresh, 2 something stale or missing, 64 wrong use.

    Example:  icard status --policy gate
    """
    store, asked, clock = open_store(state), policy(policy_name), moment(now)
    domains = store.load()
    rows = [row for domain in domains for row in freshness(domain, asked, clock)]
    journals = {domain.name: read_journal(store.folder / domain.name) for domain in domains}
    warnings = _warnings(store, clock)
    if run_context().json:
        _print_json(rows, journals, warnings, clock)
    elif not domains:
        typer.echo(f"{word('no_domains')} ({store.folder})")
    else:
        facts = (word("state_folder"), str(store.folder)), (word("under_policy"), asked.name)
        typer.echo("\n".join(f"{label}{word('colon')}{value}" for label, value in facts))
        console().print(_table(rows, clock))
        for name, journal in journals.items():
            _show_journal(name, journal, clock)
    if not run_context().json:
        for warning in warnings:
            report_warning(warning)
    good = bool(rows) and not warnings and all(row.health == "fresh" for row in rows)
    raise typer.Exit(0 if good else STALE)


def _warnings(store: Store, clock: int) -> list[IcardError]:
    """What is wrong beside the ages: damage, a folder that cannot be written, a clock behind what is known."""
    found = [fault.error for fault in store.faults]
    for domain in store.load():
        folder = store.folder / domain.name
        if not os.access(folder, os.W_OK):
            found.append(StateError("store.unwritable", found=str(folder)))
        if clock < domain.clock_floor - CLOCK_TOLERANCE:
            expected = f"{_moment(domain.clock_floor)} or later"
            found.append(StateError("store.clock_behind", path=domain.name, expected=expected, found=_moment(clock)))
    return found


def _table(rows: list[Freshness], clock: int) -> Table:
    table = Table(box=SIMPLE_HEAD)
    for heading in ("domain", "part", "health", "age", "accepted_until"):
        table.add_column(word(heading), overflow="fold")
    for row in rows:
        label = word(row.part)
        health = word(row.health) + (f" ({word(f'why_{row.why}')})" if row.why else "")
        table.add_row(
            row.domain,
            Text(f"{label} {printable(row.name)}".strip()),
            Text(health, style=_STYLES[row.health]),
            "" if row.iat is None else age_words(clock - row.iat),
            "" if row.until is None else _moment(row.until),
        )
    return table


def _moment(at: int) -> str:
    return f"{datetime.fromtimestamp(at).astimezone():%Y-%m-%d %H:%M %z}"


def _show_journal(name: str, journal: Journal, clock: int) -> None:
    reached = [source.reached for source in journal.sources.values() if source.reached is not None]
    told = f"{word('sync_last')} {age_words(clock - max(reached))}" if reached else word("sync_never")
    typer.echo(f"{name}{word('colon')}{told}")
    for url, source in journal.sources.items():
        if source.fault is not None:
            typer.echo(f"  {word('sync_failing')}{word('colon')}{printable(url)}: {sentence(source.fault)}")


def _print_json(rows: list[Freshness], journals: dict[str, Journal], warnings: list[IcardError], clock: int) -> None:
    answer = {
        "rows": [row.to_dict(clock) for row in rows],
        "sync": {name: journal.to_dict() for name, journal in journals.items()},
        "warnings": [warning.to_dict() for warning in warnings],
    }
    typer.echo(json.dumps(answer, ensure_ascii=True))
