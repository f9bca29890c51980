"""How a permit ends: one of six ways, each with its ground, legal basis, redress, and who decided it.

Promises:

1. Every end goes through :func:`end_permit`: the move of the machine, the record of the end, the card, the
   notification and the notices are one transaction.
2. The ground is a row of kind ``ends``; its title, its citation and the ways of redress are in the record.
3. What an application about it decided takes one officer; ``revoked``, ``withdrawn``, ``licence_withdrawn``, and any
   end without an application, takes two (:func:`prepare_end`), after the person was heard where the row says so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.errors import Conflict, Invalid, NotFound
from issuer import cards
from issuer.accounts.principals import Principal
from issuer.acts import Act
from issuer.core import Core
from issuer.rules.book import RuleBook
from issuer.rules.citations import cite
from issuer.rules.days import day_of
from issuer.rules.rows import Rule
from issuer.rules.store import book_of
from issuer.vault.at_rest import Place

from .hearings import was_heard
from .models import Filing, Notification, Permit, PermitEnd
from .parties import notify_permit, party_of
from .people import require_own_record
from .processes import NOTIFICATION, PERMIT
from .refusals import Refusal
from .remedies import redress
from .terms import add_end

__all__ = [
    "GRAVE",
    "KINDS",
    "End",
    "end_deemed",
    "end_permit",
    "end_record",
    "prepare_end",
    "prepare_readmission",
    "readmit",
]

#: The kinds of end, and the move of the permit that makes each.
KINDS: Final[Mapping[str, str]] = {
    "expired": "expire",
    "cancelled": "cancel",
    "revoked": "revoke",
    "withdrawn": "withdraw",
    "licence_withdrawn": "withdraw_licence",
    "dead": "die",
}
#: Ends after which a person gets a permit again only where two officers say so.
GRAVE: Final = ("REVOKED", "WITHDRAWN", "LICENCE_WITHDRAWN")


@dataclass(frozen=True, slots=True)
class End:
    """An end. ``name``: of a row of ``ends``, kind and ground; ``move``: where it is not the kind's usual one.

    ``stay_of``: the objection whose stay had restored what ends again.
    """

    name: str
    day: date
    party: str
    move: str | None = None
    filing_id: str | None = None
    account_id: str | None = None
    second_id: str | None = None
    stay_of: str | None = None

    @property
    def kind(self) -> str:
        """The kind of end."""
        return self.name.partition(".")[0]


def end_permit(core: Core, session: Session, now: int, permit: Permit, end: End) -> None:
    """End a permit; the caller writes the audit.

    Raises:
        Conflict: ``process.move``.
        Invalid: ``rules.none``.
    """
    found = PERMIT.move(end.move or KINDS[end.kind], permit.state, end.party)
    book, today = book_of(session), day_of(now)
    rule = _rule(book, end.name, permit.region, today)
    content = {
        "before": permit.state,
        "ground": end.name.partition(".")[2],
        "title": dict(rule.value["title"]),
        "basis": {"en": cite(rule, "en"), "zh": cite(rule, "zh")},
        "redress": redress(book, permit.region, today),
        "confirmed_by": end.second_id,
        "stay_of": end.stay_of,
    }
    add_end(core, session, now, permit, found, end.day, content, filing_id=end.filing_id, account_id=end.account_id)
    permit.readmitted_at = permit.restored_by = None
    waiting = select(Notification).where(Notification.permit_id == permit.id, Notification.state == "ISSUED")
    for row in session.scalars(waiting.with_for_update()):
        row.state = NOTIFICATION.move("void", row.state, "officer").target
    if permit.card_id is not None:
        cards.revoke_within(core, session, now, permit.card_id)
    session.flush()
    notify_permit(core, session, now, "permit.ended", permit)


def end_deemed(core: Core, session: Session, now: int, row: Filing, who: Principal) -> list[Act]:
    """End a permit that went on by law, for its extension was refused or withdrawn; acts for the audit."""
    if row.process != "extension" or row.permit_id is None:
        return []
    permit = session.get_one(Permit, row.permit_id, with_for_update=True)
    if permit.state != "EXTENDED_BY_LAW":
        return []
    name = f"expired.extension_{row.state.lower()}"
    end = End(name, day_of(now), party_of(who), filing_id=row.id, account_id=who.account_id)
    end_permit(core, session, now, permit, end)
    return [Act(who.actor, "permit.expire", permit.id)]


def end_record(core: Core, row: PermitEnd) -> dict[str, Any]:
    """What the record of an end has."""
    content: dict[str, Any] = json.loads(core.at_rest.open(Place("permit_ends", "record", row.id), row.record))
    return content


def prepare_end(core: Core, session: Session, permit_id: str, name: str) -> Permit:
    """A permit that two officers may end without an application, locked.

    Raises:
        PermitRefused: ``permit.not_heard``.
        NotFound: ``permit.none``.
        Conflict: ``process.move``.
        Invalid: ``permit.ground``.
    """
    permit = session.get(Permit, permit_id, with_for_update=True)
    if permit is None:
        raise NotFound("permit.none")
    book, today = book_of(session), day_of(core.clock.now(session))
    known = [rule.id for rule in book.effective("ends", permit.region, today) if rule.value["two"]]
    if name not in known:
        raise Invalid("permit.ground", path="end", expected=", ".join(known))
    PERMIT.move(KINDS[name.partition(".")[0]], permit.state, "officers")
    if _rule(book, name, permit.region, today).value["hearing"] and not was_heard(session, permit, name):
        rule = book.require("deadlines", "hearing", permit.region, today)
        raise Refusal("permit.not_heard", rule, "permit_id").error()
    return permit


def prepare_readmission(session: Session, permit_id: str) -> Permit:
    """A permit that was revoked or withdrawn, locked, whose person two officers may let apply again.

    Raises:
        NotFound: ``permit.none``.
        Conflict: ``process.move``, ``permit.merged``.
    """
    permit = session.get(Permit, permit_id, with_for_update=True)
    if permit is None:
        raise NotFound("permit.none")
    require_own_record(session, permit)
    if permit.state not in GRAVE or permit.readmitted_at is not None:
        raise Conflict("process.move", path="permit", expected=f"from {', '.join(GRAVE)}", found=permit.state)
    return permit


def readmit(core: Core, session: Session, now: int, permit_id: str) -> None:
    """Let the person of a permit apply again; two officers decided it. The caller writes the audit."""
    permit = session.get_one(Permit, permit_id)
    permit.readmitted_at = now
    permit.revision += 1
    permit.changed_at = now
    session.flush()
    notify_permit(core, session, now, "permit.readmitted", permit)


def _rule(book: RuleBook, name: str, region: str, day: date) -> Rule:
    return book.require("ends", name, region, day)
