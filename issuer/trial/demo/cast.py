"""The people that the demonstration is shown with: one firm whose applications are in every state, and one holder.

Promise: their names and log-ins are the same at every size and seed (``demo.employer``, ``demo.holder``), and each has
something to do on the last day.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Final, Literal

from icard_crypto.moments import DAY
from issuer.accounts.mandates import give_mandate
from issuer.accounts.principals import Principal
from issuer.enquiries import threads
from issuer.insurance import registration
from issuer.permits.models import Permit

from .authority import Authority, Firm
from .cases import Case
from .people import DemoPerson, credit_code

__all__ = ["play"]

_FIRM, _AGENCY = 9101, 9102
_MANDATE: Final = 300 * DAY
Step = Callable[[Case], None]


def play(authority: Authority) -> None:
    """Make them, with what they have filed until today."""
    here = authority.regions[0]
    code = credit_code(here.code, _FIRM)
    firm = authority.firm("employer", "demo.employer", "Lakeside Gear Works", code, here.districts[0])
    authority.verified(here, firm)
    agency = authority.firm(
        "agency", "demo.agency", "Harbour Visa Services", credit_code(here.code, _AGENCY), here.code
    )
    now = int(authority.clock.at)
    give_mandate(authority.core, firm.who, agency.organisation_id, firm.organisation_id, now, now + _MANDATE)

    def case(number: int, surname: str, given: str, nationality: str, *steps: Step) -> Case:
        person = _person(authority.today, number, surname, given, nationality)
        first = authority.today
        made = Case(authority, here, person, "overseas", firm, person.record(first, first + timedelta(days=100)))
        for step in steps:
            step(made)
        return made

    case(1, "NOWAK", "JAN", "POL")
    case(2, "TANAKA", "YUKI", "JPN", Case.submit)
    returned = case(3, "ROSSI", "GIULIA", "ITA", Case.submit, Case.send_back)
    threads.send_message(authority.core, firm.who, returned.filing_id, "Is a certified copy enough?")
    case(4, "OKAFOR", "CHIDI", "NGA", Case.submit, Case.pre_review, Case.accept)
    case(5, "SMITH", "JOHN", "GBR", Case.submit, Case.pre_review, Case.accept, Case.refuse)
    _holder(authority, firm)


def _holder(authority: Authority, firm: Firm) -> Principal:
    """Somebody with a permit that has to be extended, and insurance that has lapsed."""
    core, today = authority.core, authority.today
    person = _person(today, 6, "LINDQVIST", "ASTRID", "SWE", "female")
    record = person.record(today, today + timedelta(days=70))
    case = Case(authority, authority.regions[0], person, "in_country", firm, record)
    for step in (Case.submit, Case.pre_review, Case.accept, Case.approve):
        step(case)
    person_id = core.database.read(lambda session: session.get_one(Permit, case.permit_id or "").person_id)
    holder = authority.account("holder", "demo.holder", "", person_id=person_id)
    began = _months_before(today, 4)
    new = person.registration(firm.region, began, today + timedelta(days=70), "30000.00", "0.0026")
    registration.register(core, firm.who, new)
    return holder.who


def _person(
    today: date, number: int, surname: str, given: str, nationality: str, sex: Literal["male", "female"] = "male"
) -> DemoPerson:
    return DemoPerson(
        surname=surname,
        given=given,
        nationality=nationality,
        sex=sex,
        birth=date(today.year - 40, 1, 15),
        passport=f"D01X{number:05d}",
        passport_until=today + timedelta(days=1500),
        category="B",
        post="Design engineer",
        wage=30_000,
        number=f"99{number:016d}",
    )


def _months_before(day: date, months: int) -> date:
    """The first day of a month some months back."""
    month = day.year * 12 + day.month - 1 - months
    return date(month // 12, month % 12 + 1, 1)
