"""Social insurance of made-up people: registered by each employer they worked for, and paid month by month.

Promises:

1. Some have worked since the duty began in 2011, for several employers one after the other; most since their permit.
2. What is paid is what the rules say was owed, scheme by scheme; a few lack their last months, and their insurance has
   lapsed. Where no rate is known the sums are round ones.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from issuer.bulk.rows import Source
from issuer.insurance import registration
from issuer.insurance.contributions import Rates
from issuer.insurance.coverage import Duties
from issuer.insurance.due_days import due_day
from issuer.insurance.history import Employment, Person
from issuer.insurance.imports import COLUMNS, import_file
from issuer.insurance.money import in_yuan
from issuer.insurance.months import month_of, month_text
from issuer.insurance.records import load_people
from issuer.insurance.schemes import Scheme, scheme_names, scheme_set
from issuer.rules.book import RuleBook
from issuer.rules.store import read_book

from .authority import BY, Authority, Firm
from .stories import Life

__all__ = ["Books"]

#: Of a hundred people with a permit, those who are insured; of a hundred of these, those who lack months.
_INSURED: Final = 45
_BEHIND: Final = 6
#: One of so many people has worked since 2011.
_LONG: Final = 50
_LEAST_LONG: Final = 3
#: Born before it, somebody may have worked in 2011.
_OLD_ENOUGH: Final = 14_000
#: Begin and end of the work for employers before the present one, and the beginning of that.
_BEFORE: Final = (
    (date(2011, 11, 1), date(2015, 6, 30)),
    (date(2015, 9, 1), date(2019, 12, 31)),
)
_SINCE: Final = date(2020, 3, 1)
_INJURY: Final = "0.004"
#: Of a wage, where no rate is known.
_SHARES: Final = (16, 8)
#: Months that somebody lacks.
_LACKING: Final = 3


class Books:
    """The insured people of a demonstration."""

    def __init__(self, authority: Authority, until: date) -> None:
        self._authority, self._core, self._until = authority, authority.core, until
        self._codes: dict[str, str] = {}
        self._behind: set[str] = set()
        self._people: list[str] = []

    def register(self, lives: list[Life]) -> None:
        """Register those who came with a permit, some with all that they did before."""
        chance = self._authority.chance
        long_ago = self._until - timedelta(days=_OLD_ENOUGH)
        for here in self._authority.regions:
            self._codes.update({firm.organisation_id: firm.code for firm in here.employers})
        old = [life for life in lives if life.person.birth < long_ago and life.until and life.until > self._until]
        veterans = {id(life) for life in old[: max(_LEAST_LONG, len(lives) // _LONG)]}
        for life in lives:
            if id(life) in veterans:
                self._register_long(life)
            elif chance.randrange(100) < _INSURED:
                began = life.today - timedelta(days=chance.randint(20, 400))
                self._add(life, life.firm, began)
        for person_id in self._people:
            if chance.randrange(100) < _BEHIND:
                self._behind.add(person_id)

    def pay(self) -> None:
        """Write what was paid into the books, up to the last month that has fallen due."""
        if not self._people:
            return
        with tempfile.TemporaryDirectory(prefix="icard-demo-") as folder:
            path = Path(folder) / "contributions.csv"
            with path.open("w", newline="", encoding="utf-8") as file:
                rows = csv.writer(file)
                rows.writerow(COLUMNS.forms)
                rows.writerows(self._rows())
            import_file(self._core, Source.of(path), BY)

    def _register_long(self, life: Life) -> None:
        """Somebody who worked for two employers before this one."""
        others = [firm for firm in life.here.employers if firm is not life.firm]
        for (began, ended), firm in zip(_BEFORE, (others[0], others[-1]), strict=True):
            person_id = self._add(life, firm, began, ended)
            registration.end_work(self._core, firm.who, person_id, None, ended)
        self._add(life, life.firm, _SINCE)

    def _add(self, life: Life, firm: Firm, began: date, ended: date | None = None) -> str:
        wage = f"{life.person.wage}.00"
        new = life.person.registration(firm.region, began, ended or life.until, wage, _INJURY)
        person_id = registration.register(self._core, firm.who, new).person_id
        if person_id not in self._people:
            self._people.append(person_id)
        return person_id

    def _rows(self) -> Iterator[tuple[str, ...]]:
        core = self._core
        book = read_book(core)
        paid = _Paid(book, self._until)
        insured = core.database.read(lambda session: load_people(core, session, self._people))
        for person_id in self._people:
            one = insured[person_id]
            last = month_of(self._until) - 1 - (_LACKING if person_id in self._behind else 0)
            for employment in one.person.employments:
                if employment.recorded.replaced_on is not None:
                    continue
                for row in paid.months(one.person, employment, last):
                    yield (one.record.number, self._codes[employment.employer], *row)


class _Paid:
    """What is paid for a month."""

    def __init__(self, book: RuleBook, until: date) -> None:
        self._book, self._until = book, until
        self._duties, self._rates = Duties(book), Rates(book)

    def months(self, person: Person, employment: Employment, last: int) -> Iterator[tuple[str, ...]]:
        """Kind, month, scheme, both parts and day, up to a month."""
        ended = last if employment.ended is None else min(last, month_of(employment.ended))
        for month in range(month_of(employment.began), ended + 1):
            due = self._duties.month(person, employment, month).due
            if due:
                yield from self._month(employment, month, int(due))

    def _month(self, employment: Employment, month: int, due: int) -> Iterator[tuple[str, ...]]:
        region, wage = employment.region, employment.wage or 0
        day = min(due_day(self._book, region, month).day, self._until).isoformat()
        hosts = self._rates.terms(region, month).hosts
        # A scheme that is paid with another has no row of its own.
        own = [bit for bit in map(int, Scheme) if bit & due and not hosts.get(bit, 0) & due]
        employer_share, employee_share = _SHARES
        sums = dict.fromkeys(own, (wage * employer_share // 100, wage * employee_share // 100))
        known: dict[int, tuple[int, int]] = {}
        for one in self._rates.owed(region, month, wage, scheme_set(due), employment.injury_rate, known_on=self._until):
            employer, employee = known.get(int(one.scheme), (0, 0))
            known[int(one.scheme)] = employer + one.employer, employee + one.employee
        for bit, (employer, employee) in {**sums, **known}.items():
            (name,) = scheme_names(bit)
            yield ("paid", month_text(month), name, in_yuan(employer), in_yuan(employee), day)
