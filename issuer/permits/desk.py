"""The office's work queue: applications by deadline, and who works on which.

Promises:

1. Extensions that are first come first (:mod:`issuer.permits.urgent`). The rest is in the order of legal days: when
   defects have to be named, when a decision is due, and, for an extension, the permit's own end where that comes first.
2. Taking an application says who works on it and refuses nobody: whoever may decide still may. It is nobody's again
   when it is given back, or decided.
3. Two officers who take the next one at the same moment get two different applications.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, case, delete, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from issuer.accounts.models import Account, Person
from issuer.accounts.people import read_name
from issuer.accounts.principals import Principal
from issuer.core import Core
from issuer.db.idempotency import Request
from issuer.db.unit_of_work import UnitOfWork
from issuer.rules.book import RuleBook
from issuer.rules.days import day_of, days_after
from issuer.rules.store import book_of

from .models import Filing, FilingTaken, Paper, Permit
from .parties import filings_of, load_filing
from .people import filing_name, organisation_record

__all__ = ["DeskLoad", "QueueItem", "TakenBy", "give_back", "office_load", "queue", "take", "take_next", "taken_by"]

#: States in which the office has to act.
_OFFICE: Final = ("SUBMITTED", "PRE_REVIEWED", "ACCEPTED")
_MOST: Final = 200


@dataclass(frozen=True, slots=True)
class QueueItem:
    """An application on the desk.

    Args:
        due: the day by which the office has to act; by_law: it is an extension, and the permit's end is near or past:
            undecided, it goes on by law.
        papers, verified: materials that were handed in, and those of them that are verified.
        returns: how often it was returned.
        first: it is first, for its permit ends soon.
        taken_by: the name of whoever has taken it; own: it is the one who asks.
    """

    filing_id: str
    process: str
    state: str
    name: str
    employer: str
    due: str
    by_law: bool
    papers: int
    verified: int
    returns: int
    prolonged: bool
    taken_by: str | None
    own: bool
    first: bool

    @property
    def cursor(self) -> str:
        """Where the page after it begins."""
        return f"{0 if self.first else 1}{self.due}_{self.filing_id}"


@dataclass(frozen=True, slots=True)
class DeskLoad:
    """What lies on an office's desk.

    Args:
        states: open applications by state.
        overdue: those whose day has passed; soon: those due within five days.
        by_law: extensions whose permit ends within ten days: they go on by law where nobody decides.
        second_returns: applications that were returned twice or more, among the open ones.
        taken: open applications by who has taken them; the empty name: nobody.
    """

    states: dict[str, int]
    overdue: list[QueueItem]
    soon: int
    by_law: list[QueueItem]
    second_returns: int
    taken: dict[str, int]


@dataclass(frozen=True, slots=True)
class TakenBy:
    """Who has taken an application. ``own``: it is the one who asks."""

    name: str
    own: bool


def queue(core: Core, who: Principal, *, after: str = "", limit: int = 50, free: bool = False) -> list[QueueItem]:
    """A page of the desk's queue.

    Args:
        after: :attr:`QueueItem.cursor` of the last entry of the page before.
        limit: 1 to 201.
        free: only what nobody has taken.

    Raises:
        NotAllowed: ``access.*``.
    """
    who.require("filing.read")

    def look(session: Session) -> list[QueueItem]:
        place = _place()
        query = _open(core, session, who).order_by(place, Filing.id).limit(max(1, min(limit, _MOST + 1)))
        day, _, name = after.partition("_")
        if name:
            query = query.where(or_(place > day, and_(place == day, Filing.id > name)))
        if free:
            query = query.where(FilingTaken.account_id.is_(None))
        return _items(core, session, who, query)

    return core.database.read(look)


def taken_by(core: Core, who: Principal, filing_id: str) -> TakenBy | None:
    """Who has taken an application; None: nobody has.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``filing.none``.
    """
    who.require("filing.decide")

    def look(session: Session) -> TakenBy | None:
        row = load_filing(core, session, who, filing_id)
        taken = session.get(FilingTaken, row.id)
        if taken is None:
            return None
        names = _names(core, session, [taken.account_id])
        return TakenBy(names.get(taken.account_id, "–"), taken.account_id == who.account_id)

    return core.database.read(look)


def take(core: Core, who: Principal, filing_id: str) -> None:
    """Say that one works on an application; from another's hands too, which is audited.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``filing.none``.
    """
    who.require("filing.decide")

    def work(unit: UnitOfWork) -> None:
        session, now = unit.session, unit.now
        row = load_filing(core, session, who, filing_id, lock=True)
        taken = session.get(FilingTaken, row.id)
        if taken is None:
            session.add(FilingTaken(filing_id=row.id, account_id=who.account_id, at=now))
        else:
            taken.account_id, taken.at = who.account_id, now
        unit.audit("filing.take", row.id)

    core.transact(who.by(), work)


def give_back(core: Core, who: Principal, filing_id: str) -> None:
    """Say that nobody works on an application; repeating it is no error.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``filing.none``.
    """
    who.require("filing.decide")

    def work(unit: UnitOfWork) -> None:
        session = unit.session
        row = load_filing(core, session, who, filing_id, lock=True)
        session.execute(delete(FilingTaken).where(FilingTaken.filing_id == row.id))
        unit.audit("filing.give_back", row.id)

    core.transact(who.by(), work)


def take_next(core: Core, who: Principal, request: Request | None = None) -> str | None:
    """Take the first application of the queue that nobody has taken; its id, or None where there is none.

    Raises:
        NotAllowed: ``access.*``.
    """
    who.require("filing.decide")
    for _ in range(_MOST):
        found = queue(core, who, limit=1, free=True)
        if not found:
            return None

        def work(unit: UnitOfWork, name: str = found[0].filing_id) -> None:
            unit.session.add(FilingTaken(filing_id=name, account_id=who.account_id, at=unit.now))
            unit.session.flush()
            unit.audit("filing.take", name)
            unit.made(name)

        try:
            core.transact(who.by(), work, request=request)
        except IntegrityError:
            # Another officer was faster: the next one.
            continue
        return found[0].filing_id
    return None


def office_load(core: Core, who: Principal) -> DeskLoad:
    """What lies on the desk of one's office, for its head and its officers.

    Raises:
        NotAllowed: ``access.*``.
    """
    who.require("filing.read")

    def look(session: Session) -> DeskLoad:
        today = day_of(core.clock.now(session))
        due = _due()
        base = _open(core, session, who)
        seen = filings_of(core, session, who)
        states = select(Filing.state, func.count()).where(seen, Filing.state.in_((*_OFFICE, "RETURNED")))
        holders = (
            select(FilingTaken.account_id, func.count())
            .select_from(Filing)
            .join(FilingTaken, FilingTaken.filing_id == Filing.id, isouter=True)
            .where(seen, Filing.state.in_(_OFFICE))
            .group_by(FilingTaken.account_id)
        )
        counted = dict(session.execute(holders).all())
        names = _names(core, session, [name for name in counted if name is not None])
        soon = select(func.count()).select_from(base.where(due <= days_after(today, 5).isoformat()).subquery())
        late = base.where(due < today.isoformat()).order_by(due, Filing.id).limit(_MOST)
        ends = base.where(
            Filing.process == "extension",
            Permit.until <= days_after(today, _first_in_queue(book_of(session))).isoformat(),
        )
        return DeskLoad(
            dict(session.execute(states.group_by(Filing.state)).all()),
            _items(core, session, who, late),
            session.scalar(soon) or 0,
            _items(core, session, who, ends.order_by(Permit.until, Filing.id).limit(_MOST)),
            session.scalar(
                select(func.count()).where(seen, Filing.state.in_((*_OFFICE, "RETURNED")), Filing.returns >= 2)
            )
            or 0,
            {"" if name is None else names.get(name, "–"): number for name, number in counted.items()},
        )

    return core.database.read(look)


def _first_in_queue(book: RuleBook) -> int:
    """Calendar days that cover the working days from which an undecided extension comes first."""
    return 2 * max(int(rule.value["number"]) for rule in book.all("deadlines", "first-in-queue"))


def _due() -> ColumnElement[str]:
    """The day by which the office has to act (promise 1)."""
    legal = case((Filing.state == "ACCEPTED", Filing.decision_due), else_=Filing.defects_due)
    ends = and_(Filing.process == "extension", Permit.until < func.coalesce(legal, "9999-12-31"))
    return case((ends, Permit.until), else_=func.coalesce(legal, "9999-12-31"))


def _place() -> ColumnElement[str]:
    """What the queue is in the order of: what is first, then the day."""
    return case((Filing.first_since.is_not(None), "0"), else_="1") + _due()


def _open(core: Core, session: Session, who: Principal) -> Any:
    return (
        select(Filing, _due(), Permit.until, FilingTaken.account_id)
        .join(Permit, Permit.id == Filing.permit_id, isouter=True)
        .join(FilingTaken, FilingTaken.filing_id == Filing.id, isouter=True)
        .where(filings_of(core, session, who), Filing.state.in_(_OFFICE))
    )


def _items(core: Core, session: Session, who: Principal, query: Any) -> list[QueueItem]:
    rows = session.execute(query).all()
    ids = [row.id for row, *_ in rows]
    papers = select(Paper.filing_id, func.count(), func.sum(case((Paper.state == "VERIFIED", 1), else_=0)))
    counts = {name: (total, done) for name, total, done in session.execute(
        papers.where(Paper.filing_id.in_(ids)).group_by(Paper.filing_id))}  # fmt: skip
    names = _names(core, session, [taken for *_, taken in rows if taken is not None])
    near = days_after(day_of(core.clock.now(session)), _first_in_queue(book_of(session))).isoformat()
    found = []
    for row, due, until, taken in rows:
        total, done = counts.get(row.id, (0, 0))
        found.append(
            QueueItem(
                row.id,
                row.process,
                row.state,
                filing_name(core, session, row),
                organisation_record(core, session, row.employer_id)["name"],
                due,
                row.process == "extension" and until is not None and until <= near,
                int(total),
                int(done or 0),
                row.returns,
                bool(row.prolonged),
                None if taken is None else names.get(taken, "–"),
                taken == who.account_id,
                row.first_since is not None,
            )
        )
    return found


def _names(core: Core, session: Session, accounts: list[str]) -> dict[str, str]:
    """The names of officials by their accounts' ids."""
    rows = session.scalars(select(Account).where(Account.id.in_(sorted(set(accounts)))))
    return {row.id: read_name(core, session.get_one(Person, row.person_id)) for row in rows}
