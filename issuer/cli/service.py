"""What the commands of the service share: the folder, who acts, an opened core, and how facts are told.

The service's modules are imported when a command runs: ``--help`` and the commands that sign by hand do not wait for
the database's libraries.
"""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from verifier.cli.faults import CommandError, printable
from verifier.cli.settings import settings

from .passphrase import ask

if TYPE_CHECKING:
    from issuer.cards import By
    from issuer.core import Core

__all__ = [
    "Folder",
    "Operator",
    "Reason",
    "RequiredOperator",
    "RequiredReason",
    "acting",
    "opened",
    "tell",
    "tell_rows",
]

Folder = Annotated[
    Path | None,
    typer.Option("--folder", "-C", metavar="FOLDER", help="The service's folder.  [default: here, or the environment]"),
]
Operator = Annotated[str | None, typer.Option("--operator", help="Who acts, for the audit.  [default: the login]")]
Reason = Annotated[str | None, typer.Option("--reason", help="Why, for the audit.")]
RequiredOperator = Annotated[str, typer.Option("--operator", help="Who acts: a person's name, for the audit.")]
RequiredReason = Annotated[str, typer.Option("--reason", help="Why the rule of two people is passed by.")]


@contextmanager
def opened(folder: Path | None) -> Iterator[Core]:
    """The service in ``folder``; the passphrase is asked for where the settings do not have it."""
    from issuer.core import Core
    from issuer.settings import Settings

    core = Core.open(Settings.load(folder), lambda: ask(twice=False))
    try:
        yield core
    finally:
        core.close()


def acting(operator: str | None, reason: str | None, *, break_glass: bool = False) -> By:
    """Who acts on this host."""
    from issuer.cards import By

    name = (operator if operator is not None else getpass.getuser()).strip()
    for option, value in (("--operator", name), ("--reason", reason)):
        if value is not None and not value.strip():
            raise CommandError("cli.option", path=option, expected="a few words", found="nothing")
    return By(f"host:{name}", reason, break_glass)


def tell(facts: Mapping[str, Any]) -> None:
    """Facts, one a line, or one JSON object."""
    if settings().json:
        typer.echo(json.dumps(facts, ensure_ascii=True))
        return
    width = max(map(len, facts), default=0)
    for name, value in facts.items():
        typer.echo(f"{name:<{width}}  {printable(_text(value), 9000)}")


def tell_rows(rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows of facts in columns, or a JSON list."""
    if settings().json:
        typer.echo(json.dumps(list(rows), ensure_ascii=True))
        return
    if not rows:
        return
    texts = [list(rows[0]), *([_text(value) for value in row.values()] for row in rows)]
    widths = [max(len(row[place]) for row in texts) for place in range(len(texts[0]))]
    for row in texts:
        typer.echo("  ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True)).rstrip())


def _text(value: Any) -> str:
    return "-" if value is None else str(value)
