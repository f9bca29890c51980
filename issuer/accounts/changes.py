"""Changes of accounts, each within the caller's transaction: an administrator's, an approval's, or the host's.

Promises:

1. Nothing here checks permissions: :mod:`issuer.accounts.directory`, :mod:`issuer.approvals.engine` and
   :mod:`issuer.accounts.host` do, and write the audit.
2. Whatever removes a permission or may have leaked a secret ends the account's sessions, tokens, calendar
   feeds and invitations, and switches its webhooks off, in the same transaction.
3. A person has no two roles that exclude each other; the person's row is locked while that is checked.
4. An account that gets another role starts again: it is invited, without the password and TOTP that it had.
5. A person has one holder's account at most, and no account of a closed organisation is let in again.
6. An employer has as many accounts as the rules allow (:mod:`issuer.accounts.employer_handlers`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from icard_crypto.errors import Conflict, Invalid, NotFound
from issuer.core import Core
from issuer.notices.models import Webhook

from . import employer_handlers, sessions
from .fields import PASSPORT, check_email, check_identity, check_language, check_login, check_text
from .invitations import Invited, Parts, invite, withdraw
from .models import Account, ApiToken, CalendarFeed, KnownPlace, Organisation, Person, RecoveryCode
from .people import (
    AccountRecord,
    identity_keys,
    login_key,
    note_passports,
    passport_digest,
    passports_of,
    write_account,
    write_name,
)
from .roles import ROLES, Role, role_named

__all__ = [
    "NewAccount",
    "change_role",
    "checked",
    "close",
    "create",
    "end_tokens",
    "find_person",
    "lock",
    "locked_account",
    "locked_person",
    "reset",
    "unlock",
]

_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account to make.

    Args:
        name: of a person who is not known yet.
        identity: the number of a document, or of the staff, by which a person is known again; official roles need it.
        person_id: a person who has an account already, in the place of name and identity.
        organisation_id: for roles of an employer or an agency.
    """

    role: str
    login: str
    name: str = ""
    identity: str | None = None
    person_id: str | None = None
    email: str | None = None
    language: Literal["en", "zh"] = "zh"
    organisation_id: str | None = None

    def to_json(self) -> dict[str, Any]:
        """For what is kept, sealed, until a second person confirms it."""
        return asdict(self)


def checked(new: NewAccount) -> tuple[NewAccount, Role]:
    """The account with every field in its one form, and its role.

    Raises:
        Invalid: ``account.field``, ``account.role``.
    """
    role = role_named(new.role)
    known = new.person_id is not None
    made = NewAccount(
        role=role.name,
        login=check_login(new.login),
        name="" if known else check_text(new.name, "name", _LONGEST_NAME),
        identity=None if known else check_identity(new.identity),
        person_id=new.person_id,
        email=check_email(new.email),
        language=new.language,
        organisation_id=new.organisation_id,
    )
    check_language(new.language)
    if role.official and not known and made.identity is None:
        raise Invalid("account.field", path="identity", expected="a number, for an official account")
    return made, role


def create(core: Core, session: Session, new: NewAccount, account_id: str, parts: Parts, now: int) -> Invited:
    """Make an account that :func:`checked` let pass, and invite its person.

    Args:
        account_id, parts: made by the caller, so that a repeated transaction gives the same.

    Raises:
        NotFound: ``organisation.none``.
        Conflict: ``account.login_taken``, ``account.conflict``, ``account.handlers_full``.
        Invalid: ``account.person``, ``account.field``.
    """
    role = role_named(new.role)
    if session.scalar(select(Account.id).where(Account.login_key == login_key(core, new.login))) is not None:
        raise Conflict("account.login_taken", path="login")
    person = _person(core, session, new, account_id, now)
    if role.official and person.identity_key is None:
        raise Invalid("account.field", path="identity", expected="a number, for an official account")
    _check_conflicts(session, person, role, except_for=None)
    organisation_id = _organisation(session, role, new.organisation_id)
    employer_handlers.require_room(session, role.name, organisation_id, now)
    passport = PASSPORT.fullmatch(new.identity or "")
    if passport is not None and role.official:
        note_passports(core, person, passports_of(core, person) | {passport_digest(core, *passport.groups())})
    account = Account(
        id=account_id,
        person_id=person.id,
        organisation_id=organisation_id,
        role=role.name,
        state="invited",
        password=None,
        totp_secret=None,
        totp_counter=-1,
        version=1,
        created_at=now,
        role_at=now,
        changed_at=now,
    )
    write_account(core, account, AccountRecord(new.login, new.email, new.language))
    session.add(account)
    session.flush()
    return invite(core, session, account, parts, now)


