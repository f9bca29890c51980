"""What became of each token that was offered to a state: taken, known already, refused and why, or not looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from icard_crypto.errors import IcardError, Language

__all__ = ["Item", "Kind", "Outcome", "Report"]

Kind = Literal["trust_list", "timestamp", "status_list"]
Outcome = Literal["taken", "known", "refused", "skipped"]


@dataclass(frozen=True, slots=True)
class Item:
    """One token.

    Args:
        kind: what it is.
        name: a status list's uri; a trust list's version; empty where it could not be read so far.
        outcome: ``skipped``: not looked at, because the chain of trust lists beside it was refused.
        iat: its time of issue, Unix time, where it was read.
        error: why it was refused.
    """

    kind: Kind
    name: str
    outcome: Outcome
    iat: int | None = None
    error: IcardError | None = None

    def to_dict(self, language: Language = "en") -> dict[str, Any]:
        """The item for a program; what is not known is left out."""
        known: dict[str, Any] = {"kind": self.kind, "name": self.name, "outcome": self.outcome}
        if self.iat is not None:
            known["iat"] = self.iat
        if self.error is not None:
            known["error"] = {**self.error.to_dict(), "message": self.error.message(language)}
        return known


@dataclass(frozen=True, slots=True)
class Report:
    """All tokens of one offer to one domain, in the order in which they were decided."""

    domain: str
    items: tuple[Item, ...]

    def of(self, outcome: Outcome) -> tuple[Item, ...]:
        """The items with this outcome."""
        return tuple(item for item in self.items if item.outcome == outcome)

    @property
    def taken(self) -> tuple[Item, ...]:
        """What is new in the state."""
        return self.of("taken")

    @property
    def refused(self) -> tuple[Item, ...]:
        """What was refused; each has its error."""
        return self.of("refused")

    def to_dict(self, language: Language = "en") -> dict[str, Any]:
        """The report for a program."""
        return {"domain": self.domain, "items": [item.to_dict(language) for item in self.items]}
