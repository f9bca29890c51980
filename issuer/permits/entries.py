"""After a first entry: originals at the window, the written decision handed out there, and the residence permit.

Promises:

1. B and C show originals, visa and domestic medical report within the days of rule D11; A shows nothing at the window.
2. Nothing ends by itself when they are not shown in time: an officer gives a later day, with a reason, or records that
   they were not shown; what that means for the permit is decided on its own.
3. The residence permit is the police's: its dates are reminded of, its state is what the holder or an officer reports.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from icard_crypto.errors import Conflict, Invalid, NotFound
from issuer.accounts.fields import check_text
from issuer.accounts.principals import Principal
from issuer.core import Core
from issuer.db.pages import page_of
from issuer.db.unit_of_work import UnitOfWork
from issuer.rules.book import RuleBook
from issuer.rules.days import day_of
from issuer.rules.deadlines import Due, due
from issuer.rules.store import book_of
from issuer.vault.at_rest import Place

from .clocks import calendar_of
from .models import Booking, Entry, Filing, Permit
from .parties import notify_permit, party_of, permits_of, require_not_oneself, seen_row
from .processes import ENTRY

__all__ = [
    "RESIDENCE",
    "EntryView",
    "begin_entry",
    "handle_entry",
    "list_entries",
    "load_entry",
    "prolong_originals",
    "record_not_shown",
    "report_residence",
    "show_entry",
    "show_originals",
]

RESIDENCE: Final = ("not_applied", "applied", "granted", "refused")
_LONGEST: Final = 500


@dataclass(frozen=True, slots=True)
class EntryView:
    """What follows a first entry. Days are those of Beijing.

    ``residence_decision_due``: by when the police decides on what was applied for.
    """

    entry_id: str
    permit_id: str
    entered_on: str
    originals: str
    originals_due: str | None
    residence: str
    residence_on: str | None
    residence_due: str
    residence_decision_due: str | None
    reason: str | None
    moves: list[str]
    revision: int


def begin_entry(
    core: Core, session: Session, now: int, filing: Filing, permit: Permit, category: str, day: date
) -> Entry:
    """Open the file of an entry, within the activation.

    Args:
        category: of the permit; day: of entry.
    """
    book = book_of(session)
    shown = category in book.require("window", "originals", filing.region, day).value["categories"]
    row = Entry(
        id=secrets.token_hex(16),
        permit_id=permit.id,
        filing_id=filing.id,
        entered_on=day.isoformat(),
        originals="DUE" if shown else "NOT_NEEDED",
        originals_due=_last(book, "D11", filing.region, day).isoformat() if shown else None,
        decided_by=None,
        residence="not_applied",
        residence_on=None,
        residence_due=_last(book, "D12", filing.region, day).isoformat(),
        revision=1,
        created_at=now,
        changed_at=now,
    )
    _write(core, row, {})
    session.add(row)
    session.flush()
    return row


def list_entries(core: Core, who: Principal, *, after: str = "", limit: int = 50) -> list[EntryView]:
    """A page of entries in the order of their ids.

    Args:
        after: the last id of the page before.
        limit: 1 to 201.

    Raises:
        NotAllowed: ``access.*``.
    """

    def look(session: Session) -> list[EntryView]:
        query = page_of(select(Entry).where(_seen(core, session, who)), Entry.id, after, limit)
        return [_view(core, session, who, row) for row in session.scalars(query)]

    return core.database.read(look)


def show_entry(core: Core, who: Principal, entry_id: str) -> EntryView:
    """An entry.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``entry.none``.
    """
    return core.database.read(lambda session: _view(core, session, who, load_entry(core, session, who, entry_id)))


def show_originals(core: Core, who: Principal, entry_id: str, revision: int) -> None:
    """Record that originals, visa and medical report were shown, and the decision handed out.

    Raises:
        NotAllowed: ``access.*``, ``filing.own``.
        NotFound, Conflict, Invalid: ``entry.*``.
        Conflict: ``process.move``.
    """

    def came(session: Session, row: Entry, now: int) -> None:
        booking = session.scalar(select(Booking).where(Booking.entry_id == row.id, Booking.state == "booked"))
        if booking is not None:
            booking.state, booking.changed_at = "kept", now

    handle_entry(core, who, entry_id, revision, "show", {}, came)


def prolong_originals(core: Core, who: Principal, entry_id: str, until: date, reason: str, revision: int) -> None:
    """Give a later day for the originals, with a reason.

    Raises:
        NotAllowed: ``access.*``, ``filing.own``.
        NotFound, Conflict, Invalid: ``entry.*``.
        Conflict: ``process.move``.
        Invalid: ``account.field``.
    """
    words = check_text(reason, "reason", _LONGEST)

    def later(session: Session, row: Entry, now: int) -> None:
        if until <= day_of(now) or until.isoformat() <= (row.originals_due or ""):
            raise Invalid("entry.day", path="until", expected=f"after {row.originals_due}", found=until.isoformat())
        permit = session.get_one(Permit, row.permit_id)
        if until.isoformat() > permit.until:
            raise Invalid("entry.day", path="until", expected=f"by {permit.until}", found=until.isoformat())
        row.originals_due = until.isoformat()

    handle_entry(core, who, entry_id, revision, "prolong", {"reason": words}, later)


def record_not_shown(core: Core, who: Principal, entry_id: str, reason: str, revision: int) -> None:
    """Record that the originals were not shown in time, and no later day is given.

    Raises:
        NotAllowed: ``access.*``, ``filing.own``.
        NotFound, Conflict, Invalid: ``entry.*``.
        Conflict: ``process.move``.
        Invalid: ``account.field``.
    """
    words = check_text(reason, "reason", _LONGEST)
    handle_entry(core, who, entry_id, revision, "not_shown", {"reason": words}, lambda _session, _row, _now: None)


def report_residence(core: Core, who: Principal, entry_id: str, state: str, on: date, revision: int) -> None:
    """Report how the residence permit stands, as its holder or as an officer.

    Raises:
        NotAllowed: ``access.*``, ``filing.own``.
        NotFound, Conflict, Invalid: ``entry.*``.
        Invalid: ``filing.field``.
    """
    if not who.may("filing.decide"):
        who.require("permit.own")
    if state not in RESIDENCE:
        raise Invalid("filing.field", path="state", expected=", ".join(RESIDENCE))

    def work(unit: UnitOfWork) -> None:
        row, now = load_entry(core, unit.session, who, entry_id, revision=revision), unit.now
        if who.role.official:
            require_not_oneself(who, unit.session.get_one(Permit, row.permit_id).person_id)
        if not row.entered_on <= on.isoformat() <= day_of(now).isoformat():
            raise Invalid("entry.day", path="on", expected=f"{row.entered_on} to today", found=on.isoformat())
        row.residence, row.residence_on = state, on.isoformat()
        row.revision += 1
        row.changed_at = now
        unit.audit("entry.residence", row.id, {"state": state})

    core.transact(who.by(), work)


def handle_entry(
    core: Core,
    who: Principal,
    entry_id: str,
    revision: int,
    name: str,
    record: Mapping[str, Any],
    then: Callable[[Session, Entry, int], None],
) -> None:
    """Make a move as an officer, with what else it changes, a notice and the audit."""
    who.require("filing.decide")

    def work(unit: UnitOfWork) -> None:
        session, now = unit.session, unit.now
        row = load_entry(core, session, who, entry_id, revision=revision)
        permit = session.get_one(Permit, row.permit_id)
        require_not_oneself(who, permit.person_id)
        then(session, row, now)
        row.originals = ENTRY.move(name, row.originals, "officer").target
        row.decided_by = who.account_id
        row.revision += 1
        row.changed_at = now
        _write(core, row, record)
        session.flush()
        notify_permit(core, session, now, f"entry.{name}", permit)
        unit.audit(f"entry.{name}", row.id, dict(record))

    core.transact(who.by(), work)


def load_entry(core: Core, session: Session, who: Principal, entry_id: str, *, revision: int | None = None) -> Entry:
    """An entry that somebody sees; locked where a revision is named, which is the only one that a change is meant for.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``entry.none``.
        Conflict: ``entry.changed``.
    """
    query = select(Entry).where(Entry.id == entry_id, _seen(core, session, who))
    return seen_row(session, query, revision, NotFound("entry.none"), Conflict("entry.changed"))


def _seen(core: Core, session: Session, who: Principal) -> ColumnElement[bool]:
    return Entry.permit_id.in_(select(Permit.id).where(permits_of(core, session, who)))


def _view(core: Core, session: Session, who: Principal, row: Entry) -> EntryView:
    book, party = book_of(session), party_of(who)
    region = session.get_one(Permit, row.permit_id).region
    decision = None
    if row.residence == "applied" and row.residence_on is not None:
        decision = _last(book, "D12-decision", region, date.fromisoformat(row.residence_on)).isoformat()
    return EntryView(
        row.id,
        row.permit_id,
        row.entered_on,
        row.originals,
        row.originals_due,
        row.residence,
        row.residence_on,
        row.residence_due,
        decision,
        json.loads(core.at_rest.open(Place("entries", "record", row.id), row.record)).get("reason"),
        sorted({move.name for move in ENTRY.allowed(row.originals, party)}),
        row.revision,
    )


def _write(core: Core, row: Entry, record: Mapping[str, Any]) -> None:
    content = json.dumps(dict(record), ensure_ascii=False).encode()
    row.record = core.at_rest.seal(Place("entries", "record", row.id), content)


def _last(book: RuleBook, name: str, region: str, event: date) -> date:
    found = due(book.require("deadlines", name, region, event), calendar_of(book, region), event)
    if not isinstance(found, Due):
        raise Invalid("rules.none", path=f"deadlines/{name}")
    return found.day
