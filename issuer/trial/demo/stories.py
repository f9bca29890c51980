"""What happens to made-up people: one story each, told by the services from day to day.

Promises:

1. A story waits so many days between two steps; on the last day it is where it has got to. Each story begins so
   many days before that day that most of its people are where its name says.
2. However few people there are, each story occurs once; of more, each gets its share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any, Final

from issuer.accounts.principals import Principal
from issuer.permits import hearings, leaving, objections, offices
from issuer.permits.models import Permit
from issuer.permits.objections import NewObjection

from .authority import Authority, Firm, Region
from .cases import Case
from .people import DemoPerson, answers

__all__ = ["STORIES", "Life", "Story", "assign"]

#: Days of a term, by category.
_TERMS: Final = {"A": 1080, "B": 540, "C": 330}
_YEAR: Final = timedelta(days=365)
#: Days after which a hearing is over, also where the longest holidays lie between.
_HEARD: Final = 20
#: The steps up to the acceptance.
_ACCEPTED: Final = (Case.submit, Case.pre_review, Case.accept)


@dataclass
class Life:
    """A made-up person with whatever they have: employer, permit, the last day of a physical one.

    Args:
        agency: files for the employer, where it has one.
        until: the last day of the physical permit that the person came with.
    """

    authority: Authority
    here: Region
    person: DemoPerson
    firm: Firm
    agency: Principal | None = None
    until: date | None = None
    permit_id: str | None = None

    @property
    def today(self) -> date:
        """The day in Beijing."""
        return self.authority.today

    def case(self, process: str, record: dict[str, Any], firm: Firm | None = None, by: Principal | None = None) -> Case:
        """An application of these days."""
        about = None if process in ("overseas", "in_country", "short") else self.permit_id
        by = by or (self.agency if firm is None else None)
        return Case(self.authority, self.here, self.person, process, firm or self.firm, record, by=by, permit_id=about)

    def begins(self, process: str, **facts: bool) -> Case:
        """An application for a first permit."""
        days = 60 if process == "short" else _TERMS[self.person.category]
        first = self.today + timedelta(days=20 if process == "overseas" else 10)
        return self.case(process, self.person.record(first, first + timedelta(days=days), **facts))

    def goes_on(self) -> Case:
        """An application for an extension."""
        until = (self.until or self.today) + timedelta(days=_TERMS[self.person.category] - 5)
        record = {
            "until": until.isoformat(),
            "contract_until": (until + _YEAR).isoformat(),
            "passport_until": self.person.passport_until.isoformat(),
            "facts": answers(),
        }
        return self.case("extension", record)

    def leaves(self, *, signed: bool, by: Principal | None = None, ground: str = "resigned") -> Case:
        """A cancellation."""
        record = {"ended_on": self.today.isoformat(), "ground": ground, "signed": signed, "facts": answers()}
        return self.case("cancellation", record, by=by)

    def holder(self) -> Principal:
        """The person's own account."""
        permit_id = self.permit_id or ""
        person_id = self.authority.core.database.read(lambda session: session.get_one(Permit, permit_id).person_id)
        name = f"holder.{self.person.passport.lower()}"
        return self.authority.account("holder", name, "", person_id=person_id).who

    def wait_until(self, day: date) -> int:
        """The days until then."""
        return (day - self.today).days


Telling = Callable[[Life], Iterator[int]]
Step = Callable[[Case], None]


@dataclass(frozen=True, slots=True)
class Story:
    """A story.

    Args:
        weight: its share of many people.
        begins: days before the last day, the latest and the earliest.
        until: of people who came with a physical permit: its last day, in days from the last day of the demonstration.
        closing: whether its people work for the firm that closes down.
        category: of its people; None: any.
    """

    name: str
    weight: int
    begins: tuple[int, int]
    tell: Telling
    until: tuple[int, int] | None = None
    closing: bool = False
    category: str | None = None


def assign(chance: Random, number: int) -> list[Story]:
    """A story for each person (promise 2), in random order."""
    found = list(STORIES[:number])
    weights = [story.weight for story in STORIES]
    found += chance.choices(STORIES, weights, k=number - len(found))
    chance.shuffle(found)
    return found


