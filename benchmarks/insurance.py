"""``python -m benchmarks.insurance``: contributions from a file, compliance of many people and of one, what one payment
computes, and a region computed again after a late rate.

By default at the sizes of the goals: 1,000,000 rows of 100,000 people over 36 months, on a new SQLite database in a
temporary folder, by the service's own functions. That takes about a quarter of an hour; ``--people 2000 --rows 24000``
takes half a minute, with the goals of whole regions in proportion. Only on an idle machine are the times worth keeping.
Compliance is measured by the wall clock with ``--processes`` processes (2), all else in processor time of one process.
People are made by writing their records, not by registering them one by one. The lapses of a month's end, which need
cards and an origin, are measured by ``python -m benchmarks.month_end``. The exit code is 0 in any case.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar
from unittest.mock import patch

from sqlalchemy.orm import Session

from benchmarks.keeping import keep, table
from issuer.accounts.models import Person
from issuer.accounts.people import write_name
from issuer.acts import Actor
from issuer.bulk.rows import Source
from issuer.core import Core
from issuer.insurance.books import record
from issuer.insurance.imports import import_file
from issuer.insurance.lapses import follow, follow_due
from issuer.insurance.models import InsuredPerson
from issuer.insurance.months import month_of, month_text
from issuer.insurance.new_entries import NewEntry
from issuer.insurance.recomputation import begin_for_changes, recompute
from issuer.insurance.records import PersonRecord, add_fact, write_person
from issuer.insurance.region_report import region_report
from issuer.insurance.schemes import Scheme
from issuer.insurance.views import report_on
from issuer.rules.days import day_of
from issuer.rules.store import add_rules
from tests.kit.people import credit_code, new_service_under_test, organisation

__all__ = ["main", "measure"]

T = TypeVar("T")

_BY: Final = Actor("host:bench")
_SCHEMES: Final = ("pension", "medical", "unemployment", "work_injury")
_CHUNK: Final = 500
#: People of a page of a region's report.
_PAGE: Final = 200
#: The goals.
_PEOPLE: Final = 100_000
_ROWS: Final = 10_000
_IMPORT_MIB: Final = 300
_COMPLIANCE: Final = 60.0
_COMPLIANCE_MIB: Final = 500
_ONE_PERSON_MS: Final = 5.0
_REGION: Final = "310115"
_CITY: Final = "310100"
_RATES: Final = {
    "pension": {"employer": "0.16", "employee": "0.08"},
    "medical": {"employer": "0.105", "employee": "0.02"},
    "unemployment": {"employer": "0.005", "employee": "0.005"},
    "work_injury": {"employer_from": "0.0016", "employer_to": "0.0152"},
}


def number_of(place: int) -> str:
    """An insurance number of its own for each place."""
    return f"DEU0{place:014d}"


def person_id_of(place: int) -> str:
    """The id of the person at a place."""
    return f"{place:032x}"


def populate(core: Core, employer_id: str, people: int, months: int) -> None:
    """People who have worked in Shanghai for some months, for 400 different wages between floor and cap and above; all
    limits and rates of these months are known."""
    today = day_of(int(core.clock.local()))
    add_rules(core, list(_known_rates(today, months)), _BY)
    # As long as there is nobody to compute again.
    begin_for_changes(core, _BY)
    recompute(core, _BY)
    add_people(core, employer_id, range(people), months)


def add_people(core: Core, employer_id: str, places: range, months: int) -> None:
    """Insured people of an employer, at these places, who have worked in Shanghai for some months."""
    today = day_of(int(core.clock.local()))
    began = (today.replace(day=1) - timedelta(days=30 * months)).replace(day=1)

    def write(session: Session, places: range) -> None:
        now = core.clock.now(session)
        for place in places:
            person = Person(id=person_id_of(place), identity_key=None, created_at=now)
            write_name(core, person, f"MUSTER {place}")
            session.add(person)
        session.flush()
        for place in places:
            row = InsuredPerson(
                person_id=person_id_of(place),
                region=_REGION,
                state="good",
                lapsed_since=None,
                look_on=today.isoformat(),
                revision=1,
                created_at=now,
                changed_at=now,
            )
            born = date(1970 + place % 30, 1 + place % 12, 1 + place % 28)
            write_person(
                core, row, PersonRecord(number_of(place), True, False, "MUSTER", str(place), "DEU", born, "female")
            )
            session.add(row)
        session.flush()
        for place in places:
            for kind, body in _facts(began, today, _wage(place)):
                add_fact(core, session, now, person_id_of(place), kind, body, employer_id)

    for start in range(0, len(places), _CHUNK):
        chunk = places[start : start + _CHUNK]
        core.database.transact(lambda session, chunk=chunk: write(session, chunk))  # type: ignore[misc]


def _wage(place: int) -> int:
    """In fen."""
    return 100 * (8_000 + 97 * (place % 400))


def _known_rates(today: date, months: int) -> Iterator[dict[str, Any]]:
    """Limits that change every July, and the rates of all schemes: those that ship have gaps."""
    for name, value in _RATES.items():
        yield _row("insurance_rates", name, _CITY, today.replace(year=today.year - months // 12 - 2, day=1), value)
    for year in range(today.year - months // 12 - 2, today.year + 1):
        value = {"floor": str(7_000 + 100 * (year % 10)), "cap": str(36_000 + 300 * (year % 10))}
        first = date(year, 7, 1)
        last = None if year == today.year else date(year + 1, 6, 30)
        yield _row("insurance_limits", "base", _CITY, first, value, last)


def _row(
    kind: str, name: str, region: str, first: date, value: dict[str, str], last: date | None = None
) -> dict[str, Any]:
    days = {"valid_from": first.isoformat(), "valid_to": last.isoformat() if last else None}
    about = {"published_on": first.isoformat(), "source": "made for this measurement", "certainty": "S"}
    return {"kind": kind, "id": name, "region": region, **days, "value": value, **about}


def _facts(began: date, today: date, wage: int) -> Iterator[tuple[Any, dict[str, Any]]]:
    first = began.isoformat()
    yield "basis", {"kind": "work_permit", "obtained": first, "first": first, "last": None}
    yield (
        "employment",
        {
            "region": _REGION,
            "began": first,
            "ended": None,
            "wage": wage,
            "injury_rate": "0.0026",
            "sent": False,
            "same_name": True,
        },
    )
    yield (
        "enrolment",
        {
            "region": _REGION,
            "schemes": [*_SCHEMES, "maternity"],
            "registered": today.isoformat(),
            "first_month": month_of(began),
            "last_month": None,
        },
    )


def write_rows(path: Path, rows: int, people: int, code: str, today: date) -> None:
    """A file of payments, spread over people, schemes and months; no row is in it twice."""
    last = month_of(today) - 1
    with path.open("w", encoding="utf-8") as file:
        file.write("number,employer_code,kind,month,scheme,employer_part,employee_part,day\n")
        for row in range(rows):
            place, turn = row % people, row // people
            month = month_text(last - turn // len(_SCHEMES))
            scheme = _SCHEMES[turn % len(_SCHEMES)]
            file.write(f"{number_of(place)},{code},paid,{month},{scheme},4800.00,2400.00,{today.isoformat()}\n")


def main() -> None:
    """Measure, print, and write ``results/insurance.json``."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.insurance", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000, help="contribution rows (default: 1000000)")
    parser.add_argument("--people", type=int, default=_PEOPLE, help="insured people (default: 100000)")
    parser.add_argument("--months", type=int, default=36, help="months that they have worked (default: 36)")
    parser.add_argument("--processes", type=int, default=2, help="processes that report compliance (default: 2)")
    parser.add_argument("--no-keep", action="store_true", help="write no result")
    asked = parser.parse_args()
    # As the commands do.
    gc.collect()
    gc.freeze()
    with tempfile.TemporaryDirectory() as folder:
        told = measure(Path(folder), asked.people, asked.rows, asked.months, asked.processes)
    print(table(["", "measured", "goal"], list(_goals(told))))
    print(json.dumps(told, indent=1))
    if not asked.no_keep:
        keep("insurance", **told)


