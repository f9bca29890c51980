"""Compliance of a whole region: findings counted and summed by employer and kind, for the host.

Promises:

1. People are read by the hundred and computed one by one; memory does not grow with the region, and progress is
   reported.
2. Rows add up: their sums are those of the people's reports, in whatever order these are read. What has no known sum is
   counted apart.
3. A report for a day, by what was known on a day, is the same whenever it is made.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Final

from sqlalchemy import ColumnElement, Select, select, true
from sqlalchemy.orm import Session

from issuer.core import Core
from issuer.permits.parties import covered
from issuer.rules.days import day_of
from issuer.rules.regions import NATION
from issuer.rules.store import read_book

from .chart import Bar
from .compliance import Compliance
from .findings import Finding
from .models import InsuredPerson
from .money import in_yuan
from .records import load_people

__all__ = ["RegionReport", "RegionRow", "bars_of", "region_csv", "region_report", "summed"]

_CHUNK: Final = 200


@dataclass(frozen=True, slots=True)
class RegionRow:
    """Findings of a kind at an employer in a region: how many, about how many people; sums in fen."""

    employer_id: str
    region: str
    kind: str
    findings: int
    people: int
    without_sum: int
    owed: int
    late_fees: int


@dataclass(frozen=True, slots=True)
class RegionReport:
    """A region's findings on a day, by what was known on another. ``people``: looked at."""

    region: str
    as_of: date
    known_on: date
    people: int
    rows: tuple[RegionRow, ...]


def region_report(
    core: Core,
    region: str,
    as_of: date | None = None,
    known_on: date | None = None,
    progress: Callable[[int], None] = lambda people: None,
) -> RegionReport:
    """The findings about everybody who is insured in a region, or below it.

    Args:
        region: a code of GB/T 2260, or ``CN``.
        progress: called after every chunk: people looked at.
    """
    day = as_of or day_of(int(core.clock.local()))
    compliance = Compliance(read_book(core), day, known_on)
    here = true() if region == NATION else covered(InsuredPerson.region.expression, region)
    count = 0

    def found() -> Iterator[list[Finding]]:
        nonlocal count
        for people in _people(core, here):
            for insured in core.database.read(partial(load_people, core, ids=people)).values():
                count += 1
                # One report at a time: those of a whole page would be many times as much memory as its people.
                yield list(compliance.report(insured.person).findings)
            progress(count)

    rows = summed(found())
    return RegionReport(region, day, known_on or day, count, rows)


def summed(people: Iterable[list[Finding]]) -> tuple[RegionRow, ...]:
    """The rows of the findings of people, one list for each person."""
    sums: dict[tuple[str, str, str], list[int]] = {}
    for findings in people:
        seen: set[tuple[str, str, str]] = set()
        for one in findings:
            key = one.employer, one.region, one.kind
            row = sums.setdefault(key, [0, 0, 0, 0, 0])
            row[0] += 1
            row[1] += key not in seen
            row[2] += one.owed is None
            row[3] += one.owed or 0
            row[4] += one.late_fee or 0
            seen.add(key)
    return tuple(RegionRow(*key, *row) for key, row in sorted(sums.items()))


def bars_of(rows: Iterable[tuple[str, int, int, int]]) -> list[Bar]:
    """Rows as bars of a chart, the most frequent kind first.

    Args:
        rows: kind, findings, owed in fen, findings without a sum.
    """
    found: dict[str, list[int]] = {}
    for kind, *numbers in rows:
        bar = found.setdefault(kind, [0, 0, 0])
        found[kind] = [old + new for old, new in zip(bar, numbers, strict=True)]
    return [Bar(kind, *numbers) for kind, numbers in sorted(found.items(), key=lambda one: (-one[1][0], one[0]))]


def region_csv(report: RegionReport) -> str:
    """The rows as CSV, with a line of columns; sums in yuan."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(("employer_id", "region", "kind", "findings", "people", "without_sum", "owed", "late_fees"))
    for row in report.rows:
        sums = in_yuan(row.owed), in_yuan(row.late_fees)
        writer.writerow((row.employer_id, row.region, row.kind, row.findings, row.people, row.without_sum, *sums))
    return text.getvalue()


def _people(core: Core, here: ColumnElement[bool]) -> Iterator[list[str]]:
    after = ""
    while True:
        query = select(InsuredPerson.person_id).where(here, InsuredPerson.person_id > after)
        page = query.order_by(InsuredPerson.person_id).limit(_CHUNK)
        people = core.database.read(partial(_ids, page))
        if not people:
            return
        yield people
        after = people[-1]


def _ids(query: Select[str], session: Session) -> list[str]:
    return list(session.scalars(query))
