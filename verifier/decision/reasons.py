"""The reasons a verdict can give, and their words.

Promises:

1. A :class:`Reason` is its stable code: it compares, hashes and prints as that text.
2. Its words (one sentence of fact, one of order, English and Chinese) come from ``reasons.json`` and nowhere else.
3. Making a reason formats nothing; words are made when they are asked for.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from importlib import resources
from typing import Any, Literal

from icard_crypto.errors import IcardError, Language
from icard_crypto.moments import DAY, china_moment

from .errors import check_language

__all__ = [
    "OUTCOMES",
    "Outcome",
    "Reason",
    "catalogue",
    "holder_words",
    "no_fault_words",
    "outcome_words",
    "reason_of_error",
    "state_words",
]

Outcome = Literal["VALID", "INVALID", "INDETERMINATE"]
OUTCOMES: tuple[Outcome, ...] = ("VALID", "INVALID", "INDETERMINATE")

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


@functools.cache
def _file() -> dict[str, Any]:
    text = (resources.files(__package__) / "reasons.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


@functools.cache
def _errors_file() -> dict[str, Any]:
    text = (resources.files(__package__) / "error_reasons.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def catalogue() -> dict[str, dict[str, Any]]:
    """All reasons with outcome, permanence, who can fix it, texts and variants, as ``reasons.json`` has them."""
    reasons: dict[str, dict[str, Any]] = _file()["reasons"]
    return reasons


def outcome_words(outcome: Outcome, language: Language) -> str:
    """The word of an outcome for people; INDETERMINATE is "Not confirmed"."""
    word: str = _file()["outcomes"][outcome][language]
    return word


def state_words(state: str, language: Language) -> str:
    """The word of a state of permit or insurance for people."""
    word: str = _file()["states"][state][language]
    return word


def holder_words(holder: str, language: Language) -> str:
    """What to do about the person who shows the card: a copied code is genuine too."""
    words: str = _file()["holders"][holder][language]
    return words


def no_fault_words(language: Language) -> str:
    """The sentence that follows an order where the holder can do nothing about it."""
    words: str = _file()["no_fault"][language]
    return words if language == "zh" else f" {words}"


def _date(moment: int, language: Language) -> str:
    day = china_moment(moment)
    if language == "zh":
        return f"{day.year}年{day.month}月{day.day}日"
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def _duration(seconds: int, language: Language) -> str:
    if seconds < 3600:
        number, unit, units, chinese = max(seconds // 60, 0), "minute", "minutes", "分钟"
    elif seconds < 3 * DAY:
        number, unit, units, chinese = seconds // 3600, "hour", "hours", "小时"
    else:
        number, unit, units, chinese = seconds // DAY, "day", "days", "天"
    return f"{number}{chinese}" if language == "zh" else f"{number} {unit if number == 1 else units}"


class Reason(str):
    """A reason's code, with the variant and figures that make its words exact.

    Args:
        code: a key of the catalogue.
        error: what was wrong with what was shown; it tells the words where it knows better than the reason does.
        variant: a key of that reason's variants (another one, or None, gives the general words).
        figures: values for the places in the variant's words: ``date`` (Unix time), ``age`` and ``limit`` (seconds).
    """

    __slots__ = ("error", "figures", "variant")

    error: IcardError | None
    variant: str | None
    figures: Mapping[str, int]

    def __new__(
        cls, code: str, variant: str | None = None, *, error: IcardError | None = None, **figures: int
    ) -> Reason:
        self = super().__new__(cls, code)
        self.error = error
        self.variant = variant
        self.figures = figures
        return self

    @property
    def outcome(self) -> Outcome:
        """What this reason makes of the verdict."""
        outcome: Outcome = catalogue()[str(self)]["outcome"]
        return outcome

    @property
    def mends(self) -> str:
        """Who can change the answer: ``holder``, ``operator``, ``issuer`` or ``nobody``."""
        who: str = catalogue()[str(self)]["mends"]
        return who

    def message(self, language: Language = "en") -> str:
        """The fact, one sentence.

        Raises:
            UsageError: ``usage.language``.
        """
        check_language(language)
        error = self._better_told()
        return self._words(language, language) if error is None else error.message(language)

    def action(self, language: Language = "en") -> str:
        """The order: what to do next, one sentence.

        Raises:
            UsageError: ``usage.language``.
        """
        check_language(language)
        error = self._better_told()
        return self._words(f"do_{language}", language) if error is None else error.hint(language)

    def _better_told(self) -> IcardError | None:
        """The error, where its layer speaks of what people see: text and pictures, not bytes."""
        return self.error if self.error is not None and self.error.layer in _errors_file()["told_by_error"] else None

    def _words(self, name: str, language: Language) -> str:
        entry = catalogue()[str(self)]
        variant = entry.get("variants", {}).get(self.variant, {})
        words: str = variant.get(name, entry[name])
        places = {
            place: _date(value, language) if place == "date" else _duration(value, language)
            for place, value in self.figures.items()
        }
        return words.format_map(places)

    def __str__(self) -> str:
        return str.__str__(self)

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (str.__str__(self), self.variant, self.error, dict(self.figures)))


def _rebuild(code: str, variant: str | None, error: IcardError | None, figures: dict[str, int]) -> Reason:
    return Reason(code, variant, error=error, **figures)


def reason_of_error(error: IcardError) -> Reason:
    """The reason that an error in what was shown makes; ``malformed`` where the table names no other."""
    table = _errors_file()
    # A code without any kid is another system's: MOSIP's identity codes are signed so. Ours always has one.
    variant = "no_kid" if error.code == "header.kid" and error.found == "none" else None
    return Reason(table["reasons"].get(error.code, table["default"]), variant, error=error)
