"""Handlers of a mandate: the people of an agency who act for one client.

Promises:

1. As long as a mandate has named nobody, everyone of the agency acts under it. Once somebody was named, only those who
   are named now do: after the last one has ended, nobody acts until another is named.
2. The agency names its own people, at most :data:`MOST` at one time. The employer sees who they are and since when,
   and either side can end each of them.
3. Whoever isn't a handler sees nothing of the client and gets no notices about it, but can name handlers, also
   themselves: the employer sees it, and the audit has it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.errors import Conflict, NotAllowed, NotFound
from issuer.core import Core
from issuer.db.idempotency import Request
from issuer.db.unit_of_work import UnitOfWork

from .mandates import seen_mandate
from .models import Account, MandateHandler, Person
from .people import read_name
from .principals import Principal

__all__ = [
    "MOST",
    "Colleague",
    "HandlerView",
    "end_handler",
    "list_colleagues",
    "list_handlers",
    "name_handler",
]

#: Handlers of one mandate at one time.
MOST: Final = 3


@dataclass(frozen=True, slots=True)
class HandlerView:
    """A handler from ``named_at`` on, until ``ended_at``; Unix times. ``name``: empty once the account was closed."""

    handler_id: str
    mandate_id: str
    account_id: str
    name: str
    named_at: int
    ended_at: int | None


@dataclass(frozen=True, slots=True)
class Colleague:
    """An account of one's own organisation. ``created_at``: Unix time."""

    account_id: str
    name: str
    state: str
    totp: bool
    created_at: int


def list_handlers(core: Core, who: Principal, mandate_id: str) -> list[HandlerView]:
    """The handlers of a mandate that somebody sees, those who act first, each group by when they were named.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``mandate.none``.
    """

    def look(session: Session) -> list[HandlerView]:
        seen_mandate(session, who, mandate_id)
        rows = session.scalars(select(MandateHandler).where(MandateHandler.mandate_id == mandate_id)).all()
        return [_view(core, session, row) for row in sorted(rows, key=lambda one: (one.ended_at or 0, one.named_at))]

    return core.database.read(look)


def list_colleagues(core: Core, who: Principal) -> list[Colleague]:
    """The accounts of one's own organisation that are open, in the order in which they were made.

    Raises:
        NotAllowed: ``access.*``.
    """
    who.require("organisation.read_own")
    query = select(Account).where(Account.organisation_id == who.organisation_id, Account.state != "closed")

    def look(session: Session) -> list[Colleague]:
        return [
            Colleague(row.id, _name(core, session, row), row.state, row.totp_secret is not None, row.created_at)
            for row in session.scalars(query.order_by(Account.created_at, Account.id))
        ]

    return core.database.read(look)


def name_handler(
    core: Core, who: Principal, mandate_id: str, account_id: str, request: Request | None = None
) -> HandlerView:
    """Name somebody of the agency; the person acts under the mandate from now on.

    Raises:
        NotAllowed: ``access.*``, ``mandate.not_the_agency``.
        NotFound: ``mandate.none``, ``account.none``: no open account of the agency.
        Conflict: ``mandate.ended``, ``mandate.handler_named``, ``mandate.handlers_full``.
    """
    who.require_person()
    handler_id = secrets.token_hex(16)

    def work(unit: UnitOfWork) -> HandlerView:
        session, now = unit.session, unit.now
        account = session.get(Account, account_id, with_for_update=True)
        mandate = seen_mandate(session, who, mandate_id, lock=True)
        if mandate.agency_id != who.organisation_id:
            raise NotAllowed("mandate.not_the_agency")
        if account is None or account.organisation_id != mandate.agency_id or account.state == "closed":
            raise NotFound("account.none", path="account_id", expected="an account of the agency")
        if mandate.ended_at is not None or mandate.ends_at <= now:
            raise Conflict("mandate.ended")
        live = _live(session, mandate_id)
        if any(one.account_id == account_id for one in live):
            raise Conflict("mandate.handler_named", path="account_id")
        if len(live) >= MOST:
            raise Conflict("mandate.handlers_full", expected=f"at most {MOST}")
        row = MandateHandler(id=handler_id, mandate_id=mandate_id, account_id=account_id, named_at=now, ended_at=None)
        session.add(row)
        unit.audit("mandate.name_handler", mandate_id, {"account": account_id})
        unit.made(row.id)
        return _view(core, session, row)

    return core.transact(who.by(), work, request=request)


def end_handler(core: Core, who: Principal, mandate_id: str, handler_id: str) -> None:
    """End a handler now: by the agency, the employer, or who manages mandates. One who has ended is no error.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``mandate.none``, ``mandate.no_handler``.
    """
    who.require_person()

    def work(unit: UnitOfWork) -> bool:
        session, now = unit.session, unit.now
        seen_mandate(session, who, mandate_id, lock=True)
        row = session.get(MandateHandler, handler_id, with_for_update=True)
        if row is None or row.mandate_id != mandate_id:
            raise NotFound("mandate.no_handler")
        if row.ended_at is None:
            row.ended_at = now
            unit.audit("mandate.end_handler", mandate_id, {"account": row.account_id})
        return True

    core.transact(who.by(), work, settled=lambda session: None)


def _live(session: Session, mandate_id: str) -> list[MandateHandler]:
    query = select(MandateHandler).where(MandateHandler.mandate_id == mandate_id, MandateHandler.ended_at.is_(None))
    return list(session.scalars(query))


def _view(core: Core, session: Session, row: MandateHandler) -> HandlerView:
    name = _name(core, session, session.get_one(Account, row.account_id))
    return HandlerView(row.id, row.mandate_id, row.account_id, name, row.named_at, row.ended_at)


def _name(core: Core, session: Session, account: Account) -> str:
    return read_name(core, session.get_one(Person, account.person_id)) if account.state != "closed" else ""
