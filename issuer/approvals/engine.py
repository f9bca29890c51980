"""Dual control: requests by one person, confirmed by another.

Promises:

1. Requester and approver are two *persons* who both have the permission, each in a session with a fresh TOTP code,
   never a token. Another account of the same person does not count, nor another person with the same passport.
2. The approver has had account and role since before the request; nobody approves an act on their own person.
3. The act is done in the transaction that records the confirmation: once, or not at all. It is not done when the
   requester has lost the permission, also for a while, or left the region, nor after the request has expired.
4. The audit has the act under both pseudonyms: ``<act>`` by the requester, ``<act>.confirmed`` by the approver.
5. At most one request for the same act on the same object is open.
6. Nobody decides on a request about themselves, not even to refuse it; the requester may withdraw it.
7. A decided request names nobody any more.
8. Whoever an act's object is no business of, such as an officer of another region, neither hears of a request about it
   nor sees it, and decides nothing.
9. Nobody can flood the approvers: the number of open requests of one person is bounded, and so is the number that they
   withdrew within a day.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from icard_crypto.errors import Conflict, IcardError, NotAllowed, NotFound
from icard_crypto.moments import HOUR
from issuer.accounts import sessions
from issuer.accounts.changes import locked_account
from issuer.accounts.fields import check_text
from issuer.accounts.invitations import Parts
from issuer.accounts.models import Account
from issuer.accounts.people import read_account
from issuer.accounts.principals import Principal
from issuer.accounts.roles import ROLES, role_named
from issuer.accounts.secret_text import new_secret
from issuer.acts import Act
from issuer.core import Core
from issuer.db.idempotency import Request
from issuer.db.pages import page_of
from issuer.db.unit_of_work import UnitOfWork
from issuer.notices.outbox import Notice, notify
from issuer.permits.people import same_human

from .acts import ACTS, Done, Kind
from .floods import refuse_flood
from .kinds import Prepared
from .models import Confirmation
from .regions import require_both, require_office
from .requests import ConfirmationView, allowed, concerns, content_of, forget, kind_of, view_of, write_content

__all__ = [
    "ConfirmationView",
    "ask",
    "asker_name",
    "confirm",
    "end_since",
    "expire",
    "list_waiting",
    "refuse",
    "show_confirmation",
]

_LONGEST_REASON: Final = 500
#: Accounts that are notified of one request.
_TOLD: Final = 200


def ask(
    core: Core, who: Principal, act: str, arguments: Mapping[str, Any], reason: str, request: Request | None = None
) -> ConfirmationView:
    """Ask for an act; those who may confirm it are notified.

    Args:
        act: a name in :data:`issuer.approvals.acts.ACTS`.
        arguments: what it needs, as its entry there says.

    Raises:
        NotAllowed: ``session.unknown``, ``access.*``.
        Conflict: ``confirm.waiting``.
        Invalid: ``confirm.act``; ``account.field``; what the act refuses.
        Unavailable: ``confirm.too_often``.
    """
    kind = kind_of(act)
    who.require_person()
    who.require(kind.right)
    words = check_text(reason, "reason", _LONGEST_REASON)
    confirmation_id = secrets.token_hex(16)
    part = new_secret() if kind.invites else None

    def work(unit: UnitOfWork) -> ConfirmationView:
        session, now = unit.session, unit.now
        who.require_fresh(now)
        expire(core, session, now)
        prepared = kind.prepare(core, session, arguments)
        require_office(core, session, kind, who.account_id, prepared.arguments)
        _not_oneself(same_human(core, session, who.person_id), prepared)
        _not_waiting(locked_account(session, who.account_id), now)
        if not sessions.stands(core, session, who):
            raise NotAllowed("session.unknown")
        refuse_flood(session, who, now)
        row = Confirmation(
            id=confirmation_id,
            act=act,
            subject=prepared.subject,
            asked_by=who.account_id,
            state="waiting",
            created_at=now,
            expires_at=now + core.settings.confirmation_hours * HOUR,
            decided_by=None,
            decided_at=None,
        )
        write_content(core, row, {"reason": words, "arguments": prepared.arguments, "part": part})
        session.add(row)
        session.flush()
        others = _others(core, session, kind, who, prepared.arguments)
        wanted = [Notice("confirmation.wanted", other, {"confirmation": row.id}) for other in others]
        notify(core, session, now, wanted)
        details = {"reason": words, "request": row.id}
        unit.audit(f"{act}.asked", row.subject, details)
        unit.made(row.id)
        return replace(view_of(core, session, row, who), invitation_part=part)

    try:
        return core.transact(who.by(), work, request=request)
    except IntegrityError as fault:
        # SQLite names the columns, PostgreSQL the index.
        if "confirmations" in str(fault.orig):
            raise Conflict("confirm.waiting") from None
        raise


def confirm(core: Core, who: Principal, confirmation_id: str, request: Request | None = None) -> Done:
    """Confirm a request: the act is done, now, and what it made is returned.

    Raises:
        NotAllowed: ``session.unknown``, ``access.*``; ``confirm.same_person``; ``confirm.younger_account``;
            ``account.self``; ``office.neither``; what the act refuses.
        NotFound: ``confirm.none``.
        Conflict: ``confirm.decided``, ``confirm.expired``, ``confirm.asker_gone``.
    """
    who.require_person()
    token = new_secret()

    def work(unit: UnitOfWork) -> Done:
        session, now = unit.session, unit.now
        row, kind = _waiting(core, session, confirmation_id, who, now)
        who.require_fresh(now)
        content = content_of(core, row)
        prepared = kind.prepare(core, session, content["arguments"])
        require_office(core, session, kind, who.account_id, prepared.arguments)
        asker, account = _both(session, row.asked_by, who.account_id)
        asking, deciding = (same_human(core, session, each.person_id) for each in (asker, account))
        if asking & deciding:
            raise NotAllowed("confirm.same_person")
        if not sessions.stands(core, session, who) or kind.right not in role_named(account.role).rights:
            raise NotAllowed("session.unknown")
        _not_waiting(account, now)
        if max(account.created_at, account.role_at) >= row.created_at:
            raise NotAllowed("confirm.younger_account")
        may_ask = asker.state == "active" and kind.right in role_named(asker.role).rights
        # A role that was taken away and given back does not bring its requests back.
        may_ask = may_ask and asker.role_at <= row.created_at
        if not (may_ask and allowed(core, session, kind, asker.id, prepared.arguments)):
            raise Conflict("confirm.asker_gone")
        require_both(core, session, kind, (asker.id, account.id), prepared.arguments)
        _not_oneself(asking | deciding, prepared)
        row.state, row.decided_by, row.decided_at = "done", account.id, now
        forget(core, row)
        session.flush()
        prepared = replace(prepared, asked_by=asker.id, confirmed_by=account.id)
        done = kind.execute(core, session, prepared, Parts(token, content.get("part")), now)
        details = {"reason": content["reason"], "request": row.id}
        acts = [
            Act(f"account:{asker.id}", row.act, row.subject, details),
            Act(who.actor, f"{row.act}.confirmed", row.subject, details),
        ]
        unit.audit_acts(acts)
        unit.made(done.subject)
        return done

    done = core.transact(who.by(), work, request=request)
    finish = ACTS[done.act].finish
    if finish is not None:
        # Done it is; what a signer that is away leaves, the worker finishes.
        with contextlib.suppress(IcardError):
            finish(core, done)
    return done


def refuse(core: Core, who: Principal, confirmation_id: str) -> None:
    """Refuse another's request, or withdraw one's own.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``confirm.none``.
        Conflict: ``confirm.decided``, ``confirm.expired``.
    """
    who.require_person()

    def work(unit: UnitOfWork) -> None:
        session, now = unit.session, unit.now
        row, kind = _waiting(core, session, confirmation_id, who, now)
        # Who asked may withdraw; beside him nobody decides on what concerns himself.
        asker = session.get_one(Account, row.asked_by)
        if asker.person_id != who.person_id:
            prepared = kind.prepare(core, session, content_of(core, row)["arguments"])
            _not_oneself(same_human(core, session, who.person_id), prepared)
        row.state, row.decided_by, row.decided_at = "refused", who.account_id, now
        forget(core, row)
        session.flush()
        unit.audit(f"{row.act}.refused", row.subject, {"request": row.id})

    core.transact(who.by(), work)


def show_confirmation(core: Core, who: Principal, confirmation_id: str) -> ConfirmationView:
    """A request that one may confirm or has asked for.

    Raises:
        NotAllowed: ``access.people_only``.
        NotFound: ``confirm.none``.
    """
    who.require_person()

    def look(session: Session) -> ConfirmationView:
        row = session.get(Confirmation, confirmation_id)
        if row is None or not who.may(kind_of(row.act).right) or not concerns(core, session, row, who):
            raise NotFound("confirm.none")
        return view_of(core, session, row, who)

    return core.database.read(look)


def list_waiting(core: Core, who: Principal, *, after: str = "", limit: int = 50) -> list[ConfirmationView]:
    """A page of the requests that wait and that one may decide on or has asked for, in the order of their ids.

    Args:
        after: the last id of the page before.
        limit: 1 to 201.

    Raises:
        NotAllowed: ``access.people_only``.
    """
    who.require_person()
    acts = [name for name, kind in ACTS.items() if who.may(kind.right)]

    def look(session: Session) -> list[ConfirmationView]:
        query = select(Confirmation).where(
            Confirmation.state == "waiting",
            Confirmation.act.in_(acts),
            Confirmation.expires_at > core.clock.now(session),
        )
        found: list[ConfirmationView] = []
        last = after
        while rows := session.scalars(page_of(query, Confirmation.id, last, limit)).all():
            found += [view_of(core, session, row, who) for row in rows if concerns(core, session, row, who)]
            last = rows[-1].id
            if len(found) >= limit or len(rows) < limit:
                break
        return found[:limit]

    return core.database.read(look)


def asker_name(core: Core, who: Principal, confirmation_id: str) -> str:
    """The login name of who asked, for whoever may decide or has asked: the two have to be able to talk. Empty where
    the account was closed.

    Raises:
        NotFound: ``confirm.none``.
    """
    asked_by = show_confirmation(core, who, confirmation_id).asked_by

    def look(session: Session) -> str:
        record = read_account(core, session.get_one(Account, asked_by))
        return record.login if record is not None else ""

    return core.database.read(look)


def _waiting(core: Core, session: Session, confirmation_id: str, who: Principal, now: int) -> tuple[Confirmation, Kind]:
    """A request that waits, locked, and that ``who`` may decide on."""
    row = session.get(Confirmation, confirmation_id, with_for_update=True)
    if row is None or kind_of(row.act).right not in who.role.rights or not concerns(core, session, row, who):
        raise NotFound("confirm.none")
    kind = kind_of(row.act)
    who.require(kind.right)
    if row.state != "waiting":
        raise Conflict("confirm.decided", found=row.state)
    if row.expires_at <= now:
        raise Conflict("confirm.expired")
    return row, kind


def _both(session: Session, asker: str, confirmer: str) -> tuple[Account, Account]:
    """Both accounts, locked in the order of their ids."""
    rows = {account_id: locked_account(session, account_id) for account_id in sorted({asker, confirmer})}
    return rows[asker], rows[confirmer]


def _not_waiting(account: Account, now: int) -> None:
    """Refuse who has a new second factor, or came without one, a short while ago."""
    if account.confirms_from is not None and now < account.confirms_from:
        raise Conflict("confirm.waits", expected=f"{account.confirms_from} or later", found=str(now))


def _not_oneself(humans: frozenset[str], prepared: Prepared) -> None:
    if {prepared.person_id, prepared.other_person_id} & humans:
        raise NotAllowed("account.self")


def expire(core: Core, session: Session, now: int) -> None:
    """Requests whose time is over make room for new ones."""
    over = select(Confirmation).where(Confirmation.state == "waiting", Confirmation.expires_at <= now)
    for row in session.scalars(over.order_by(Confirmation.id).with_for_update()):
        row.state, row.decided_at = "expired", now
        forget(core, row)
    session.flush()


def end_since(core: Core, session: Session, now: int) -> int:
    """End requests that a clock which was ahead dated after ``now``; how many."""
    early = select(Confirmation).where(Confirmation.state == "waiting", Confirmation.created_at > now)
    rows = session.scalars(early.order_by(Confirmation.id).with_for_update()).all()
    for row in rows:
        row.state, row.decided_at = "expired", now
        forget(core, row)
    session.flush()
    return len(rows)


def _others(core: Core, session: Session, kind: Kind, who: Principal, arguments: Mapping[str, Any]) -> list[str]:
    """The accounts that may confirm a request of somebody's; of no more than some."""
    roles = [role.name for role in ROLES.values() if kind.right in role.rights]
    query = select(Account).where(
        Account.role.in_(roles), Account.state == "active", Account.person_id != who.person_id
    )
    found = (account.id for account in session.scalars(query.order_by(Account.id)))
    may = (each for each in found if allowed(core, session, kind, each, arguments, beside=who.account_id))
    return list(islice(may, _TOLD))
