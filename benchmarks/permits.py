"""``python -m benchmarks.permits``: the checklist of an application, the reminders of a day, and days computed again.

Promises:

1. Rows are those of the tables, sealed and bound, made by the same code; only their number is synthetic.
2. The reminders of a day are looked for among a thousand permits and among a hundred thousand in one run, of which the
   same share ends soon.
3. The exit code is 0 whether or not a target is met.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy.orm import Session

from benchmarks.keeping import keep, table
from issuer.accounts.models import Organisation, Person
from issuer.core import Core
from issuer.permits import reminders
from issuer.permits.clockwork import recompute
from issuer.permits.guards import EmployerFacts, PaperFacts, facts_of, submit_refusals
from issuer.permits.materials import checklist
from issuer.permits.models import Filing, Permit
from issuer.permits.records import FilingRecord, record_from, write_filing
from issuer.rules.book import shipped
from issuer.rules.days import day_of
from issuer.rules.store import add_rules
from issuer.vault.at_rest import Place
from tests.kit.issuing_service import FakeClock, new_core
from tests.kit.people import HOST
from tests.kit.permit_office import person_record

__all__ = ["main"]

_DAY: Final = date(2026, 12, 21)
#: Monday, 21 December 2026, ten in the morning in Beijing.
_NOW: Final = 1_797_818_400.0
_CHUNK: Final = 500
#: Of a hundred permits, those whose end is within the days of the reminders.
_NEAR: Final = 12


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure and what it should be at most."""

    what: str
    at_most: float
    measured: float
    unit: str

    def row(self) -> list[str]:
        """A row of the table."""
        met = "met" if self.measured <= self.at_most else "missed"
        return [self.what, f"<= {self.at_most:g} {self.unit}", f"{self.measured:.2f} {self.unit}", met]


def checklist_and_guards(rounds: int) -> float:
    """Milliseconds for the checklist of an application and everything that may speak against it, the median."""
    book, record = shipped(), record_from(person_record(_DAY))
    facts = facts_of(record, "overseas", "310115", _DAY, agency=False, permit=None)
    sound = {"issued": _DAY, "state": "DEU", "way": "apostille", "authenticated_on": _DAY, "translated": True}
    papers = [PaperFacts(item.code, values={**sound, "sealed": True}) for item in checklist(book, facts)]
    employer = EmployerFacts("verified", None)

    def once() -> None:
        checklist(book, facts)
        submit_refusals(book, record, facts, employer, None, papers)

    return statistics.median(_seconds(once) for _ in range(rounds)) * 1000


def reminders_of_a_day(core: Core, rounds: int) -> tuple[float, float]:
    """Seconds for the permits that a reminder is due for today, the fastest of the rounds; and MB that it took."""

    def once() -> None:
        core.database.read(lambda session: reminders._due_permits(core, session))

    once()
    fastest = min(_seconds(once) for _ in range(rounds))
    tracemalloc.start()
    once()
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return fastest, peak


def fill_permits(core: Core, number: int) -> None:
    """So many permits in force, their ends spread over years, some of them near."""
    employer_id = _employer(core)
    for start in range(0, number, _CHUNK):

        def work(session: Session, places: range = range(start, min(start + _CHUNK, number))) -> None:
            now = core.clock.now(session)
            people = [_person(core, now) for _ in places]
            session.add_all(people)
            session.flush()
            session.add_all(
                _permit(core, now, employer_id, person.id, place) for person, place in zip(people, places, strict=True)
            )

        core.database.transact(work)


def fill_applications(core: Core, number: int) -> None:
    """So many accepted applications, whose decisions are due beyond the days that are known."""
    employer_id = _employer(core)
    record = record_from(person_record(_DAY))
    for start in range(0, number, _CHUNK):

        def work(session: Session, size: int = min(_CHUNK, number - start)) -> None:
            now = core.clock.now(session)
            session.add_all(_application(core, now, employer_id, record) for _ in range(size))

        core.database.transact(work)


