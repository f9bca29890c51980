"""Contributions of a month reconciled: of each person what was reported, what the rules say is owed, what was paid.

Promises:

1. An employer sees its own staff and that of employers that were merged into it, an agency its clients', an official
   whoever they may see; another's is not there.
2. Sums are those of the books and of the compliance report: owed is what is known today, with the differences of limits
   and rates that were published late. Where no rule is known, or no wage, owed is open and never zero.
3. People are read a page at a time.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import Literal

from sqlalchemy.orm import Session

from issuer.accounts.principals import Principal
from issuer.core import Core
from issuer.db.pages import page_of
from issuer.rules.days import day_of
from issuer.rules.store import book_of

from .contributions import Rates
from .coverage import Duties
from .history import Employment, Person
from .ledger import Balance, balances
from .models import InsuranceFact
from .months import first_day, last_day
from .parties import seen_employer, staff_of, with_merged
from .records import load_people
from .schemes import Scheme, scheme_names

__all__ = ["Reconciled", "ReconciledScheme", "Standing", "reconciled"]

#: settled: paid is what is owed; short, over: it is less or more; open: what is owed is not known; later: not due yet.
Standing = Literal["settled", "short", "over", "open", "later", "nothing"]


@dataclass(frozen=True, slots=True)
class ReconciledScheme:
    """A scheme of a month, sums in fen. ``owed``: None: no rule known here, or no wage."""

    scheme: str
    reported: int
    owed: int | None
    paid: int


@dataclass(frozen=True, slots=True)
class Reconciled:
    """A person's month with an employer. ``due``: the last day to pay; None: nothing is due that month."""

    person_id: str
    name: str
    schemes: tuple[ReconciledScheme, ...]
    due: date | None
    standing: Standing

    @property
    def reported(self) -> int:
        """In fen, all schemes."""
        return sum(one.reported for one in self.schemes)

    @property
    def owed(self) -> int | None:
        """In fen, all schemes; None: of one it is not known."""
        sums = [one.owed for one in self.schemes]
        return None if any(one is None for one in sums) else sum(one or 0 for one in sums)

    @property
    def paid(self) -> int:
        """In fen, all schemes, refunds taken off."""
        return sum(one.paid for one in self.schemes)


def reconciled(
    core: Core, who: Principal, employer_id: str | None, month: int, *, after: str = "", limit: int = 50
) -> list[Reconciled]:
    """A page of an employer's people, in the order of their ids.

    Args:
        employer_id: None: one's own.
        month: as :func:`issuer.insurance.months.month_of` counts.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``insurance.employer``.
    """
    if not who.may("insurance.read"):
        who.require("insurance.register")

    def look(session: Session) -> list[Reconciled]:
        employers = with_merged(session, {seen_employer(core, session, who, employer_id)})
        staff = staff_of(employers).distinct()
        ids = list(session.scalars(page_of(staff, InsuranceFact.person_id, after, limit)))
        today, book = day_of(core.clock.now(session)), book_of(session)
        month_of_it = _Month(Duties(book), Rates(book), month, today)
        found = []
        for name, insured in load_people(core, session, ids).items():
            record = insured.record
            known = insured.person.as_known(today)
            shown = f"{record.surname} {record.given}".strip()
            found.append(month_of_it.of(name, shown, known, employers))
        return sorted(found, key=lambda one: one.person_id)

    return core.database.read(look)


@dataclass(frozen=True, slots=True)
class _Month:
    """A month, with what says what it owes."""

    duties: Duties
    rates: Rates
    month: int
    today: date

    def of(self, person_id: str, name: str, person: Person, employers: set[str]) -> Reconciled:
        """A person's month with an employer, and with those that were merged into it."""
        worked = [one for one in person.employments if one.employer in employers and self._covers(one)]
        owed: dict[int, int | None] = {}
        due: date | None = None
        for employment in worked:
            duty = self.duties.month(person, employment, self.month)
            due = self.rates.moments(employment.region, self.month, self.today)[0].due if duty.due else due
            for bit, total in self._owed(employment, duty.due).items():
                before = owed.get(bit, 0)
                owed[bit] = None if total is None or before is None else before + total
        books: defaultdict[int, list[Balance]] = defaultdict(list)
        for (by, month, scheme), balance in balances(person.entries).items():
            if by in employers and month == self.month:
                books[int(scheme)].append(balance)
        schemes = tuple(
            ReconciledScheme(
                scheme_names(Scheme(bit))[0],
                sum(one.reported for one in books[bit]),
                owed.get(bit, 0),
                sum(one.paid for one in books[bit]),
            )
            for bit in sorted({*owed, *books})
        )
        return Reconciled(person_id, name, schemes, due, self._standing(schemes, due))

    def _covers(self, employment: Employment) -> bool:
        ended = employment.ended
        return employment.began <= last_day(self.month) and (ended is None or ended >= first_day(self.month))

    def _owed(self, employment: Employment, due: Scheme) -> dict[int, int | None]:
        hosts = self.rates.moments(employment.region, self.month, self.today)[0].terms.hosts
        # What is part of another scheme's contribution is owed with that one.
        own = [one for one in Scheme if one & due and not hosts.get(int(one), 0) & due]
        found: dict[int, int | None] = {int(one): None for one in own}
        if employment.wage is None:
            return found
        for piece in self.rates.owed(
            employment.region, self.month, employment.wage, due, employment.injury_rate, known_on=self.today
        ):
            found[int(piece.scheme)] = (found.get(int(piece.scheme)) or 0) + piece.total
        return found

    def _standing(self, schemes: tuple[ReconciledScheme, ...], due: date | None) -> Standing:
        if not schemes:
            return "nothing"
        if any(one.owed is None for one in schemes):
            return "open"
        differences = [one.paid - (one.owed or 0) for one in schemes]
        if any(one < 0 for one in differences):
            return "later" if due is not None and due >= self.today else "short"
        return "over" if any(differences) else "settled"
