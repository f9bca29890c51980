"""Findings about an employment as a whole: its registration, its permit, its papers.

Promises:

1. The two clocks of registration stay apart: days from obtaining the permit, and days from the start of work. A duty
   that came later than the work starts both when it came.
2. Work before a permit, a permit that binds to another employer, another name in the papers, and an agreement that is
   void are findings of their own; none of them is a sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from icard_crypto.moments import ONE_DAY
from issuer.rules.book import RuleBook

from .coverage import MonthDuty
from .findings import Finding
from .history import Employment, Person

__all__ = ["paper_findings", "registration_findings"]


def registration_findings(
    book: RuleBook,
    person: Person,
    employment: Employment,
    duties: Sequence[tuple[int, MonthDuty]],
    as_of: date,
    known_on: date,
) -> list[Finding]:
    """Registrations that were filed late or not at all by a day, by each of the two clocks.

    Args:
        duties: the months of the employment.
    """
    duty = next((one for _, one in duties if one.due), None)
    if duty is None:
        return []
    began = duty.rules[0].valid_from
    filed = min(
        (
            one.registered
            for one in person.enrolments
            if one.employer == employment.employer and one.registered <= as_of
        ),
        default=None,
    )
    own = [one for one in person.bases if one.kind == "work_permit" and one.employer in (None, employment.employer)]
    obtained = min((one.obtained for one in own), default=None)
    found = []
    for clock, start in (("permit", obtained), ("work", employment.began)):
        if start is None:
            continue
        start = max(start, began)
        rule = book.find("insurance_registration", clock, employment.region, start, known_on)
        if rule is None:
            continue
        deadline = start + timedelta(days=int(rule.value["days"]))
        if as_of > deadline and (filed is None or filed > deadline):
            facts = {
                "clock": clock,
                "deadline": deadline.isoformat(),
                "registered": "-" if filed is None else filed.isoformat(),
            }
            found.append(
                Finding("late_registration", employment.employer, employment.region, rules=(rule,), facts=facts)
            )
    return found


def paper_findings(person: Person, employment: Employment, duties: Sequence[tuple[int, MonthDuty]]) -> list[Finding]:
    """Findings about permit, workplace, name and agreement.

    Args:
        duties: the months of the employment.
    """
    employer, region = employment.employer, employment.region
    found = []
    first_basis = min((one.first for one in person.bases), default=None)
    if first_basis is None or employment.began < first_basis:
        until = "-" if first_basis is None else (first_basis - ONE_DAY).isoformat()
        facts = {"from": employment.began.isoformat(), "until": until}
        found.append(Finding("work_before_permit", employer, region, facts=facts))
    elsewhere = [
        duty.judged_on for _, duty in duties if duty.judged_on and not _may_work(person, employer, duty.judged_on)
    ]
    if elsewhere:
        facts = {"from": min(elsewhere).isoformat(), "until": max(elsewhere).isoformat()}
        found.append(Finding("second_workplace", employer, region, facts=facts))
    if not employment.same_name:
        found.append(Finding("unequal_name", employer, region))
    void = next(((month, duty.void_agreement) for month, duty in duties if duty.void_agreement), None)
    if void is not None and void[1] is not None:
        found.append(Finding("void_agreement", employer, region, void[0], rules=(void[1],)))
    return found


def _may_work(person: Person, employer: str, day: date) -> bool:
    """Whether one of the bases of a day lets the person work for this employer."""
    return any(
        one.employer in (None, employer) and one.first <= day and (one.last is None or day <= one.last)
        for one in person.bases
    )
