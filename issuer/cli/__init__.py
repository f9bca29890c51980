"""The command ``icard-issuer``.

Importing this needs nothing but the base install; the commands themselves need the extra ``issuer``. Without it
:func:`main` says so in one line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from verifier.runtime.cli.start import start

if TYPE_CHECKING:
    from typer import Typer

__all__ = ["main"]


def main() -> None:
    """Run the command and end the process with a status of docs/issuing.md: 0 done, 64 wrong use."""
    start(_command, "cli.issuer_extra_missing")


def _command() -> Typer:
    from .commands import app

    return app
