"""Compliance of an employer's staff: findings counted and summed by employer, region and kind.

Promises:

1. An employer gets its own and those of employers that were merged into it, an agency its clients', an official those
   of any employer that is asked for.
2. Rows add up: the sums of all rows are those of the people's reports. What has no known sum is counted apart.
3. People are read by the hundred; memory does not grow with the staff.
4. Today's are kept by person (:mod:`issuer.insurance.kept_sums`): only whoever changed since is computed again, and
   what anybody changed is in the next overview. No more people are computed at once than the caller wants to wait for.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from issuer.accounts.principals import Principal
from issuer.core import Core
from issuer.permits.models import Permit
from issuer.rules.store import read_book

from .compliance import Compliance, compliance_of_day
from .kept_sums import KeptSums, Version, kept_sums
from .models import InsuranceFact, InsuredPerson
from .money import known_yuan
from .parties import seen_employer, staff_of, with_merged
from .records import load_people
from .region_report import Key, RegionRow, Sums, add_sums, rows_of, sums_of
from .views import report_day

__all__ = ["Overview", "as_csv", "employer_overview"]

_CHUNK: Final = 500


@dataclass(frozen=True, slots=True)
class Overview:
    """An employer's findings on a day, by what was known on another.

    Args:
        staff: people on record; waiting: those of them who have not been looked at: their findings are in no row.
    """

    employer_id: str
    as_of: date
    known_on: date
    staff: int
    waiting: int
    rows: tuple[RegionRow, ...]


def employer_overview(
    core: Core,
    who: Principal,
    employer_id: str | None,
    as_of: date | None = None,
    known_on: date | None = None,
    *,
    at_most: int | None = None,
) -> Overview:
    """An employer's findings.

    Args:
        employer_id: None: one's own.
        at_most: people who are computed again; further ones wait for the next call. None: nobody waits.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``insurance.employer``.
        Invalid: ``insurance.day``.
    """
    if not who.may("insurance.read"):
        who.require("insurance.register")

    def choose(session: Session) -> tuple[str, set[str]]:
        chosen = seen_employer(core, session, who, employer_id)
        return chosen, with_merged(session, {chosen})

    chosen, employers = core.database.read(choose)
    day, book = report_day(core, as_of, known_on), read_book(core)
    compliance = compliance_of_day(book, day, known_on)
    # Other days than today are asked for now and then.
    kept = kept_sums(core) if as_of is None and known_on is None else KeptSums(0)
    total: Sums = {}
    staff = waiting = 0
    for people in _staff(core, employers):
        known = kept.find(book, day, people)
        new = [person_id for person_id in people if person_id not in known]
        if at_most is not None:
            waiting += len(new[at_most:])
            new = new[:at_most]
            at_most -= len(new)
        made = core.database.read(partial(_sums, core, compliance=compliance, people=new)) if new else {}
        kept.keep(book, day, people, made)
        for own in (*known.values(), *made.values()):
            add_sums(total, _as_one(own, employers, chosen))
        staff += len(people)
    return Overview(chosen, day, known_on or day, staff, waiting, rows_of(total))


def as_csv(overview: Overview) -> str:
    """The rows as CSV, with a line of columns; sums in yuan, empty where none is known."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(("region", "kind", "findings", "people", "without_sum", "owed", "late_fees"))
    for row in overview.rows:
        owed, late_fees = known_yuan(row.known_owed), known_yuan(row.known_fees)
        writer.writerow((row.region, row.kind, row.findings, row.people, row.without_sum, owed, late_fees))
    return text.getvalue()


def _staff(core: Core, employers: set[str]) -> Iterator[dict[str, Version]]:
    """The people whom employers have on record, by the hundred, with what their reports are made of at this moment."""
    after = ""
    while True:
        page = core.database.read(partial(_page, employers=employers, after=after))
        if not page:
            return
        yield page
        after = next(reversed(page))


def _page(session: Session, *, employers: set[str], after: str) -> dict[str, Version]:
    behind = staff_of(employers).where(InsuranceFact.person_id > after)
    people = behind.distinct().order_by(InsuranceFact.person_id).limit(_CHUNK).subquery()
    query = (
        select(InsuredPerson.person_id, InsuredPerson.changes, Permit.revision)
        .select_from(InsuredPerson)
        .join(people, people.c.person_id == InsuredPerson.person_id)
        .outerjoin(Permit, Permit.person_id == InsuredPerson.person_id)
        .order_by(InsuredPerson.person_id)
    )
    return {person_id: Version(changes, permit) for person_id, changes, permit in session.execute(query)}


def _sums(core: Core, session: Session, *, compliance: Compliance, people: Sequence[str]) -> dict[str, Sums]:
    """What each person's findings add up to."""
    loaded = load_people(core, session, people)
    return {name: sums_of(compliance.report(insured.person).findings) for name, insured in loaded.items()}


def _as_one(own: Sums, employers: set[str], chosen: str) -> Sums:
    """A person's sums with these employers: what was a merged employer's counts as its successor's."""
    found: Sums = {}
    for (employer, region, kind), row in own.items():
        if employer in employers:
            key: Key = chosen, region, kind
            add_sums(found, {key: row})
            # The same person, however many of the employers.
            count, _, *others = found[key]
            found[key] = (count, 1, *others)
    return found
