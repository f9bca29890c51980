"""Two people at the host, each known by the second factor of an account.

Promises:

1. What two people do by a command is done by two administrators, who are two persons with an account each: a typed name
   is nobody. Each gives a code of the authenticator app, which works once.
2. The rules of :mod:`issuer.approvals.engine` hold: an account that is shut, or whose second factor is new, takes no
   part.
3. A wrong code is counted and is in the audit, also where the other one was right.

Whoever is root on the host and has the master key writes into the database without any command: these rules bind people
who may run commands, not such a one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.errors import Conflict, NotAllowed
from issuer.acts import SERVICE, Act, Actor
from issuer.core import Core
from issuer.db.unit_of_work import UnitOfWork

from .attempts import reserve, take_back
from .changes import locked_account
from .fields import normal_login
from .models import Account
from .people import login_key, open_totp
from .roles import role_named
from .totp import matching_step

__all__ = ["Operator", "two_operators"]

#: What two administrators hold in the service.
_RIGHT: Final = "account.give"


@dataclass(frozen=True, slots=True)
class Operator:
    """Who is at the host. ``code``: what the authenticator app shows."""

    login: str
    code: str = field(repr=False)


def two_operators(core: Core, first: Operator, second: Operator, reason: str | None, *, break_glass: bool) -> Actor:
    """Both as one actor, once each has shown who they are.

    Raises:
        NotAllowed: ``account.operator``, ``totp.wrong``, ``confirm.same_person``.
        Conflict: ``confirm.waits``.
        Unavailable: ``login.wait``.
    """
    both = {first: "--operator", second: "--second-operator"}

    def work(unit: UnitOfWork) -> str | None:
        session, now = unit.session, unit.now
        ids = [_account_id(core, session, one, option) for one, option in both.items()]
        keys = [f"totp:own:{account_id}" for account_id in sorted(set(ids))]
        reserve(session, keys, now)
        accounts = {account_id: locked_account(session, account_id) for account_id in sorted(set(ids))}
        if len({account.person_id for account in accounts.values()}) < 2:
            raise NotAllowed("confirm.same_person", path="--second-operator")
        wrong = {name: one for one, name in zip(both, ids, strict=True) if not _proven(core, accounts[name], one, now)}
        if wrong:
            unit.audit_acts([Act(f"account:{name}", "totp.refused", name) for name in wrong])
            return both[next(iter(wrong.values()))]
        take_back(session, keys, now)
        unit.audit_acts([Act(f"account:{name}", "host.proven", name) for name in ids])
        return None

    wrong = core.transact(SERVICE, work)
    if wrong is not None:
        raise NotAllowed("totp.wrong", path=wrong)
    names = "+".join(f"host:{normal_login(one.login)}" for one in (first, second))
    return Actor(names, reason, break_glass)


def _account_id(core: Core, session: Session, one: Operator, option: str) -> str:
    query = select(Account).where(Account.login_key == login_key(core, normal_login(one.login)))
    account = session.scalars(query).one_or_none()
    if account is None or account.state != "active" or _RIGHT not in role_named(account.role).rights:
        raise NotAllowed("account.operator", path=option, expected="an administrator's login name")
    return account.id


def _proven(core: Core, account: Account, one: Operator, now: int) -> bool:
    """Whether the code is the account's; used up."""
    if account.confirms_from is not None and now < account.confirms_from:
        raise Conflict("confirm.waits", expected=f"{account.confirms_from} or later", found=str(now))
    secret = open_totp(core, account)
    step = None if secret is None else matching_step(secret, one.code, now, account.totp_counter)
    if step is None:
        return False
    account.totp_counter = step
    return True
