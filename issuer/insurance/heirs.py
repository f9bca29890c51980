"""Heirs: near relatives who may see the record of somebody who died (PIPL article 49).

Promises:

1. An officer gives it to a person with an account of their own, after the death is on record and on proof; never the
   officer who recorded the death. It ends on a day, or when an officer ends it.
2. An heir sees what the person saw of the insurance and may have a copy of it. Nothing can be changed by it: the payout
   of the account is an officer's act.
3. Who gave it and on which proof is in the audit; the heir is notified, and the accounts of who died.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.card.characters import is_plain
from icard_crypto.errors import Invalid, NotAllowed, NotFound
from issuer.accounts.models import Account, ApiToken
from issuer.accounts.people import account_of_login
from issuer.accounts.principals import Principal
from issuer.audit.models import AuditRow
from issuer.cards.parties import notify_person
from issuer.core import Core
from issuer.db.idempotency import Request
from issuer.db.unit_of_work import UnitOfWork
from issuer.rules.days import day_of, end_of_day

from .models import HeirAccess
from .parties import require_insured
from .records import load_people

__all__ = ["RELATIONS", "HeirView", "end_heir", "give_heir", "heir_of_login", "list_heirs"]

RELATIONS: Final = ("spouse", "child", "parent", "sibling", "grandparent", "grandchild", "other_heir")
_LONGEST: Final = 200
_LONGEST_DAYS: Final = 366


@dataclass(frozen=True, slots=True)
class HeirView:
    """A near relative who may see the record. Times are Unix times."""

    heir_id: str
    heir_person_id: str
    relation: str
    given_at: int
    until: str
    in_force: bool


def give_heir(
    core: Core,
    who: Principal,
    person_id: str,
    heir_person_id: str,
    relation: str,
    proof: str,
    until: date,
    request: Request | None = None,
) -> str:
    """Let a near relative see the record of somebody who died; the id of it.

    Args:
        proof: what the officer was shown, such as a household register.

    Raises:
        NotAllowed: ``access.*``, ``account.self``.
        NotAllowed, NotFound, Invalid: ``heir.*``.
        NotFound: ``insurance.none``.
    """
    who.require("insurance.book")
    if relation not in RELATIONS:
        raise Invalid("heir.relation", path="relation", expected=", ".join(RELATIONS))
    if not 0 < len(proof) <= _LONGEST or not is_plain(proof):
        raise Invalid("heir.proof", path="proof", expected=f"1 to {_LONGEST} printable characters")

    def work(unit: UnitOfWork) -> str:
        session, now = unit.session, unit.now
        require_insured(core, session, who, person_id)
        today = day_of(now)
        if not today <= until <= today + timedelta(days=_LONGEST_DAYS):
            raise Invalid("heir.until", path="until", expected=f"within {_LONGEST_DAYS} days")
        if load_people(core, session, [person_id], lock=True)[person_id].record.died is None:
            raise Invalid("heir.alive", path="person_id", expected="somebody whose death is on record")
        if who.is_self(heir_person_id):
            raise NotAllowed("account.self")
        if _recorded_death(core, session, who, person_id):
            raise NotAllowed("heir.two_needed", path="person_id")
        holder = select(Account.id).where(
            Account.person_id == heir_person_id, Account.role == "holder", Account.state == "active"
        )
        if heir_person_id == person_id or session.scalar(holder) is None:
            raise Invalid("heir.account", path="heir_person_id", expected="a person with an account of their own")
        row = HeirAccess(
            id=secrets.token_hex(16),
            person_id=person_id,
            heir_person_id=heir_person_id,
            relation=relation,
            given_at=now,
            ends_at=end_of_day(until),
        )
        session.add(row)
        session.flush()
        notify_person(core, session, now, "heir.given", heir_person_id)
        notify_person(core, session, now, "heir.given_on", person_id)
        details = {"heir": heir_person_id, "relation": relation, "proof": proof, "until": until.isoformat()}
        unit.audit("heir.give", person_id, details)
        unit.made(row.id)
        return row.id

    return core.transact(who.by(), work, request=request)


def heir_of_login(core: Core, who: Principal, login: str) -> str:
    """The person whose account has a login name, to be given access.

    Raises:
        NotAllowed: ``access.*``.
        Invalid: ``heir.account``.
    """
    who.require("insurance.book")

    def look(session: Session) -> str:
        found = account_of_login(core, session, login)
        if found is None or found.role != "holder" or found.state != "active":
            raise Invalid("heir.account", path="heir_login", expected="a person with an account of their own")
        return found.person_id

    return core.database.read(look)


def _recorded_death(core: Core, session: Session, who: Principal, person_id: str) -> bool:
    """Whether somebody recorded the death themselves, with whichever account or program; as the audit has it."""
    accounts = list(session.scalars(select(Account.id).where(Account.person_id == who.person_id)))
    tokens = session.scalars(select(ApiToken.id).where(ApiToken.account_id.in_(accounts)))
    own = [*(f"account:{one}" for one in accounts), *(f"token:{one}" for one in tokens)]
    found = select(AuditRow.seq).where(
        AuditRow.subject == core.at_rest.pseudonym("subject", person_id),
        AuditRow.action == "insurance.death",
        AuditRow.actor.in_([core.at_rest.pseudonym("actor", one) for one in own]),
    )
    return session.scalar(found.limit(1)) is not None


def end_heir(core: Core, who: Principal, person_id: str, heir_id: str) -> None:
    """End it before its day; repeating is no error.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``insurance.none``, ``heir.none``.
    """
    who.require("insurance.book")

    def work(unit: UnitOfWork) -> bool:
        session, now = unit.session, unit.now
        require_insured(core, session, who, person_id)
        row = session.get(HeirAccess, heir_id, with_for_update=True)
        if row is None or row.person_id != person_id:
            raise NotFound("heir.none")
        if row.ends_at > now:
            row.ends_at = now
            session.flush()
            unit.audit("heir.end", person_id, {"heir": row.heir_person_id})
        return True

    core.transact(who.by(), work, settled=lambda session: None)


def list_heirs(core: Core, who: Principal, person_id: str) -> list[HeirView]:
    """Who may see, or could see, the record.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``insurance.none``.
    """
    who.require("insurance.book")

    def look(session: Session) -> list[HeirView]:
        require_insured(core, session, who, person_id)
        now = core.clock.now(session)
        query = select(HeirAccess).where(HeirAccess.person_id == person_id).order_by(HeirAccess.given_at, HeirAccess.id)
        return [_view(row, now) for row in session.scalars(query)]

    return core.database.read(look)


def _view(row: HeirAccess, now: int) -> HeirView:
    until = day_of(row.ends_at - 1).isoformat()
    return HeirView(row.id, row.heir_person_id, row.relation, row.given_at, until, row.ends_at > now)
