"""What an act of dual control is made of: the entry in the table, what is prepared, what was done."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy.orm import Session

from icard_crypto.errors import Invalid
from issuer.accounts.invitations import Invited, Parts
from issuer.core import Core

__all__ = ["Done", "Kind", "Prepared", "require_only"]

_ID: Final = re.compile("[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Prepared:
    """An act that may be done. ``person_id``: whom it is about; None: nobody with an account, or somebody new.

    ``other_person_id``: the second person of an act that is about two. ``asked_by``, ``confirmed_by``: the accounts of
    both, once it is confirmed.
    """

    subject: str
    arguments: Mapping[str, Any]
    person_id: str | None = None
    other_person_id: str | None = None
    asked_by: str | None = None
    confirmed_by: str | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What was done to what. ``invited``: whoever is to set a password now."""

    act: str
    subject: str
    invited: Invited | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """An act.

    Args:
        right: whoever asks and whoever confirms must have it.
        prepare: looks whether it can be done; raises where not.
        execute: does it, with the parts of a new secret where somebody is to be invited.
        invites: whether somebody is.
        finish: what follows once it is committed; where it fails, the worker does it.
        regions: where what it is about lies, by its arguments (:mod:`issuer.approvals.regions`); an officer of other
            regions is neither notified of a request nor sees it, and decides nothing. None: it lies nowhere.
    """

    right: str
    prepare: Callable[[Core, Session, Mapping[str, Any]], Prepared]
    execute: Callable[[Core, Session, Prepared, Parts, int], Done]
    invites: bool = False
    finish: Callable[[Core, Done], None] | None = None
    regions: Callable[[Core, Session, Mapping[str, Any]], frozenset[str]] | None = None


def require_only(arguments: Mapping[str, Any], required: set[str], optional: frozenset[str] = frozenset()) -> None:
    """Refuse arguments other than these, and ids of another form.

    Raises:
        Invalid: ``account.field``.
    """
    given = set(arguments)
    texts = all(isinstance(value, str) or (value is None and name in optional) for name, value in arguments.items())
    if not required <= given or given - required - optional or not texts:
        raise Invalid("account.field", path="arguments", expected=", ".join(sorted(required | optional)))
    for name, value in arguments.items():
        if name.endswith("_id") and value is not None and not _ID.fullmatch(value):
            raise Invalid("account.field", path=name, expected="32 hexadecimal digits")