def change_role(
    core: Core, session: Session, account_id: str, role: Role, organisation_id: str | None, parts: Parts, now: int
) -> Invited:
    """Give an account another role; its person is invited again (promise 4).

    Raises:
        NotFound: ``account.none``, ``organisation.none``.
        Conflict: ``account.state``, ``account.conflict``, ``account.changed``, ``account.handlers_full``.
        Invalid: ``account.field``.
    """
    person, account = locked_person(session, account_id)
    if account.state == "closed":
        raise Conflict("account.state", found=account.state)
    if role.official and person.identity_key is None:
        raise Invalid("account.field", path="identity", expected="a number, for an official account")
    _check_conflicts(session, person, role, except_for=account_id)
    account.role, account.role_at = role.name, now
    account.organisation_id = _organisation(session, role, organisation_id)
    employer_handlers.require_room(session, role.name, organisation_id, now, but=account_id)
    end_access(session, account, now)
    return _begin_anew(core, session, account, parts, now)


def reset(core: Core, session: Session, account_id: str, parts: Parts, now: int) -> Invited:
    """Password, TOTP and known places count no more; the person is invited to set them again.

    Raises:
        NotFound: ``account.none``.
        Conflict: ``account.state``.
    """
    account = locked_account(session, account_id)
    if account.state not in ("active", "invited"):
        raise Conflict("account.state", found=account.state)
    _require_open(session, account)
    end_access(session, account, now)
    return _begin_anew(core, session, account, parts, now)


def lock(session: Session, account_id: str, now: int) -> None:
    """Shut an account out until it is unlocked.

    Raises:
        NotFound: ``account.none``.
        Conflict: ``account.state``.
    """
    account = locked_account(session, account_id)
    if account.state == "closed":
        raise Conflict("account.state", found=account.state)
    account.state = "locked"
    end_access(session, account, now)


def unlock(session: Session, account_id: str, now: int) -> None:
    """Let an account in again; one that never had a password waits for a new invitation.

    Raises:
        NotFound: ``account.none``.
        Conflict: ``account.state``.
    """
    account = locked_account(session, account_id)
    if account.state != "locked":
        raise Conflict("account.state", found=account.state)
    _require_open(session, account)
    account.state = "active" if account.password is not None else "invited"
    account.version, account.changed_at = account.version + 1, now


def close(core: Core, session: Session, account_id: str, now: int) -> None:
    """End an account permanently; what it says about itself is erased, the person's name with the last open account.

    Raises:
        NotFound: ``account.none``.
        Conflict: ``account.state``, ``account.changed``.
    """
    person, account = locked_person(session, account_id)
    if account.state == "closed":
        raise Conflict("account.state", found=account.state)
    account.state = "closed"
    end_access(session, account, now)
    _forget(session, account)
    write_account(core, account, None)
    session.flush()
    open_ones = select(Account.id).where(Account.person_id == person.id, Account.state != "closed")
    if session.scalar(open_ones.limit(1)) is None:
        write_name(core, person, "")


def locked_account(session: Session, account_id: str) -> Account:
    """An account, locked.

    Raises:
        NotFound: ``account.none``.
    """
    # Without the key, which never changes: rows that name the account, such as notices to it, can be written meanwhile.
    # Two officers who ask and confirm would otherwise wait for each other's notices (PostgreSQL).
    account = session.get(Account, account_id, with_for_update={"key_share": True}, populate_existing=True)
    if account is None:
        raise NotFound("account.none")
    return account


def locked_person(session: Session, account_id: str) -> tuple[Person, Account]:
    """The person of an account, and the account: locked in this order.

    Raises:
        NotFound: ``account.none``.
        Conflict: ``account.changed``: a merger of records has given the account to another person meanwhile.
    """
    person_id = session.scalar(select(Account.person_id).where(Account.id == account_id))
    if person_id is None:
        raise NotFound("account.none")
    person = session.get_one(Person, person_id, with_for_update=True)
    account = locked_account(session, account_id)
    if account.person_id != person.id:
        raise Conflict("account.changed")
    return person, account


