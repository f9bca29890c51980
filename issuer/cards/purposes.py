"""The purposes for which an official may open a record online, and their legal basis.

Promises:

1. Purposes are rule rows (``lookup_purposes``) with their sources: an authority adds its own under dual control.
2. A purpose belongs to roles; whoever names none has the default of their role, and another role's is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy.orm import Session

from icard_crypto.errors import Invalid, Language
from issuer.core import Core
from issuer.rules.citations import source_text
from issuer.rules.days import day_of
from issuer.rules.regions import NATION
from issuer.rules.rows import Rule
from issuer.rules.store import book_of

__all__ = ["PURPOSES", "Purpose", "purpose_for", "purpose_named", "purposes_of"]

PURPOSES: Final = "lookup_purposes"


@dataclass(frozen=True, slots=True)
class Purpose:
    """A purpose, and the power that it rests on.

    Args:
        deferrable: look-ups for it may be kept from the holder until a day, by dual control.
    """

    name: str
    rule: Rule

    @property
    def deferrable(self) -> bool:
        return bool(self.rule.value.get("deferrable"))

    def title(self, language: Language) -> str:
        """The purpose in words."""
        title: str = self.rule.value[language]
        return title

    def power(self, language: Language) -> str:
        """The law that it rests on, in words."""
        return source_text(self.rule, language)

    def to_json(self) -> dict[str, Any]:
        """For a program or a screen."""
        return {
            "name": self.name,
            "text": {language: self.title(language) for language in ("en", "zh")},
            "power": {language: self.power(language) for language in ("en", "zh")},
            "certainty": self.rule.certainty,
        }


def purpose_for(core: Core, session: Session, role: str, name: str | None) -> Purpose:
    """The purpose of a look-up by an official of a role.

    Args:
        name: None: the role's default.

    Raises:
        Invalid: ``lookup.purpose``.
    """
    today = day_of(int(core.clock.local()))
    rules = book_of(session).effective(PURPOSES, NATION, today)
    own = [rule for rule in rules if role in rule.value["roles"]]
    wanted = [rule for rule in own if (rule.value.get("default") if name is None else rule.id == name)]
    if not wanted:
        raise Invalid("lookup.purpose", path="purpose", expected=", ".join(rule.id for rule in own) or "none")
    return Purpose(wanted[0].id, wanted[0])


def purposes_of(core: Core, role: str) -> list[Purpose]:
    """The purposes that officials of a role may name, the default one first."""
    today = day_of(int(core.clock.local()))
    rules = core.database.read(lambda session: book_of(session).effective(PURPOSES, NATION, today))
    own = [Purpose(rule.id, rule) for rule in rules if role in rule.value["roles"]]
    return sorted(own, key=lambda one: not one.rule.value.get("default"))


def purpose_named(session: Session, name: str | None) -> Purpose | None:
    """The purpose that a look-up on record had; None: it was made before purposes were written down."""
    rows = book_of(session).all(PURPOSES, name, NATION) if name is not None else ()
    newest = max(rows, key=lambda rule: rule.valid_from, default=None)
    return None if newest is None else Purpose(newest.id, newest)
