"""Passphrases: from a file, or asked for on the terminal without an echo."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from verifier.runtime.cli.faults import CommandError
from verifier.runtime.cli.run_context import word
from verifier.runtime.files import read_capped

__all__ = ["PassphraseFile", "ask", "passphrase_of_file"]

PassphraseFile = Annotated[
    Path | None,
    typer.Option("--passphrase-file", metavar="FILE", help="The passphrase is its first line; else it is asked for."),
]
_MOST = 4096


def passphrase_of_file(path: Path) -> bytes:
    """The first line of a file.

    Raises:
        CommandError: ``cli.passphrase_empty``, or the file cannot be read.
    """
    line = read_capped(path, _MOST).split(b"\n", 1)[0].rstrip(b"\r")
    if not line:
        raise CommandError("cli.passphrase_empty", found=str(path))
    return line


def ask(*, twice: bool) -> bytes:
    """A passphrase from the terminal.

    Raises:
        CommandError: ``cli.passphrase_missing`` without a terminal, ``cli.passphrase_empty``.
    """
    if not sys.stdin.isatty():
        raise CommandError("cli.passphrase_missing")
    again = word("passphrase_again") if twice else False
    given: str = typer.prompt(
        word("passphrase"), default="", show_default=False, hide_input=True, confirmation_prompt=again, err=True
    )
    if not given:
        raise CommandError("cli.passphrase_empty")
    return given.encode()
