"""Hearings: the person states their case before a decision against them (Administrative Licensing Law, article 36).

Promises:

1. A cancellation that the person did not sign, and every end that takes two officers, waits until they were heard:
   until they made their statement, or until its last day is over. What the employer says, and what an officer writes
   down, is beside it and ends nobody's hearing.
2. The person gets notice of the ground and the last day at once, and of what an officer wrote down as theirs; the
   office of the statement.
3. What is stated is sealed, and is seen by the office and by those whom the permit concerns.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.errors import Conflict, Invalid, Language, NotAllowed, NotFound, StateError
from issuer.accounts.fields import check_text
from issuer.accounts.models import Account
from issuer.accounts.principals import Principal
from issuer.core import Core
from issuer.db.idempotency import Request
from issuer.db.unit_of_work import UnitOfWork
from issuer.notices.outbox import Notice, notify
from issuer.rules.citations import cite
from issuer.rules.days import day_of
from issuer.rules.deadlines import due
from issuer.rules.store import book_of
from issuer.vault.at_rest import Place

from .clocks import calendar_of
from .models import Hearing, Permit
from .parties import employers_of, load_permit, notify_office, notify_permit, party_of, permits_of
from .processes import HEARING
from .terms import newest_term

__all__ = [
    "HearingView",
    "begin_hearing",
    "list_hearings",
    "open_hearing",
    "run_out",
    "seen_hearing",
    "state_case",
    "was_heard",
]

_LONGEST_REASON: Final = 1000
_LONGEST_STATEMENT: Final = 4000


@dataclass(frozen=True, slots=True)
class HearingView:
    """A hearing. ``end``: the end that it is about, kind and ground; ``until``: the last day for a statement;
    ``statement``: the person's own, ``stated_by``: their party; ``recorded_statement``: what an officer wrote down as
    said at the window."""

    hearing_id: str
    permit_id: str
    filing_id: str | None
    end: str
    state: str
    until: date
    title: dict[Language, str]
    rule: dict[Language, str]
    reason: str | None
    statement: str | None
    stated_by: str | None
    employer_statement: str | None
    recorded_statement: str | None


def open_hearing(
    core: Core, who: Principal, permit_id: str, name: str, reason: str, request: Request | None = None
) -> str:
    """Tell the person what is meant to be decided against them and why, as an officer; the hearing's id.

    Args:
        name: of a row of ``ends`` that asks for a hearing, such as ``revoked.fraud``.

    Raises:
        NotAllowed: ``access.*``, ``filing.own``.
        NotFound: ``permit.none``.
        Conflict: ``hearing.open``.
        Invalid: ``permit.ground``, ``account.field``.
    """
    who.require("filing.decide")
    words = check_text(reason, "reason", _LONGEST_REASON)

    def work(unit: UnitOfWork) -> str:
        session, now = unit.session, unit.now
        permit = load_permit(core, session, who, permit_id)
        if who.is_self(permit.person_id):
            raise NotAllowed("filing.own")
        rows = book_of(session).effective("ends", permit.region, day_of(now))
        known = [rule.id for rule in rows if rule.value["hearing"]]
        if name not in known:
            raise Invalid("permit.ground", path="end", expected=", ".join(known))
        row = begin_hearing(core, session, now, permit, name, words, account_id=who.account_id)
        unit.audit("hearing.open", row.id, {"permit": permit.id, "end": name})
        unit.made(row.id)
        return row.id

    return core.transact(who.by(), work, request=request)


def begin_hearing(
    core: Core,
    session: Session,
    now: int,
    permit: Permit,
    name: str,
    reason: str | None,
    *,
    filing_id: str | None = None,
    account_id: str | None = None,
) -> Hearing:
    """Begin a hearing within another's transaction, which writes the audit.

    Raises:
        Invalid: ``rules.none``.
        Conflict: ``hearing.open``; one about the same end is open.
    """
    open_one = select(Hearing.id).where(
        Hearing.permit_id == permit.id, Hearing.end == name, Hearing.state == "OPEN", Hearing.filing_id.is_(filing_id)
    )
    if session.scalar(open_one) is not None:
        raise Conflict("hearing.open")
    book, today = book_of(session), day_of(now)
    last = due(book.require("deadlines", "hearing", permit.region, today), calendar_of(book, permit.region), today)
    if last is None:
        raise Invalid("rules.none", path="deadlines/hearing")
    row = Hearing(
        id=secrets.token_hex(16),
        permit_id=permit.id,
        filing_id=filing_id,
        end=name,
        state=HEARING.first,
        until=last.day.isoformat(),
        account_id=account_id,
        created_at=now,
        closed_at=None,
    )
    _write(core, row, {"reason": reason, "statement": None, "stated_by": None})
    session.add(row)
    session.flush()
    notify_permit(core, session, now, "permit.hearing", permit)
    return row


def seen_hearing(core: Core, who: Principal, hearing_id: str) -> str:
    """The id of a hearing about a permit that somebody sees.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``hearing.none``.
    """

    def look(session: Session) -> None:
        row = session.get(Hearing, hearing_id)
        if row is None:
            raise NotFound("hearing.none")
        try:
            load_permit(core, session, who, row.permit_id)
        except StateError as fault:
            raise NotFound("hearing.none") if fault.code == "permit.none" else fault from None

    core.database.read(look)
    return hearing_id


def state_case(core: Core, who: Principal, hearing_id: str, statement: str) -> None:
    """Make one's statement, or as an officer write down what was said at the window.

    Employers are heard too where it is not they who filed, once, while the hearing is open. What an officer writes
    down, once, leaves it open until its last day: one officer alone must not end the hearing that binds them.

    Raises:
        NotAllowed: ``filing.own``, ``access.*``.
        NotFound: ``hearing.none``.
        Conflict: ``process.move``.
        Invalid: ``account.field``.
    """
    if not (who.may("permit.own") or who.may("filing.file")):
        who.require("filing.decide")
    words = check_text(statement, "statement", _LONGEST_STATEMENT)

    def work(unit: UnitOfWork) -> None:
        session, now = unit.session, unit.now
        row = session.get(Hearing, hearing_id, with_for_update=True)
        seen = permits_of(core, session, who)
        permit = None if row is None else session.scalar(select(Permit).where(Permit.id == row.permit_id, seen))
        if row is None or permit is None or (row.filing_id is not None and party_of(who) == "applicant"):
            raise NotFound("hearing.none")
        party, content = party_of(who), _read(core, row)
        if who.role.official and who.is_self(permit.person_id):
            raise NotAllowed("filing.own")
        if party == "applicant":
            if row.state != "OPEN" or content.get("employer_statement") is not None:
                raise Conflict("process.move", path="hearing", expected="OPEN, and no statement yet", found=row.state)
            _write(core, row, {**content, "employer_statement": words})
        elif party == "officer":
            HEARING.move("record", row.state, party)
            if content.get("recorded_statement") is not None:
                raise Conflict("process.move", path="hearing", expected="nothing recorded yet", found="recorded")
            _write(core, row, {**content, "recorded_statement": words})
        else:
            row.state, row.closed_at = HEARING.move("state", row.state, party).target, now
            _write(core, row, {**content, "statement": words, "stated_by": party})
        session.flush()
        if party == "officer":
            _notify_holder(core, session, now, permit)
            unit.audit("hearing.record", row.id)
        else:
            notify_office(core, session, now, "permit.stated", permit.region, {"permit": permit.id})
            unit.audit("hearing.state", row.id)

    core.transact(who.by(), work)


def list_hearings(core: Core, who: Principal, permit_id: str) -> list[HearingView]:
    """The hearings about a permit that somebody sees, the newest first, 100 at most.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``permit.none``.
    """

    def look(session: Session) -> list[HearingView]:
        permit = load_permit(core, session, who, permit_id)
        query = select(Hearing).where(Hearing.permit_id == permit.id)
        if employers_of(core, session, who) is not None:
            # Nothing of what was said to employers before.
            query = query.where(Hearing.created_at >= newest_term(session, permit.id).created_at)
        rows = session.scalars(query.order_by(Hearing.created_at.desc(), Hearing.id).limit(100))
        return [_view(core, session, permit, row) for row in rows]

    return core.database.read(look)


def run_out(core: Core, unit: UnitOfWork, hearing_id: str) -> bool:
    """Close a hearing whose last day is over; whether it was to be closed. The worker calls it."""
    row = unit.session.get_one(Hearing, hearing_id, with_for_update=True)
    if row.state != "OPEN" or row.until >= day_of(unit.now).isoformat():
        return False
    row.state, row.closed_at = HEARING.move("run_out", row.state, "clock").target, unit.now
    unit.audit("hearing.run_out", row.id)
    return True


def was_heard(session: Session, permit: Permit, name: str, filing_id: str | None = None) -> bool:
    """Whether the person was heard about an end, since the permit's newest term began; none of it is open."""
    begun = newest_term(session, permit.id).created_at
    about = Hearing.filing_id == filing_id if filing_id is not None else Hearing.end == name
    query = select(Hearing.state).where(Hearing.permit_id == permit.id, about, Hearing.created_at >= begun)
    states: Sequence[str] = session.scalars(query).all()
    return bool(states) and "OPEN" not in states


