"""Options that many commands share: said once, and added behind a command's own by a decorator.

Promises:

1. :func:`says` gives a command ``--lang`` and ``--json``; what they say is in
   :func:`verifier.runtime.cli.run_context.run_context`.
2. :func:`offering` gives it whatever else, and makes of it the command's first arguments.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter
from typing import Any, TypeAlias, get_type_hints

from .run_context import AsJson, Lang

__all__ = ["WORDS", "Command", "offering", "option", "says"]

Command: TypeAlias = Callable[..., None]


def option(name: str, annotation: Any, default: Any = Parameter.empty) -> Parameter:
    """An option of a command: its name in Python, Typer's annotation, and its default where it has one."""
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


WORDS = (option("lang", Lang, None), option("as_json", AsJson, False))


def says(command: Command) -> Command:
    """A command that is asked for the language and the form of what it says."""
    return offering(command, WORDS, {})


def offering(
    command: Command, shared: Sequence[Parameter], made: Mapping[str, Callable[[Mapping[str, Any]], Any]]
) -> Command:
    """A command as Typer sees it, with its own options and the shared ones.

    Args:
        made: for arguments of the command that are no options, how each is made of the shared ones.
    """

    @functools.wraps(command)
    def offered(**options: Any) -> None:
        given = {one.name: options.pop(one.name) for one in shared}
        command(**{name: make(given) for name, make in made.items()}, **options)

    own = [one for name, one in inspect.signature(command).parameters.items() if name not in made]
    offered.__annotations__ = {one.name: one.annotation for one in (*own, *shared)}
    hints = get_type_hints(offered, include_extras=True)
    # By keyword, so that one with a default may stand before one without.
    seen = [one.replace(kind=Parameter.KEYWORD_ONLY, annotation=hints[one.name]) for one in (*own, *shared)]
    offered.__signature__ = inspect.Signature(seen)  # type: ignore[attr-defined]
    return offered
