"""The content of a compliance report: a line for each month, and findings with their texts.

Promises:

1. A finding has a key that names it whenever it is reported again: its state is kept under that.
2. It names the rule rows that it rests on, in English and Chinese, and says where they are uncertain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, Literal

from icard_crypto.errors import Language
from issuer.rules.rows import Rule

from .answers import rule_brief, words_of
from .money import in_yuan
from .months import month_text
from .schemes import NONE, Scheme, scheme_names, scheme_texts

__all__ = ["BREACHES", "Finding", "FindingKind", "Fine", "Line", "Report"]

FindingKind = Literal[
    "uncovered",
    "unpaid",
    "underpaid",
    "paid_late",
    "late_registration",
    "disputed",
    "void_agreement",
    "no_rule_known",
    "work_before_permit",
    "second_workplace",
    "unequal_name",
]
#: The kinds by which a sum is owed.
BREACHES: Final = frozenset({"uncovered", "unpaid", "underpaid"})


@dataclass(frozen=True, slots=True)
class Fine:
    """A band of possible fines in fen, as information; the row that sets it."""

    low: int
    high: int
    rule: Rule


@dataclass(frozen=True, slots=True)
class Line:
    """A month of an employment. ``missing``: due, past the due day, and not covered in full."""

    employer: str
    region: str
    month: int
    due: Scheme
    disputed: Scheme
    exempt: Scheme
    not_eligible: Scheme
    enrolled: Scheme
    paid: Scheme
    missing: Scheme
    reason: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to look at.

    Args:
        month: None: it is about the employment as a whole.
        owed: in fen; None: no sum, or none is known.
        late_fee: in fen, up to the day of the report.
        inspected: whether labour inspection still takes it up undiscovered; None: that is no question here.
        facts: days and numbers that the sentence names.
    """

    kind: FindingKind
    employer: str
    region: str
    month: int | None = None
    schemes: Scheme = NONE
    owed: int | None = None
    late_fee: int | None = None
    fine: Fine | None = None
    inspected: bool | None = None
    rules: tuple[Rule, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What names the finding for a person, whenever it is reported: its state is kept under this."""
        month = "" if self.month is None else month_text(self.month)
        return f"{self.kind}:{self.employer}:{self.region}:{month}:{self.facts.get('clock', '')}"

    @property
    def uncertain(self) -> bool:
        """Whether a screen must say that this may be otherwise."""
        return self.kind in ("disputed", "no_rule_known") or any(rule.uncertain for rule in self.rules)

    def text(self, language: Language) -> str:
        """The finding as a sentence."""
        month = "" if self.month is None else month_text(self.month)
        facts = {"month": month, "schemes": scheme_texts(self.schemes, language), **self.facts}
        reason: str = self.kind
        if self.kind == "late_registration":
            facts["clock"] = words_of(f"clock_{facts['clock']}", language, {})
            reason += "_open" if facts["registered"] == "-" else ""
        return words_of(reason, language, facts)

    def to_json(self) -> dict[str, Any]:
        """For a program or a screen."""
        fine = self.fine
        return {
            "key": self.key,
            "kind": self.kind,
            "employer": self.employer,
            "region": self.region,
            "month": None if self.month is None else month_text(self.month),
            "schemes": list(scheme_names(self.schemes)),
            "owed": None if self.owed is None else in_yuan(self.owed),
            "late_fee": None if self.late_fee is None else in_yuan(self.late_fee),
            "possible_fine": None if fine is None else {"from": in_yuan(fine.low), "to": in_yuan(fine.high)},
            "within_inspection": self.inspected,
            "uncertain": self.uncertain,
            "text": {language: self.text(language) for language in ("en", "zh")},
            "rules": [rule_brief(rule) for rule in self.rules],
        }


@dataclass(frozen=True, slots=True)
class Report:
    """What was found about one person. ``owed`` and ``late_fees`` are in fen, of the findings whose sums are known."""

    as_of: date
    known_on: date
    lines: tuple[Line, ...]
    findings: tuple[Finding, ...]

    @property
    def owed(self) -> int:
        """All that is owed."""
        return sum(finding.owed or 0 for finding in self.findings)

    @property
    def without_sum(self) -> int:
        """How many findings owe a sum that is not known: limits, rates or the wage are not known here."""
        return sum(finding.owed is None and finding.kind in BREACHES for finding in self.findings)

    @property
    def known_owed(self) -> int | None:
        """All that is owed; None: something is, and of none of it the sum is known."""
        return None if self.without_sum and all(one.owed is None for one in self.findings) else self.owed

    @property
    def late_fees(self) -> int:
        """All late fees."""
        return sum(finding.late_fee or 0 for finding in self.findings)

    @property
    def known_fees(self) -> int | None:
        """All late fees; None: there are none, and nothing is known to be owed."""
        return None if self.known_owed is None and not self.late_fees else self.late_fees
