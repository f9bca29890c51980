"""What a run of a command was asked for before its own options: the language and the form of its output.

Promises:

1. The language is ``--lang``, else what ``LC_ALL``, ``LC_MESSAGES`` or ``LANG`` say, else English.
2. Errors know both, also those found before the command began.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, replace
from importlib import resources
from typing import Annotated, Literal

import typer

from icard_crypto.errors import Language

__all__ = ["AsJson", "Lang", "RunContext", "begin", "run_context", "word"]


@dataclass(frozen=True, slots=True)
class RunContext:
    """Language of words for people, and whether output is for a program."""

    language: Language
    json: bool = False


_settings: ContextVar[RunContext] = ContextVar("icard_cli_settings")


def begin(environment: Mapping[str, str] = os.environ) -> None:
    """Start a run: forget what an earlier one in this process was asked for."""
    locale = next((environment[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)), "")
    _settings.set(RunContext("zh" if locale.lower().startswith("zh") else "en"))


def run_context() -> RunContext:
    """What this run was asked for."""
    return _settings.get()


@functools.cache
def _words() -> dict[str, dict[str, str]]:
    loaded: dict[str, dict[str, str]] = json.loads((resources.files(__package__) / "words.json").read_text("utf-8"))
    return loaded


def word(name: str) -> str:
    """A label of the output in this run's language."""
    return _words()[name][run_context().language]


def _language(value: Language | None) -> Language:
    if value is not None:
        _settings.set(replace(run_context(), language=value))
    return run_context().language


def _json(value: bool) -> bool:
    _settings.set(replace(run_context(), json=value))
    return value


Lang = Annotated[
    Literal["en", "zh"] | None,
    typer.Option("--lang", help="Language of the words; without it, as LANG says.", callback=_language, is_eager=True),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print JSON, for programs; errors too.", callback=_json, is_eager=True)
]