def _goals(told: dict[str, float]) -> Iterator[list[str]]:
    """The figures that have a goal; that of all people is in proportion to how many there are."""
    seconds = _COMPLIANCE * told["people"] / _PEOPLE
    for name, at_most in (
        ("import_mib", _IMPORT_MIB),
        ("compliance_seconds", seconds),
        ("compliance_mib", _COMPLIANCE_MIB),
        ("one_person_ms", _ONE_PERSON_MS),
    ):
        yield [name, f"{told[name]:g}", f"<= {at_most:g}: {'met' if told[name] <= at_most else 'missed'}"]
    rate = told["import_rows_a_second"]
    yield ["import_rows_a_second", f"{rate:g}", f">= {_ROWS}: {'met' if rate >= _ROWS else 'missed'}"]
    for name in ("one_payment_people", "one_payment_ms", "recompute_seconds", "recompute_turns", "recompute_mib"):
        yield [name, f"{told[name]:g}", "1" if name == "one_payment_people" else ""]


def measure(folder: Path, people: int, rows: int, months: int, processes: int) -> dict[str, float]:
    """What was measured: seconds, and the most memory in MiB of all processes together."""
    issuing_service = new_service_under_test(folder, f"sqlite:///{folder}/issuer.db", keys=True)
    core = issuing_service.core
    _say(f"{people} people ...")
    populate(core, organisation(issuing_service, "employer", 1), people, months)
    today = day_of(int(core.clock.local()))
    path = folder / "rows.csv"
    write_rows(path, rows, people, credit_code(1), today)
    found: dict[str, float] = {"people": people, "rows": rows, "months": months, "populated_mib": _most_mib()}

    _say(f"{rows} rows ...")
    written = [time.process_time()]
    seconds, imported = _timed(
        lambda: import_file(core, Source.of(path), _BY, lambda *_: written.append(time.process_time()))
    )
    # Rows are written first; then the import looks at everybody whose books changed.
    rows_seconds = written[-1] - written[0]
    found |= {
        "import_rows_seconds": rows_seconds,
        "import_rows_a_second": imported.done / rows_seconds,
        "import_followed_seconds": seconds - rows_seconds,
        "import_refused": imported.refused,
        "import_lapsed": imported.followed.lapsed,
        "import_mib": _most_mib(),
    }
    found |= _one_payment(core, today)
    each = [_timed(lambda place=place: report_on(core, person_id_of(place), None, None))[0] for place in range(20)]  # type: ignore[misc]
    found["one_person_ms"] = 1000 * sorted(each)[len(each) // 2]

    issuing_service.later(40 * 86_400)
    _say("lapses by the day alone ...")
    seconds, followed = _timed(lambda: follow_due(core, _BY))
    found |= {"lapse_seconds": seconds, "lapse_people": followed.people, "lapsed": followed.lapsed}

    _say(f"compliance by {processes} processes ...")
    begun, worked = time.perf_counter(), _worked()
    shared: list[float] = []

    def progress(people: int) -> None:
        if people % 2_000 < _PAGE:
            shared.append(_shared_mib())

    report = region_report(core, "310000", progress=progress, processes=processes)
    seconds = time.perf_counter() - begun
    found |= {
        "processes": processes,
        "compliance_seconds": seconds,
        "compliance_people": report.people,
        "compliance_findings": sum(row.findings for row in report.rows),
        "compliance_processor_ms_a_person": 1000 * (_worked() - worked) / max(report.people, 1),
        "compliance_mib": max(shared),
    }
    _say("computed again after a late rate ...")
    add_rules(core, [_late_rate(today)], _BY)
    begin_for_changes(core, _BY)
    turns: list[int] = []
    seconds, looked = _timed(lambda: recompute(core, _BY, progress=lambda done, _: turns.append(done)))
    found |= {
        "recompute_seconds": seconds,
        "recompute_ms_a_person": 1000 * seconds / max(looked, 1),
        "recompute_turns": len(turns),
        "recompute_mib": _most_mib(),
    }
    core.close()
    return {name: round(value, 3) for name, value in found.items()}


def _one_payment(core: Core, today: date) -> dict[str, float]:
    """One payment among all people: how many of them were computed again, and how long it took."""
    computed: list[str] = []

    def counted(core: Core, session: Session, now: int, people: Sequence[str], by: Actor) -> Any:
        computed.extend(people)
        return follow(core, session, now, people, by)

    row = NewEntry(number_of(7), credit_code(1), "paid", month_of(today) - 9, Scheme.PENSION, 100, 100, today)
    with patch("issuer.insurance.books.follow", counted):
        seconds, _ = _timed(lambda: record(core, [row], _BY, "0" * 32))
    return {"one_payment_people": len(computed), "one_payment_ms": 1000 * seconds}


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _late_rate(today: date) -> dict[str, Any]:
    """A rate of the district that is published today, for the last twelve months."""
    first = today.replace(year=today.year - 1, day=1)
    row = _row("insurance_rates", "pension", _REGION, first, {"employer": "0.165", "employee": "0.08"})
    return {**row, "published_on": today.isoformat()}


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    begun = time.process_time()
    result = work()
    return time.process_time() - begun, result


def _worked() -> float:
    """Seconds of processor time of this process and of its children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _most_mib() -> float:
    """The most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _shared_mib() -> float:
    """The memory of this process and its children now; a page that several share counts once."""
    kib = 0
    for process in ("self", *(child.pid for child in multiprocessing.active_children())):
        with suppress(OSError):
            lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
            kib += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kib / 1024


if __name__ == "__main__":
    main()
