"""An answer of the rules: its reason in words, and the rows that it rests on.

Promises:

1. Every reason has a sentence in English and Chinese in ``answers.json``.
2. Days and months stand in a sentence as its language writes them; programs have them beside it as data.
3. An answer names its rule rows, each with source and certainty; one that rests on an uncertain row says so.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from importlib import resources
from typing import Any, Final

from babel.dates import format_date

from icard_crypto.errors import Language
from issuer.rules.rows import Rule

__all__ = ["NO_RULE", "Answer", "reasons", "rule_brief", "words_of", "written"]

#: The reason where no row says anything: never a guess.
NO_RULE: Final = "no_rule"

_DAY: Final = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MONTH: Final = re.compile("[0-9]{4}-[0-9]{2}")
_PATTERNS: Final[dict[Language, tuple[str, str]]] = {"en": ("d MMMM y", "MMMM y"), "zh": ("y年M月d日", "y年M月")}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the rules say.

    Args:
        outcome: a word of the question's own set, such as ``accepted`` or ``unknown``.
        reason: a key of ``answers.json``.
        rules: the rows that decide.
        facts: what the sentence names: days, numbers and words of rule rows, never personal data.
    """

    outcome: str
    reason: str
    rules: tuple[Rule, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def uncertain(self) -> bool:
        """Whether a screen must say that this may be otherwise."""
        return self.reason == NO_RULE or any(rule.uncertain for rule in self.rules)

    def text(self, language: Language) -> str:
        """The reason as a sentence."""
        return words_of(self.reason, language, self.facts)

    def to_json(self) -> dict[str, Any]:
        """For a program or a screen."""
        return {
            "outcome": self.outcome,
            "reason": self.reason,
            "text": {language: self.text(language) for language in ("en", "zh")},
            "uncertain": self.uncertain,
            "rules": [rule_brief(rule) for rule in self.rules],
        }


def rule_brief(rule: Rule) -> dict[str, Any]:
    """What a screen shows of a row beside an answer."""
    return {"name": rule.name, "source": rule.source, "certainty": rule.certainty, "note": rule.note}


def words_of(reason: str, language: Language, facts: Mapping[str, str]) -> str:
    """The sentence of a reason.

    Args:
        facts: what it names; a value such as ``2026-07-31`` or ``2026-07`` is written as the language does.
    """
    values = {name: written(value, language) for name, value in facts.items()}
    return reasons()[reason][language].format_map(values)


def written(value: str, language: Language) -> str:
    """A day or a month, such as ``2026-07-31`` or ``2026-07``, as the language writes it; anything else as it is."""
    day, month = _PATTERNS[language]
    if _DAY.fullmatch(value):
        return format_date(date.fromisoformat(value), day, language)
    if _MONTH.fullmatch(value):
        return format_date(date.fromisoformat(f"{value}-01"), month, language)
    return value


@functools.cache
def reasons() -> Mapping[str, Mapping[Language, str]]:
    """Every reason with its sentences."""
    content: dict[str, Any] = json.loads((resources.files("issuer.insurance") / "answers.json").read_text("utf-8"))
    answers: Mapping[str, Mapping[Language, str]] = content["reasons"]
    return answers
