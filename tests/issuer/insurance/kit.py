"""Short ways to say what is on record in a test of the insurance rules."""

from __future__ import annotations

from datetime import date
from typing import Any

from issuer.insurance.history import Basis, Employment, Enrolment, Evidence, Recorded
from issuer.insurance.ledger import Entry
from issuer.insurance.months import parse_month
from issuer.insurance.schemes import ALL, Scheme, schemes_of
from issuer.insurance.treaties import Certificate
from issuer.rules.book import RuleBook, shipped
from issuer.rules.rows import Rule, rule_from

__all__ = [
    "SHANGHAI",
    "certificate",
    "enrolled",
    "evidence",
    "month",
    "on",
    "paid",
    "permit",
    "rule",
    "with_rows",
    "work",
]

SHANGHAI = "310115"


def on(text: str) -> date:
    """A day."""
    return date.fromisoformat(text)


def month(text: str) -> int:
    """A month."""
    return parse_month(text)


def permit(first: str, last: str | None = None, **more: Any) -> Basis:
    """A work permit, obtained on its first day."""
    return Basis("work_permit", on(first), on(first), on(last) if last else None, **more)


def work(began: str, ended: str | None = None, employer: str = "A", region: str = SHANGHAI, **more: Any) -> Employment:
    """An employment; 30,000 yuan a month unless said otherwise."""
    return Employment(employer, region, on(began), on(ended) if ended else None, **{"wage": 3_000_000, **more})


def enrolled(
    registered: str, first_month: str, employer: str = "A", schemes: Scheme = ALL, last_month: str | None = None
) -> Enrolment:
    """A registration."""
    last = month(last_month) if last_month else None
    return Enrolment(employer, SHANGHAI, schemes, on(registered), month(first_month), last, Recorded(on(registered)))


def paid(of_month: str, scheme: str, fen: int, day: str, employer: str = "A", kind: Any = "paid", **more: Any) -> Entry:
    """A payment, all of it the employer's part."""
    values = {"id": f"{of_month}-{scheme}-{day}-{fen}", "recorded_on": on(day), "employee_part": 0, **more}
    return Entry(
        kind=kind,
        employer=employer,
        month=month(of_month),
        scheme=schemes_of([scheme]),
        employer_part=fen,
        day=on(day),
        **values,
    )


def certificate(country: str, first: str, last: str, group: str = "posted", **more: Any) -> Certificate:
    """A certificate of coverage, for pension and unemployment."""
    values = {"schemes": schemes_of(["pension", "unemployment"]), **more}
    return Certificate(country, group, values.pop("schemes"), on(first), on(last), **values)


def evidence(*certificates: Certificate) -> tuple[Evidence, ...]:
    """Certificates that were taken."""
    return tuple(Evidence(one) for one in certificates)


def rule(kind: str, id: str, region: str, first: str, value: dict[str, Any], **more: Any) -> Rule:
    """A rule row of a test."""
    row = {
        "id": id,
        "region": region,
        "valid_from": first,
        "valid_to": None,
        "published_on": None,
        "value": value,
        "source": "a test",
        "certainty": "J",
        **more,
    }
    return rule_from(kind, row, "row")


def with_rows(*rules: Rule) -> RuleBook:
    """The shipped rows with others."""
    return shipped().with_rows(rules)
