"""Messages to the office about an application: answered, or passed on, by the day that a rule sets.

Promises:

1. Employer and agency share a thread of an application, its holder has another: neither reads the other's. The office
   reads both.
2. Both sides see since when a message waits and until when it is answered; passing it on says to whom, and the time
   starts again.
3. A message stays as it was written. Whoever asked is notified of an answer.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal, cast

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session, aliased

from icard_crypto.errors import Conflict, Invalid, NotAllowed
from issuer.accounts.fields import check_text
from issuer.accounts.principals import Principal
from issuer.core import Core
from issuer.db.idempotency import Request
from issuer.db.unit_of_work import UnitOfWork
from issuer.notices.outbox import Notice, notify
from issuer.permits.clocks import calendar_of
from issuer.permits.models import Filing, FilingTaken
from issuer.permits.parties import filings_of, load_filing, require_handler
from issuer.permits.people import filing_name
from issuer.rules.book import RuleBook
from issuer.rules.days import day_of
from issuer.rules.deadlines import Due, due
from issuer.rules.store import book_of
from issuer.vault.at_rest import Place

from .models import FileMessage

__all__ = ["MessageView", "Side", "ThreadView", "WaitingView", "answer_message", "list_threads", "list_waiting",
           "send_message"]  # fmt: skip

Side = Literal["applicant", "holder"]
_SIDES: Final[tuple[Side, ...]] = ("applicant", "holder")
_LONGEST: Final = 2000
#: Messages of one thread, beside a last answer.
_MOST: Final = 200
_RULE: Final = "message"


@dataclass(frozen=True, slots=True)
class MessageView:
    """A message. ``own``: of the side that looks. ``at``: Unix time."""

    kind: Literal["asked", "answered", "passed_on"]
    text: str
    at: int
    own: bool


@dataclass(frozen=True, slots=True)
class ThreadView:
    """A thread, oldest first.

    Args:
        waits_since: Unix time of the message that waits for the office; None: none does.
        due: the day by which it is answered; provisional: the day may move when the calendar grows.
    """

    side: Side
    messages: list[MessageView]
    waits_since: int | None
    due: date | None
    provisional: bool


@dataclass(frozen=True, slots=True)
class WaitingView:
    """A thread whose newest message waits for the office."""

    filing_id: str
    side: Side
    name: str
    since: int
    due: date


def list_threads(core: Core, who: Principal, filing_id: str) -> list[ThreadView]:
    """The threads of an application that somebody sees; one's own is there without a message too.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``filing.none``.
    """

    def look(session: Session) -> list[ThreadView]:
        row = load_filing(core, session, who, filing_id)
        seen = _SIDES if who.role.official else (_side_of(who),)
        found = [_thread(core, session, book_of(session), row, side, official=who.role.official) for side in seen]
        return [thread for thread in found if thread.messages or not who.role.official]

    return core.database.read(look)


def send_message(core: Core, who: Principal, filing_id: str, text: str, request: Request | None = None) -> str:
    """Ask the office about an application; the message's id.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``filing.none``.
        Conflict: ``enquiry.draft``, ``enquiry.too_many``.
        Invalid: ``account.field``.
    """
    if who.role.official:
        raise NotAllowed("access.not_allowed", expected="a party of the application", found=who.role.name)
    words = check_text(text, "text", _LONGEST)

    def work(unit: UnitOfWork) -> str:
        row = load_filing(core, unit.session, who, filing_id, lock=True)
        if row.state == "DRAFT":
            raise Conflict("enquiry.draft")
        made = _write(core, unit, row, _side_of(who), "asked", who, words)
        taken = unit.session.get(FilingTaken, row.id)
        if taken is not None:
            notify(core, unit.session, unit.now, [Notice("message.asked", taken.account_id, {"filing": row.id})])
        unit.audit("message.ask", row.id)
        return made

    return core.transact(who.by(), work, request=request)


def answer_message(
    core: Core,
    who: Principal,
    filing_id: str,
    side: Side,
    kind: Literal["answered", "passed_on"],
    text: str,
    request: Request | None = None,
) -> str:
    """Answer what waits in a thread, or pass it on and say to whom; the message's id.

    Raises:
        NotAllowed: ``access.*``, ``filing.own``.
        NotFound: ``filing.none``.
        Conflict: ``enquiry.nothing_waits``.
        Invalid: ``account.field``.
    """
    who.require("filing.decide")
    words = check_text(text, "text", _LONGEST)

    def work(unit: UnitOfWork) -> str:
        session = unit.session
        row = load_filing(core, session, who, filing_id, lock=True)
        require_handler(who, row)
        newest = _newest(session, row.id, side)
        if newest is None or newest.kind == "answered":
            raise Conflict("enquiry.nothing_waits")
        asked = session.scalars(
            select(FileMessage)
            .where(FileMessage.filing_id == row.id, FileMessage.side == side, FileMessage.kind == "asked")
            .order_by(FileMessage.number.desc())
            .limit(1)
        ).one()
        made = _write(core, unit, row, side, kind, who, words)
        notify(core, session, unit.now, [Notice("message.answered", asked.account_id, {"filing": row.id})])
        unit.audit(f"message.{kind}", row.id)
        return made

    return core.transact(who.by(), work, request=request)


def list_waiting(core: Core, who: Principal, *, limit: int = 50) -> list[WaitingView]:
    """Threads that wait for one's office, the longest first.

    Args:
        limit: 1 to 200.

    Raises:
        NotAllowed: ``access.*``.
    """
    who.require("filing.decide")

    def look(session: Session) -> list[WaitingView]:
        later = aliased(FileMessage)
        newer = select(later.id).where(
            later.filing_id == FileMessage.filing_id,
            later.side == FileMessage.side,
            later.number > FileMessage.number,
        )
        waits: ColumnElement[bool] = and_(FileMessage.kind != "answered", ~newer.exists())
        query = select(FileMessage, Filing).join(Filing, Filing.id == FileMessage.filing_id)
        query = query.where(filings_of(core, session, who), waits).order_by(FileMessage.at, FileMessage.id)
        book, found = book_of(session), []
        for message, row in session.execute(query.limit(max(1, min(limit, _MOST)))):
            until = _due(book, row, message.at)
            name, side = filing_name(core, session, row), cast("Side", message.side)
            found.append(WaitingView(row.id, side, name, message.at, until.day))
        return found

    return core.database.read(look)


def _thread(core: Core, session: Session, book: RuleBook, row: Filing, side: Side, *, official: bool) -> ThreadView:
    query = select(FileMessage).where(FileMessage.filing_id == row.id, FileMessage.side == side)
    rows = session.scalars(query.order_by(FileMessage.number).limit(_MOST + 1)).all()
    messages = [_view(core, one, official=official) for one in rows]
    if not rows or rows[-1].kind == "answered":
        return ThreadView(side, messages, None, None, False)
    answered = max((one.number for one in rows if one.kind == "answered"), default=0)
    first = next(one for one in rows if one.number > answered)
    until = _due(book, row, rows[-1].at)
    return ThreadView(side, messages, first.at, until.day, until.provisional)


def _due(book: RuleBook, row: Filing, at: int) -> Due:
    """Until when a message of a time is answered or passed on."""
    day = day_of(at)
    found = due(book.require("deadlines", _RULE, row.region, day), calendar_of(book, row.region), day)
    if found is None:
        raise Invalid("rules.none", path=f"deadlines/{_RULE}")
    return found


def _view(core: Core, one: FileMessage, *, official: bool) -> MessageView:
    text = core.at_rest.open(_place(one), one.text).decode()
    kind = cast("Literal['asked', 'answered', 'passed_on']", one.kind)
    return MessageView(kind, text, one.at, (one.kind != "asked") == official)


def _newest(session: Session, filing_id: str, side: Side) -> FileMessage | None:
    query = select(FileMessage).where(FileMessage.filing_id == filing_id, FileMessage.side == side)
    return session.scalars(query.order_by(FileMessage.number.desc()).limit(1)).one_or_none()


def _write(core: Core, unit: UnitOfWork, row: Filing, side: Side, kind: str, who: Principal, text: str) -> str:
    count = select(func.count()).where(FileMessage.filing_id == row.id, FileMessage.side == side)
    number = (unit.session.scalar(count) or 0) + 1
    # At the limit the office can still answer what waits.
    if number > _MOST and kind != "answered":
        raise Conflict("enquiry.too_many", expected=f"at most {_MOST}")
    message = FileMessage(
        id=secrets.token_hex(16),
        filing_id=row.id,
        side=side,
        number=number,
        kind=kind,
        account_id=who.account_id,
        at=unit.now,
    )
    message.text = core.at_rest.seal(_place(message), text.encode())
    unit.session.add(message)
    unit.session.flush()
    unit.made(message.id)
    return message.id


def _place(message: FileMessage) -> Place:
    return Place("file_messages", "text", message.id)


def _side_of(who: Principal) -> Side:
    return "holder" if who.role.organisation is None else "applicant"
