"""Permits and their terms: read, grant and end them within the caller's transaction."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from icard_crypto.card.card import Card
from icard_crypto.pictures.photo import Photo
from issuer.cards.holder_insurance import insurance_of, with_payments
from issuer.cards.models import CardRow
from issuer.cards.records import read_record
from issuer.core import Core
from issuer.vault.at_rest import Place

from .guards import PermitFacts
from .models import Permit, PermitEnd, PermitTerm, PersonDocument
from .names import PassportName
from .people import organisation_record, passport_of
from .processes import Move

__all__ = [
    "NewTerm",
    "NoLongerWanted",
    "add_end",
    "add_term",
    "card_of",
    "grant",
    "newest_term",
    "number_of",
    "permit_facts",
    "permit_of_passport",
    "physical_until",
    "read_term",
    "write_term",
]

_DIGITS: Final = 18


@dataclass(frozen=True, slots=True)
class NewTerm:
    """A term to add. ``ground``: the process that gave it; ``post``: the job's title."""

    employer_id: str
    category: str
    first: date
    until: date
    region: str
    ground: str
    post: str
    filing_id: str | None = None


def grant(core: Core, session: Session, now: int, person_id: str, number: str | None, new: NewTerm) -> Permit:
    """Give a person a term: of the permit that they have, or of a new one.

    Args:
        number: that the authority assigned to a new permit; None: one is made.
    """
    permit = session.scalar(select(Permit).where(Permit.person_id == person_id).with_for_update())
    if permit is None:
        # Nothing is known about the structure of numbers; a new one has 18 digits and says nothing.
        number = number or str(10 ** (_DIGITS - 1) + secrets.randbelow(9 * 10 ** (_DIGITS - 1)))
        permit = Permit(
            id=secrets.token_hex(16),
            person_id=person_id,
            number_key=core.at_rest.digest("permit number", number),
            state="GRANTED",
            employer_id=new.employer_id,
            region=new.region,
            until=new.until.isoformat(),
            interim_until=None,
            card_id=None,
            revision=1,
            created_at=now,
            changed_at=now,
        )
        content = json.dumps({"number": number}).encode()
        permit.record = core.at_rest.seal(Place("permits", "record", permit.id), content)
        session.add(permit)
        session.flush()
    add_term(core, session, now, permit, new)
    return permit


def number_of(core: Core, row: Permit) -> str:
    """A permit's number."""
    return str(json.loads(core.at_rest.open(Place("permits", "record", row.id), row.record))["number"])


def physical_until(core: Core, row: Permit) -> date | None:
    """The last day that a physical permit says, where there is one; None: the permit came with a card."""
    content = json.loads(core.at_rest.open(Place("permits", "record", row.id), row.record))
    until = content.get("physical_until")
    return None if until is None else date.fromisoformat(until)


def permit_of_passport(session: Session, digest: str) -> Permit | None:
    """The permit of whoever has a passport."""
    document = session.scalars(select(PersonDocument).where(PersonDocument.digest == digest)).one_or_none()
    if document is None:
        return None
    return session.scalars(select(Permit).where(Permit.person_id == document.person_id)).one_or_none()


def newest_term(session: Session, permit_id: str) -> PermitTerm:
    """The newest term of a permit; each has one."""
    query = select(PermitTerm).where(PermitTerm.permit_id == permit_id)
    return session.scalars(query.order_by(PermitTerm.number.desc()).limit(1)).one()


def read_term(core: Core, row: PermitTerm) -> Mapping[str, Any]:
    """What a term's record has: the post."""
    content: Mapping[str, Any] = json.loads(core.at_rest.open(Place("permit_terms", "record", row.id), row.record))
    return content


def write_term(core: Core, row: PermitTerm, content: Mapping[str, Any]) -> None:
    """Put what a term's record has into its row."""
    body = json.dumps(content, ensure_ascii=False).encode()
    row.record = core.at_rest.seal(Place("permit_terms", "record", row.id), body)


def add_term(core: Core, session: Session, now: int, permit: Permit, new: NewTerm) -> PermitTerm:
    """Add a term to a permit, whose last day it becomes."""
    newest = session.scalar(select(func.max(PermitTerm.number)).where(PermitTerm.permit_id == permit.id)) or 0
    row = PermitTerm(
        id=secrets.token_hex(16),
        permit_id=permit.id,
        number=newest + 1,
        employer_id=new.employer_id,
        category=new.category,
        first=new.first.isoformat(),
        until=new.until.isoformat(),
        region=new.region,
        ground=new.ground,
        filing_id=new.filing_id,
        created_at=now,
    )
    write_term(core, row, {"post": new.post})
    session.add(row)
    permit.employer_id, permit.region, permit.until = row.employer_id, row.region, row.until
    permit.interim_until, permit.changed_at = None, now
    permit.revision += 1
    session.flush()
    return row


