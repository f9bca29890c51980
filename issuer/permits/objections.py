"""Objections: reconsideration of a refused application or of a permit's end, from lodging to what follows.

Promises:

1. An objection is lodged by whom the decision concerns, within the time that the rules give; later only with the reason
   why it was not possible in time. It has a number, and its clocks.
2. A head of the office records what becomes of it, never one who took part in the decision. Where nothing is said
   within the time for its examination, it counts as admitted.
3. The decision stands meanwhile unless it is stayed. A stay, and a decision that was set aside, let two officers
   restore the permit with new codes; a refused application is decided again.
4. An outcome that leaves the decision standing names the way to the court, and ends what a stay had restored.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

from sqlalchemy import and_, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from icard_crypto.errors import Conflict, Invalid, NotAllowed, NotFound, Unavailable
from icard_crypto.moments import DAY
from issuer.accounts.fields import check_text
from issuer.accounts.mandates import acts_for
from issuer.accounts.models import Account
from issuer.accounts.principals import Principal
from issuer.core import Core
from issuer.db.idempotency import Request
from issuer.db.unit_of_work import UnitOfWork
from issuer.notices.outbox import Notice, notify
from issuer.rules.book import RuleBook
from issuer.rules.days import day_of
from issuer.rules.deadlines import due
from issuer.rules.store import book_of
from issuer.vault.at_rest import Place

from .clocks import calendar_of, set_days
from .ending import KINDS, End, end_permit, end_record
from .models import Filing, Permit, PermitEnd
from .moves import move
from .objection_grounds import NewObjection, decision_of, next_number, require_impartial, require_in_time
from .parties import notify_office, objection_employer, objections_of, party_of
from .processes import OBJECTION
from .records import read_filing
from .remedies import redress
from .remedy_models import Objection

__all__ = [
    "NewObjection",
    "admit_by_silence",
    "admit_objection",
    "decide_objection",
    "dismiss_objection",
    "load_objection",
    "lodge",
    "prolong_objection",
    "read_objection",
    "stay_objection",
    "withdraw_objection",
]

_LONGEST: Final = 4000
_OPEN: Final = ("LODGED", "ADMITTED")
#: Objections to one decision that were withdrawn within a day: each notifies the office.
_MOST_WITHDRAWN: Final = 3


def lodge(core: Core, who: Principal, new: NewObjection, request: Request | None = None) -> str:
    """Lodge an objection; its id.

    Raises:
        PermitRefused: ``objection.late``.
        NotAllowed, NotFound, Conflict, Invalid, Unavailable: ``access.*``, ``filing.none``, ``permit.none``,
            ``objection.nothing``, ``objection.open``, ``objection.too_often``, ``account.field``, ``filing.field``.
    """
    who.require("objection.lodge")
    if (new.filing_id is None) == (new.permit_id is None):
        raise Invalid("filing.field", path="filing_id", expected="filing_id or permit_id")
    grounds = check_text(new.grounds, "grounds", _LONGEST)
    late = None if new.late_reason is None else check_text(new.late_reason, "late_reason", _LONGEST)
    objection_id = secrets.token_hex(16)

    def work(unit: UnitOfWork) -> str:
        session, now = unit.session, unit.now
        found = decision_of(core, session, who, new)
        today, book = day_of(now), book_of(session)
        require_in_time(book, found, today, late)
        examined = _due(book, "reconsideration-examined", found.region, today)
        filing_id, end_id = (row.id if row else None for row in (found.filing, found.end))
        _refuse_flood(session, now, filing_id, end_id)
        row = Objection(
            id=objection_id,
            number=next_number(session, found.region, today),
            state=OBJECTION.first,
            region=found.region,
            filing_id=filing_id,
            end_id=end_id,
            permit_id=found.permit.id if found.permit else None,
            account_id=who.account_id,
            person_id=who.person_id,
            organisation_id=who.organisation_id,
            open_key=filing_id or end_id,
            lodged_on=today.isoformat(),
            admitted_on=None,
            examined_due=examined,
            decided_due=None,
            prolonged=0,
            simple=False,
            stayed=False,
            revision=1,
            created_at=now,
            changed_at=now,
        )
        _write(core, row, {"grounds": grounds, "late_reason": late})
        session.add(row)
        session.flush()
        _notify(core, session, now, "objection.lodge", row)
        notify_office(core, session, now, "objection.lodge", row.region, {"objection": row.id}, "office_head")
        unit.audit("objection.lodge", row.id, {"number": row.number})
        unit.made(row.id)
        return row.id

    try:
        return core.transact(who.by(), work, request=request)
    except IntegrityError as fault:
        if "open" in str(fault.orig):
            raise Conflict("objection.open") from None
        raise


def _refuse_flood(session: Session, now: int, filing_id: str | None, end_id: str | None) -> None:
    same = Objection.filing_id == filing_id if filing_id is not None else Objection.end_id == end_id
    withdrawn = select(Objection.id).where(same, Objection.state == "WITHDRAWN", Objection.changed_at > now - DAY)
    if len(session.scalars(withdrawn.limit(_MOST_WITHDRAWN)).all()) >= _MOST_WITHDRAWN:
        raise Unavailable("objection.too_often", expected=f"at most {_MOST_WITHDRAWN} withdrawn within a day")


def admit_objection(core: Core, who: Principal, objection_id: str, revision: int, *, simple: bool) -> None:
    """Admit an objection: the time for its decision begins. ``simple``: by the simplified procedure.

    Raises:
        NotAllowed, Conflict, StateError: ``access.*``, ``objection.*``, ``process.move``.
    """

    def change(session: Session, now: int, row: Objection) -> Mapping[str, Any]:
        row.simple = simple
        _admitted(book_of(session), row, day_of(now))
        return {}

    _move(core, who, objection_id, revision, "admit", change)


def admit_by_silence(core: Core, unit: UnitOfWork, objection_id: str) -> bool:
    """Admit an objection of which nothing was said in time; whether it was to be. The worker calls it."""
    session, now = unit.session, unit.now
    row = session.get_one(Objection, objection_id, with_for_update=True)
    if row.state != "LODGED" or row.examined_due >= day_of(now).isoformat():
        return False
    row.state = OBJECTION.move("admit_by_silence", row.state, "clock").target
    _admitted(book_of(session), row, date.fromisoformat(row.examined_due))
    row.revision += 1
    row.changed_at = now
    session.flush()
    _notify(core, session, now, "objection.admit", row)
    unit.audit("objection.admit_by_silence", row.id)
    return True


def dismiss_objection(core: Core, who: Principal, objection_id: str, revision: int, reason: str) -> None:
    """Do not admit an objection, with the reason; the way to the court goes with it.

    Raises:
        NotAllowed, Conflict, Invalid, StateError: ``access.*``, ``objection.*``, ``account.field``, ``process.move``.
    """
    words = check_text(reason, "reason", _LONGEST)

    def change(session: Session, now: int, row: Objection) -> Mapping[str, Any]:
        row.open_key = None
        return {"reason": words, "redress": _court(book_of(session), row.region, day_of(now))}

    _move(core, who, objection_id, revision, "dismiss", change)


def stay_objection(core: Core, who: Principal, objection_id: str, revision: int, reason: str) -> None:
    """Stay the decision that an objection is about; two officers may then restore the permit meanwhile.

    Raises:
        NotAllowed, Conflict, Invalid, StateError: ``access.*``, ``objection.*``, ``account.field``, ``process.move``.
    """
    words = check_text(reason, "reason", _LONGEST)

    def change(session: Session, now: int, row: Objection) -> Mapping[str, Any]:
        if row.stayed:
            raise Conflict("process.move", path="objection", expected="a stay once", found="stayed")
        row.stayed = True
        return {"stay_reason": words}

    _move(core, who, objection_id, revision, "stay", change)


def prolong_objection(core: Core, who: Principal, objection_id: str, revision: int, days: int, reason: str) -> None:
    """Prolong the decision on an objection, once.

    Raises:
        NotAllowed, Conflict, Invalid, StateError: ``access.*``, ``objection.*``, ``rules.prolong``, ``account.field``,
            ``process.move``.
    """
    words = check_text(reason, "reason", _LONGEST)

    def change(session: Session, now: int, row: Objection) -> Mapping[str, Any]:
        if row.prolonged or days < 1:
            raise Invalid("rules.prolong", path="days", expected="1 day or more, once")
        row.prolonged = days
        _admitted(book_of(session), row, date.fromisoformat(row.admitted_on or row.lodged_on))
        return {"prolong_reason": words}

    _move(core, who, objection_id, revision, "prolong", change)


def decide_objection(core: Core, who: Principal, objection_id: str, revision: int, outcome: str, reason: str) -> None:
    """Record the outcome: the decision is upheld, or annulled; what follows is promises 3 and 4.

    Args:
        outcome: uphold or annul.

    Raises:
        NotAllowed, Conflict, Invalid, StateError: ``filing.field``, ``access.*``, ``objection.*``, ``account.field``,
            ``filing.open``, ``process.move``.
    """
    words = check_text(reason, "reason", _LONGEST)
    if outcome not in ("uphold", "annul"):
        raise Invalid("filing.field", path="outcome", expected="uphold, annul")

    def change(session: Session, now: int, row: Objection) -> Mapping[str, Any]:
        row.open_key = None
        if outcome == "annul":
            _reopen(core, session, now, row, who)
            return {"reason": words}
        _end_again(core, session, now, row, who)
        return {"reason": words, "redress": _court(book_of(session), row.region, day_of(now))}

    try:
        _move(core, who, objection_id, revision, outcome, change)
    except IntegrityError as fault:
        if "open" in str(fault.orig):
            raise Conflict("filing.open") from None
        raise


def withdraw_objection(core: Core, who: Principal, objection_id: str, revision: int) -> None:
    """Withdraw one's own objection, or as an employer what an agency lodged for it.

    Raises:
        NotAllowed, Conflict, StateError: ``filing.not_yours``, ``access.*``, ``objection.*``, ``process.move``.
    """

    def change(session: Session, now: int, row: Objection) -> Mapping[str, Any]:
        # What an organisation sees is its side's; a holder also sees what an organisation lodged about their permit.
        own = row.organisation_id is None and row.person_id == who.person_id
        if not (own if who.organisation_id is None else row.organisation_id is not None):
            raise NotAllowed("filing.not_yours")
        row.open_key = None
        _end_again(core, session, now, row, who)
        return {}

    _move(core, who, objection_id, revision, "withdraw", change, right="objection.lodge")


def load_objection(core: Core, session: Session, who: Principal, objection_id: str, *, lock: bool = False) -> Objection:
    """An objection that somebody sees.

    Raises:
        NotAllowed, NotFound: ``access.*``, ``objection.none``.
    """
    query = select(Objection).where(Objection.id == objection_id, objections_of(core, session, who))
    row = session.scalar(query.with_for_update() if lock else query)
    if row is None:
        raise NotFound("objection.none")
    return row


def read_objection(core: Core, row: Objection) -> dict[str, Any]:
    """What the record of an objection has: grounds, reasons, ways of redress."""
    content: dict[str, Any] = json.loads(core.at_rest.open(Place("objections", "record", row.id), row.record))
    return content


def _move(
    core: Core,
    who: Principal,
    objection_id: str,
    revision: int,
    name: str,
    change: Callable[[Session, int, Objection], Mapping[str, Any]],
    right: str = "objection.decide",
) -> None:
    who.require(right)

    def work(unit: UnitOfWork) -> None:
        session, now = unit.session, unit.now
        row = load_objection(core, session, who, objection_id, lock=True)
        if row.revision != revision:
            raise Conflict("objection.changed", expected=str(revision), found=str(row.revision))
        if right == "objection.decide":
            require_impartial(core, session, who, row)
        found = OBJECTION.move(name, row.state, party_of(who))
        content = {**read_objection(core, row), **change(session, now, row)}
        _write(core, row, content)
        row.state = found.target
        row.revision += 1
        row.changed_at = now
        session.flush()
        _notify(core, session, now, f"objection.{name}", row)
        unit.audit(f"objection.{name}", row.id, {"number": row.number})

    core.transact(who.by(), work)


def _reopen(core: Core, session: Session, now: int, row: Objection, who: Principal) -> None:
    """Let a refused application be decided again: its time for the decision begins again."""
    if row.filing_id is None:
        return
    filing = session.get_one(Filing, row.filing_id, with_for_update=True)
    move(core, session, now, filing, "reopen", party_of(who), who.account_id, {"objection": row.number})
    filing.accepted_on, filing.decided_on, filing.prolonged = day_of(now).isoformat(), None, 0
    set_days(book_of(session), filing, read_filing(core, filing).category)
    session.flush()


def _end_again(core: Core, session: Session, now: int, row: Objection, who: Principal) -> None:
    """End what was restored for the time of this objection."""
    if not row.stayed or row.permit_id is None:
        return
    permit = session.get_one(Permit, row.permit_id, with_for_update=True)
    if permit.restored_by != row.id or permit.state not in ("ACTIVE", "EXTENDED_BY_LAW"):
        return
    newest = select(PermitEnd).where(PermitEnd.permit_id == permit.id).order_by(PermitEnd.number.desc()).limit(1)
    before = session.scalars(newest).one()
    name = f"{before.kind}.{end_record(core, before)['ground']}"
    end = End(
        name,
        day_of(now),
        party_of(who),
        move="end_stay" if before.kind == "expired" else KINDS[before.kind],
        filing_id=before.filing_id,
        account_id=who.account_id,
        stay_of=row.id,
    )
    end_permit(core, session, now, permit, end)


def _admitted(book: RuleBook, row: Objection, day: date) -> None:
    row.admitted_on = day.isoformat()
    name = "reconsideration-simple" if row.simple else "reconsideration-decided"
    row.decided_due = _due(book, name, row.region, day, prolonged=row.prolonged)


def _due(book: RuleBook, name: str, region: str, day: date, *, prolonged: int = 0) -> str:
    found = due(book.require("deadlines", name, region, day), calendar_of(book, region), day, prolonged=prolonged)
    if found is None:
        raise Invalid("rules.none", path=f"deadlines/{name}")
    return found.day.isoformat()


def _court(book: RuleBook, region: str, day: date) -> list[dict[str, Any]]:
    return redress(book, region, day, ("court-after-reconsideration",))


def _notify(core: Core, session: Session, now: int, kind: str, row: Objection) -> None:
    """Notify who sees it as their own: the person who lodged it, or the employer and an agency that lodged it and has
    its mandate now; and the person whom the decision is about."""
    about = select(Permit.person_id).where(Permit.id == row.permit_id)
    holds = and_(Account.role == "holder", or_(Account.person_id == row.person_id, Account.person_id.in_(about)))
    sides = [holds]
    if row.organisation_id is not None:
        employer_id = session.scalar(select(objection_employer()).where(Objection.id == row.id))
        employs = and_(Account.role == "employer", Account.organisation_id.in_((row.organisation_id, employer_id)))
        acts = and_(Account.organisation_id == row.organisation_id, acts_for(employer_id, now))
        sides += [employs, acts]
    query = select(Account.id).where(Account.in_use(), or_(*sides)).order_by(Account.id)
    accounts = session.scalars(query).all()
    notify(core, session, now, [Notice(kind, account, {"objection": row.id}) for account in accounts])


def _write(core: Core, row: Objection, content: Mapping[str, Any]) -> None:
    body = json.dumps(content, ensure_ascii=False).encode()
    row.record = core.at_rest.seal(Place("objections", "record", row.id), body)