def _view(core: Core, session: Session, permit: Permit, row: Hearing) -> HearingView:
    rule = book_of(session).require("ends", row.end, permit.region, day_of(row.created_at))
    content = _read(core, row)
    return HearingView(
        row.id,
        row.permit_id,
        row.filing_id,
        row.end,
        row.state,
        date.fromisoformat(row.until),
        dict(rule.value["title"]),
        {"en": cite(rule, "en"), "zh": cite(rule, "zh")},
        content["reason"],
        content["statement"],
        content["stated_by"],
        content.get("employer_statement"),
        content.get("recorded_statement"),
    )


def _notify_holder(core: Core, session: Session, now: int, permit: Permit) -> None:
    holds = Account.person_id == permit.person_id, Account.role == "holder", Account.in_use()
    accounts = session.scalars(select(Account.id).where(*holds).order_by(Account.id)).all()
    facts = {"permit": permit.id}
    notify(core, session, now, [Notice("permit.recorded", account, facts) for account in accounts])


def _write(core: Core, row: Hearing, content: dict[str, Any]) -> None:
    body = json.dumps(content, ensure_ascii=False).encode()
    row.record = core.at_rest.seal(Place("hearings", "record", row.id), body)


def _read(core: Core, row: Hearing) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(core.at_rest.open(Place("hearings", "record", row.id), row.record))
    return content
