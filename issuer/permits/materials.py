"""The documents required for a filing, and how each is checked.

Promises:

1. The list follows from the rows of kind ``materials`` alone: process, region, day, and the facts of the filing.
2. Each entry says whether it is needed and why, in English and Chinese, and names its row. What depends on a fact
   that is not known yet is *conditional*, never silently left out.
3. How long a paper may be used counts from its issue, never from its authentication.
4. Apostille, legalisation or notary follows from the issuing state and the day of authentication.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, Literal

from icard_crypto.errors import Invalid, Language
from issuer.rules.book import RuleBook
from issuer.rules.days import months_after
from issuer.rules.rows import Rule

from .refusals import Refusal

__all__ = [
    "PROCESSES",
    "Authentication",
    "FilingFacts",
    "Item",
    "Process",
    "authentication_for",
    "checklist",
    "paper_refusals",
    "questions",
    "usable_until",
]

Process = Literal["overseas", "in_country", "short", "extension", "change", "cancellation", "reissue"]
PROCESSES: Final[tuple[Process, ...]] = (
    *("overseas", "in_country", "short", "extension", "change", "cancellation", "reissue"),
)


@dataclass(frozen=True, slots=True)
class FilingFacts:
    """What is known about a filing. None: not known yet; the entries that depend on it are conditional.

    Args:
        process, region, day: the process, the region of the office and the day whose rules apply.
        category: A, B or C.
        age: in years on that day.
        permit_ended: the last day of the newest earlier permit, where there was one; ``earlier_permit`` says whether.
        other_employer: the earlier permit was with another employer.
        category_by_proof: the category rests on pay, tax, an award or points.
        asked_for: codes of materials that an officer asks for in this case.
    """

    process: Process
    region: str
    day: date
    category: str | None = None
    age: int | None = None
    earlier_permit: bool | None = None
    permit_ended: date | None = None
    same_post: bool | None = None
    other_employer: bool | None = None
    dependants: bool | None = None
    category_by_proof: bool | None = None
    physical_permit: bool | None = None
    agency: bool | None = None
    regulated_industry: bool | None = None
    promotion: bool | None = None
    position_changes: bool | None = None
    category_changes: bool | None = None
    in_china: bool | None = None
    asked_for: frozenset[str] = field(default=frozenset())


@dataclass(frozen=True, slots=True)
class Item:
    """An entry of the checklist. ``commitment``: a promise to hand it in later may be in, with a date."""

    code: str
    rule: Rule
    need: Literal["required", "conditional", "not_needed"]
    reasons: Mapping[Language, str]
    authenticated: bool
    translated: bool
    commitment: bool

    def title(self, language: Language) -> str:
        """What the material is."""
        return str(self.rule.value["title"][language])


@dataclass(frozen=True, slots=True)
class Authentication:
    """How a foreign paper is authenticated, and by which row."""

    way: Literal["apostille", "legalisation", "local_notary"]
    rule: Rule


_Condition = Callable[[FilingFacts, Rule], bool | None]


def _recent(facts: FilingFacts, rule: Rule) -> bool | None:
    if facts.earlier_permit is not True:
        return facts.earlier_permit
    months = rule.value["recent_months"]
    return None if facts.permit_ended is None else facts.day <= months_after(facts.permit_ended, months)


#: The conditions that a row may name. A closed table: a row with another one is refused.
_CONDITIONS: Final[Mapping[str, _Condition]] = {
    "earlier_permit": lambda facts, _: facts.earlier_permit,
    "earlier_permit_recent": _recent,
    "same_post": lambda facts, _: facts.same_post,
    "other_employer": lambda facts, _: facts.other_employer,
    "dependants": lambda facts, _: facts.dependants,
    "category_by_proof": lambda facts, _: facts.category_by_proof,
    "physical_permit": lambda facts, _: facts.physical_permit,
    "agency": lambda facts, _: facts.agency,
    "regulated_industry": lambda facts, _: facts.regulated_industry,
    "promotion": lambda facts, _: facts.promotion,
    "position_changes": lambda facts, _: facts.position_changes,
    "category_changes": lambda facts, _: facts.category_changes,
    "in_china": lambda facts, _: facts.in_china,
    "older": lambda facts, rule: None if facts.age is None else facts.age > rule.value["age"],
    "asked_for": lambda facts, rule: rule.id in facts.asked_for,
    "category_a": lambda facts, _: None if facts.category is None else facts.category == "A",
    "before_entry": lambda facts, _: facts.process == "overseas",
}


#: What the service knows by itself: who files, and what differs from the permit.
_KNOWN: Final = frozenset({"agency", "promotion", "position_changes", "category_changes"})
#: What an applicant is asked for a condition; conditions without an entry follow from other fields.
_ASKED: Final[Mapping[str, tuple[str, ...]]] = {
    **{name: (name,) for name in _CONDITIONS if name in FilingFacts.__dataclass_fields__ and name not in _KNOWN},
    "earlier_permit_recent": ("earlier_permit", "permit_ended"),
    "asked_for": (),
}


def checklist(book: RuleBook, facts: FilingFacts, known_on: date | None = None) -> tuple[Item, ...]:
    """Every material that the process knows, in the order of the codes, needed or not.

    Args:
        known_on: only rows that had been published by then.

    Raises:
        Invalid: ``rules.value``; a row names a condition that does not exist.
    """
    rules = book.effective("materials", facts.region, facts.day, known_on)
    return tuple(_item(rule, facts) for rule in rules if facts.process in rule.value["needs"])


def questions(book: RuleBook, facts: FilingFacts) -> tuple[str, ...]:
    """The facts that the checklist of a process asks the applicant for, whether they are known or not.

    What the application says elsewhere, or the service knows by itself, is none of them.
    """
    found: dict[str, None] = {}
    for rule in book.effective("materials", facts.region, facts.day):
        for case in rule.value["needs"].get(facts.process, ()):
            for name in case.get("when", ()):
                found.update(dict.fromkeys(_ASKED.get(name, ())))
        for name in rule.value.get("commitment", ()):
            found.update(dict.fromkeys(_ASKED.get(name, ())))
    return tuple(found)


def usable_until(book: RuleBook, code: str, region: str, issued: date, on: date) -> tuple[date, Rule] | None:
    """The last day on which a paper may be used, and the rule; None: it does not run out.

    Args:
        code: of the material; issued: the day of its issue; on: the day whose rules apply.

    Raises:
        Invalid: ``rules.value``.
    """
    rule = book.find("document_validity", code, region, on)
    if rule is None:
        return None
    if rule.value["unit"] != "months" or rule.value["from"] != "issue":
        raise Invalid("rules.value", path=rule.name, expected="months from issue")
    return months_after(issued, rule.value["number"]), rule


def authentication_for(book: RuleBook, state: str, on: date) -> Authentication:
    """How a paper of a state is authenticated on a day.

    Args:
        state: ISO 3166-1 alpha-3.

    Raises:
        Invalid: ``rules.none``.
    """
    rule = book.find("authentication", state, "CN", on) or book.require("authentication", "other", "CN", on)
    return Authentication(rule.value["way"], rule)


def paper_refusals(
    book: RuleBook,
    item: Item,
    facts: FilingFacts,
    *,
    issued: date | None,
    state: str | None = None,
    way: str | None = None,
    authenticated_on: date | None = None,
    translated: bool = False,
    sealed: bool = False,
) -> list[Refusal]:
    """Everything that speaks against a paper by the rules; empty: nothing does.

    Args:
        issued: the day of its issue; state: the state that issued it, China's papers need no authentication.
        way, authenticated_on: how and when it was authenticated.
        translated, sealed: a Chinese translation lies with it, under the employer's seal.
    """
    found: list[Refusal] = []
    limit = None if issued is None else usable_until(book, item.code, facts.region, issued, facts.day)
    if issued is None and book.find("document_validity", item.code, facts.region, facts.day) is not None:
        found.append(Refusal("permit.paper_undated", item.rule, item.code))
    if issued is not None and issued > facts.day:
        found.append(Refusal("permit.paper_future", item.rule, item.code, found=issued.isoformat()))
    if limit is not None and limit[0] < facts.day:
        found.append(Refusal("permit.paper_expired", limit[1], item.code, expected=f"by {limit[0].isoformat()}"))
    foreign = state is not None and state != "CHN"
    if item.authenticated and foreign and state is not None:
        found += _authentication_refusals(book, item, state, way, authenticated_on)
    if item.translated and foreign and not (translated and sealed):
        code = "permit.paper_untranslated" if not translated else "permit.translation_unsealed"
        found.append(Refusal(code, item.rule, item.code))
    return found


def _authentication_refusals(
    book: RuleBook, item: Item, state: str, way: str | None, authenticated_on: date | None
) -> list[Refusal]:
    if way is None or authenticated_on is None:
        return [Refusal("permit.paper_unauthenticated", item.rule, item.code)]
    wanted = authentication_for(book, state, authenticated_on)
    if way == wanted.way:
        return []
    return [Refusal("permit.paper_authentication", wanted.rule, item.code, expected=wanted.way, found=way)]


def _item(rule: Rule, facts: FilingFacts) -> Item:
    need, reasons = _need(rule, facts)
    allowed = (_holds(rule, name, facts) for name in rule.value.get("commitment", ()))
    return Item(
        rule.id,
        rule,
        need,
        reasons,
        bool(rule.value.get("authenticated", False)),
        bool(rule.value.get("translated", False)),
        any(state is True for state in allowed),
    )


def _need(
    rule: Rule, facts: FilingFacts
) -> tuple[Literal["required", "conditional", "not_needed"], Mapping[Language, str]]:
    for case in rule.value["needs"][facts.process]:
        states = [_holds(rule, name, facts) for name in case.get("when", ())]
        if False in states:
            continue
        reasons: dict[Language, str] = {"en": case["en"], "zh": case["zh"]}
        return ("conditional" if None in states else _word(rule, case)), reasons
    raise Invalid("rules.value", path=rule.name, expected="a last case without conditions")


def _word(rule: Rule, case: Mapping[str, Any]) -> Literal["required", "not_needed"]:
    if case["need"] == "required":
        return "required"
    if case["need"] == "not_needed":
        return "not_needed"
    raise Invalid("rules.value", path=rule.name, expected="required or not_needed", found=str(case["need"])[:40])


def _holds(rule: Rule, name: str, facts: FilingFacts) -> bool | None:
    condition = _CONDITIONS.get(name)
    if condition is None:
        raise Invalid("rules.value", path=rule.name, expected=", ".join(_CONDITIONS), found=name[:40])
    return condition(facts, rule)