def add_end(
    core: Core,
    session: Session,
    now: int,
    permit: Permit,
    move: Move,
    day: date,
    record: Mapping[str, Any],
    *,
    filing_id: str | None = None,
    account_id: str | None = None,
) -> None:
    """End a permit by a move of the machine, and record how: ground, legal basis, redress."""
    newest = session.scalar(select(func.max(PermitEnd.number)).where(PermitEnd.permit_id == permit.id)) or 0
    row = PermitEnd(
        id=secrets.token_hex(16),
        permit_id=permit.id,
        number=newest + 1,
        kind=move.target.lower(),
        day=day.isoformat(),
        filing_id=filing_id,
        account_id=account_id,
        at=now,
    )
    content = json.dumps(record, ensure_ascii=False).encode()
    row.record = core.at_rest.seal(Place("permit_ends", "record", row.id), content)
    session.add(row)
    permit.state, permit.changed_at = move.target, now
    permit.revision += 1
    session.flush()


def permit_facts(core: Core, session: Session, permit: Permit, employer_id: str) -> PermitFacts:
    """A permit for the guards, as an employer sees it."""
    term, passport = newest_term(session, permit.id), passport_of(core, session, permit.person_id)
    return PermitFacts(
        permit.state,
        date.fromisoformat(term.until),
        term.employer_id == employer_id,
        term.category,
        str(passport.get("nationality")),
        str(read_term(core, term)["post"]),
        date.fromisoformat(passport["birth"]) if "birth" in passport else None,
    )


class NoLongerWanted(Exception):
    """New codes of a permit were to be made, and are not wanted any more."""


def card_of(
    core: Core, session: Session, permit: Permit, photo: Photo | None = None, *, restored: bool = False
) -> Card:
    """What a card says about a permit: derived from passport, permit, newest term and employer.

    While an extension is undecided its interim code has the last day of that code. Insurance is what the insurance
    records say. Services, photo, the native spelling of an unchanged name, and the insurance of a person without such a
    record are those of the card on record, unless it has ended: a permit says nothing of them.

    Args:
        photo: of the application that it follows from; None: the one of the card on record stays.
        restored: the permit comes back as it was: the ended card on record counts as one in use.

    Raises:
        CardError: ``card.*``.
    """
    passport = passport_of(core, session, permit.person_id)
    term = newest_term(session, permit.id)
    employer = organisation_record(core, session, term.employer_id)
    own = session.scalars(
        select(PermitTerm).where(PermitTerm.permit_id == permit.id, PermitTerm.employer_id == term.employer_id)
    ).all()
    number = number_of(core, permit)
    made = Card.from_json(
        {
            "holder": {
                "name": PassportName(passport["surname"], passport["given"]).shown,
                "year_of_birth": int(passport["birth"][:4]),
                "date_of_birth": passport["birth"],
                "gender": passport["sex"],
                "nationality": passport["nationality"],
            },
            "permit": {
                "number": number,
                "number_last4": number[-4:],
                "category": term.category,
                "employer": employer["name"],
                "employer_code": employer["code"],
                "position": read_term(core, term)["post"],
                "from": min(each.first for each in own),
                "until": permit.interim_until or term.until,
                "region": term.region,
                "authority": core.settings.name_zh or core.settings.issuer,
            },
        }
    )
    insured = insurance_of(core, session, permit.person_id, core.clock.now(session))
    if photo is not None:
        made = replace(made, holder=replace(made.holder, photo=photo.data, photo_format=int(photo.format)))
    held = session.get(CardRow, permit.card_id) if permit.card_id is not None else None
    if held is None or (held.status == "revoked" and not restored):
        return made if insured is None else replace(made, insurance=insured.said)
    before = read_record(core, held)
    kept = before.holder
    holder = made.holder
    if photo is None:
        holder = replace(holder, photo=kept.photo, photo_format=kept.photo_format)
    if kept.name == made.holder.name:
        holder = replace(holder, name_native=kept.name_native, native_language=kept.native_language)
    said = before.insurance if insured is None else with_payments(insured.said, before.insurance)
    return replace(made, holder=holder, insurance=said, services=before.services)
