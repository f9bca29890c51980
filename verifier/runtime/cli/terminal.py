"""Output for people: colours and boxes on a terminal, plain lines elsewhere.

Promises:

1. Nothing that was read from a code is taken as markup, an emoji name or a link.
2. Without a terminal lines are never folded: another program may read them.
"""

from __future__ import annotations

import sys

from rich.console import Console

__all__ = ["console", "error_console", "is_terminal"]

_ENDLESS = 100_000


def is_terminal() -> bool:
    """Whether standard output is a terminal."""
    return sys.stdout.isatty()


def console() -> Console:
    """A console on standard output."""
    return Console(markup=False, emoji=False, highlight=False, width=None if is_terminal() else _ENDLESS)


def error_console() -> Console:
    """A console on standard error, for progress."""
    return Console(markup=False, emoji=False, highlight=False, stderr=True)
