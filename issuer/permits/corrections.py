"""Corrections of clerical errors in a permit, with a record.

Promises:

1. An officer corrects one field at a time and says why; what stood there before is kept, sealed, with who and when.
2. A card that said it wrong gets new codes at once, and the old ones read replaced. Nothing else changes: neither
   number, nor terms, nor days.
3. Nobody corrects their own permit.
4. Corrections together do not make a permit another person's: of name and day of birth one may be a slip. Both are for
   an application to change.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.card.card import Card
from icard_crypto.errors import Conflict, Invalid, NotAllowed
from issuer import cards
from issuer.accounts.fields import check_text
from issuer.accounts.principals import Principal
from issuer.cards import Decision
from issuer.core import Core
from issuer.db.moments import later_moment
from issuer.db.unit_of_work import UnitOfWork
from issuer.vault.at_rest import Place

from .models import Permit
from .parties import load_permit, notify_permit
from .people import passport_of, record_passport
from .records import FilingRecord, record_from
from .remedy_models import PermitCorrection
from .terms import card_of, newest_term, read_term, write_term

__all__ = ["FIELDS", "CorrectionView", "correct_permit", "corrections_of"]

#: What may be a slip of the pen. Another nationality, employer or last day is a decision.
FIELDS: Final = ("post", "surname", "given", "birth", "sex")
#: What tells a person from others, by the fields that say it.
_PERSON: Final = {"surname": "name", "given": "name", "birth": "birth"}
_LONGEST: Final = 1000


@dataclass(frozen=True, slots=True)
class CorrectionView:
    """A correction. ``at``: Unix time."""

    field: str
    before: str | None
    after: str
    reason: str
    at: int


def correct_permit(
    core: Core, who: Principal, permit_id: str, field: str, value: str, reason: str, revision: int
) -> None:
    """Put a clerical error right.

    Raises:
        CardError: ``card.*``; StateError: ``access.*``, ``permit.none``, ``permit.changed``, ``filing.field``,
            ``filing.own``, ``permit.another_person``, ``account.field``; the signer's errors.
    """
    who.require("filing.decide")
    words = check_text(reason, "reason", _LONGEST)
    if field not in FIELDS:
        raise Invalid("filing.field", path="field", expected=", ".join(FIELDS))
    new = record_from({field: value})

    def write(session: Session, now: int) -> Permit:
        permit = load_permit(core, session, who, permit_id)
        session.refresh(permit, with_for_update=True)
        if who.is_self(permit.person_id):
            raise NotAllowed("filing.own")
        if permit.revision != revision:
            raise Conflict("permit.changed", expected=str(revision), found=str(permit.revision))
        _write(core, session, now, who, permit, field, new, words)
        return permit

    def card(unit: UnitOfWork) -> Card:
        return card_of(core, unit.session, write(unit.session, unit.now))

    def note(unit: UnitOfWork, _card_id: str = "") -> None:
        unit.audit("permit.correct", permit_id, {"field": field, "reason": words})

    def alone(unit: UnitOfWork) -> None:
        write(unit.session, unit.now)
        note(unit)

    card_id = core.database.read(lambda session: _live_card(core, session, who, permit_id))
    if card_id is None:
        core.transact(who.by(), alone)
    else:
        cards.reissue_decided(core, card_id, Decision(card, note), who.by(), old_end=True)


def corrections_of(core: Core, session: Session, permit_id: str) -> list[CorrectionView]:
    """The corrections of a permit, the oldest first."""
    query = select(PermitCorrection).where(PermitCorrection.permit_id == permit_id)
    found = []
    for row in session.scalars(query.order_by(PermitCorrection.at, PermitCorrection.id)):
        content = json.loads(core.at_rest.open(Place("permit_corrections", "record", row.id), row.record))
        found.append(CorrectionView(row.field, content["before"], content["after"], content["reason"], row.at))
    return found


def _write(
    core: Core, session: Session, now: int, who: Principal, permit: Permit, field: str, new: FilingRecord, words: str
) -> None:
    after = new.to_json()[field]
    if field == "post":
        term = newest_term(session, permit.id)
        content = dict(read_term(core, term))
        before = content["post"]
        write_term(core, term, {**content, "post": after})
    else:
        passport = passport_of(core, session, permit.person_id)
        before = passport.get(field)
        _refuse_another_person(core, session, permit.person_id, passport, field, after)
        # A surname alone would take the given names with it.
        both = replace(new, surname=passport["surname"]) if field == "given" else new
        both = replace(new, given=passport["given"]) if field == "surname" else both
        record_passport(core, session, now, permit.person_id, both)
    at = later_moment(session, now, PermitCorrection.at, PermitCorrection.permit_id == permit.id)
    row = PermitCorrection(id=secrets.token_hex(16), permit_id=permit.id, field=field, account_id=who.account_id, at=at)
    body: dict[str, Any] = {"before": before, "after": after, "reason": words}
    content_bytes = json.dumps(body, ensure_ascii=False).encode()
    row.record = core.at_rest.seal(Place("permit_corrections", "record", row.id), content_bytes)
    session.add(row)
    permit.revision += 1
    permit.changed_at = now
    session.flush()
    notify_permit(core, session, now, "permit.corrected", permit)


def _refuse_another_person(
    core: Core, session: Session, person_id: str, passport: Mapping[str, Any], field: str, after: str
) -> None:
    """Promise 4: counted from what stood there before the first correction, under whichever of the person's permits."""
    query = select(PermitCorrection).join(Permit, Permit.id == PermitCorrection.permit_id)
    own = query.where(Permit.person_id == person_id, PermitCorrection.field.in_(_PERSON))
    wanted = {**passport, field: after}
    changed = {_PERSON[field]} if passport.get(field) != after else set()
    first_at: dict[str, int] = {}
    for row in session.scalars(own.order_by(PermitCorrection.at)):
        # Several of one second have no order: each counts.
        if first_at.setdefault(row.field, row.at) == row.at:
            content = json.loads(core.at_rest.open(Place("permit_corrections", "record", row.id), row.record))
            first = content["before"]
            if first != wanted.get(row.field):
                changed.add(_PERSON[row.field])
    if len(changed) > 1:
        raise NotAllowed("permit.another_person", path="field", expected="an application to change")


def _live_card(core: Core, session: Session, who: Principal, permit_id: str) -> str | None:
    permit = load_permit(core, session, who, permit_id)
    return permit.card_id if permit.state in ("ACTIVE", "EXTENDED_BY_LAW") else None
