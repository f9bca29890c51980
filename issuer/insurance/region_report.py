"""Compliance of a whole region: findings counted and summed by employer and kind, for the host.

Promises:

1. People are read by the hundred and computed one by one, in one process or in several; memory does not grow with the
   region, and progress is reported.
2. Rows add up: their sums are those of the people's reports, in whatever order these are read. What has no known sum is
   counted apart.
3. A report for a day, by what was known on a day, is the same whenever it is made.
"""

from __future__ import annotations

import csv
import io
import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import asdict, dataclass
from datetime import date
from functools import partial
from typing import Any, Final, Literal, TypeAlias

from sqlalchemy import ColumnElement, Select, select, true
from sqlalchemy.orm import Session

from issuer.core import Core
from issuer.permits.parties import covered
from issuer.rules.days import day_of
from issuer.rules.regions import NATION
from issuer.rules.store import read_book

from .chart import Bar
from .compliance import Compliance
from .findings import BREACHES, Finding
from .models import InsuredPerson
from .money import known_yuan
from .records import load_people

__all__ = [
    "Key",
    "NoSum",
    "RegionReport",
    "RegionRow",
    "Sums",
    "add_sums",
    "bars_of",
    "region_csv",
    "region_report",
    "rows_of",
    "summed",
    "sums_of",
]

#: no_rule: limits, rates or the wage are not known here; no_amount: a finding of this kind owes nothing by itself.
NoSum = Literal["no_rule", "no_amount"]
_CHUNK: Final = 200
#: Employer, region and kind of findings.
Key: TypeAlias = tuple[str, str, str]
#: By their key: findings, people, findings without a sum, owed, late fees.
Sums: TypeAlias = dict[Key, tuple[int, ...]]
_NOTHING: Final = (0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class RegionRow:
    """Findings of a kind at an employer in a region: how many, about how many people; sums in fen.

    ``owed`` and ``late_fees`` add up what is known; ``without_sum`` counts the findings of which nothing is.
    """

    employer_id: str
    region: str
    kind: str
    findings: int
    people: int
    without_sum: int
    owed: int
    late_fees: int

    @property
    def known_owed(self) -> int | None:
        """What is owed; None: of none of these findings, for the reason in ``no_sum``."""
        return None if self.without_sum == self.findings else self.owed

    @property
    def known_fees(self) -> int | None:
        """Late fees; None: none, and nothing is known to be owed."""
        return None if self.known_owed is None and not self.late_fees else self.late_fees

    @property
    def no_sum(self) -> NoSum | None:
        """Why nothing is known to be owed."""
        if self.known_owed is not None:
            return None
        return "no_rule" if self.kind in BREACHES else "no_amount"

    def to_json(self) -> dict[str, Any]:
        """For a program; sums in yuan, null where none is known."""
        sums = {"owed": known_yuan(self.known_owed), "late_fees": known_yuan(self.known_fees)}
        return {**asdict(self), **sums, "no_sum": self.no_sum}


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
    processes: int = 1,
) -> RegionReport:
    """The findings about everybody who is insured in a region, or below it.

    Args:
        region: a code of GB/T 2260, or ``CN``.
        progress: called after every chunk: people looked at.
        processes: how many compute; more than one only where this process has no other thread, for they are forked.
    """
    day = as_of or day_of(int(core.clock.local()))
    compliance = Compliance(read_book(core), day, known_on)
    here = true() if region == NATION else covered(InsuredPerson.region.expression, region)
    several = processes > 1 and "fork" in multiprocessing.get_all_start_methods()
    pages = _by_processes(core, here, compliance, processes) if several else _here(core, here, compliance)
    count = 0
    sums: Sums = {}
    for people, found in pages:
        count += people
        add_sums(sums, found)
        progress(count)
    return RegionReport(region, day, known_on or day, count, rows_of(sums))


def sums_of(findings: Iterable[Finding]) -> Sums:
    """What one person's findings add up to."""
    sums: Sums = {}
    for one in findings:
        key = one.employer, one.region, one.kind
        count, _, unknown, owed, fees = sums.get(key, _NOTHING)
        sums[key] = count + 1, 1, unknown + (one.owed is None), owed + (one.owed or 0), fees + (one.late_fee or 0)
    return sums


def add_sums(total: Sums, more: Sums) -> None:
    """Add the sums of other people."""
    for key, row in more.items():
        before = total.get(key)
        total[key] = row if before is None else tuple([old + new for old, new in zip(before, row, strict=True)])


def summed(people: Iterable[Iterable[Finding]]) -> Sums:
    """What the findings of people add up to, those of one after those of the other."""
    total: Sums = {}
    for findings in people:
        add_sums(total, sums_of(findings))
    return total


def rows_of(total: Sums) -> tuple[RegionRow, ...]:
    """The sums as rows, in the order of employer, region and kind."""
    return tuple(RegionRow(*key, *row) for key, row in sorted(total.items()))


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
    """The rows as CSV, with a line of columns; sums in yuan, empty where none is known."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(("employer_id", "region", "kind", "findings", "people", "without_sum", "owed", "late_fees"))
    for row in report.rows:
        sums = known_yuan(row.known_owed), known_yuan(row.known_fees)
        writer.writerow((row.employer_id, row.region, row.kind, row.findings, row.people, row.without_sum, *sums))
    return text.getvalue()


def _here(core: Core, here: ColumnElement[bool], compliance: Compliance) -> Iterator[tuple[int, Sums]]:
    """The sums of each page of people, and how many these are."""
    return (_page(core, compliance, people) for people in _people(core, here))


def _page(core: Core, compliance: Compliance, people: list[str]) -> tuple[int, Sums]:
    loaded = core.database.read(partial(load_people, core, ids=people))
    return len(loaded), summed(compliance.report(insured.person).findings for insured in loaded.values())


def _by_processes(
    core: Core, here: ColumnElement[bool], compliance: Compliance, processes: int
) -> Iterator[tuple[int, Sums]]:
    """As :func:`_here`, computed by so many processes; a few pages are on their way at a time."""
    # A connection must not be used on both sides of a fork: there is none while the processes start.
    core.database.close()
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(processes, context, _begin, (core, compliance)) as pool:
        pool.submit(len, ()).result()
        waiting: deque[Future[tuple[int, Sums]]] = deque()
        for people in _people(core, here):
            waiting.append(pool.submit(_in_process, people))
            if len(waiting) > 2 * processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


#: What a process that was forked for a report computes with.
_given: list[tuple[Core, Compliance]] = []


def _begin(core: Core, compliance: Compliance) -> None:
    _given.append((core, compliance))


def _in_process(people: list[str]) -> tuple[int, Sums]:
    core, compliance = _given[-1]
    return _page(core, compliance, people)


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
