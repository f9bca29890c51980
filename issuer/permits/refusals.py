"""Refusals by a rule, with the rule that says so.

Promises:

1. A refusal has a stable code with a sentence in English and Chinese, and names the rule row that it comes from.
2. A refusal that rests on an uncertain rule says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from icard_crypto.errors import Invalid, Language
from issuer.rules.citations import cite
from issuer.rules.rows import Rule

__all__ = ["FilingRefused", "PermitRefused", "Refusal"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason. ``expected`` and ``found`` are dates, numbers and words without personal data."""

    code: str
    rule: Rule | None = None
    path: str | None = None
    expected: str | None = None
    found: str | None = None

    def sentence(self, language: Language) -> str:
        """What is wrong, and by which rule."""
        words = self.error().message(language)
        return words if self.rule is None else f"{words} [{cite(self.rule, language)}]"

    def error(self) -> PermitRefused:
        """The refusal as an error to raise."""
        return PermitRefused(self)


class PermitRefused(Invalid):
    """Something about a permit is not possible by a rule."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code, path=refusal.path, expected=refusal.expected, found=refusal.found)
        self.refusal = refusal

    def to_dict(self) -> dict[str, str | int]:
        """As the base class, with the rule's name and citations."""
        known = super().to_dict()
        rule = self.refusal.rule
        if rule is not None:
            known |= {"rule": rule.name, "rule_en": cite(rule, "en"), "rule_zh": cite(rule, "zh")}
        return known

    def __reduce__(self) -> tuple[object, ...]:
        return (PermitRefused, (self.refusal,))


class FilingRefused(Invalid):
    """Several things speak against an application; the first is the error's own place."""

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        first = refusals[0]
        super().__init__("filing.refused", path=first.path, expected=first.expected, found=first.found)
        self.refusals = tuple(refusals)

    def __reduce__(self) -> tuple[object, ...]:
        return (FilingRefused, (self.refusals,))
