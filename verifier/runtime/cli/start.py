"""How a command begins where the extra that it needs may be missing: with the base install alone."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final

from icard_crypto.errors import MissingPart

__all__ = ["start"]

_EXTRA: Final = ("typer", "rich")


def start(load: Callable[[], Callable[[], object]], missing: str) -> None:
    """Run a command and end the process; without its extra a line says so, with status 64.

    Args:
        load: imports the command and gives it.
        missing: the code of the missing extra.
    """
    try:
        command = load()
    except ModuleNotFoundError as absent:
        if (absent.name or "").partition(".")[0] not in _EXTRA:
            raise
        fault = MissingPart(missing)
        sys.stderr.write(f"error: {fault.message()} ({fault.code}) hint: {fault.hint()}\n")
        sys.exit(64)
    command()
