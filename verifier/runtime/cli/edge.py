"""The edge of a command: every error ends as a line and an exit status, never as a traceback.

Promises:

1. Exit status 64 for wrong use, whatever the parser of options would say; 70 for a fault of icard itself; 130 when
   interrupted. What a command answers is below 64, and nothing else is: a script that reads 1 as a verdict is right.
2. :func:`verifier.runtime.cli.faults.report` reports every :class:`IcardError` and ``OSError``.
3. Output that could not be written is an error: a verdict that nobody got never ends with 0, also where standard output
   is closed from the beginning, or whoever reads it has gone.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from collections.abc import Sequence
from typing import Any, Final

import typer
from typer.core import TyperGroup

from icard_crypto.errors import IcardError
from verifier.runtime.files import FileFault

from .faults import CommandError, report
from .run_context import begin

__all__ = ["WRONG_USE", "Commands", "new_app"]

WRONG_USE: Final = 64
"""EX_USAGE of BSD's sysexits.h."""
FAULT: Final = 70
"""EX_SOFTWARE of the same."""
INTERRUPTED: Final = 130


class Commands(TyperGroup):
    """A group of commands with this edge."""

    def refused_status(self, error: IcardError) -> int:
        """The exit status for an error that is no wrong use."""
        return WRONG_USE

    def main(self, args: Sequence[str] | None = None, *rest: Any, **options: Any) -> Any:
        """Run, and end with :class:`SystemExit`."""
        begin()
        if sys.stdout is None:
            # Closed by whoever started us: what is written would go nowhere without a word.
            report(CommandError("cli.io", found="standard output is closed"))
            sys.exit(WRONG_USE)
        for stream in (sys.stdout, sys.stderr):
            # A terminal that cannot show a character gets its escape, not an exception.
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        options["standalone_mode"] = False
        sys.exit(self._status(args, rest, options))

    def _status(self, args: Sequence[str] | None, rest: tuple[Any, ...], options: dict[str, Any]) -> int:
        try:
            status = super().main(args, *rest, **options)
            sys.stdout.flush()
        except typer.TyperException as wrong:
            report(CommandError("cli.usage"), said=wrong.format_message())
            return WRONG_USE
        except typer.Abort:
            status = INTERRUPTED
        except SystemExit:
            # The parser of options ends so, with 1, when whoever reads the output has gone.
            report(CommandError("cli.io", found=os.strerror(errno.EPIPE)))
            _drop_output()
            return WRONG_USE
        except (CommandError, FileFault) as error:
            report(error)
            return WRONG_USE
        except IcardError as error:
            report(error)
            return self.refused_status(error)
        except OSError as error:
            report(CommandError("cli.io", found=error.strerror))
            _drop_output()
            return WRONG_USE
        except ModuleNotFoundError:
            # An extra that is missing: whoever starts the program names it.
            raise
        except Exception as fault:
            report(CommandError("cli.fault", found=type(fault).__name__))
            _drop_output()
            return FAULT
        # Typer turns Ctrl-C into this status, and the end of input at a question into Abort.
        if status == INTERRUPTED:
            report(CommandError("cli.interrupted"))
        return status if isinstance(status, int) else 0


def _drop_output() -> None:
    """Let the interpreter's last flush go nowhere: it would fail again and put a status of its own over ours."""
    with contextlib.suppress(OSError, ValueError):  # ValueError: a stream without a descriptor
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def new_app(name: str, about: str, *, group: type[Commands] = Commands) -> typer.Typer:
    """A Typer application with this edge, ``--version`` and help when no command is named."""
    app = typer.Typer(
        name=name,
        help=about,
        cls=group,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
    )

    def version(asked: bool) -> None:
        if asked:
            from importlib.metadata import version

            typer.echo(f"{name} {version('icard')}")
            raise typer.Exit

    @app.callback(invoke_without_command=True)
    def root(
        context: typer.Context,
        _: bool = typer.Option(False, "--version", callback=version, is_eager=True, help="Show the version and stop."),
    ) -> None:
        if context.invoked_subcommand is None:
            # Typer prints its help while it makes it; what nobody asked for goes to standard error.
            with contextlib.redirect_stdout(sys.stderr):
                context.get_help()
            raise typer.Exit(WRONG_USE)

    root.__doc__ = about
    return app
