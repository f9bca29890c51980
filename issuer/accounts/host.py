"""Accounts from the host: the first administrators, and recovery when nobody can log in.

Promises:

1. Each act is audited as one that bypassed dual control, with who and why.
2. Otherwise the same rules hold: one form of each field, roles that exclude each other, sessions and tokens that end.
"""

from __future__ import annotations

import secrets
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.errors import NotFound
from issuer.acts import Actor
from issuer.core import Core
from issuer.db.unit_of_work import UnitOfWork

from . import changes
from .changes import NewAccount
from .directory import AccountView, transact, view
from .invitations import Invited, Parts
from .models import Account
from .people import account_of_login
from .secret_text import new_secret

__all__ = ["add", "change", "list_all", "reset"]

_MOST = 1000


def add(core: Core, new: NewAccount, by: Actor) -> Invited:
    """Make an account with any role, and invite its person.

    Raises:
        NotFound: ``organisation.none``.
        StateError: ``account.*``.
    """
    good, role = changes.checked(new)
    account_id, token = secrets.token_hex(16), new_secret()

    def work(unit: UnitOfWork) -> Invited:
        session, now = unit.session, unit.now
        made = changes.create(core, session, good, account_id, Parts(token), now)
        unit.audit("account.create", account_id, {**by.details(), "role": role.name})
        return made

    return transact(core, by, work)


def reset(core: Core, login: str, by: Actor) -> Invited:
    """Invite an account's person to set password and TOTP again.

    Raises:
        StateError: ``account.*``.
    """
    token = new_secret()

    def work(unit: UnitOfWork) -> Invited:
        session, now = unit.session, unit.now
        account_id = _named(core, session, login)
        if session.get_one(Account, account_id).state == "locked":
            changes.unlock(session, account_id, now)
            session.flush()
        made = changes.reset(core, session, account_id, Parts(token), now)
        unit.audit("account.reset", account_id, by.details())
        return made

    return transact(core, by, work)


def change(core: Core, login: str, act: Literal["lock", "unlock", "close"], by: Actor) -> None:
    """Shut an account out, let it in again, or end it.

    Raises:
        StateError: ``account.*``.
    """

    def work(unit: UnitOfWork) -> None:
        session, now = unit.session, unit.now
        account_id = _named(core, session, login)
        if act == "lock":
            changes.lock(session, account_id, now)
        elif act == "unlock":
            changes.unlock(session, account_id, now)
        else:
            changes.close(core, session, account_id, now)
        unit.audit(f"account.{act}", account_id, by.details())

    transact(core, by, work)


def list_all(core: Core) -> list[AccountView]:
    """The accounts that are not closed, the oldest first, 1,000 at most."""

    def look(session: Session) -> list[AccountView]:
        query = select(Account.id).where(Account.state != "closed").order_by(Account.created_at, Account.id)
        return [view(core, session, account_id) for account_id in session.scalars(query.limit(_MOST)).all()]

    return core.database.read(look)


def _named(core: Core, session: Session, login: str) -> str:
    found = account_of_login(core, session, login)
    if found is None:
        raise NotFound("account.none", path="login")
    return found.id
