"""Preconditions for filing or approving an application: pure functions of the rules in force on a day.

Promises:

1. All reasons are found at once, each with its rule where a rule gives it.
2. No approval while a needed paper is not VERIFIED; what the category leaves for later needs a commitment with a day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, cast

from issuer.rules.book import RuleBook
from issuer.rules.deadlines import window

from .categories import longest_term
from .materials import FilingFacts, Item, Process, checklist, paper_refusals
from .names import name_refusals
from .records import FilingRecord
from .refusals import PermitRefused, Refusal

__all__ = [
    "EmployerFacts",
    "PaperFacts",
    "PermitFacts",
    "approval_refusals",
    "facts_of",
    "record_refusals",
    "submit_refusals",
]

_PERSON: Final = ("surname", "nationality", "birth", "sex", "passport", "passport_until")
_JOB: Final = ("post", "category", "first", "until", "contract_until")
#: The fields that each process needs.
_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "overseas": (*_PERSON, *_JOB),
    "in_country": (*_PERSON, *_JOB),
    "short": (*_PERSON, "post", "first", "until"),
    "extension": ("until", "contract_until", "passport_until"),
    "change": ("changed_on",),
    "cancellation": ("ended_on", "ground", "signed"),
    "reissue": (),
}
#: The processes about a permit that there is.
_ON_PERMIT: Final = frozenset({"extension", "change", "cancellation", "reissue"})
_FACTS: Final = frozenset(FilingFacts.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class EmployerFacts:
    """What an officer found about the employer."""

    state: str
    licence_until: date | None


@dataclass(frozen=True, slots=True)
class PermitFacts:
    """The person's permit. ``until``: its last day; ``own``: it is with the employer that files; ``birth``: the
    person's, as in the passport on record."""

    state: str
    until: date
    own: bool
    category: str
    nationality: str
    post: str
    birth: date | None = None


@dataclass(frozen=True, slots=True)
class PaperFacts:
    """A paper as it was handed in; see :func:`issuer.permits.materials.paper_refusals`.

    ``filed``: it has a file, or needs none here.
    """

    code: str
    state: str = "UNCHECKED"
    committed_until: date | None = None
    values: Mapping[str, Any] | None = None
    filed: bool = True


def facts_of(
    record: FilingRecord, process: Process, region: str, day: date, *, agency: bool, permit: PermitFacts | None
) -> FilingFacts:
    """The facts that the checklist follows from: what the record says, and what the service knows itself."""
    known = {name: value for name, value in record.facts.items() if name in _FACTS}
    if "permit_ended" in known:
        known["permit_ended"] = date.fromisoformat(known["permit_ended"])
    if permit is not None and not permit.own:
        known |= {"earlier_permit": True, "permit_ended": min(permit.until, day), "other_employer": True}
    if permit is not None and process in ("extension", "change"):
        known |= _changes(record, permit, known)
    birth = record.birth or (permit.birth if permit else None)
    return FilingFacts(
        process=process,
        region=region,
        day=day,
        **{
            **known,
            "category": record.category or (permit.category if permit else None),
            "age": None if birth is None else _age(birth, day),
            "agency": agency,
        },
    )


def _changes(record: FilingRecord, permit: PermitFacts, known: Mapping[str, Any]) -> dict[str, bool]:
    """What an application about a permit changes: what it says differs from the permit, or it says that it does."""
    post = record.post not in (None, permit.post)
    category = record.category not in (None, permit.category)
    found = {"promotion": post, "position_changes": post, "category_changes": category}
    return {name: differs or known.get(name) is True for name, differs in found.items()}


def submit_refusals(
    book: RuleBook,
    record: FilingRecord,
    facts: FilingFacts,
    employer: EmployerFacts | None,
    permit: PermitFacts | None,
    papers: Sequence[PaperFacts],
) -> list[Refusal]:
    """Everything that speaks against filing; empty: nothing does."""
    found = record_refusals(book, record, facts, employer, permit)
    for item in checklist(book, facts):
        found += _item_refusals(book, item, facts, {paper.code: paper for paper in papers})
    return found


def record_refusals(
    book: RuleBook,
    record: FilingRecord,
    facts: FilingFacts,
    employer: EmployerFacts | None,
    permit: PermitFacts | None,
) -> list[Refusal]:
    """What speaks against filing before any paper is looked at."""
    found = _employer_refusals(employer, facts.day)
    missing = [name for name in _NEEDED[facts.process] if getattr(record, name) is None]
    found += [Refusal("filing.incomplete", None, name) for name in missing]
    if record.surname is not None:
        found += name_refusals(record.name)
    found += _permit_refusals(book, record, facts, permit)
    found += _age_refusals(book, facts)
    if not missing and "until" in _NEEDED[facts.process] and facts.process != "short":
        found += _term_refusals(book, record, facts, employer, permit)
    return found


