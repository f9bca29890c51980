"""Social insurance at size: contributions from a file, month-end lapses, compliance of many people and of one,
a region computed again after a late rate.

``python -m benchmarks.insurance`` runs at the sizes of the goals (1,000,000 rows; 10,000 lapses; 100,000 people);
``--people`` and ``--rows`` take smaller ones. Everything is done by the service's own functions on a new SQLite
database in a temporary folder, in one process; times are its processor time. People are made by writing their
records, not by registering them one by one.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy.orm import Session

from issuer.accounts.models import Person
from issuer.accounts.people import write_name
from issuer.acts import Actor
from issuer.bulk.rows import Source
from issuer.core import Core
from issuer.insurance.imports import import_file
from issuer.insurance.lapses import follow_due
from issuer.insurance.models import InsuredPerson
from issuer.insurance.months import month_of, month_text
from issuer.insurance.recomputation import begin_for_changes, recompute
from issuer.insurance.records import PersonRecord, add_fact, write_person
from issuer.insurance.region_report import region_report
from issuer.insurance.views import report_on
from issuer.rules.days import day_of
from issuer.rules.store import add_rules
from tests.kit.people import credit_code, new_service_under_test, organisation

__all__ = ["main", "measure"]

T = TypeVar("T")

_BY: Final = Actor("host:bench")
_SCHEMES: Final = ("pension", "medical", "unemployment", "work_injury")
_CHUNK: Final = 500
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

    for start in range(0, people, _CHUNK):
        places = range(start, min(start + _CHUNK, people))
        core.database.transact(lambda session, places=places: write(session, places))  # type: ignore[misc]


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
    """Measure, and print what was measured as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="contribution rows")
    parser.add_argument("--people", type=int, default=100_000, help="insured people")
    parser.add_argument("--months", type=int, default=36, help="months that they have worked")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(Path(folder), given.people, given.rows, given.months), indent=1))


def measure(folder: Path, people: int, rows: int, months: int) -> dict[str, float]:
    """What was measured, in seconds of processor time of this one process, and the most memory in MiB."""
    issuing_service = new_service_under_test(folder, f"sqlite:///{folder}/issuer.db", keys=True)
    core = issuing_service.core
    populate(core, organisation(issuing_service, "employer", 1), people, months)
    today = day_of(int(core.clock.local()))
    path = folder / "rows.csv"
    write_rows(path, rows, people, credit_code(1), today)
    found: dict[str, float] = {"people": people, "rows": rows, "months": months, "populated_mib": _most_mib()}

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
    issuing_service.later(40 * 86_400)
    seconds, followed = _timed(lambda: follow_due(core, _BY))
    found |= {"lapse_seconds": seconds, "lapse_people": followed.people, "lapsed": followed.lapsed}
    seconds, report = _timed(lambda: region_report(core, "310000"))
    found |= {
        "compliance_seconds": seconds,
        "compliance_people": report.people,
        "compliance_ms_a_person": 1000 * seconds / max(report.people, 1),
        "compliance_mib": _most_mib(),
    }
    add_rules(core, [_late_rate(today)], _BY)
    begin_for_changes(core, _BY)
    seconds, looked = _timed(lambda: recompute(core, _BY))
    found |= {
        "recompute_seconds": seconds,
        "recompute_ms_a_person": 1000 * seconds / max(looked, 1),
        "recompute_mib": _most_mib(),
    }
    each = [_timed(lambda place=place: report_on(core, person_id_of(place), None, None))[0] for place in range(20)]  # type: ignore[misc]
    found["one_person_ms"] = 1000 * sorted(each)[len(each) // 2]
    core.close()
    return {name: round(value, 3) for name, value in found.items()}


def _late_rate(today: date) -> dict[str, Any]:
    """A rate of the district that is published today, for the last twelve months."""
    first = today.replace(year=today.year - 1, day=1)
    row = _row("insurance_rates", "pension", _REGION, first, {"employer": "0.165", "employee": "0.08"})
    return {**row, "published_on": today.isoformat()}


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    begun = time.process_time()
    result = work()
    return time.process_time() - begun, result


def _most_mib() -> float:
    """The most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
