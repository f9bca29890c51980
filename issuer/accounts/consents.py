"""Consents: what a person agreed to have passed on, to whom, for what and until when.

Promises:

1. A consent names a purpose of a closed list, the recipient, what is passed on, and its end (PIPL articles 23, 29). One
   purpose is one consent: nothing is agreed to in passing.
2. Only the person gives it, in a session; it is withdrawn in one step, without a reason, as easily as it was given
   (article 15), and counts no more from that moment.
3. What rests on a consent asks :func:`consent_for` each time; one that is over or withdrawn is none.
"""

from __future__ import annotations

import functools
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from importlib import resources
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.card.characters import is_plain
from icard_crypto.card.fields import SERVICES
from icard_crypto.errors import Invalid, NotFound
from issuer.core import Core
from issuer.db.idempotency import Request
from issuer.db.pages import page_of
from issuer.db.unit_of_work import UnitOfWork
from issuer.rules.days import day_of, end_of_day
from issuer.vault.at_rest import Place

from .models import Consent
from .principals import Principal

__all__ = [
    "ConsentView",
    "NewConsent",
    "consent_for",
    "give_consent",
    "list_consents",
    "purposes",
    "show_consent",
    "withdraw_within",
]

_LONGEST: Final = 200
_LONGEST_DAYS: Final = 3 * 366


@dataclass(frozen=True, slots=True)
class NewConsent:
    """What a person agrees to.

    Args:
        service: the service of the card, where the purpose is about one.
        until: the last day.
    """

    purpose: str
    recipient: str
    until: date
    service: str | None = None


@dataclass(frozen=True, slots=True)
class ConsentView:
    """A consent. Times are Unix times; ``kinds``: what is passed on, in English and Chinese."""

    consent_id: str
    purpose: str
    service: str | None
    recipient: str
    text: Mapping[str, str]
    kinds: Mapping[str, str]
    sensitive: bool
    until: str
    given_at: int
    withdrawn_at: int | None
    in_force: bool


def give_consent(core: Core, who: Principal, new: NewConsent, request: Request | None = None) -> str:
    """Give a consent; its id.

    Raises:
        NotAllowed: ``access.*``.
        NotFound, Invalid: ``consent.*``.
    """
    who.require("privacy.own")
    purpose = purposes().get(new.purpose)
    if purpose is None:
        raise Invalid("consent.purpose", path="purpose", expected=", ".join(purposes()))
    if (new.service is not None) != bool(purpose["about_service"]) or (new.service or "transit") not in SERVICES:
        raise Invalid("consent.service", path="service", expected="a service of the card, where it is about one")
    if not 0 < len(new.recipient) <= _LONGEST or not is_plain(new.recipient):
        raise Invalid("consent.recipient", path="recipient", expected=f"1 to {_LONGEST} printable characters")

    def work(unit: UnitOfWork) -> str:
        session, now = unit.session, unit.now
        today = day_of(now)
        if not today <= new.until <= today + timedelta(days=_LONGEST_DAYS):
            raise Invalid("consent.until", path="until", expected=f"within {_LONGEST_DAYS} days")
        row = Consent(
            id=secrets.token_hex(16),
            person_id=who.person_id,
            purpose=new.purpose,
            subject=new.service or "",
            given_at=now,
            ends_at=end_of_day(new.until),
            withdrawn_at=None,
        )
        row.record = core.at_rest.seal(
            _place(row), json.dumps({"recipient": new.recipient}, ensure_ascii=False).encode()
        )
        session.add(row)
        session.flush()
        details = {"purpose": new.purpose, "subject": new.service}
        unit.audit("consent.give", row.id, details)
        unit.made(row.id)
        return row.id

    return core.transact(who.by(), work, request=request)


def withdraw_within(core: Core, session: Session, now: int, who: Principal, consent_id: str) -> Consent:
    """Withdraw a consent within a transaction that writes the audit; repeating it changes nothing.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``consent.none``.
    """
    who.require("privacy.own")
    row = session.get(Consent, consent_id, with_for_update=True)
    if row is None or row.person_id != who.person_id:
        raise NotFound("consent.none")
    if row.withdrawn_at is None:
        row.withdrawn_at = now
    session.flush()
    return row


def consent_for(session: Session, person_id: str, purpose: str, service: str, now: int) -> Consent | None:
    """The consent in force now, the newest of several."""
    query = select(Consent).where(
        Consent.person_id == person_id,
        Consent.purpose == purpose,
        Consent.subject == service,
        Consent.withdrawn_at.is_(None),
        Consent.ends_at > now,
    )
    return session.scalars(query.order_by(Consent.ends_at.desc(), Consent.id)).first()


def list_consents(
    core: Core, who: Principal, *, after: str = "", limit: int = 50, only: str | None = None
) -> list[ConsentView]:
    """A page of one's own consents, those that are over too, in the order of their ids.

    Args:
        only: this one.

    Raises:
        NotAllowed: ``access.*``.
    """
    who.require("privacy.own")

    def look(session: Session) -> list[ConsentView]:
        query = select(Consent).where(Consent.person_id == who.person_id)
        if only is not None:
            query = query.where(Consent.id == only)
        now = core.clock.now(session)
        return [_view(core, row, now) for row in session.scalars(page_of(query, Consent.id, after, limit))]

    return core.database.read(look)


def show_consent(core: Core, who: Principal, consent_id: str) -> ConsentView:
    """One of one's own consents.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``consent.none``.
    """
    found = list_consents(core, who, only=consent_id)
    if not found:
        raise NotFound("consent.none")
    return found[0]


@functools.cache
def purposes() -> Mapping[str, Mapping[str, Any]]:
    """The purposes that one may agree to, by name."""
    content: dict[str, Any] = json.loads(
        (resources.files("issuer.accounts") / "consent_purposes.json").read_text("utf-8")
    )
    return content


def _view(core: Core, row: Consent, now: int) -> ConsentView:
    purpose = purposes()[row.purpose]
    record = json.loads(core.at_rest.open(_place(row), row.record))
    return ConsentView(
        row.id,
        row.purpose,
        row.subject or None,
        record["recipient"],
        {"en": purpose["en"], "zh": purpose["zh"]},
        {"en": purpose["kinds_en"], "zh": purpose["kinds_zh"]},
        bool(purpose["sensitive"]),
        day_of(row.ends_at - 1).isoformat(),
        row.given_at,
        row.withdrawn_at,
        row.withdrawn_at is None and row.ends_at > now,
    )


def _place(row: Consent) -> Place:
    return Place("consents", "record", row.id)