def approval_refusals(book: RuleBook, facts: FilingFacts, papers: Sequence[PaperFacts]) -> list[Refusal]:
    """Every needed paper that is not verified (promise 2)."""
    by_code = {paper.code: paper for paper in papers}
    found = []
    for item in checklist(book, facts):
        paper = by_code.get(item.code)
        if item.need == "not_needed" and paper is None:
            continue
        if paper is None or paper.state != "VERIFIED":
            state = "missing" if paper is None else paper.state
            found.append(Refusal("permit.paper_unverified", item.rule, item.code, "VERIFIED", state))
    return found


def _employer_refusals(employer: EmployerFacts | None, day: date) -> list[Refusal]:
    if employer is None or employer.state != "verified":
        state = "unknown" if employer is None else employer.state
        return [Refusal("filing.employer", None, "employer", "verified", state)]
    if employer.licence_until is not None and employer.licence_until < day:
        return [Refusal("filing.licence", None, "employer", found=employer.licence_until.isoformat())]
    return []


def _permit_refusals(
    book: RuleBook, record: FilingRecord, facts: FilingFacts, permit: PermitFacts | None
) -> list[Refusal]:
    live = permit is not None and permit.state in ("ACTIVE", "EXTENDED_BY_LAW")
    if facts.process not in _ON_PERMIT:
        if live and facts.process != "short":
            rule = book.find("deadlines", "D09", facts.region, facts.day)
            code = "filing.permit_live" if permit is not None and permit.own else "filing.other_employer"
            return [Refusal(code, rule, "person")]
        return []
    if permit is None or not live or not permit.own:
        return [Refusal("filing.no_permit", None, "permit_id")]
    found = []
    if record.nationality is not None and record.nationality != permit.nationality:
        found.append(Refusal("filing.new_application", None, "nationality"))
    if facts.process == "extension":
        rule = book.require("deadlines", "D06", facts.region, facts.day)
        span = window(rule, permit.until)
        if not span.covers(facts.day):
            code = "filing.too_early" if facts.day < span.opens else "filing.too_late"
            days = f"{span.opens.isoformat()} to {span.closes.isoformat()}"
            found.append(Refusal(code, rule, "until", days, facts.day.isoformat()))
        if record.until is not None and record.until <= permit.until:
            found.append(Refusal("filing.not_longer", None, "until", f"after {permit.until.isoformat()}"))
    for name in ("changed_on", "ended_on"):
        day = getattr(record, name)
        if day is not None and day > facts.day:
            found.append(Refusal("filing.future", None, name, f"{facts.day.isoformat()} or earlier", day.isoformat()))
    return found


def _age_refusals(book: RuleBook, facts: FilingFacts) -> list[Refusal]:
    rule = book.find("eligibility", "age", facts.region, facts.day)
    if rule is None or facts.age is None or facts.age >= rule.value["at_least"]:
        return []
    return [Refusal("permit.too_young", rule, "birth", f"{rule.value['at_least']} or older", str(facts.age))]


def _term_refusals(
    book: RuleBook,
    record: FilingRecord,
    facts: FilingFacts,
    employer: EmployerFacts | None,
    permit: PermitFacts | None,
) -> list[Refusal]:
    extends = permit if facts.process == "extension" else None
    begins = record.first if extends is None else date.fromordinal(extends.until.toordinal() + 1)
    until = cast("date", record.until)
    if begins is None or facts.category is None:
        return []
    try:
        term = longest_term(
            book,
            facts.category,
            facts.region,
            begins,
            contract=record.contract_until,
            licence=employer.licence_until if employer else None,
            passport=record.passport_until,
        )
    except PermitRefused as refused:
        return [refused.refusal]
    if until < begins:
        return [Refusal("filing.order", None, "until", f"{begins.isoformat()} or later", until.isoformat())]
    if until > term.until:
        limit = f"by {term.until.isoformat()} ({term.limit})"
        return [Refusal("permit.term_long", term.rule, "until", limit, until.isoformat())]
    return []


def _item_refusals(book: RuleBook, item: Item, facts: FilingFacts, papers: Mapping[str, PaperFacts]) -> list[Refusal]:
    if item.need == "conditional":
        return [Refusal("filing.fact_missing", item.rule, item.code, item.reasons["en"])]
    paper = papers.get(item.code)
    if paper is None:
        return [Refusal("permit.paper_missing", item.rule, item.code)] if item.need == "required" else []
    if paper.committed_until is not None:
        if not item.commitment:
            return [Refusal("permit.no_commitment", item.rule, item.code)]
        if paper.committed_until < facts.day:
            return [Refusal("permit.commitment_over", item.rule, item.code, found=paper.committed_until.isoformat())]
        return []
    unfiled = [] if paper.filed else [Refusal("permit.paper_file", item.rule, item.code)]
    return unfiled + paper_refusals(book, item, facts, **(paper.values or {"issued": None}))


def _age(birth: date, day: date) -> int:
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))
