"""``icard bench``: how many codes a second this machine verifies."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final

import typer
from rich.box import SIMPLE_HEAD
from rich.progress import Progress, TimeRemainingColumn
from rich.table import Table

from verifier.bench.cases import cases, figures, measure, turns
from verifier.bench.measure import cores, machine
from verifier.runtime.cli.run_context import AsJson, Lang, run_context, word
from verifier.runtime.cli.terminal import console, error_console

__all__ = ["bench_command"]

_KEYS: Final = ("algorithm", "backend", "shown")


def bench_command(
    seconds: Annotated[
        float, typer.Option("--seconds", min=5, max=3600, help="How long to measure, besides getting ready.")
    ] = 60,
    *,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Measure how many codes a second this machine verifies.

    Alone and on all cores, by algorithm and backend, with and without trust list, timestamp and status list, from text
    and from pictures. Keys and codes are made for the run and kept nowhere.

    Example:  icard bench --seconds 20
    """
    wanted = cases()
    with _watched(turns(wanted)) as turn:
        told = machine()
        rows = figures(wanted, measure(wanted, seconds, turn))
    if run_context().json:
        typer.echo(json.dumps({"machine": told, "seconds": seconds, "figures": rows}, ensure_ascii=False))
        return
    for line in _about(told):
        typer.echo(line)
    console().print(_table(rows))
    typer.echo(word("bench_note"))
    for row in rows:
        if "missing" in row:
            typer.echo(f"{' '.join(str(value) for value in list(row.values())[:-1])}{word('colon')}{row['missing']}")


@contextmanager
def _watched(total: int) -> Iterator[Callable[[], object]]:
    """A progress display on a terminal. It refreshes by hand: workers are forked only where no other thread runs."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    columns = (*Progress.get_default_columns()[:-1], TimeRemainingColumn())
    with Progress(*columns, console=error_console(), transient=True, auto_refresh=False) as progress:
        task = progress.add_task(word("bench_measuring"), total=total)

        def turn() -> None:
            progress.advance(task)
            progress.refresh()

        yield turn


def _about(told: dict[str, Any]) -> Iterator[str]:
    libraries = ", ".join(f"{name} {version}" for name, version in told["libraries"].items())
    for name in ("processor", "cores", "load", "system", "python"):
        yield f"{word(f'bench_{name}')}{word('colon')}{told[name]}"
    yield f"{word('bench_libraries')}{word('colon')}{libraries}"
    yield f"{word('bench_native')}{word('colon')}{told['native']}"


def _table(rows: list[dict[str, Any]]) -> Table:
    """A line for each algorithm, backend and form; codes a second."""
    table = Table(box=SIMPLE_HEAD, title=word("bench_title"))
    for name in _KEYS:
        table.add_column(word(f"bench_{name}"))
    columns = [("signature", 1), *((depth, count) for depth in ("claims", "full") for count in sorted({1, cores()}))]
    for depth, count in columns:
        on = word("bench_one_core") if count == 1 else word("bench_all_cores").format(count)
        table.add_column(f"{word(f'bench_{depth}')}\n{on}", justify="right")
    found = {(*(row[name] for name in _KEYS), row["checked"], row["cores"]): row for row in rows}
    for line in dict.fromkeys(tuple(row[name] for name in _KEYS) for row in rows):
        entries = [_figure(found.get((*line, *column))) for column in columns]
        table.add_row(*line[:2], word(f"bench_{line[2]}"), *entries)
    return table


def _figure(row: dict[str, Any] | None) -> str:
    if row is None:
        return ""
    return f"{row['codes_a_second']:,.0f}" if "codes_a_second" in row else "-"
