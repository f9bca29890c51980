"""A long file of contributions with every kind of fault in it, whose import is killed again and again."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from benchmarks.insurance import number_of, populate
from issuer.bulk.models import BulkRefusal
from issuer.insurance.models import InsuranceEntry
from issuer.insurance.months import month_of, month_text
from issuer.rules.days import day_of
from tests.issuer.conftest import new_database_url
from tests.kit.people import count, credit_code, new_service_under_test, organisation

_HEAD = "number,employer_code,kind,month,scheme,employer_part,employee_part,day\n"
_SCHEMES = ("pension", "medical", "unemployment", "work_injury")
_MONTHS = 30
#: What takes the place of every two-hundredth row, one after the other.
_FAULTS = (
    b"DEU0NOBODY00000000,{code},paid,2026-03,pension,4800.00,2400.00,{day}\n",
    b"{number},{code},paid,2026-13,pension,4800.00,2400.00,{day}\n",
    b"{number},{code},paid,2026-03,pension,1.234,2400.00,{day}\n",
    b"{number},{code},paid,2026-03,pension,-1.00,2400.00,{day}\n",
    b"{number},{code},paid,1990-03,pension,4800.00,2400.00,{day}\n",
    b"{number},{code},lent,2026-03,pension,4800.00,2400.00,{day}\n",
    b"{number},{code},paid\n",
)


def write_file(path: Path, rows: int, people: int, today: date) -> int:
    """A file of so many rows, with a sum at its end; how many of them are at fault."""
    faulty = 0
    code, day = credit_code(1), today.isoformat()
    with path.open("wb") as file:
        file.write(_HEAD.encode())
        for row in range(rows - 1):
            place, turn = row % people, row // people
            number = number_of(place)
            if row % 200 == 199:
                line = _FAULTS[faulty % len(_FAULTS)]
                for name, value in (("number", number), ("code", code), ("day", day)):
                    line = line.replace(f"{{{name}}}".encode(), value.encode())
                faulty += 1
            else:
                month = month_text(month_of(today) - 1 - turn // len(_SCHEMES))
                values = (number, code, "paid", month, _SCHEMES[turn % len(_SCHEMES)], "4800.00", "2400.00", day)
                line = ",".join(values).encode() + b"\n"
            file.write(line)
        file.write(b"Sum,,,,,72000.00,36000.00,\n")
    return faulty + 1


@pytest.mark.walk
@pytest.mark.parametrize(
    ("rows", "people", "kills"),
    [
        pytest.param(6_000, 60, (1, 2), id="6,000 rows"),
        pytest.param(2_000_000, 20_000, (1, 100, 700), id="2,000,000 rows", marks=pytest.mark.soak),
    ],
)
def test_each_row_of_a_long_file_is_written_or_refused_once(
    tmp_path: Path, rows: int, people: int, kills: tuple[int, ...], record_property: Callable[[str, object], None]
) -> None:
    """Contributions with faults of every kind and a sum at the end, killed again and again: each row is in the books or
    among the refused, none twice, and memory is flat."""
    url = new_database_url("sqlite", tmp_path)
    service = new_service_under_test(tmp_path, url, keys=True)
    populate(service.core, organisation(service, "employer", 1), people, _MONTHS)
    path = tmp_path / "rows.csv"
    faulty = write_file(path, rows, people, day_of(int(service.core.clock.local())))
    command = [sys.executable, "-m", "tests.kit.contributions_process", str(tmp_path), url, str(path)]
    for batches in kills:
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for _ in range(batches):
                process.stdout.readline()
            process.kill()
    ended = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    *_, done, refused, mebibytes = map(int, ended)
    assert (done, refused) == (rows - faulty, faulty)
    assert [count(service.core, table) for table in (InsuranceEntry, BulkRefusal)] == [done, refused]
    assert mebibytes < 300
    about = {"kills": len(kills), "written": f"{done:,}", "refused": f"{refused:,}", "most memory, MiB": mebibytes}
    for name, value in about.items():
        record_property(name, value)
    service.core.close()
