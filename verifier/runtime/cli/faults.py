"""The one place where an error becomes a line for people, or an object for programs.

Promises:

1. ``error: what is wrong; where; expected; found (code)`` and a line ``hint: what to do``, in the run's language; of
   a card, that for each of its faults.
2. One line each, whatever is in the error: line breaks and control characters are escaped.
3. With ``--json`` the same as one object ``{"error": {...}}``, a card's further faults in its ``also``. Both go to
   standard error; output stays clean.
"""

from __future__ import annotations

import contextlib
import json
import sys
from typing import Any

from icard_crypto.errors import CardError, IcardError

from .run_context import run_context, word

__all__ = ["CommandError", "printable", "report", "report_warning", "sentence"]


class CommandError(IcardError):
    """A command was used wrongly: code ``cli.*``."""


def printable(text: str, longest: int = 200) -> str:
    """Text as it can be in one line of a terminal."""
    shown = "".join(
        character if character.isprintable() else character.encode("unicode_escape", "replace").decode("ascii")
        for character in text
    )
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def sentence(error: IcardError, *, told: bool = False) -> str:
    """What is wrong and where, in the run's language, with the code.

    Args:
        told: what is wrong has been said already; only where, expected and found are added.
    """
    stop = "；" if run_context().language == "zh" else "; "
    parts = [] if told else [error.message(run_context().language).rstrip(".。")]
    for name in ("path", "offset", "expected", "found"):
        value = getattr(error, name)
        if value not in (None, ""):
            parts.append(f"{word(name)} {printable(str(value), 300)}")
    return f"{stop.join(parts)} ({error.code})".strip()


def report(error: IcardError, *, said: str | None = None) -> None:
    """Print an error, and behind it what else is wrong with the same card.

    Args:
        said: what is wrong in the words of the parser of options, where the error itself cannot know them.
    """
    with contextlib.suppress(OSError, ValueError):  # a standard error that is closed or full changes no status
        if sys.stderr is not None:
            _report(error, said)


def _report(error: IcardError, said: str | None) -> None:
    also = error.also if isinstance(error, CardError) else ()
    if run_context().json:
        shown: dict[str, Any] = _facts(error)
        if said:
            shown["message"] = said
        if also:
            shown["also"] = [_facts(one) for one in also]
        sys.stderr.write(json.dumps({"error": shown}, ensure_ascii=False) + "\n")
        return
    colon = word("colon")
    for one in (error, *also):
        line = f"{printable(said, 300)} ({one.code})" if said else sentence(one)
        hint = one.hint(run_context().language)
        sys.stderr.write(f"{word('error')}{colon}{line}\n{word('hint')}{colon}{hint}\n")


def _facts(error: IcardError) -> dict[str, str | int]:
    language = run_context().language
    return {**error.to_dict(), "message": error.message(language), "hint": error.hint(language)}


def report_warning(error: IcardError) -> None:
    """Print an error that did not stop anything; with ``--json`` on standard error too."""
    if run_context().json:
        sys.stderr.write(json.dumps({"warning": error.to_dict()}, ensure_ascii=True) + "\n")
    else:
        sys.stderr.write(f"{word('warning')}{word('colon')}{sentence(error)}\n")
