"""Restore a permit after an objection: new codes, the same number.

Promises:

1. Two officers restore a permit, and only where an objection against its end, or against the refusal that ended it, has
   succeeded or stays it.
2. It comes back as what it was: to be activated, in force to its last day, or going on by law where the extension is
   undecided again. A permit whose last day is over otherwise does not come back; its application is decided again.
   Nor does one whose person's record was merged into another: that has their passports, perhaps a permit too.
3. A card that was withdrawn never comes back: the permit gets a new one with new codes, and with the photo and services
   of the one before.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.errors import Conflict, NotFound
from issuer import cards
from issuer.cards import NewCard
from issuer.core import Core
from issuer.rules.days import day_of, days_after
from issuer.rules.store import book_of

from .clockwork import goes_on, undecided
from .ending import end_record
from .models import Notification, Permit, PermitEnd, PermitTerm
from .parties import notify_permit
from .people import require_own_record
from .processes import NOTIFICATION, PERMIT
from .remedy_models import Objection
from .terms import card_of

__all__ = ["newest_notification", "prepare_restoration", "restore"]


def prepare_restoration(core: Core, session: Session, permit_id: str, objection_id: str) -> Permit:
    """A permit that may be restored by an objection, locked.

    Raises:
        NotFound: ``permit.none``, ``objection.none``.
        Conflict: ``objection.undecided``, ``permit.term_over``, ``permit.merged``, ``process.move``.
    """
    permit = session.get(Permit, permit_id, with_for_update=True)
    if permit is None:
        raise NotFound("permit.none")
    require_own_record(session, permit)
    objection = session.get(Objection, objection_id)
    newest = _newest_end(session, permit)
    if objection is None or newest is None or objection.permit_id != permit.id:
        raise NotFound("objection.none")
    if objection.end_id != newest.id and objection.filing_id != newest.filing_id:
        raise NotFound("objection.none", expected="about the newest end")
    if objection.state != "ANNULLED" and not (objection.state == "ADMITTED" and objection.stayed):
        raise Conflict("objection.undecided", found=objection.state)
    _move(core, session, permit, newest)
    return permit


def restore(core: Core, session: Session, now: int, permit_id: str, objection_id: str, card_id: str) -> None:
    """Restore a permit; two officers decided it. The caller writes the audit and has the new codes signed.

    Args:
        card_id: of the new card, where the permit had one.

    Raises:
        NotFound: ``objection.none``.
    """
    permit = session.get_one(Permit, permit_id, with_for_update=True)
    newest = _newest_end(session, permit)
    if newest is None:
        raise NotFound("objection.none")
    name = _move(core, session, permit, newest)
    permit.state = PERMIT.move(name, permit.state, "officers").target
    permit.restored_by, permit.changed_at = objection_id, now
    permit.revision += 1
    book, today = book_of(session), day_of(now)
    if name == "restore_by_law":
        life = book.require("deadlines", "interim-code", permit.region, today)
        permit.interim_until = days_after(today, life.value["number"]).isoformat()
    elif name == "restore_grant":
        _notification(session, permit, today, book.require("deadlines", "D20", permit.region, today).value["number"])
    session.flush()
    if permit.card_id is not None and name != "restore_grant":
        card = card_of(core, session, permit, restored=True)
        new = NewCard(card, holder=permit.person_id, employer=permit.employer_id)
        cards.issue_within(core, session, new, card_id)
        permit.card_id = card_id
        session.flush()
    notify_permit(core, session, now, "permit.reinstated", permit)


def _move(core: Core, session: Session, permit: Permit, newest: PermitEnd) -> str:
    """The move by which a permit comes back.

    Raises:
        Conflict: ``permit.term_over``, ``process.move``.
    """
    today = day_of(core.clock.now(session))
    if end_record(core, newest).get("before") == "GRANTED":
        name = "restore_grant"
    elif date.fromisoformat(permit.until) >= today:
        name = "restore"
    elif undecided(session, permit.id) is not None and goes_on(book_of(session), permit.region, today):
        name = "restore_by_law"
    else:
        raise Conflict("permit.term_over", found=permit.until)
    PERMIT.move(name, permit.state, "officers")
    return name


def _newest_end(session: Session, permit: Permit) -> PermitEnd | None:
    query = select(PermitEnd).where(PermitEnd.permit_id == permit.id)
    return session.scalar(query.order_by(PermitEnd.number.desc()).limit(1))


def newest_notification(session: Session, permit_id: str) -> Notification | None:
    """The notification of the newest term that was granted with one; None: there is none."""
    query = select(Notification).join(PermitTerm, PermitTerm.filing_id == Notification.filing_id)
    ours = query.where(Notification.permit_id == permit_id, PermitTerm.permit_id == permit_id)
    return session.scalar(ours.order_by(PermitTerm.number.desc()).limit(1))


def _notification(session: Session, permit: Permit, today: date, life: int) -> None:
    """The notification holds again, for its whole time."""
    row = newest_notification(session, permit.id)
    if row is not None:
        row.state = NOTIFICATION.move("restore", row.state, "officers").target
        row.until = days_after(today, life).isoformat()