def end_access(session: Session, account: Account, now: int) -> None:
    """End all that a locked account is come in by (promise 2)."""
    sessions.end_all(session, account.id)
    end_tokens(session, account.id, now)
    withdraw(session, account.id)
    account.version, account.changed_at = account.version + 1, now


def end_tokens(session: Session, account_id: str, now: int) -> None:
    """End what works without a log-in: all tokens of a locked account and its calendar feeds.

    Its webhooks are off until somebody who has logged in switches them on.
    """
    tokens = select(ApiToken).where(ApiToken.account_id == account_id, ApiToken.revoked_at.is_(None))
    for token in session.scalars(tokens.order_by(ApiToken.id).with_for_update()):
        token.revoked_at = now
    feeds = select(CalendarFeed).where(CalendarFeed.account_id == account_id, CalendarFeed.revoked_at.is_(None))
    for feed in session.scalars(feeds.order_by(CalendarFeed.id).with_for_update()):
        feed.revoked_at = now
    hooks = select(Webhook).where(Webhook.account_id == account_id, Webhook.state == "active")
    for hook in session.scalars(hooks.order_by(Webhook.id).with_for_update()):
        hook.state, hook.fault = "disabled", "webhook.ended"
        hook.version, hook.changed_at = hook.version + 1, now


def _require_open(session: Session, account: Account) -> None:
    """Nobody is let in for an organisation that was closed.

    Raises:
        NotFound: ``organisation.none``.
    """
    if account.organisation_id is not None:
        row = session.get(Organisation, account.organisation_id, with_for_update={"read": True})
        if row is None or row.state != "active":
            raise NotFound("organisation.none", path="organisation_id", expected="an organisation that is not closed")


def _begin_anew(core: Core, session: Session, account: Account, parts: Parts, now: int) -> Invited:
    _forget(session, account)
    account.state = "invited"
    return invite(core, session, account, parts, now)


def _forget(session: Session, account: Account) -> None:
    """Every secret that the account had, and the places that it was known at."""
    account.password = account.totp_secret = None
    session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account.id))
    session.execute(delete(KnownPlace).where(KnownPlace.account_id == account.id))


def _person(core: Core, session: Session, new: NewAccount, account_id: str, now: int) -> Person:
    """The person of a new account, locked: a known one, by id or by number, or a new one."""
    query = select(Person).with_for_update()
    if new.person_id is not None:
        found = session.scalars(query.where(Person.id == new.person_id)).one_or_none()
        if found is None:
            raise Invalid("account.person", path="person_id")
        return found
    keys = [] if new.identity is None else identity_keys(core, new.identity)
    known = find_person(session, keys)
    if known is not None:
        return known
    # The first account's id serves as the person's: no two accounts are made under one.
    person = Person(id=account_id, identity_key=keys[0] if keys else None, created_at=now)
    write_name(core, person, new.name)
    session.add(person)
    session.flush()
    return person


def find_person(session: Session, keys: Sequence[str]) -> Person | None:
    """The person of an identity, by the newest form of its key that is there; locked."""
    for key in keys:
        found = session.scalars(select(Person).where(Person.identity_key == key).with_for_update()).one_or_none()
        if found is not None:
            return found
    return None


def _check_conflicts(session: Session, person: Person, role: Role, *, except_for: str | None) -> None:
    query = select(Account).where(
        Account.person_id == person.id, Account.state != "closed", Account.id != (except_for or "")
    )
    held = {account.role for account in session.scalars(query)}
    if any(other in role.excludes or role.name in ROLES[other].excludes for other in held):
        raise Conflict("account.conflict", path="role", expected="no role that excludes one the person has")
    if role.name in held and role.alone:
        raise Conflict("account.conflict", path="role", expected=f"no second account as {role.name}")


def _organisation(session: Session, role: Role, organisation_id: str | None) -> str | None:
    """The organisation of an account with that role.

    Raises:
        NotFound: ``organisation.none``.
        Invalid: ``account.field``.
    """
    if role.organisation is None:
        if organisation_id is not None:
            raise Invalid("account.field", path="organisation_id", expected="none for this role")
        return None
    found = session.get(Organisation, organisation_id) if organisation_id is not None else None
    if found is None or found.state != "active" or found.kind != role.organisation:
        raise NotFound("organisation.none", path="organisation_id", expected=f"an active {role.organisation}")
    return found.id
