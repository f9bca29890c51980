"""Options of the commands that work on a state folder, and how a domain in it is found."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from icard_crypto.errors import StateError
from icard_crypto.moments import DAY
from verifier.runtime.cli.run_context import word
from verifier.store import Store, default_folder

__all__ = ["AcceptTime", "DomainName", "StateFolder", "age_words", "one_domain", "open_store"]

StateFolder = Annotated[
    Path | None,
    typer.Option(
        "--state",
        metavar="DIR",
        help="The state folder (default: ICARD_STATE, else the place for a user's data).",
    ),
]
AcceptTime = Annotated[
    bool,
    typer.Option(
        "--accept-time", help="The time is right, although a timestamp is over 400 days ahead of all that is known."
    ),
]
DomainName = Annotated[
    str | None, typer.Option("--name", metavar="NAME", help="The trust domain, where the state has several.")
]

_MINUTE: Final = 60
_UNITS: Final = ((DAY, "days"), (3600, "hours"), (_MINUTE, "minutes"))


def open_store(folder: Path | None) -> Store:
    """The state in this folder, else in the default one."""
    return Store(default_folder() if folder is None else folder)


def one_domain(store: Store, name: str | None) -> str:
    """The domain that is named, else the only one.

    Raises:
        StateError: ``store.no_such_domain``, ``store.which_domain``.
    """
    names = store.names()
    if name is not None:
        if name not in names:
            raise StateError("store.no_such_domain", path=str(store.folder), found=name[:64])
        return name
    if len(names) > 1:
        raise StateError("store.which_domain", path=str(store.folder), expected=f"one of {', '.join(names)}")
    if not names:
        raise StateError("store.no_such_domain", path=str(store.folder))
    return names[0]


def age_words(seconds: int) -> str:
    """An age for people, such as ``3 h old``; a minute of the other sign is only clocks that differ."""
    if seconds < -_MINUTE:
        return word("in_future")
    if seconds < _MINUTE:
        return word("just_now")
    return next(word(name).format(seconds // unit) for unit, name in _UNITS if seconds >= unit)
