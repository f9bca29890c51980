"""Logging in: the password, then the second factor.

Promises:

1. An unknown name, a wrong password, and an account that may not log in get the same answer, for the same work: one
   argon2 hash and the same counters.
2. The attempt is counted before the hash is computed (:mod:`issuer.accounts.attempts`): parallel guesses gain nothing.
3. What was verified is what is logged in: an account that changed meanwhile is refused.
4. A TOTP code is used once: step and account are read and written under one lock, so that of two with the same code one
   is refused. A recovery code can be used once; it opens a session, but confirms nothing; the account is notified,
   and takes no part in dual control for a while.
5. The place becomes a known one only when every factor was given.
6. A hash made with old parameters is replaced at the next successful log-in.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from icard_crypto.errors import Conflict, NotAllowed, StateError
from issuer.acts import SERVICE, Act, Actor
from issuer.audit.reads import count
from issuer.core import Core
from issuer.db.unit_of_work import UnitOfWork
from issuer.notices.outbox import Notice, notify

from . import sessions
from .attempts import Origin, counters, knows, new_device, remember, reserve, take_back
from .fields import normal_login
from .models import Account, LoginSession, RecoveryCode
from .password_rules import normal_password
from .people import login_key, open_password, open_totp, seal_password, waits
from .secret_text import secret_hash
from .sessions import Entered
from .totp import matching_step, normal_recovery_code

__all__ = ["login", "recovery_digest", "step_up"]


@dataclass(frozen=True, slots=True)
class _Candidate:
    """What is to be verified; ``stored`` None: nobody, or nobody who may log in."""

    account_id: str | None
    version: int
    stored: str | None
    counters: tuple[str, ...]

    @property
    def stranger(self) -> bool:
        """Whether it comes from no known device."""
        return not any(":device:" in key for key in self.counters)


def login(core: Core, name: str, password: str, origin: Origin, *, replaces: str | None = None) -> Entered:
    """Begin a session with a login name and a password.

    The session is full where the account has no second factor and needs none; else :func:`step_up` has to follow.

    Args:
        replaces: the token that came with the request, if any: its session is ended.

    Raises:
        NotAllowed: ``login.refused``.
        Invalid: ``password.too_long``.
        Unavailable: ``login.wait`` (``found``: seconds); ``login.busy``.
    """
    normal = normal_password(password)
    digest = login_key(core, normal_login(name))
    candidate = core.database.transact(lambda session: _counted(core, session, digest, origin))
    try:
        good = core.passwords.verify(candidate.stored, normal, stranger=candidate.stranger)
        stored = candidate.stored
        anew = core.passwords.hash(normal) if good and stored is not None and core.passwords.outdated(stored) else None
    except StateError:
        # No place to compute in: nothing was tried.
        core.database.transact(lambda session: take_back(session, candidate.counters, core.clock.now(session)))
        raise
    if not good:
        count(core, "login.refused")
        raise NotAllowed("login.refused")

    def work(unit: UnitOfWork) -> Entered:
        session, now = unit.session, unit.now
        take_back(session, candidate.counters, now)
        account = session.get(Account, candidate.account_id, with_for_update=True)
        if account is None or account.state != "active" or account.version != candidate.version:
            raise NotAllowed("login.refused")
        if anew is not None:
            seal_password(core, account, anew)
        if replaces is not None:
            session.execute(
                delete(LoginSession).where(LoginSession.token_hash == secret_hash(core.at_rest, "session", replaces))
            )
        row, token = sessions.begin(core, session, account, origin, now)
        device = _known(core, session, account, origin, now) if row.step == "full" else None
        unit.audit("session.begin", account.id, {"step": row.step})
        return _entered(account, row, token, device)

    return core.transact(Actor(f"account:{candidate.account_id}"), work)


def step_up(core: Core, token: str, given: str, origin: Origin) -> Entered:
    """Give a TOTP code or a recovery code in a session: it becomes full, or its code fresh. The token changes.

    Raises:
        NotAllowed: ``session.unknown``, ``totp.wrong``.
        Conflict: ``totp.none``.
        Unavailable: ``login.wait`` (``found``: seconds).
    """

    def work(unit: UnitOfWork) -> Entered | None:
        session, now = unit.session, unit.now
        _, seen = sessions.find(core, session, token)
        keys = counters(core, session, "totp", seen.login_key or "", seen.id, origin, now)
        reserve(session, keys, now)
        row, account = sessions.find(core, session, token, lock=True)
        if account.totp_secret is None:
            raise Conflict("totp.none")
        kind = _second_factor(core, session, account, given, now)
        if kind is None:
            unit.audit_acts([Act(f"account:{account.id}", "totp.refused", account.id)])
            return None
        take_back(session, keys, now)
        fresh = sessions.rotate(core, session, row, now, now if kind == "totp" else row.totp_at)
        device = _known(core, session, account, origin, now)
        unit.audit_acts([Act(f"account:{account.id}", "session.second_factor", account.id, {"kind": kind})])
        return _entered(account, row, fresh, device)

    entered = core.transact(SERVICE, work)
    if entered is None:
        raise NotAllowed("totp.wrong", path="code")
    return entered


def recovery_digest(core: Core, account_id: str, code: str) -> str:
    """The keyed hash of a recovery code in its one form."""
    return core.at_rest.digest("recovery", f"{account_id}:{code}")


def _counted(core: Core, session: Session, digest: str, origin: Origin) -> _Candidate:
    """The account of that name, and the attempt counted."""
    now = core.clock.now(session)
    account = session.scalars(select(Account).where(Account.login_key == digest)).one_or_none()
    keys = counters(core, session, "password", digest, account.id if account else None, origin, now)
    reserve(session, keys, now)
    if account is None or account.state != "active":
        return _Candidate(None, 0, None, keys)
    return _Candidate(account.id, account.version, open_password(core, account), keys)


def _second_factor(core: Core, session: Session, account: Account, given: str, now: int) -> str | None:
    """``totp`` or ``recovery``, used up; None: neither. The account is locked."""
    secret = open_totp(core, account)
    step = None if secret is None else matching_step(secret, given, now, account.totp_counter)
    if step is not None:
        account.totp_counter = step
        return "totp"
    recovery = normal_recovery_code(given)
    if recovery is None:
        return None
    digest = recovery_digest(core, account.id, recovery)
    row = session.get(RecoveryCode, (account.id, digest))
    if row is None:
        return None
    session.delete(row)
    # The app may be in other hands: time for its owner to hear of it before anything is decided with a new one.
    waits(core, account, now)
    notify(core, session, now, [Notice("account.recovery_used", account.id, {"account": account.id})])
    return "recovery"


def _known(core: Core, session: Session, account: Account, origin: Origin, now: int) -> str:
    """Remember the place; the device's secret, a new one unless it is known: a planted one becomes nobody's."""
    device = origin.device if origin.device and knows(core, session, account.id, origin, now) else new_device(core)
    remember(core, session, account.id, Origin(origin.address, origin.agent, device), now)
    return device


def _entered(account: Account, row: LoginSession, token: str, device: str | None) -> Entered:
    return Entered(token, sessions.csrf_token(token), device, sessions.who_of(account, row), row.ends_at)
