"""Computing a region again in the background, after a rule of its contributions was added or ended.

Promises:

1. A change of a rule on which contributions or lapses rest makes everybody whose insurance is in its region be computed
   again, once; an officer or the host may have a region computed again at any time.
2. People are followed in chunks. Their states, their cards, the sums and how far it is are one transaction each: after
   a stop or a kill the work goes on behind the last chunk, and nobody is counted twice.
3. Nothing is overwritten. What the change made to sums that were due before is counted as the differences that the
   people's reports show as rows of their own.
4. How far it is can be read at any time: people done, people in all, lapsed, restored, and the differences.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, func, select, true
from sqlalchemy.orm import Session

from icard_crypto.errors import Invalid
from issuer.accounts.principals import Principal
from issuer.acts import Actor
from issuer.core import Core
from issuer.db.idempotency import Request
from issuer.db.pages import page_of
from issuer.db.unit_of_work import UnitOfWork
from issuer.permits.parties import covered, office_region
from issuer.rules.days import day_of
from issuer.rules.models import RuleChange
from issuer.rules.regions import NATION, covers, is_known
from issuer.rules.store import book_of

from .contributions import Rates
from .coverage import Duties
from .history import Person
from .lapses import follow
from .models import InsuredPerson, Recomputation
from .money import in_yuan
from .months import month_of
from .records import load_people
from .schemes import scheme_set

__all__ = [
    "RecomputationView",
    "begin",
    "begin_for_changes",
    "differences",
    "list_all",
    "list_recomputations",
    "recompute",
]

#: Rules on which what is owed, or when it lapses, rests.
KINDS: Final = frozenset(
    {
        "insurance_due_days",
        "insurance_duty",
        "insurance_lapse",
        "insurance_limits",
        "insurance_paid_with",
        "insurance_rates",
        "insurance_registration_age",
        "insurance_rounding",
        "insurance_treaties",
    }
)
#: People a transaction: other writers get their turn between two.
CHUNK: Final = 200


@dataclass(frozen=True, slots=True)
class RecomputationView:
    """How far a region is.

    Args:
        rule: the name of the row that was added or ended; None: somebody asked.
        state: ``waiting``, ``running``, ``done``.
        done, people: looked at, and in all when it began.
        employer_difference, employee_difference: yuan, of sums that were due before the rule was published.
        asked_at, ended_at: Unix seconds.
    """

    recomputation_id: str
    region: str
    rule: str | None
    state: str
    done: int
    people: int
    lapsed: int
    restored: int
    employer_difference: str
    employee_difference: str
    asked_at: int
    ended_at: int | None


def begin(core: Core, region: str, by: Actor, request: Request | None = None, who: Principal | None = None) -> str:
    """Have a region computed again; the id under which its progress stands.

    Args:
        region: a code of GB/T 2260, or ``CN``.
        who: the official who asks: of an office within its region.

    Raises:
        NotAllowed: ``access.*``.
        Invalid: ``insurance.region``.
    """
    if who is not None:
        who.require("insurance.book")
    if region != NATION and not is_known(region):
        raise Invalid("insurance.region", path="region")

    def work(unit: UnitOfWork) -> str:
        own = None if who is None else office_region(unit.session, who)
        if own is not None and not covers(own, region):
            raise Invalid("insurance.region", path="region", expected=f"{own}, or a region in it")
        row = _row(unit.now, region, None, None)
        unit.session.add(row)
        unit.audit("insurance.recompute", row.id, {**unit.actor.details(), "region": region})
        unit.made(row.id)
        return row.id

    return core.transact(by, work, request=request)


def begin_for_changes(core: Core, by: Actor) -> int:
    """Begin for every change of a rule that has not been followed yet (promise 1); how many there were."""

    def work(unit: UnitOfWork) -> int:
        changes = _not_followed(unit.session)
        for change in changes:
            body = json.loads(change.body)
            name = f"{body['kind']}/{body['id']}/{body['region']}/{body['valid_from']}"
            row = _row(unit.now, body["region"], name, change.id)
            unit.session.add(row)
            unit.audit("insurance.recompute", row.id, {"region": body["region"], "rule": name})
        return len(changes)

    return core.transact(by, work) if core.database.read(_not_followed) else 0


def recompute(
    core: Core,
    by: Actor,
    stop: Callable[[], bool] = lambda: False,
    progress: Callable[[int, int], None] = lambda done, people: None,
    only: str | None = None,
) -> int:
    """Compute what was begun, the oldest first, until all is done or ``stop`` says so; how many people were looked at.

    Args:
        stop: asked between two chunks; what is left is taken up by the next call.
        progress: called after every chunk: people done and people in all, of the region in hand.
        only: the one that is wanted; None: all.
    """
    count = 0
    # Nothing is written, and no lock taken, while nothing is left to do.
    while not stop() and core.database.read(lambda session: session.scalar(_left(only)) is not None):
        step = core.transact(by, lambda unit: _chunk(core, unit, only))
        if step is None:
            break
        looked, done, people = step
        count += looked
        progress(done, people)
    return count


def list_recomputations(core: Core, *, after: str = "", limit: int = 50) -> list[RecomputationView]:
    """What was computed again and what waits, by id."""
    query = page_of(select(Recomputation), Recomputation.id, after, limit)
    return core.database.read(lambda session: [_view(row) for row in session.scalars(query)])


def list_all(core: Core) -> list[RecomputationView]:
    """All of them, the newest last."""
    query = select(Recomputation).order_by(Recomputation.asked_at, Recomputation.id)
    return core.database.read(lambda session: [_view(row) for row in session.scalars(query)])


def differences(duties: Duties, rates: Rates, person: Person, on: date, since: date) -> tuple[int, int]:
    """What was published on a day made to sums that were due before: employer's and employee's, in fen."""
    employer = employee = 0
    for employment in person.employments:
        if employment.wage is None:
            continue
        last = on if employment.ended is None else min(on, employment.ended)
        for month in range(month_of(employment.began), month_of(last) + 1):
            if not any(one.late and one.known_from == since for one in rates.moments(employment.region, month, on)):
                continue
            due = duties.month(person, employment, month).due
            for enrolment in person.enrolments:
                ended = enrolment.last_month is not None and enrolment.last_month < month
                if enrolment.employer != employment.employer or month < enrolment.first_month or ended:
                    continue
                schemes = scheme_set(int(enrolment.schemes) & int(due))
                for one in rates.owed(
                    employment.region, month, employment.wage, schemes, employment.injury_rate, known_on=on
                ):
                    if one.late and one.known_from == since:
                        employer += one.employer
                        employee += one.employee
    return employer, employee


def _row(now: int, region: str, rule: str | None, change_id: str | None) -> Recomputation:
    return Recomputation(
        id=secrets.token_hex(16),
        region=region,
        rule=rule,
        change_id=change_id,
        state="waiting",
        position="",
        done=0,
        people=0,
        lapsed=0,
        restored=0,
        employer_difference=0,
        employee_difference=0,
        asked_at=now,
        ended_at=None,
    )


def _chunk(core: Core, unit: UnitOfWork, only: str | None) -> tuple[int, int, int] | None:
    """Follow the next people; how many, how many by now, how many in all. None: nothing is left to do."""
    session, now = unit.session, unit.now
    row = session.scalars(_left(only).with_for_update()).one_or_none()
    if row is None:
        return None
    here = _within(row.region)
    if row.state == "waiting":
        row.state = "running"
        row.people = session.scalar(select(func.count()).select_from(InsuredPerson).where(here)) or 0
    query = select(InsuredPerson.person_id).where(here, InsuredPerson.person_id > row.position)
    people = list(session.scalars(query.order_by(InsuredPerson.person_id).limit(CHUNK)))
    if people:
        followed, acts = follow(core, session, now, people, unit.actor, written=False)
        unit.audit_acts(acts)
        row.done += followed.people
        row.lapsed += followed.lapsed
        row.restored += followed.restored
        row.position = people[-1]
        _add_differences(core, session, now, row, people)
    if len(people) < CHUNK:
        row.state, row.ended_at = "done", now
        details = {"region": row.region, "people": row.done, "lapsed": row.lapsed, "restored": row.restored}
        unit.audit("insurance.recomputed", row.id, details)
    return len(people), row.done, row.people


def _left(only: str | None) -> Select[Recomputation]:
    """The oldest that is not done."""
    wanted = select(Recomputation).where(Recomputation.state != "done")
    if only is not None:
        wanted = wanted.where(Recomputation.id == only)
    return wanted.order_by(Recomputation.asked_at, Recomputation.id).limit(1)


def _not_followed(session: Session) -> list[RuleChange]:
    followed = select(Recomputation.id).where(Recomputation.change_id == RuleChange.id)
    query = select(RuleChange).where(~followed.exists()).order_by(RuleChange.created_at, RuleChange.id)
    return [change for change in session.scalars(query) if json.loads(change.body)["kind"] in KINDS]


def _add_differences(core: Core, session: Session, now: int, row: Recomputation, people: list[str]) -> None:
    """Count what the change of the rule made to sums of before."""
    change = session.scalars(select(RuleChange).where(RuleChange.id == row.change_id)).one_or_none()
    if change is None:
        return
    book, today = book_of(session), day_of(now)
    since = _known_from(json.loads(change.body))
    duties, rates = Duties(book), Rates(book)
    for insured in load_people(core, session, people).values():
        employer, employee = differences(duties, rates, insured.person.as_known(today), today, since)
        row.employer_difference += employer
        row.employee_difference += employee


def _known_from(body: Mapping[str, Any]) -> date:
    """The day since when a change can be known, as :class:`issuer.rules.rows.Rule` has it."""
    return date.fromisoformat(body.get("ended_on") or body["published_on"] or body["valid_from"])


def _within(region: str) -> ColumnElement[bool]:
    return true() if region == NATION else covered(InsuredPerson.region.expression, region)


def _view(row: Recomputation) -> RecomputationView:
    return RecomputationView(
        row.id,
        row.region,
        row.rule,
        row.state,
        row.done,
        row.people,
        row.lapsed,
        row.restored,
        in_yuan(row.employer_difference),
        in_yuan(row.employee_difference),
        row.asked_at,
        row.ended_at,
    )
