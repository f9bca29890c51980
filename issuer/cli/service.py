"""What the commands of the service share: their common options, the opened core, and how facts are reported.

Promises:

1. :func:`on_service` and :func:`acts` give a command ``--folder``, ``--lang`` and ``--json`` behind its own options;
   :func:`acts` also ``--operator`` and, where it is taken, ``--reason``. Who acts is checked before the command runs.
2. The service's modules are imported when a command runs: ``--help`` and the commands that sign by hand do not wait for
   the database's libraries.
"""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Concatenate

import typer

from verifier.runtime.cli.faults import CommandError, printable
from verifier.runtime.cli.offering import WORDS, Command, offering, option
from verifier.runtime.cli.run_context import run_context

from .passphrase import ask

if TYPE_CHECKING:
    from issuer.acts import Actor
    from issuer.core import Core
    from issuer.settings import Settings

__all__ = ["Operator", "ReasonOption", "ServiceFolder", "acting", "acts", "looked", "on_service", "tell", "tell_rows"]

_Folder = Annotated[
    Path | None,
    typer.Option("--folder", "-C", metavar="FOLDER", help="The service's folder.  [default: here, or the environment]"),
]
Operator = Annotated[str | None, typer.Option("--operator", help="Who acts, for the audit.  [default: the login]")]
ReasonOption = Annotated[str | None, typer.Option("--reason", help="Why, for the audit.")]
_NamedOperator = Annotated[str, typer.Option("--operator", help="Who acts: a person's name, for the audit.")]
_GivenReason = Annotated[str, typer.Option("--reason", help="Why, for the audit.")]
_BreakGlassReason = Annotated[str, typer.Option("--reason", help="Why dual control is bypassed.")]


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


_EVERYWHERE = (option("folder", _Folder, None), *WORDS)


def _service(given: Mapping[str, Any]) -> ServiceFolder:
    return ServiceFolder(given["folder"])


def on_service(command: Callable[Concatenate[ServiceFolder, ...], None]) -> Command:
    """A command that nobody in particular answers for."""
    return offering(command, _EVERYWHERE, {"service": _service})


def acts(
    *, reason: bool = True, required: bool = False, break_glass: bool = False
) -> Callable[[Callable[Concatenate[ServiceFolder, Actor, ...], None]], Command]:
    """A command that a person answers for: the audit has who and why.

    Args:
        reason: it takes a reason.
        required: operator and reason must be given.
        break_glass: it bypasses dual control; both must be given, and the audit says so.
    """
    if required or break_glass:
        why = _BreakGlassReason if break_glass else _GivenReason
        who = [option("operator", _NamedOperator), option("reason", why)]
    else:
        who = [option("operator", Operator, None), *([option("reason", ReasonOption, None)] if reason else [])]

    def by(given: Mapping[str, Any]) -> Actor:
        return acting(given["operator"], given.get("reason"), break_glass=break_glass)

    return lambda command: offering(command, (*who, *_EVERYWHERE), {"service": _service, "by": by})


def acting(operator: str | None, reason: str | None, *, break_glass: bool = False) -> Actor:
    """Who acts on this host."""
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
    """Rows of facts in columns, or a JSON list."""
    if run_context().json:
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
