"""Roles and rights, read from ``roles.json``.

Promises:

1. Both tables are closed: a role or a right that is not there is refused, never guessed.
2. An *official* role needs TOTP before it may do anything, and two administrators to give it.
3. A right that is not marked for tokens is never a token's: no program revokes, confirms, or makes accounts.
4. A person has no two roles that exclude each other: who makes accounts touches no card, who audits does neither.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from typing import Final

from icard_crypto.errors import Invalid

__all__ = ["RIGHTS", "ROLES", "SCOPES", "Right", "Role", "role_named"]


@dataclass(frozen=True, slots=True)
class Right:
    """One thing that a role may allow. ``token``: whether a program may have it. ``words``: ``en`` and ``zh``."""

    name: str
    token: bool
    words: dict[str, str]


@dataclass(frozen=True, slots=True)
class Role:
    """What an account is for. ``organisation``: the kind that it belongs to; None: to none. ``alone``: a person has one
    such account at most.
    """

    name: str
    official: bool
    organisation: str | None
    excludes: frozenset[str]
    alone: bool
    rights: frozenset[str]


def _read() -> tuple[dict[str, Right], dict[str, Role]]:
    table = json.loads((resources.files("issuer.accounts") / "roles.json").read_text("utf-8"))
    rights = {
        name: Right(name, entry["token"], {"en": entry["en"], "zh": entry["zh"]})
        for name, entry in table["rights"].items()
    }
    roles = {
        name: Role(
            name,
            entry["official"],
            entry["organisation"],
            frozenset(entry["excludes"]),
            entry.get("alone", False),
            frozenset(rights[right].name for right in entry["rights"]),
        )
        for name, entry in table["roles"].items()
    }
    return rights, roles


_tables = _read()
RIGHTS: Final[dict[str, Right]] = _tables[0]
ROLES: Final[dict[str, Role]] = _tables[1]
#: What an API token may be given.
SCOPES: Final = frozenset(right.name for right in RIGHTS.values() if right.token)


def role_named(name: str) -> Role:
    """The role of that name.

    Raises:
        Invalid: ``account.role``.
    """
    found = ROLES.get(name)
    if found is None:
        raise Invalid("account.role", path="role", expected=", ".join(ROLES))
    return found
