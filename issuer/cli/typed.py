"""Values that belong on no command line: a line of standard input stands for an option's ``-``.

Promises:

1. What a command line has, other users of the machine may read in the list of processes, and shells keep it: names,
   numbers and passwords can be given as ``-`` and are read then, a line each, in the order of the options.
2. A process that serves cannot be looked into by others of its own user: no memory, no environment, no core file
   (Linux: ``PR_SET_DUMPABLE``, prctl(2)).
"""

from __future__ import annotations

import ctypes
import sys
from typing import Final

import typer

from verifier.runtime.cli.faults import CommandError

__all__ = ["close_to_others", "given"]

#: linux/prctl.h
_SET_DUMPABLE: Final = 4
_LONGEST: Final = 4096


def given(value: str | None, option: str) -> str | None:
    """The value of an option, or for ``-`` the next line of standard input; at a terminal it is asked for.

    Raises:
        CommandError: ``cli.option``: nothing came.
    """
    if value != "-":
        return value
    if sys.stdin.isatty():
        typer.echo(f"{option}: ", nl=False, err=True)
    line = sys.stdin.readline(_LONGEST).strip()
    if not line:
        raise CommandError("cli.option", path=option, expected="a line on standard input", found="nothing")
    return line


def close_to_others() -> None:
    """Promise 2; elsewhere than on Linux nothing."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_SET_DUMPABLE, 0, 0, 0, 0)
