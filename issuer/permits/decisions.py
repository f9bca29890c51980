"""The authority's steps for an application: pre-review, return, acceptance, prolongation, decision.

Promises:

1. Officers act on applications of their office's region, never on one about themselves; a head prolongs, once.
2. A return names all defects at once and in time; a further one names only what changed since, and is counted.
3. No approval while a needed paper is not VERIFIED. A refusal has reasons, and the ways of redress with last days.
4. A decision, and what follows of it for permit and card, is one transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.errors import Conflict, Invalid
from issuer.accounts.fields import check_text
from issuer.accounts.principals import Principal
from issuer.acts import Act
from issuer.core import Core
from issuer.db.unit_of_work import UnitOfWork
from issuer.rules.citations import cite
from issuer.rules.days import day_of
from issuer.rules.store import book_of

from .applications import filing_facts
from .clocks import deadline, pauses_of, set_days
from .ending import end_deemed
from .guards import approval_refusals
from .hearings import was_heard
from .models import Filing, Paper, Permit
from .moves import event_record, last_event, move
from .papers import has_forged, paper_facts
from .parties import load_filing, party_of, require_handler
from .records import read_filing, wants_hearing
from .refusals import FilingRefused, Refusal
from .remedies import redress

__all__ = [
    "Defect",
    "accept_filing",
    "pre_review_filing",
    "prolong_filing",
    "refuse_filing",
    "require_approval",
    "return_filing",
]

_LONGEST: Final = 1000


@dataclass(frozen=True, slots=True)
class Defect:
    """What is wrong with an application. ``path``: a field or the code of a material."""

    path: str
    text: str


def pre_review_filing(core: Core, who: Principal, filing_id: str, revision: int) -> None:
    """Say that an application passed the pre-review.

    Raises:
        NotAllowed: ``access.*``.
        Conflict: ``process.move``.
        StateError: ``filing.*``.
    """
    _simple(core, who, filing_id, revision, "pre_review")


def accept_filing(core: Core, who: Principal, filing_id: str, revision: int) -> None:
    """Accept an application: the time for the decision begins.

    Raises:
        NotAllowed: ``access.*``.
        Conflict: ``process.move``.
        StateError: ``filing.*``.
    """
    _simple(core, who, filing_id, revision, "accept")


def return_filing(core: Core, who: Principal, filing_id: str, defects: Sequence[Defect], revision: int) -> None:
    """Return an application with every defect (promise 2).

    Raises:
        PermitRefused: ``filing.late``, ``filing.known_defect``.
        NotAllowed: ``access.*``.
        Conflict: ``process.move``.
        Invalid: ``account.field``.
        StateError: ``filing.*``.
    """
    who.require("filing.decide")
    if not 0 < len(defects) <= 100:
        raise Invalid("filing.field", path="defects", expected="1 to 100 defects")
    named = [_checked(one) for one in defects]

    def work(unit: UnitOfWork) -> None:
        session = unit.session
        row, now = _handled(core, session, who, filing_id, revision)
        book = book_of(session)
        today = day_of(now)
        rule = book.require("deadlines", "D02", row.region, date.fromisoformat(row.rules_on or today.isoformat()))
        if row.defects_due is not None and today > date.fromisoformat(row.defects_due):
            raise Refusal("filing.late", rule, "defects", f"by {row.defects_due}", today.isoformat()).error()
        known = _changed_since_return(core, session, row)
        for one in named:
            if known is not None and one["path"] not in known:
                changed = ", ".join(sorted(known)) or "nothing"
                raise Refusal("filing.known_defect", rule, one["path"][:40], changed).error()
        content = {"defects": named, "record": read_filing(core, row).to_json()}
        move(core, session, now, row, "return", "officer", who.account_id, content)
        row.returns += 1
        answer = deadline(book, "returned", row, today)
        row.answer_due = answer.day.isoformat() if answer else None
        unit.audit("filing.return", row.id, {"defects": len(named)})

    core.transact(who.by(), work)


def prolong_filing(core: Core, who: Principal, filing_id: str, days: int, reason: str, revision: int) -> None:
    """Prolong a decision by working days, once, as a head of the office.

    Raises:
        NotAllowed: ``access.*``.
        Conflict: ``process.move``.
        Invalid: ``rules.prolong``.
        StateError: ``filing.*``.
    """
    who.require("filing.lead")
    words = check_text(reason, "reason", _LONGEST)

    def work(unit: UnitOfWork) -> None:
        session, now = unit.session, unit.now
        row = load_filing(core, session, who, filing_id, lock=True, revision=revision)
        require_handler(who, row)
        if row.prolonged:
            raise Conflict("filing.prolonged")
        if days < 1:
            raise Invalid("rules.prolong", expected="1 working day or more", found=str(days))
        row.prolonged = days
        move(core, session, now, row, "prolong", party_of(who), who.account_id, {"days": days, "reason": words})
        set_days(book_of(session), row, read_filing(core, row).category)
        unit.audit("filing.prolong", row.id, {"days": days, "reason": words})

    core.transact(who.by(), work)


def refuse_filing(core: Core, who: Principal, filing_id: str, reasons: Sequence[Defect], revision: int) -> None:
    """Refuse an application, with reasons (promise 3). A permit that went on by law ends at this moment.

    Raises:
        NotAllowed: ``access.*``.
        Conflict: ``process.move``.
        Invalid: ``account.field``.
        StateError: ``filing.*``.
    """
    who.require("filing.decide")
    if not 0 < len(reasons) <= 20:
        raise Invalid("filing.field", path="reasons", expected="1 to 20 reasons")
    named = [_checked(one) for one in reasons]

    def work(unit: UnitOfWork) -> None:
        session = unit.session
        row, now = _handled(core, session, who, filing_id, revision)
        today = day_of(now)
        row.decided_on = today.isoformat()
        book = book_of(session)
        content: dict[str, Any] = {"reasons": named, "redress": redress(book, row.region, today)}
        if has_forged(session, row.id):
            rule = book.require("sanctions", "forged_application", row.region, today)
            warning = {"title": dict(rule.value["title"]), "rule": {"en": cite(rule, "en"), "zh": cite(rule, "zh")}}
            content["warning"] = warning
        move(core, session, now, row, "refuse", "officer", who.account_id, content)
        acts = end_deemed(core, session, now, row, who)
        unit.audit_acts([Act(who.actor, "filing.refuse", row.id, {"reasons": len(named)}), *acts])

    core.transact(who.by(), work)


def require_approval(core: Core, session: Session, who: Principal, filing_id: str, revision: int) -> tuple[Filing, int]:
    """An application that may be approved now, locked, and the time.

    Raises:
        FilingRefused: ``filing.refused``, with every paper that is not verified, and the hearing that is missing.
        NotAllowed: ``access.*``.
        StateError: ``filing.*``.
    """
    row, now = _handled(core, session, who, filing_id, revision)
    found = approval_refusals(book_of(session), filing_facts(core, session, row), paper_facts(core, session, row.id))
    found += _unheard(core, session, row, day_of(now))
    if found:
        raise FilingRefused(found)
    return row, now


def _unheard(core: Core, session: Session, row: Filing, today: date) -> list[Refusal]:
    """A cancellation that the person did not sign, before they were heard."""
    if row.process != "cancellation" or row.permit_id is None or not wants_hearing(read_filing(core, row)):
        return []
    if was_heard(session, session.get_one(Permit, row.permit_id), "", row.id):
        return []
    rule = book_of(session).require("deadlines", "hearing", row.region, today)
    return [Refusal("permit.not_heard", rule, "signed")]


def _checked(one: Defect) -> dict[str, str]:
    return {"path": check_text(one.path, "path", 80), "text": check_text(one.text, "text", _LONGEST)}


def _simple(core: Core, who: Principal, filing_id: str, revision: int, name: str) -> None:
    who.require("filing.decide")

    def work(unit: UnitOfWork) -> None:
        session = unit.session
        row, now = _handled(core, session, who, filing_id, revision)
        move(core, session, now, row, name, "officer", who.account_id, {})
        if name == "accept":
            row.accepted_on = day_of(now).isoformat()
        set_days(book_of(session), row, read_filing(core, row).category)
        unit.audit(f"filing.{name}", row.id)

    core.transact(who.by(), work)


def _handled(core: Core, session: Session, who: Principal, filing_id: str, revision: int) -> tuple[Filing, int]:
    who.require("filing.decide")
    row = load_filing(core, session, who, filing_id, lock=True, revision=revision)
    require_handler(who, row)
    pauses = pauses_of(row)
    if pauses and pauses[-1].last is None:
        raise Conflict("filing.paused", found=pauses[-1].first.isoformat())
    return row, core.clock.now(session)


def _changed_since_return(core: Core, session: Session, row: Filing) -> frozenset[str] | None:
    """The fields and papers that changed since the last return; None: it was never returned."""
    before = last_event(session, row.id, "return")
    if before is None:
        return None
    then, now = event_record(core, before)["record"], read_filing(core, row).to_json()
    fields = {name for name in then.keys() | now.keys() if then.get(name) != now.get(name)}
    papers = session.scalars(select(Paper.code).where(Paper.filing_id == row.id, Paper.created_at > before.at))
    return frozenset({*fields, *papers})
