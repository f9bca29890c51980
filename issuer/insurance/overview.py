"""Compliance of an employer's staff: findings counted and summed by employer, region and kind.

Promises:

1. An employer gets its own and those of employers that were merged into it, an agency its clients', an official those
   of any employer that is asked for.
2. Rows add up: the sums of all rows are those of the people's reports. What has no known sum is counted apart.
3. People are read by the hundred; memory does not grow with the staff.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Final

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from issuer.accounts.principals import Principal
from issuer.core import Core
from issuer.rules.store import read_book

from .compliance import Compliance
from .findings import Finding
from .models import InsuranceFact
from .money import known_yuan
from .parties import require_employer, with_merged
from .records import load_people
from .region_report import RegionRow, summed
from .views import report_day

__all__ = ["Overview", "as_csv", "employer_overview"]

_CHUNK: Final = 500


@dataclass(frozen=True, slots=True)
class Overview:
    """An employer's findings on a day, by what was known on another. ``staff``: people looked at."""

    employer_id: str
    as_of: date
    known_on: date
    staff: int
    rows: tuple[RegionRow, ...]


def employer_overview(
    core: Core, who: Principal, employer_id: str | None, as_of: date | None = None, known_on: date | None = None
) -> Overview:
    """An employer's findings.

    Args:
        employer_id: None: one's own.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``insurance.employer``.
        Invalid: ``insurance.day``.
    """
    if not who.may("insurance.read"):
        who.require("insurance.register")

    def choose(session: Session) -> tuple[str, set[str]]:
        chosen = require_employer(core, session, who, employer_id)
        return chosen, with_merged(session, {chosen})

    chosen, employers = core.database.read(choose)
    day = report_day(core, as_of, known_on)
    compliance = Compliance(read_book(core), day, known_on)
    staff = 0

    def found() -> Iterator[list[Finding]]:
        nonlocal staff
        for people in _staff(core, employers):
            look = partial(_findings, core, compliance=compliance, employers=employers, people=people)
            for findings in core.database.read(look):
                staff += 1
                # What was a merged employer's counts as its successor's.
                yield [one if one.employer == chosen else replace(one, employer=chosen) for one in findings]

    rows = summed(found())
    return Overview(chosen, day, known_on or day, staff, rows)


def as_csv(overview: Overview) -> str:
    """The rows as CSV, with a line of columns; sums in yuan, empty where none is known."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(("region", "kind", "findings", "people", "without_sum", "owed", "late_fees"))
    for row in overview.rows:
        owed, late_fees = known_yuan(row.known_owed), known_yuan(row.known_fees)
        writer.writerow((row.region, row.kind, row.findings, row.people, row.without_sum, owed, late_fees))
    return text.getvalue()


def _staff(core: Core, employers: set[str]) -> Iterator[list[str]]:
    """The people whom employers have on record, by the hundred."""
    after = ""
    while True:
        query = select(InsuranceFact.person_id).where(
            InsuranceFact.employer_id.in_(employers),
            InsuranceFact.kind == "employment",
            InsuranceFact.person_id > after,
        )
        page = query.distinct().order_by(InsuranceFact.person_id).limit(_CHUNK)
        people = core.database.read(partial(_ids, page))
        if not people:
            return
        yield people
        after = people[-1]


def _ids(query: Select[str], session: Session) -> list[str]:
    return list(session.scalars(query))


def _findings(
    core: Core, session: Session, *, compliance: Compliance, employers: set[str], people: Sequence[str]
) -> list[list[Finding]]:
    """For each person the employers' findings."""
    reports = (compliance.report(insured.person) for insured in load_people(core, session, people).values())
    return [[one for one in report.findings if one.employer in employers] for report in reports]
