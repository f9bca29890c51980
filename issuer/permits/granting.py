"""The effects of an approval: permit, term, notification, card.

Promises:

1. A card is derived from passport, permit, newest term and employer at the moment of issue, and is made, changed or
   ended in the transaction of the decision that it follows from.
2. A first entry's card is made when its notification is shown (:mod:`issuer.permits.activation`).
3. A permit number is for life: an application after an end makes a new card under the same number, after a revocation
   or a withdrawal only where two officers have let the person apply again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from icard_crypto.card.card import Card
from icard_crypto.errors import Conflict, Invalid, NotFound
from icard_crypto.moments import ONE_DAY
from icard_crypto.pictures.photo import Photo
from issuer import cards
from issuer.accounts.principals import Principal
from issuer.cards import Decision, NewCard
from issuer.core import Core
from issuer.db.unit_of_work import UnitOfWork
from issuer.rules.days import day_of
from issuer.rules.deadlines import Due
from issuer.rules.store import book_of

from .card_photos import photo_of
from .categories import longest_term
from .clocks import deadline
from .decisions import require_approval
from .ending import GRAVE, End, end_permit
from .models import Filing, Permit
from .moves import move
from .notifications import add_notification
from .parties import load_filing, notify_permit
from .people import employer_facts, passport_of, record_passport
from .processes import PERMIT
from .records import FilingRecord, read_filing
from .refusals import Refusal
from .terms import NewTerm, add_term, card_of, grant, newest_term, read_term

__all__ = ["Approval", "approve_filing"]


@dataclass(frozen=True, slots=True)
class Approval:
    """What an officer decides. ``category``: confirmed; ``until``: the last day, where it is earlier than applied for;
    ``number``: the permit number that the authority assigned.
    """

    category: str | None = None
    until: date | None = None
    number: str | None = None


def approve_filing(core: Core, who: Principal, filing_id: str, approval: Approval, revision: int) -> None:
    """Approve an application; permit, notification and card follow.

    Raises:
        FilingRefused: ``filing.refused``.
        PermitRefused: ``permit.term_long``, ``permit.no_term``.
        CardError: ``card.*``; what is on record makes no card.
        NotAllowed: ``access.*``.
        Conflict: ``process.move``; the signer's errors.
        StateError: ``filing.*``.
    """
    who.require("filing.decide")
    process, card_id = core.database.read(lambda session: _look(core, session, who, filing_id))
    decided = _Approving(core, who, filing_id, approval, revision)
    if process in ("overseas", "short", "cancellation"):

        def work(unit: UnitOfWork) -> None:
            row, permit = decided.decide(unit.session)
            decided.note(unit)
            if process == "cancellation" and permit:
                decided.end(unit, row, permit)

        core.transact(who.by(), work)
        return
    decided.photo = photo_of(core, filing_id)
    if process in ("in_country", "reissue") or card_id is None:
        cards.issue_decided(core, Decision(decided.new_card, decided.issued), who.by())
    else:
        cards.reissue_decided(
            core,
            card_id,
            Decision(decided.card, decided.reissued, of_person=True),
            who.by(),
            old_end=process == "change",
        )


class _Approving:
    """An approval as it is made within a transaction, perhaps more than once until one commits."""

    def __init__(self, core: Core, who: Principal, filing_id: str, approval: Approval, revision: int) -> None:
        self._core, self._who, self._filing_id = core, who, filing_id
        self._approval, self._revision = approval, revision
        self._permit_id: str | None = None
        self.photo: Photo | None = None

    def note(self, unit: UnitOfWork) -> None:
        """Have the audit say so."""
        unit.audit("filing.approve", self._filing_id, {"category": self._approval.category})

    def decide(self, session: Session) -> tuple[Filing, Permit | None]:
        """Approve: move the application, and change permit, term and passport."""
        core = self._core
        row, now = require_approval(core, session, self._who, self._filing_id, self._revision)
        record = read_filing(core, row)
        today = day_of(now)
        row.decided_on = today.isoformat()
        move(core, session, now, row, "approve", "officer", self._who.account_id, {"category": self._approval.category})
        permit = None
        if row.process not in ("short", "cancellation"):
            if row.person_id is None:
                raise NotFound("filing.none")
            record_passport(core, session, now, row.person_id, record)
            permit = self._granted(session, now, row, record, today)
        elif row.permit_id is not None:
            permit = session.get_one(Permit, row.permit_id, with_for_update=True)
        if row.process == "overseas" and permit is not None:
            self._notification(session, now, row, permit, today)
        row.permit_id = permit.id if permit is not None else row.permit_id
        self._permit_id = row.permit_id
        session.flush()
        return row, permit

    def new_card(self, unit: UnitOfWork) -> NewCard:
        """Approve, and say what the new card says."""
        _, permit = self.decide(unit.session)
        if permit is None:
            raise Invalid("filing.no_permit")
        employer = permit.employer_id
        return NewCard(
            card_of(self._core, unit.session, permit, self.photo), holder=permit.person_id, employer=employer
        )

    def card(self, unit: UnitOfWork) -> Card:
        """Approve, and say what the card says from now on."""
        _, permit = self.decide(unit.session)
        if permit is None:
            raise Invalid("filing.no_permit")
        return card_of(self._core, unit.session, permit, self.photo)

    def issued(self, unit: UnitOfWork, card_id: str) -> None:
        """Note the new card."""
        permit = unit.session.get_one(Permit, self._permit_id or "")
        permit.card_id = card_id
        notify_permit(self._core, unit.session, unit.now, "permit.activated", permit)
        self.note(unit)

    def reissued(self, unit: UnitOfWork, card_id: str) -> None:
        """Nothing more than the act."""
        self.note(unit)

    def end(self, unit: UnitOfWork, row: Filing, permit: Permit) -> None:
        """Cancel the permit, or end it with the person's death, and end its card."""
        record = read_filing(self._core, row)
        today = day_of(unit.now)
        kind = "dead" if record.ground == "death" else "cancelled"
        day = min(record.ended_on or today, today)
        who = self._who.account_id
        end = End(f"{kind}.{record.ground}", day, "officer", filing_id=row.id, account_id=who)
        end_permit(self._core, unit.session, unit.now, permit, end)
        unit.audit("permit.cancel", permit.id)

    def _granted(self, session: Session, now: int, row: Filing, record: FilingRecord, today: date) -> Permit:
        core, approval = self._core, self._approval
        if row.process in ("change", "reissue"):
            return self._changed(session, now, row, record, today)
        begins = max(record.first or today, today) if row.process == "in_country" else record.first or today
        known = session.get(Permit, row.permit_id) if row.process == "extension" and row.permit_id else None
        term = newest_term(session, known.id) if known is not None else None
        if term is not None:
            begins = date.fromisoformat(term.until) + ONE_DAY
        category = approval.category or record.category or (term.category if term else None)
        until = approval.until or record.until
        if category is None or until is None:
            raise Invalid("filing.incomplete", path="category")
        employer = employer_facts(session, row.employer_id)
        passport = passport_of(core, session, row.person_id or "")
        limit = longest_term(
            book_of(session),
            category,
            row.region,
            begins,
            contract=record.contract_until,
            licence=employer.licence_until if employer else None,
            passport=date.fromisoformat(passport["until"]),
        )
        if not begins <= until <= limit.until:
            days = f"{begins.isoformat()} to {limit.until.isoformat()} ({limit.limit})"
            raise Refusal("permit.term_long", limit.rule, "until", days, until.isoformat()).error()
        post = record.post or (str(read_term(core, term)["post"]) if term else "")
        new = NewTerm(row.employer_id, category, begins, until, row.region, row.process, post, row.id)
        permit = grant(core, session, now, row.person_id or "", approval.number, new)
        if permit.state in GRAVE and permit.readmitted_at is None:
            raise Conflict("permit.readmission", path="permit_id", found=permit.state)
        if row.process == "extension":
            permit.state = PERMIT.move("extend", permit.state, "officer").target
            return permit
        abroad = row.process == "overseas"
        if permit.state != "GRANTED":
            permit.state = PERMIT.move("grant" if abroad else "grant_again", permit.state, "officer").target
        elif not abroad:
            permit.state = PERMIT.move("activate", permit.state, "officer").target
        permit.card_id = None
        return permit

    def _changed(self, session: Session, now: int, row: Filing, record: FilingRecord, today: date) -> Permit:
        permit = session.get_one(Permit, row.permit_id or "", with_for_update=True)
        if row.process == "reissue":
            return permit
        PERMIT.move("change", permit.state, "officer")
        term = newest_term(session, permit.id)
        until = date.fromisoformat(term.until)
        category = self._approval.category or record.category or term.category
        post = record.post or str(read_term(self._core, term)["post"])
        first = min(record.changed_on or today, until)
        new = NewTerm(row.employer_id, category, first, until, row.region, "change", post, row.id)
        add_term(self._core, session, now, permit, new)
        return permit

    def _notification(self, session: Session, now: int, row: Filing, permit: Permit, today: date) -> None:
        life = deadline(book_of(session), "D20", row, today)
        if not isinstance(life, Due):
            raise Invalid("rules.none", path="deadlines/D20")
        add_notification(self._core, session, now, row, permit, life.day)


def _look(core: Core, session: Session, who: Principal, filing_id: str) -> tuple[str, str | None]:
    row = load_filing(core, session, who, filing_id)
    permit = session.get(Permit, row.permit_id) if row.permit_id is not None else None
    return row.process, permit.card_id if permit is not None else None
