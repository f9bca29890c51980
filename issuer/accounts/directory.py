"""Accounts as administrators see and change them.

Promises:

1. One administrator can lock and close any account, but at most five officials' accounts a day, and never below two
   administrators: nobody alone can leave an authority without staff. Giving access needs dual control
   (:mod:`issuer.approvals.engine`): making an account, changing its role, resetting it, unlocking an official one.
2. Nobody changes their own accounts here.
3. A change may name the version that it was decided on; if the account has changed since, it is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from icard_crypto.errors import Conflict, NotAllowed, NotFound, Unavailable
from icard_crypto.moments import DAY
from issuer.acts import Actor
from issuer.audit.models import AuditRow
from issuer.core import Core
from issuer.db.pages import page_of
from issuer.db.unit_of_work import UnitOfWork

from . import changes, sessions
from .models import Account, Person
from .people import account_of_login, read_account, read_name
from .principals import Principal
from .roles import ROLES, role_named

__all__ = [
    "AccountView",
    "close_account",
    "end_sessions",
    "find_account",
    "list_accounts",
    "lock_account",
    "own_account",
    "show_account",
    "transact",
    "unlock_account",
]

T = TypeVar("T")
_MANAGE = "account.manage"
#: Officials whom one administrator shuts out within a day, and administrators who stay.
_MOST_SHUT = 5
_FEWEST = 2


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account. Texts are empty once it was closed; times are Unix times."""

    account_id: str
    person_id: str
    role: str
    state: str
    organisation_id: str | None
    login: str
    name: str
    email: str | None
    language: str
    totp: bool
    version: int
    created_at: int
    changed_at: int


def lock_account(core: Core, who: Principal, account_id: str, *, version: int | None = None) -> None:
    """Shut an account out; its sessions and tokens end.

    Raises:
        NotAllowed: ``access.*``.
        StateError: ``account.*``.
    """

    def edit(session: Session, account: Account, now: int) -> None:
        _not_too_fast(core, session, who, account, now)
        changes.lock(session, account.id, now)

    _change(core, who, account_id, "account.lock", edit, version)


def unlock_account(core: Core, who: Principal, account_id: str, *, version: int | None = None) -> None:
    """Let an account in again that is not official.

    Raises:
        NotAllowed: ``access.*``, ``account.two_needed``.
        StateError: ``account.*``.
    """

    def edit(session: Session, account: Account, now: int) -> None:
        if role_named(account.role).official:
            raise NotAllowed("account.two_needed")
        changes.unlock(session, account.id, now)

    _change(core, who, account_id, "account.unlock", edit, version)


def close_account(core: Core, who: Principal, account_id: str, *, version: int | None = None) -> None:
    """End an account permanently.

    Raises:
        NotAllowed: ``access.*``.
        StateError: ``account.*``.
    """

    def edit(session: Session, account: Account, now: int) -> None:
        _not_too_fast(core, session, who, account, now)
        _leaves_two(session, account)
        changes.close(core, session, account.id, now)

    _change(core, who, account_id, "account.close", edit, version)


def end_sessions(core: Core, who: Principal, account_id: str) -> None:
    """End all sessions of an account, an official one too; its person may log in again at once.

    Raises:
        NotAllowed: ``access.*``, ``account.self``.
        NotFound: ``account.none``.
    """

    def edit(session: Session, account: Account, now: int) -> None:
        sessions.end_all(session, account.id)

    _change(core, who, account_id, "account.end_sessions", edit, None)


def show_account(core: Core, who: Principal, account_id: str) -> AccountView:
    """An account.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``account.none``.
    """
    who.require(_MANAGE)
    return core.database.read(lambda session: view(core, session, account_id))


def own_account(core: Core, who: Principal) -> AccountView:
    """The account of who asks, before the second factor too."""
    return core.database.read(lambda session: view(core, session, who.account_id))


def find_account(core: Core, who: Principal, login: str) -> AccountView:
    """The account with a login name.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``account.none``.
    """
    who.require(_MANAGE)

    def look(session: Session) -> AccountView:
        found = account_of_login(core, session, login)
        return view(core, session, "" if found is None else found.id)

    return core.database.read(look)


