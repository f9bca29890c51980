"""A person's year: what was reported and paid scheme by scheme, and the months that two employers share.

Promises:

1. A month counts once for a scheme, however many employers paid for it; the sums are those of all rows that stand.
2. Months with two employers are listed for the person and for officials, with what each of them paid: a scheme that
   both paid is paid twice, and what is too much can be refunded. An employer sees its own months alone, and never who
   else employed the person.
3. A year to come is refused.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session

from icard_crypto.errors import Invalid
from issuer.accounts.principals import Principal
from issuer.core import Core
from issuer.rules.days import day_of

from .history import Employment, Person
from .ledger import Balance, balances
from .money import in_yuan
from .months import month_of, month_text
from .parties import require_insured, seen_employers
from .records import load_people
from .schemes import Scheme, scheme_names

__all__ = ["SchemeYear", "SharedMonth", "YearView", "yearly_statement"]

_FIRST_YEAR: Final = 1970
#: A month's balances of a scheme by employer.
_Shares = Mapping[str, Balance]


@dataclass(frozen=True, slots=True)
class SchemeYear:
    """A scheme in a year; sums in yuan. ``months``: how many months something was paid for."""

    scheme: str
    months: int
    reported: str
    paid_employer: str
    paid_employee: str


@dataclass(frozen=True, slots=True)
class Share:
    """What one employer paid for a scheme and a month, in yuan."""

    employer_id: str
    scheme: str
    paid: str


@dataclass(frozen=True, slots=True)
class SharedMonth:
    """A month in which the person worked for two employers or more.

    Args:
        paid_twice: the schemes that more than one of them paid.
    """

    month: str
    employers: list[str]
    shares: list[Share]
    paid_twice: list[str]


@dataclass(frozen=True, slots=True)
class YearView:
    """A person's year."""

    person_id: str
    year: int
    schemes: list[SchemeYear]
    shared_months: list[SharedMonth]


def yearly_statement(core: Core, who: Principal, person_id: str, year: int | None = None) -> YearView:
    """A person's year.

    Args:
        year: None: the present one.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``insurance.none``.
        Invalid: ``insurance.day``: a year to come.
    """

    def look(session: Session) -> YearView:
        require_insured(core, session, who, person_id)
        today = day_of(core.clock.now(session))
        wanted = year or today.year
        if not _FIRST_YEAR <= wanted <= today.year:
            raise Invalid("insurance.day", path="year", expected=f"a year up to {today.year}")
        person = load_people(core, session, [person_id])[person_id].person
        employers = seen_employers(core, session, who)
        first = (wanted - _FIRST_YEAR) * 12
        found: defaultdict[tuple[int, Scheme], dict[str, Balance]] = defaultdict(dict)
        for (employer, month, scheme), balance in balances(person.entries).items():
            if first <= month < first + 12 and (employers is None or employer in employers):
                found[month, scheme][employer] = balance
        current = person.as_known(today)
        months = range(first, min(first + 12, month_of(today) + 1))
        shared = [] if employers is not None else [one for month in months if (one := _shared(current, month, found))]
        schemes = [_of_scheme(scheme, found) for scheme in Scheme if any(key[1] == scheme for key in found)]
        return YearView(person_id, wanted, schemes, shared)

    return core.database.read(look)


def _of_scheme(scheme: Scheme, found: Mapping[tuple[int, Scheme], _Shares]) -> SchemeYear:
    months = [shares for (_, one), shares in found.items() if one == scheme]
    rows = [balance for shares in months for balance in shares.values()]
    return SchemeYear(
        scheme_names(scheme)[0],
        sum(any(balance.paid > 0 for balance in shares.values()) for shares in months),
        in_yuan(sum(row.reported for row in rows)),
        in_yuan(sum(row.paid_employer for row in rows)),
        in_yuan(sum(row.paid_employee for row in rows)),
    )


def _shared(person: Person, month: int, found: Mapping[tuple[int, Scheme], _Shares]) -> SharedMonth | None:
    employers = sorted({one.employer for one in _at_work(person.employments, month)})
    if len(employers) <= 1:
        return None
    shares: list[Share] = []
    twice: list[str] = []
    for scheme in Scheme:
        name = scheme_names(scheme)[0]
        paid = {employer: row.paid for employer, row in found.get((month, scheme), {}).items() if row.paid > 0}
        shares += [Share(employer, name, in_yuan(amount)) for employer, amount in sorted(paid.items())]
        twice += [name] * (len(paid) > 1)
    return SharedMonth(month_text(month), employers, shares, twice)


def _at_work(employments: Iterable[Employment], month: int) -> list[Employment]:
    return [
        one
        for one in employments
        if month_of(one.began) <= month and (one.ended is None or month <= month_of(one.ended))
    ]
