"""What the commands of the service share: their common options, the opened core, and how facts are reported.

Promises:

1. Options that several commands have, ``--folder``, ``--operator``, ``--reason``, are declared once; a command takes
   them after its own, followed by ``--lang`` and ``--json``. Who acts is checked before anything else is done.
2. The service's modules are imported when a command runs: ``--help`` and the commands that sign by hand do not wait for
   the database's libraries.
"""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from verifier.runtime.cli.faults import CommandError, printable
from verifier.runtime.cli.run_context import run_context

from .passphrase import ask
from .words import label

if TYPE_CHECKING:
    from issuer.acts import Actor
    from issuer.core import Core
    from issuer.settings import Settings

__all__ = [
    "BreakGlassReason",
    "Folder",
    "GivenReason",
    "NamedOperator",
    "Operator",
    "ReasonOption",
    "ServiceFolder",
    "acting",
    "looked",
    "tell",
    "tell_rows",
]

Folder = Annotated[
    Path | None,
    typer.Option("--folder", "-C", metavar="FOLDER", help="The service's folder.  [default: here, or the environment]"),
]
Operator = Annotated[str | None, typer.Option("--operator", help="Who acts, for the audit.  [default: the login]")]
ReasonOption = Annotated[str | None, typer.Option("--reason", help="Why, for the audit.")]
NamedOperator = Annotated[str, typer.Option("--operator", help="Who acts: a person's name, for the audit.")]
GivenReason = Annotated[str, typer.Option("--reason", help="Why, for the audit.")]
BreakGlassReason = Annotated[str, typer.Option("--reason", help="Why dual control is bypassed.")]


@dataclass(frozen=True, slots=True)
class ServiceFolder:
    """The service that a command is for; nothing of it is read before the command asks."""

    folder: Path | None

    def settings(self) -> Settings:
        """Its settings.

        Raises:
            StateError: ``settings.*``.
            CommandError: ``cli.no_service``: the folder has none, and the environment names no issuer.
        """
        from issuer.settings import FILE_NAME, Settings

        found = Settings.load(self.folder)
        if not found.issuer and not (found.folder / FILE_NAME).exists():
            raise CommandError("cli.no_service", found=str(found.folder.absolute()))
        return found

    @contextmanager
    def opened(self, *, restoring: bool = False, upgrading: bool = False, signs: bool = False) -> Iterator[Core]:
        """Its core; the passphrase is asked for where the settings do not have it.

        Args:
            signs: refuse first what production must not have, and compare what is served at the status prefix.

        Raises:
            StateError: as :meth:`issuer.core.Core.open`, :func:`issuer.production.require` and
                :func:`issuer.restore.served.compare_at_start`.
        """
        import issuer.tables  # noqa: F401  (every table, before anything is written)
        from issuer.core import Core
        from issuer.production import require

        settings = self.settings()
        if signs:
            require(settings)
        core = Core.open(settings, lambda: ask(twice=False), restoring=restoring, upgrading=upgrading)
        try:
            if signs and core.settings.compare_published:
                from issuer.restore.served import compare_at_start

                compare_at_start(core)
            yield core
        finally:
            core.close()


def acting(operator: str | None, reason: str | None = None, *, break_glass: bool = False) -> Actor:
    """Who acts on this host, for the audit.

    Args:
        operator: their name; None: the login.
        break_glass: the command bypasses dual control, and the audit says so.

    Raises:
        CommandError: ``cli.option``: a name or reason without a visible character, or with a control character.
    """
    from issuer.acts import Actor

    name = (operator if operator is not None else getpass.getuser()).strip()
    for named, value in (("--operator", name), ("--reason", reason)):
        if value is not None and not (value.strip() and value.isprintable()):
            found = "nothing" if not value.strip() else "characters that do not show"
            raise CommandError("cli.option", path=named, expected="a few words", found=found)
    return Actor(f"host:{name}", reason, break_glass)


def looked(core: Core, by: Actor, action: str, subject: str) -> None:
    """Write into the audit that somebody on this host is about to be shown personal data."""
    core.transact(by, lambda unit: unit.audit(action, subject, by.details()))


def tell(facts: Mapping[str, Any]) -> None:
    """Facts, one a line, or one JSON object."""
    if run_context().json:
        typer.echo(json.dumps(facts, ensure_ascii=True))
        return
    width = max(map(len, facts), default=0)
    for name, value in facts.items():
        typer.echo(f"{name:<{width}}  {printable(_text(value), 9000)}")


def tell_rows(rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows of facts in columns, or a JSON list. That there are none is said beside the output, which stays empty."""
    if run_context().json:
        typer.echo(json.dumps(list(rows), ensure_ascii=True))
        return
    if not rows:
        typer.echo(label("nothing_listed"), err=True)
        return
    texts = [list(rows[0]), *([_text(value) for value in row.values()] for row in rows)]
    widths = [max(len(row[place]) for row in texts) for place in range(len(texts[0]))]
    for row in texts:
        typer.echo("  ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True)).rstrip())


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return label("yes" if value else "no")
    return "-" if value is None else str(value)