def days_again(core: Core) -> tuple[int, float]:
    """How many applications moved when the next year's calendar came, and the seconds that computing them took."""
    recompute(core)
    holidays = [f"2027-01-{day:02d}" for day in (1, 4, 5, 6, 7, 8)]
    year = {"valid_from": "2027-01-01", "valid_to": "2027-12-31", "published_on": "2026-12-20"}
    value = {"off": holidays, "worked": []}
    row: dict[str, Any] = {"kind": "calendar", "id": "2027", "region": "CN", **year, "value": value}
    add_rules(core, [{**row, "source": "made up for a benchmark", "certainty": "J"}], HOST)
    begun = time.perf_counter()
    moved = recompute(core)
    return moved, time.perf_counter() - begun


def main() -> None:
    """Measure, print, write ``results/permits.json``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.permits", description=main.__doc__)
    parser.add_argument("--permits", type=int, default=100_000, help="permits (default: 100,000)")
    parser.add_argument("--applications", type=int, default=2000, help="open applications (default: 2,000)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each (default: 5)")
    asked = parser.parse_args()
    figures = [Figure("checklist and guards of one application", 5, checklist_and_guards(asked.rounds * 20), "ms")]
    seconds: dict[int, float] = {}
    for number in (1000, asked.permits):
        with tempfile.TemporaryDirectory(prefix="icard-bench-") as folder:
            core = _core(Path(folder))
            fill_permits(core, number)
            seconds[number], peak = reminders_of_a_day(core, asked.rounds)
            core.close()
    linear = seconds[asked.permits] / asked.permits / (seconds[1000] / 1000)
    figures += [
        Figure(f"permits due on a day among {asked.permits:,}", 2, seconds[asked.permits], "s"),
        Figure("the same, memory", 200, peak, "MB"),
        Figure("the same, for a permit, against 1,000 permits", 1.5, linear, "times"),
    ]
    with tempfile.TemporaryDirectory(prefix="icard-bench-") as folder:
        core = _core(Path(folder))
        fill_applications(core, asked.applications)
        moved, spent = days_again(core)
        core.close()
    figures.append(Figure(f"days of {moved:,} open applications computed again", 1, spent, "s"))
    print(table(["figure", "target", "measured", ""], [one.row() for one in figures]))
    keep("permits", databases={"SQLite": [asdict(one) for one in figures]})


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _core(folder: Path) -> Core:
    return new_core(folder, f"sqlite:///{folder}/issuer.db", keys=False, clock=FakeClock(_NOW).clock())


def _employer(core: Core) -> str:
    def work(session: Session) -> str:
        now = core.clock.now(session)
        row = Organisation(id="e" * 32, kind="employer", code_key="e" * 64, state="active", version=1, created_at=now)
        row.record = core.at_rest.seal(Place("organisations", "record", row.id), b'{"name": "A firm", "code": "x"}')
        session.add(row)
        return row.id

    return core.database.transact(work)


_ids = itertools.count(1)


def _person(core: Core, now: int) -> Person:
    row = Person(id=f"{next(_ids):032x}", identity_key=None, created_at=now)
    row.record = core.at_rest.seal(Place("persons", "record", row.id), b'{"name": "X"}')
    return row


def _permit(core: Core, now: int, employer_id: str, person_id: str, place: int) -> Permit:
    near = place % 100 < _NEAR
    until = _DAY + timedelta(days=place % 100 * 9 if near else 200 + place % 700)
    row = Permit(
        id=f"{next(_ids):032x}",
        person_id=person_id,
        number_key=f"{next(_ids):064x}",
        state="ACTIVE",
        employer_id=employer_id,
        region="310115",
        until=until.isoformat(),
        revision=1,
        created_at=now,
        changed_at=now,
    )
    row.record = core.at_rest.seal(Place("permits", "record", row.id), b'{"number": "1"}')
    return row


def _application(core: Core, now: int, employer_id: str, record: FilingRecord) -> Filing:
    day = day_of(now).isoformat()
    row = Filing(
        id=f"{next(_ids):032x}",
        process="overseas",
        state="ACCEPTED",
        region="310115",
        filer="employer",
        employer_id=employer_id,
        rules_on=day,
        submitted_on=day,
        accepted_on=day,
        prolonged=0,
        returns=0,
        revision=1,
        created_at=now,
        changed_at=now,
    )
    write_filing(core, row, record)
    return row


if __name__ == "__main__":
    main()