def _steps(case: Case, *steps: Step, least: int = 1, most: int = 3) -> Iterator[int]:
    """Each step some days after the one before."""
    for step in steps:
        yield case.authority.chance.randint(least, most)
        step(case)


def _decided(case: Case) -> Iterator[int]:
    """All the way to the approval."""
    yield from _steps(case, *_ACCEPTED)
    yield from _steps(case, Case.approve, least=2, most=6)


def _first(process: str, *steps: Step, most: int = 3) -> Telling:
    """An application for a first permit that gets so far."""

    def tell(life: Life) -> Iterator[int]:
        yield from _steps(life.begins(process), *steps, most=most)

    return tell


def _enters(*, shows: bool) -> Telling:
    """Approved abroad, entered, and at the window or not."""

    def tell(life: Life) -> Iterator[int]:
        case = life.begins("overseas")
        yield from _decided(case)
        yield life.authority.chance.randint(12, 20)
        case.enter()
        if shows:
            yield life.authority.chance.randint(5, 20)
            case.show_originals()

    return tell


def _in_country(life: Life) -> Iterator[int]:
    case = life.begins("in_country")
    yield from _decided(case)
    life.permit_id = case.permit_id


def _carried(life: Life) -> Iterator[int]:
    """A physical permit that nothing has happened to."""
    yield from ()


def _reissued(life: Life) -> Iterator[int]:
    yield from _decided(life.case("reissue", {"facts": answers(physical_permit=True)}))


def _extended(life: Life) -> Iterator[int]:
    """Filed within the window, and granted."""
    yield life.wait_until((life.until or life.today) - timedelta(days=55))
    yield from _decided(life.goes_on())


def _left_lying(*, refused: bool) -> Telling:
    """An extension that is not decided by the last day; a late refusal, or none."""

    def tell(life: Life) -> Iterator[int]:
        yield from _reissued(life)
        until = life.until or life.today
        yield life.wait_until(until - timedelta(days=55))
        case = life.goes_on()
        yield from _steps(case, *_ACCEPTED)
        if refused:
            yield life.wait_until(until + timedelta(days=4))
            case.refuse()

    return tell


def _promoted(life: Life) -> Iterator[int]:
    yield from _reissued(life)
    yield life.authority.chance.randint(10, 30)
    record = {
        "changed_on": life.today.isoformat(),
        "post": f"Senior {life.person.post.lower()}",
        "facts": answers(position_changes=True, promotion=True),
    }
    yield from _decided(life.case("change", record))


def _cancelled(life: Life) -> Iterator[int]:
    yield from _decided(life.leaves(signed=True))


def _died(life: Life) -> Iterator[int]:
    yield from _decided(life.leaves(signed=False, ground="death"))


def _unheard(life: Life) -> Iterator[int]:
    """A cancellation that the person did not sign, and a hearing that is open."""
    life.holder()
    yield from _steps(life.leaves(signed=False, ground="dismissed"), Case.submit, Case.pre_review)


def _objects(life: Life) -> Iterator[int]:
    """Cancelled without a signature, and the person objects."""
    holder = life.holder()
    case = life.leaves(signed=False, ground="dismissed")
    yield from _steps(case, *_ACCEPTED)
    yield _HEARD
    case.approve()
    yield 4
    new = NewObjection("The contract was not ended.", None, life.permit_id)
    objections.lodge(life.authority.core, holder, new)


def _moves(life: Life) -> Iterator[int]:
    """To another employer: the old one cancels, the new one files in the country."""
    yield from _decided(life.leaves(signed=True))
    yield life.authority.chance.randint(3, 12)
    others = [firm for firm in life.here.lasting if firm is not life.firm]
    life.firm = life.authority.chance.choice(others)
    life.agency = None
    first = life.today + timedelta(days=8)
    record = life.person.record(first, first + timedelta(days=_TERMS[life.person.category]))
    yield from _decided(life.case("in_country", record, life.firm))


