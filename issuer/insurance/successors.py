"""Employments of a merged employer: they go on with its successor.

Promises:

1. Whoever works for an employer that was merged into another one works for that one, on the same terms (Labour Contract
   Law, art. 34): employment, registration, agreements and the basis of the work go on, and registration has not to be
   made again. What had ended by then stays as it is.
2. No month is owed twice, and none by nobody: the month in which people follow is the merged employer's, whose
   contributions the successor pays; the next month is the successor's.
3. Somebody whom the successor employs already keeps the employment there, and has no second one.
4. People follow in chunks, each in a transaction of its own. A turn that is killed is taken up again; an employer whose
   people have all followed is not looked at again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.moments import ONE_DAY
from issuer.acts import Actor
from issuer.core import Core
from issuer.db.unit_of_work import UnitOfWork
from issuer.permits.models import Employer
from issuer.rules.days import day_of

from .lapses import CHUNK, follow
from .models import InsuranceFact
from .months import last_day, month_of
from .parties import notify_insured
from .records import SPANS, Fact, Insured, add_fact, end_fact, load_people

__all__ = ["end_before_merger", "follow_mergers"]

#: Of an employment that goes on: the merged employer that it comes from.
_CONTINUES: Final = "continues"


def follow_mergers(core: Core, by: Actor, stop: Callable[[], bool] = lambda: False) -> int:
    """Let the people of merged employers follow to the successors; how many did. The worker calls it.

    Args:
        stop: asked between two chunks; what is left is taken up by the next call.
    """
    followed = 0
    for employer_id, into_id in core.database.read(_waiting):
        after: str | None = ""
        while after is not None and not stop():
            chunk = partial(_chunk, core, employer_id=employer_id, into_id=into_id, after=after)
            count, after = core.transact(by, chunk)
            followed += count
    return followed


def end_before_merger(
    core: Core, session: Session, now: int, facts: Sequence[Fact], employment: Fact, day: date
) -> bool:
    """End an employment that goes on from a merged employer, on a day on which it was still that employer's.

    Args:
        facts: all that is on record of the person today.

    Returns:
        False: the person did not work there on that day, and nothing was changed.
    """
    began = date.fromisoformat(employment.body["began"])
    former = [one for one in facts if one.employer_id == employment.body.get(_CONTINUES)]
    ended = (began - ONE_DAY).isoformat()
    before = next((one for one in former if one.kind == "employment" and one.body["ended"] == ended), None)
    if before is None or day < date.fromisoformat(before.body["began"]):
        return False
    for one in (before, employment, *(one for one in former if one.kind == "enrolment")):
        end_fact(core, session, now, one, day)
    return True


def _waiting(session: Session) -> list[tuple[str, str]]:
    """The merged employers whose people have not all followed, each with the employer that goes on now."""
    query = select(Employer).where(Employer.merged_into.is_not(None), Employer.taken_over_at.is_(None))
    found = []
    for row in session.scalars(query.order_by(Employer.organisation_id)).all():
        into = row.merged_into or ""
        while (later := session.get(Employer, into)) is not None and later.merged_into is not None:
            into = later.merged_into
        found.append((row.organisation_id, into))
    return found


def _chunk(core: Core, unit: UnitOfWork, *, employer_id: str, into_id: str, after: str) -> tuple[int, str | None]:
    """Let the next people follow; how many did, and the last who was looked at. None: there is nobody left."""
    session, now = unit.session, unit.now
    staff = select(InsuranceFact.person_id).where(
        InsuranceFact.employer_id == employer_id,
        InsuranceFact.kind == "employment",
        InsuranceFact.replaced_on.is_(None),
        InsuranceFact.person_id > after,
    )
    people = list(session.scalars(staff.distinct().order_by(InsuranceFact.person_id).limit(CHUNK)))
    if not people:
        session.get_one(Employer, employer_id, with_for_update=True).taken_over_at = now
        unit.audit("insurance.taken_over", employer_id, {"into": into_id})
        return 0, None
    loaded = load_people(core, session, people, lock=True)
    moved = [name for name, one in loaded.items() if _move(core, session, now, one, employer_id, into_id)]
    notify_insured(core, session, now, "insurance.employer_merged", moved)
    session.flush()
    _, acts = follow(core, session, now, moved, unit.actor, codes=True)
    for name in moved:
        unit.audit("insurance.take_over", name, {"employer": employer_id, "into": into_id})
    unit.audit_acts(acts)
    return len(moved), people[-1]


def _move(core: Core, session: Session, now: int, insured: Insured, employer_id: str, into_id: str) -> bool:
    """Let a person follow from the month after this one; False: they do not work for the merged employer any more."""
    today = day_of(now)
    last = last_day(month_of(today))
    known = [fact for fact in insured.facts if fact.recorded.is_known(today)]
    if not any(_works(fact, employer_id, last) for fact in known):
        return False
    employed = any(_works(fact, into_id, last) for fact in known)
    for fact in known:
        if fact.employer_id == employer_id and fact.kind in SPANS:
            _divide(core, session, now, insured, fact, last, None if employed else into_id)
    bases = [fact for fact in known if fact.kind == "basis" and _goes_on(fact.body["last"], today)]
    if not any(fact.employer_id == into_id for fact in bases):
        for fact in bases:
            if fact.employer_id == employer_id:
                # Bound to the successor from today, as a permit's new term is.
                day = max(today.isoformat(), fact.body["first"])
                body = {**fact.body, "obtained": day, "first": day}
                add_fact(core, session, now, insured.row.person_id, "basis", body, into_id)
    insured.row.revision += 1
    insured.row.changed_at = now
    return True


def _divide(
    core: Core, session: Session, now: int, insured: Insured, fact: Fact, last: date, into_id: str | None
) -> None:
    """End what goes on beyond a day, and let it go on with the successor behind that day; None: with nobody."""
    if not end_fact(core, session, now, fact, last) or into_id is None:
        return
    body: dict[str, Any] = dict(fact.body)
    first_name, _ = SPANS[fact.kind]
    begin: Any = month_of(last) + 1 if fact.kind == "enrolment" else (last + ONE_DAY).isoformat()
    if fact.kind == "employment" and body[first_name] < begin:
        body[_CONTINUES] = fact.employer_id
    body[first_name] = max(body[first_name], begin)
    add_fact(core, session, now, insured.row.person_id, fact.kind, body, into_id)


def _works(fact: Fact, employer_id: str, day: date) -> bool:
    return fact.kind == "employment" and fact.employer_id == employer_id and _goes_on(fact.body["ended"], day)


def _goes_on(end: str | None, day: date) -> bool:
    """Whether what ends on a day, or has no end, goes on beyond another one."""
    return end is None or end > day.isoformat()
