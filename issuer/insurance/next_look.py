"""The next day on which time alone may change what stands of a person's insurance.

Promises:

1. That is the day after a month may let the insurance lapse, and the first day of a month from which other schemes are
   covered: an enrolment begins or has ended, a certificate begins or has ended.
"""

from __future__ import annotations

from datetime import date

from icard_crypto.moments import ONE_DAY
from issuer.rules.book import RuleBook

from .due_days import lapse_day
from .history import Person
from .months import first_day, month_of

__all__ = ["next_look"]


def next_look(book: RuleBook, person: Person, on: date) -> date | None:
    """The next day after ``on`` on which time alone may change a person's state; None: there is none."""
    days = set()
    for employment in person.employments:
        if employment.ended is not None and month_of(employment.ended) < month_of(on) - 3:
            continue
        last = month_of(on) + 1 if employment.ended is None else min(month_of(on) + 1, month_of(employment.ended))
        for month in range(max(month_of(employment.began), month_of(on) - 3), last + 1):
            days.add(lapse_day(book, employment.region, month).day + ONE_DAY)
    for enrolment in person.enrolments:
        days.add(first_day(enrolment.first_month))
        if enrolment.last_month is not None:
            days.add(first_day(enrolment.last_month + 1))
    for certificate in person.certificates:
        # A month is exempt where its first day is covered; the exemption itself is on the card from its own first day.
        days |= {
            certificate.first,
            first_day(month_of(certificate.first) + 1),
            first_day(month_of(certificate.last) + 1),
        }
    return min((day for day in days if day > on), default=None)