def list_accounts(
    core: Core,
    who: Principal,
    *,
    after: str = "",
    limit: int = 50,
    role: str | None = None,
    organisation_id: str | None = None,
) -> list[AccountView]:
    """A page of accounts in the order of their ids.

    Args:
        after: the last id of the page before.
        limit: 1 to 201.

    Raises:
        NotAllowed: ``access.*``.
    """
    who.require(_MANAGE)

    def look(session: Session) -> list[AccountView]:
        query = page_of(select(Account.id), Account.id, after, limit)
        if role is not None:
            query = query.where(Account.role == role)
        if organisation_id is not None:
            query = query.where(Account.organisation_id == organisation_id)
        return [view(core, session, account_id) for account_id in session.scalars(query).all()]

    return core.database.read(look)


def view(core: Core, session: Session, account_id: str) -> AccountView:
    """An account as it is.

    Raises:
        NotFound: ``account.none``.
    """
    account = session.get(Account, account_id)
    if account is None:
        raise NotFound("account.none")
    record = read_account(core, account)
    return AccountView(
        account.id,
        account.person_id,
        account.role,
        account.state,
        account.organisation_id,
        record.login if record else "",
        read_name(core, session.get_one(Person, account.person_id)) if record else "",
        record.email if record else None,
        record.language if record else "",
        account.totp_secret is not None,
        account.version,
        account.created_at,
        account.changed_at,
    )


def _not_too_fast(core: Core, session: Session, who: Principal, account: Account, now: int) -> None:
    """One administrator shuts out few officials a day: whoever is after all of them is noticed before.

    Raises:
        Unavailable: ``account.too_fast``.
    """
    if not role_named(account.role).official:
        return
    officials = [role.name for role in ROLES.values() if role.official]
    shut = select(Account.id).where(
        Account.role.in_(officials), Account.state.in_(("locked", "closed")), Account.changed_at > now - DAY
    )
    subjects = [core.at_rest.pseudonym("subject", name) for name in session.scalars(shut)]
    by_this_one = select(func.count(func.distinct(AuditRow.subject))).where(
        AuditRow.actor == core.at_rest.pseudonym("actor", who.actor),
        AuditRow.action.in_(("account.lock", "account.close")),
        AuditRow.subject.in_(subjects),
        AuditRow.at > now - DAY,
    )
    if subjects and (session.scalar(by_this_one) or 0) >= _MOST_SHUT:
        raise Unavailable("account.too_fast", expected=f"at most {_MOST_SHUT} officials a day")


def _leaves_two(session: Session, account: Account) -> None:
    """Two administrators have to be left: what two give, one could not give any more.

    Raises:
        Conflict: ``account.last_two``.
    """
    if "account.give" not in role_named(account.role).rights:
        return
    others = select(Account).where(
        Account.role == account.role, Account.state == "active", Account.person_id != account.person_id
    )
    if len({other.person_id for other in session.scalars(others)}) < _FEWEST:
        raise Conflict("account.last_two", expected=f"{_FEWEST} administrators who stay")


def transact(core: Core, actor: Actor, work: Callable[[UnitOfWork], T]) -> T:
    """Do ``work`` in one transaction; what another one took meanwhile is reported as such.

    Raises:
        Conflict: ``account.login_taken``, and what ``work`` raises.
    """
    try:
        return core.transact(actor, work)
    except IntegrityError as fault:
        if "identity_key" in str(fault.orig):
            # Another account of the same person was made meanwhile: now the person is found.
            return core.transact(actor, work)
        if "login_key" in str(fault.orig):
            raise Conflict("account.login_taken", path="login") from None
        raise


def _change(
    core: Core,
    who: Principal,
    account_id: str,
    action: str,
    edit: Callable[[Session, Account, int], T],
    version: int | None,
) -> T:
    who.require(_MANAGE)

    def work(unit: UnitOfWork) -> T:
        session, now = unit.session, unit.now
        _, account = changes.locked_person(session, account_id)
        if who.is_self(account.person_id):
            raise NotAllowed("account.self")
        if version is not None and account.version != version:
            raise Conflict("account.changed", expected=str(version), found=str(account.version))
        before = account.role
        done = edit(session, account, now)
        details = {"role": before} if before == account.role else {"role": before, "to": account.role}
        unit.audit(action, account_id, details)
        return done

    return transact(core, who.by(), work)
