"""What carries over when somebody changes employer or region: paid months by scheme, and where they were paid.

Promises:

1. Months come from the books, each once for a scheme; those of pension since the account was paid out last.
2. Whether they carry over is said by rules of kind ``insurance_carry`` alone. Where none is known nothing is promised.
3. It is read, not applied for: a record is one for life, and the next registration goes on with it. No money is moved
   between funds here.
4. It has the work of every employer: it is for the person and for officials.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, TypeAlias

from sqlalchemy.orm import Session

from issuer.accounts.principals import Principal
from issuer.core import Core
from issuer.permits.people import organisation_name
from issuer.rules.book import RuleBook
from issuer.rules.days import day_of
from issuer.rules.store import book_of

from .answers import NO_RULE, Answer
from .departure import paid_out_months
from .history import Employment
from .leaving import carried_months
from .ledger import balances
from .months import month_of
from .parties import require_insured
from .records import Insured, load_people
from .schemes import Scheme, scheme_names

__all__ = ["Carried", "Moving", "Place", "moving_of"]

_KIND: Final = "insurance_carry"
_Months: TypeAlias = dict[Scheme, list[tuple[int, str, str]]]


@dataclass(frozen=True, slots=True)
class Carried:
    """A scheme when somebody moves, in months.

    Args:
        answer: ``carries_over``, ``starts_again`` or ``unknown``, with its rule.
        paid: that were paid anywhere.
        here: that count with the employer and in the region that was paid for last; None: no rule is known.
        there: that count after a move to another region; None likewise.
    """

    scheme: str
    answer: Answer
    paid: int
    here: int | None
    there: int | None


@dataclass(frozen=True, slots=True)
class Place:
    """Work with an employer in a region. Days as YYYY-MM-DD; ``months``: with a contribution to some scheme."""

    region: str
    employer_id: str
    employer: str
    began: str
    ended: str | None
    months: int


@dataclass(frozen=True, slots=True)
class Moving:
    """What carries over, and where it was paid, the newest work first."""

    schemes: list[Carried]
    places: list[Place]


def moving_of(core: Core, who: Principal, person_id: str) -> Moving:
    """What a person keeps in another region.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``insurance.none``.
    """
    who.require("insurance.read" if who.role.official else "benefit.own")

    def look(session: Session) -> Moving:
        require_insured(core, session, who, person_id)
        insured = load_people(core, session, [person_id])[person_id]
        today, book = day_of(int(core.clock.local())), book_of(session)
        work = sorted(insured.person.as_known(today).employments, key=lambda one: one.began, reverse=True)
        paid, months = _paid(insured, work)
        places = [
            Place(
                one.region,
                one.employer,
                organisation_name(core, session, one.employer),
                one.began.isoformat(),
                None if one.ended is None else one.ended.isoformat(),
                len(months[number]),
            )
            for number, one in enumerate(work)
        ]
        return Moving([_carried(book, scheme, paid[scheme], today) for scheme in Scheme], places)

    return core.database.read(look)


def _paid(insured: Insured, work: Sequence[Employment]) -> tuple[_Months, dict[int, set[int]]]:
    """Paid months by scheme, each with its employer and region; and those of each employment, by its place in the list.

    A month that an employer paid without work on record counts where the person is insured now.
    """
    since = max(paid_out_months(insured), default=-1)
    paid: _Months = defaultdict(list)
    months: dict[int, set[int]] = defaultdict(set)
    for (employer, month, scheme), balance in balances(insured.person.entries).items():
        if balance.paid <= 0 or (scheme == Scheme.PENSION and month <= since):
            continue
        number = _employment(work, employer, month)
        paid[scheme].append((month, employer, insured.row.region if number is None else work[number].region))
        if number is not None:
            months[number].add(month)
    return paid, months


def _employment(work: Sequence[Employment], employer: str, month: int) -> int | None:
    """The newest work with an employer that had begun in a month, by its place in the list; None: there is none."""
    fits = (n for n, one in enumerate(work) if one.employer == employer and month_of(one.began) <= month)
    return next(fits, None)


def _carried(book: RuleBook, scheme: Scheme, paid: Sequence[tuple[int, str, str]], on: date) -> Carried:
    name = scheme_names(scheme)[0]
    every = len({month for month, *_ in paid})
    rule = book.find(_KIND, name, "CN", on)
    if rule is None:
        return Carried(name, Answer("unknown", NO_RULE, (), {"subject": f"{_KIND}/{name}"}), every, None, None)
    keeps = bool(rule.value["years"])
    outcome = "carries_over" if keeps else "starts_again"
    answer = Answer(outcome, outcome, (rule,))
    return Carried(name, answer, every, carried_months(book, scheme, paid, on), every if keeps else 0)
