"""``python -m benchmarks.staff_page``: the insurance page of an employer with many people.

``icard-issuer serve`` runs as for :mod:`benchmarks.portal`. An employer of the demo data gets 2,500 more people, who
have worked for a year. All limits and rates are known, and contributions are paid but for the first and the last month.
The rows come from a file. Measured are, one request at a time:

- milliseconds to the first byte before anybody has been checked, as after a start or on a new day;
- seconds until the findings of everybody are on the page, by the steps that it takes by itself;
- milliseconds to the first byte right after a payment for one of the people, which another process has written: each
  time less has to be owed on the page than before;
- the server's resident memory before and afterwards.

The exit code is 0 whether or not a target is met.
"""

from __future__ import annotations

import argparse
import html
import os
import re
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select

from benchmarks.insurance import number_of, populate, write_rows
from benchmarks.keeping import keep, table
from benchmarks.portal import Served, figure_row, first_byte, p95, resident, serving
from issuer.accounts.fields import normal_login
from issuer.accounts.models import Account
from issuer.accounts.people import login_key
from issuer.acts import Actor
from issuer.bulk.rows import Source
from issuer.core import Core
from issuer.insurance.books import record
from issuer.insurance.imports import import_file
from issuer.insurance.months import month_of
from issuer.insurance.new_entries import NewEntry
from issuer.insurance.schemes import Scheme
from issuer.permits.people import organisation_record
from issuer.rules.days import day_of
from issuer.settings import Settings

__all__ = ["TARGETS", "main"]

_BY: Final = Actor("host:bench")
_EMPLOYER: Final = "demo.employer"
_PAGE: Final = "insurance"
_SCHEMES: Final = 4

UNCHECKED = "first byte before anybody was checked, ms"
CHECKED = "until everybody's findings are on the page, s"
PAID = "first byte right after a payment, p95, ms"
MEMORY = "the server's memory, more than before, MiB"
#: What is promised of each; None: reported only.
TARGETS: Final[Mapping[str, float | None]] = {UNCHECKED: 300.0, CHECKED: None, PAID: 300.0, MEMORY: None}


def main() -> None:
    """Measure, print, write ``results/staff_page.json``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.staff_page", description=main.__doc__)
    parser.add_argument("--people", type=int, default=2_500, help="of the employer (default: 2500)")
    parser.add_argument("--months", type=int, default=12, help="that they have worked (default: 12)")
    parser.add_argument("--rounds", type=int, default=40, help="payments (default: 40)")
    parser.add_argument("--no-keep", action="store_true", help="write no result")
    asked = parser.parse_args()
    load = round(os.getloadavg()[0], 1)
    with tempfile.TemporaryDirectory(prefix="icard-bench-") as folder:
        _say("an authority ...")
        with serving(Path(folder), people=40) as served:
            told = _measure(served, Path(folder), asked.people, asked.months, asked.rounds)
    rows = [figure_row(what, told[what], target) for what, target in TARGETS.items()]
    print(table(["", "measured", "target"], rows))
    if not asked.no_keep:
        keep("staff_page", load_at_the_start=load, people=asked.people, months=asked.months, figures=told)


def _measure(served: Served, folder: Path, people: int, months: int, rounds: int) -> dict[str, Any]:
    core = Core.open(Settings.load(served.folder))
    employer_id, code = _employer(core)
    today = day_of(int(core.clock.local()))
    _say(f"{people} people ...")
    populate(core, employer_id, people, months)
    path = folder / "rows.csv"
    write_rows(path, people * (months - 2) * _SCHEMES, people, code, today)
    _say("what was paid ...")
    import_file(core, Source.of(path), _BY)

    _say("the page ...")
    reader = served.reader(_EMPLOYER)
    before = resident(served.pid)
    unchecked = first_byte(reader, _PAGE)
    begun, steps = time.perf_counter(), 0
    reader.open(_PAGE)
    while onward := re.search(r'href="([^"]+)" data-continue', reader.here):
        reader.open(html.unescape(onward[1]))
        steps += 1
    checked = time.perf_counter() - begun
    taken, owed = [], _owed(reader.text)
    for number in range(rounds):
        # Of every thirty people this one is young enough to be insured.
        who, month = number_of(30 * number + 25), month_of(today) - months + 1
        row = NewEntry(who, code, "paid", month, Scheme.PENSION, 100, 100, today)
        record(core, [row], _BY, 4 * f"{number:08x}")
        taken.append(first_byte(reader, _PAGE))
        less = _owed(reader.open(_PAGE))
        if not less < owed:
            raise RuntimeError(f"after a payment the page says {less}, before it {owed}")
        owed = less
    core.close()
    more = resident(served.pid) - before
    return {UNCHECKED: unchecked, CHECKED: checked, PAID: p95(taken), MEMORY: more, "steps": steps, "payments": rounds}


def _employer(core: Core) -> tuple[str, str]:
    """The employer of the demo account: its id and its code."""
    query = select(Account).where(Account.login_key == login_key(core, normal_login(_EMPLOYER)))
    employer_id = core.database.read(lambda session: session.scalars(query).one()).organisation_id or ""
    found = core.database.read(lambda session: organisation_record(core, session, employer_id))
    return employer_id, str(found["code"])


def _owed(text: str) -> float:
    """What a page says is owed in all, in yuan."""
    found = re.search(r"Owed, CNY ([\d.]+)", text)
    if found is None:
        raise RuntimeError("the page says nothing of what is owed")
    return float(found[1])


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
