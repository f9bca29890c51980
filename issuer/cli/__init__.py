"""The command ``icard-issuer``.

Importing this needs nothing but the base install; the commands themselves need the extra ``issuer``. Without it
:func:`main` says so in one line.
"""

from __future__ import annotations

import sys

from icard_crypto.errors import MissingPart

__all__ = ["main"]

_EXTRA = ("typer", "rich")


def main() -> None:
    """Run the command and end the process: 0 done, 1 refused, 64 wrong use."""
    try:
        from .app import app
    except ModuleNotFoundError as absent:
        if (absent.name or "").partition(".")[0] not in _EXTRA:
            raise
        missing = MissingPart("cli.issuer_extra_missing")
        sys.stderr.write(f"error: {missing.message()} ({missing.code}) hint: {missing.hint()}\n")
        sys.exit(64)
    app()