def _vanished(life: Life) -> Iterator[int]:
    """The employer is gone, and the person files."""
    holder, officer = life.holder(), life.here.officers[0].who
    core, firm_id = life.authority.core, life.firm.organisation_id
    if offices.show_employer(core, officer, firm_id).state != "ceased":
        offices.move_employer(core, officer, firm_id, "cease", "Struck off the register.")
    yield 5
    case = life.leaves(signed=True, by=holder, ground="employer_gone")
    yield from _steps(case, *_ACCEPTED)


def _reports_leaving(life: Life) -> Iterator[int]:
    leaving.report_leaving(life.authority.core, life.holder(), life.permit_id or "", life.today)
    yield 1


def _ended(end: str, reason: str) -> Telling:
    """Two officers end it, once the time for a statement is over."""

    def tell(life: Life) -> Iterator[int]:
        authority, permit_id = life.authority, life.permit_id or ""
        hearings.open_hearing(authority.core, life.here.officers[0].who, permit_id, end, reason)
        yield _HEARD
        authority.by_two(life.here, "permit.end", {"permit_id": permit_id, "end": end}, reason)

    return tell


_LONG: Final = (30, 900)
STORIES: Final = (
    Story("draft", 2, (0, 25), _first("overseas")),
    Story("submitted", 3, (4, 6), _first("overseas", Case.submit, most=1)),
    Story("pre-reviewed", 2, (6, 8), _first("overseas", Case.submit, Case.pre_review, most=1)),
    Story("returned", 2, (6, 20), _first("overseas", Case.submit, Case.send_back, most=1)),
    Story("never answered", 1, (60, 150), _first("overseas", Case.submit, Case.send_back)),
    Story("accepted", 3, (9, 18), _first("overseas", *_ACCEPTED, most=1)),
    Story("accepted by silence", 1, (16, 24), _first("in_country", Case.submit)),
    Story("taken back", 1, (20, 150), _first("overseas", Case.submit, Case.withdraw)),
    Story("refused", 2, (30, 150), _first("overseas", *_ACCEPTED, Case.refuse)),
    Story("refused, objection", 1, (26, 40), _first("overseas", *_ACCEPTED, Case.refuse, Case.object_to_refusal)),
    Story("not entered yet", 4, (26, 60), _first("overseas", *_ACCEPTED, Case.approve)),
    Story("never entered", 1, (125, 170), _first("overseas", *_ACCEPTED, Case.approve)),
    Story("entered", 3, (42, 46), _enters(shows=False), category="B"),
    Story("entered and shown", 8, (85, 170), _enters(shows=True), category="B"),
    Story("entered, highly qualified", 2, (85, 170), _enters(shows=False), category="A"),
    Story("in the country", 6, (25, 170), _in_country),
    Story("up to 90 days", 2, (25, 150), _first("short", *_ACCEPTED, Case.approve)),
    Story("physical permit", 30, (170, 170), _carried, _LONG),
    Story("physical permit, run out", 3, (170, 170), _carried, (-140, -5)),
    Story("electronic reissue", 6, (26, 165), _reissued, _LONG),
    Story("extended", 6, (165, 165), _extended, (-60, 25)),
    Story("extended by law", 1, (165, 165), _left_lying(refused=False), (-18, -3)),
    Story("extension refused late", 1, (165, 165), _left_lying(refused=True), (-60, -12)),
    Story("promoted", 2, (75, 165), _promoted, _LONG),
    Story("cancelled", 4, (25, 165), _cancelled, _LONG),
    Story("died", 1, (25, 165), _died, _LONG),
    Story("to be heard", 1, (4, 6), _unheard, _LONG),
    Story("cancelled, objection", 1, (45, 60), _objects, _LONG),
    Story("another employer", 3, (60, 165), _moves, _LONG),
    Story("employer gone", 1, (20, 60), _vanished, _LONG, closing=True),
    Story("reported leaving", 1, (3, 8), _reports_leaving, _LONG),
    Story("revoked", 1, (32, 165), _ended("revoked.fraud", "The degree was bought."), _LONG),
    Story("withdrawn", 1, (32, 165), _ended("withdrawn.facts_changed", "The plant was closed by law."), _LONG),
    Story("licence withdrawn", 1, (32, 165), _ended("licence_withdrawn.penalty", "Work for others."), _LONG),
)
