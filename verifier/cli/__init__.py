"""The command ``icard``.

Importing this needs nothing but the base install; the commands themselves need the extra ``cli``. Without it
:func:`main` says so in one line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from verifier.runtime.cli.start import start

if TYPE_CHECKING:
    from typer import Typer

__all__ = ["main"]


def main() -> None:
    """Run the command and end the process: 0 valid, 1 invalid, 2 not confirmed, 64 wrong use."""
    start(_command, "cli.extra_missing")


def _command() -> Typer:
    from .commands import app

    return app
