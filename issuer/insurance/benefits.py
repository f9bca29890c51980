"""Benefits and subsidies: whether somebody may claim one, condition by condition.

Promises:

1. A benefit or a local programme is a rule row with conditions; each is *met*, *missing* or *unknown*, with what is
   missing and, where that can be determined, when it would be met if things go on as they are.
2. The kinds of conditions are a closed set: a row with another one is refused, never passed over.
3. Eligible is who meets all conditions. Unknown is never met: what is not on record has to be shown.
4. An event that the row names stops the benefit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, Literal

from icard_crypto.errors import Invalid, Language
from issuer.rules.book import RuleBook
from issuer.rules.days import months_after
from issuer.rules.regions import covers
from issuer.rules.rows import Rule

from .answers import NO_RULE, Answer, reasons, words_of
from .months import age_on
from .pension import Group, minimum_months, retirement_day
from .schemes import Scheme, scheme_texts, schemes_of

__all__ = [
    "BENEFITS",
    "Check",
    "Claimant",
    "Eligibility",
    "check_conditions",
    "eligibility",
    "stopped_by",
]

BENEFITS: Final = "insurance_benefits"
State = Literal["met", "missing", "unknown"]
#: Values of a condition that are codes of rule rows: people read what ``says_...`` of ``answers.json`` says about each.
_CODED: Final = frozenset({"name", "allowed", "causes"})


def _in_words(codes: str, language: Language) -> str:
    """Codes, separated by commas, as people read them; one without words stays as it is."""
    known = reasons()
    found = [known[f"says_{one}"][language] if f"says_{one}" in known else one for one in codes.split(", ")]
    return ("、" if language == "zh" else ", ").join(found)


@dataclass(frozen=True, slots=True)
class Claimant:
    """What is on record about somebody who claims.

    Args:
        months_paid: months of contributions by scheme.
        insured: the schemes in which the person is insured now, without lapse.
        facts: what an officer has found, such as ``registered_seeking``.
        cause: what a medical cost came from, such as ``illness`` or ``work_injury``.
    """

    born: date | None = None
    group: Group | None = None
    region: str | None = None
    category: str | None = None
    months_paid: Mapping[Scheme, int] = field(default_factory=dict)
    insured: Scheme = Scheme(0)  # noqa: RUF009  a value, not a call with effects
    reason_of_leaving: str | None = None
    cause: str | None = None
    facts: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Check:
    """One condition. ``met_on``: the day on which it would be met if things go on; None: that cannot be determined."""

    test: str
    state: State
    values: Mapping[str, str]
    rules: tuple[Rule, ...] = ()
    met_on: date | None = None

    def text(self, language: Language) -> str:
        """The condition and what is missing, as a sentence."""
        values = dict(self.values)
        if "schemes" in values:
            values["schemes"] = scheme_texts(schemes_of(values["schemes"].split()), language)
        for name in _CODED & values.keys():
            values[name] = _in_words(values[name], language)
        return words_of(f"{self.test}_{self.state}", language, values)


@dataclass(frozen=True, slots=True)
class Eligibility:
    """Whether somebody may claim, and every condition of it.

    Args:
        months: for how many months it is paid, where the row says so.
    """

    answer: Answer
    checks: tuple[Check, ...] = ()
    months: int | None = None

    @property
    def eligible(self) -> bool:
        """Whether all conditions are met."""
        return self.answer.outcome == "eligible"


def eligibility(book: RuleBook, name: str, claimant: Claimant, on: date, known_on: date | None = None) -> Eligibility:
    """Whether somebody may claim a benefit or a programme on a day.

    Args:
        name: the row's id.

    Raises:
        Invalid: ``insurance.condition``: a fault of the row.
    """
    rule = book.find(BENEFITS, name, claimant.region or "CN", on, known_on)
    if rule is None:
        return Eligibility(Answer("unknown", NO_RULE, (), {"subject": f"{BENEFITS}/{name}"}))
    check_conditions(rule)
    checks = tuple(_check(book, condition, claimant, on, known_on) for condition in rule.value["conditions"])
    rules = (rule, *(one for check in checks for one in check.rules))
    titles = {"title_en": rule.value["en"], "title_zh": rule.value["zh"]}
    if all(check.state == "met" for check in checks):
        return Eligibility(Answer("eligible", "eligible", rules, titles), checks, _duration(rule, claimant))
    missing = sum(check.state != "met" for check in checks)
    return Eligibility(Answer("not_eligible", "not_eligible_for", rules, {**titles, "count": str(missing)}), checks)


def check_conditions(rule: Rule) -> None:
    """Refuse a row with a condition of another kind (promise 2).

    Raises:
        Invalid: ``insurance.condition``.
    """
    conditions = rule.value.get("conditions")
    if not isinstance(conditions, list):
        raise Invalid("insurance.condition", path=rule.name, expected="conditions, a list")
    for condition in conditions:
        needed = _FIELDS.get(str(condition.get("test"))) if isinstance(condition, dict) else None
        if needed is None or condition.keys() != {"test", *needed}:
            raise Invalid("insurance.condition", path=rule.name, expected=", ".join(sorted(_FIELDS)))


def stopped_by(rule: Rule, event: str) -> bool:
    """Whether an event stops a benefit (promise 4)."""
    return event in rule.value.get("stops", ())


def _duration(rule: Rule, claimant: Claimant) -> int | None:
    """The months of payment by the months that were paid in."""
    steps: Sequence[Sequence[int]] = rule.value.get("months", ())
    paid = claimant.months_paid.get(schemes_of([rule.value["scheme"]]), 0) if steps else 0
    return max((months for at_least, months in steps if paid >= at_least), default=None)


def _check(book: RuleBook, condition: Mapping[str, Any], claimant: Claimant, on: date, known_on: date | None) -> Check:
    return _CHECKS[condition["test"]](book, condition, claimant, on, known_on)


def _months_paid(
    _book: RuleBook, condition: Mapping[str, Any], claimant: Claimant, on: date, _known_on: date | None
) -> Check:
    scheme = schemes_of([condition["scheme"]])
    paid, needed = claimant.months_paid.get(scheme, 0), int(condition["at_least"])
    values = {"paid": str(paid), "needed": str(needed), "schemes": condition["scheme"]}
    if paid >= needed:
        return Check("months_paid", "met", values)
    later = months_after(on, needed - paid) if claimant.insured & scheme else None
    return Check("months_paid", "missing", {**values, "left": str(needed - paid)}, met_on=later)


def _insured(
    _book: RuleBook, condition: Mapping[str, Any], claimant: Claimant, _on: date, _known_on: date | None
) -> Check:
    state: State = "met" if claimant.insured & schemes_of([condition["scheme"]]) else "missing"
    return Check("insured", state, {"schemes": condition["scheme"]})


def _retirement_age(
    book: RuleBook, _condition: Mapping[str, Any], claimant: Claimant, on: date, known_on: date | None
) -> Check:
    if claimant.born is None or claimant.group is None:
        return Check("retirement_age", "unknown", {})
    found = retirement_day(book, claimant.group, claimant.born, known_on)
    if found is None:
        return Check("retirement_age", "unknown", {})
    values = {"day": found.day.isoformat(), "years": str(found.months // 12), "months": str(found.months % 12)}
    if on >= found.day:
        return Check("retirement_age", "met", values, (found.rule,))
    return Check("retirement_age", "missing", values, (found.rule,), found.day)


def _pension_minimum(
    book: RuleBook, _condition: Mapping[str, Any], claimant: Claimant, on: date, known_on: date | None
) -> Check:
    """By the year of retirement where that is known, else by the day that is asked about."""
    retires = None
    if claimant.born is not None and claimant.group is not None:
        retires = retirement_day(book, claimant.group, claimant.born, known_on)
    rule = minimum_months(book, on if retires is None else max(retires.day, on), known_on)
    if rule is None:
        return Check("pension_minimum", "unknown", {})
    paid, needed = claimant.months_paid.get(Scheme.PENSION, 0), int(rule.value["months"])
    values = {"paid": str(paid), "needed": str(needed), "left": str(max(needed - paid, 0))}
    if paid >= needed:
        return Check("pension_minimum", "met", values, (rule,))
    later = months_after(on, needed - paid) if claimant.insured & Scheme.PENSION else None
    return Check("pension_minimum", "missing", values, (rule,), later)


def _age(_book: RuleBook, condition: Mapping[str, Any], claimant: Claimant, on: date, _known_on: date | None) -> Check:
    values = {"from": str(condition["from"]), "below": str(condition["below"])}
    if claimant.born is None:
        return Check("age", "unknown", values)
    age = age_on(claimant.born, on)
    if condition["from"] <= age < condition["below"]:
        return Check("age", "met", values)
    later = months_after(claimant.born, 12 * int(condition["from"])) if age < condition["from"] else None
    return Check("age", "missing", values, met_on=later)


def _region(
    _book: RuleBook, condition: Mapping[str, Any], claimant: Claimant, _on: date, _known_on: date | None
) -> Check:
    values = {"region": str(condition["in"])}
    if claimant.region is None:
        return Check("region", "unknown", values)
    return Check("region", "met" if covers(condition["in"], claimant.region) else "missing", values)


def _one_of(attribute: str) -> Callable[[RuleBook, Mapping[str, Any], Claimant, date, date | None], Check]:
    def check(
        _book: RuleBook, condition: Mapping[str, Any], claimant: Claimant, _on: date, _known_on: date | None
    ) -> Check:
        values = {"allowed": ", ".join(condition["one_of"])}
        given = getattr(claimant, attribute)
        if given is None:
            return Check(attribute, "unknown", values)
        return Check(attribute, "met" if given in condition["one_of"] else "missing", values)

    return check


def _not_cause(
    _book: RuleBook, condition: Mapping[str, Any], claimant: Claimant, _on: date, _known_on: date | None
) -> Check:
    values = {"causes": ", ".join(condition["causes"])}
    if claimant.cause is None:
        return Check("not_cause", "unknown", values)
    return Check("not_cause", "missing" if claimant.cause in condition["causes"] else "met", values)


def _fact(
    _book: RuleBook, condition: Mapping[str, Any], claimant: Claimant, _on: date, _known_on: date | None
) -> Check:
    given = claimant.facts.get(condition["name"])
    state: State = "unknown" if given is None else "met" if given else "missing"
    return Check("fact", state, {"name": condition["name"]})


_FIELDS: Final[Mapping[str, frozenset[str]]] = {
    "months_paid": frozenset({"scheme", "at_least"}),
    "insured": frozenset({"scheme"}),
    "retirement_age": frozenset(),
    "pension_minimum": frozenset(),
    "age": frozenset({"from", "below"}),
    "region": frozenset({"in"}),
    "category": frozenset({"one_of"}),
    "reason_of_leaving": frozenset({"one_of"}),
    "not_cause": frozenset({"causes"}),
    "fact": frozenset({"name"}),
}
_CHECKS: Final[Mapping[str, Callable[[RuleBook, Mapping[str, Any], Claimant, date, date | None], Check]]] = {
    "months_paid": _months_paid,
    "insured": _insured,
    "retirement_age": _retirement_age,
    "pension_minimum": _pension_minimum,
    "age": _age,
    "region": _region,
    "category": _one_of("category"),
    "reason_of_leaving": _one_of("reason_of_leaving"),
    "not_cause": _not_cause,
    "fact": _fact,
}
