"""Sessions of people: start, authenticate, rotate, list, end.

Promises:

1. A session's token has 256 random bits and is kept as a keyed hash. Only the service makes it, and it is rotated with
   every factor that is given, which prevents session fixation.
2. A session ends after half an hour without use, and after twelve hours in any case (settings).
3. The CSRF token is computed from the session's token: one of another session, or of this one before its rotation,
   fits no more.
4. What ended is gone: the row is deleted. An account has at most twenty sessions of each step; the oldest
   makes room.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, and_, delete, select, update
from sqlalchemy.orm import Session

from icard_crypto.errors import NotAllowed, NotFound
from issuer.acts import SERVICE, Act
from issuer.core import Core
from issuer.db.bound import checked_row
from issuer.db.unit_of_work import UnitOfWork
from issuer.vault.at_rest import Place

from .attempts import Origin
from .models import Account, LoginSession
from .principals import Principal
from .roles import role_named
from .secret_text import new_secret, secret_hash

__all__ = [
    "Entered",
    "SessionView",
    "authenticate",
    "begin",
    "check_csrf",
    "csrf_token",
    "end",
    "end_all",
    "end_others",
    "ends_at",
    "list_sessions",
    "log_out",
    "rotate",
]

_MOST: Final = 20
#: Seconds: a use is noted this often, not with every request.
_NOTED: Final = 60
_LABEL: Final = b"icard csrf"


@dataclass(frozen=True, slots=True)
class Entered:
    """What a factor gave: a session's token for its cookie, and who it is.

    ``device`` is for a long-lived cookie of its own, by which this device is known again; None before the last factor.
    ``ends_at``: Unix time.
    """

    token: str = field(repr=False)
    csrf: str = field(repr=False)
    device: str | None = field(repr=False)
    who: Principal
    ends_at: int


@dataclass(frozen=True, slots=True)
class SessionView:
    """A session as its owner sees it. Times are Unix times; ``current``: the one that asks."""

    session_id: str
    current: bool
    step: str
    network: str
    agent: str
    created_at: int
    seen_at: int
    ends_at: int


def authenticate(core: Core, token: str) -> Principal:
    """Whose session it is; its use is noted.

    Raises:
        NotAllowed: ``session.unknown``: never begun, rotated, or ended.
    """

    def look(session: Session) -> tuple[Principal, int, int]:
        now = core.clock.now(session)
        row = checked_row(session, LoginSession, token_hash=secret_hash(core.at_rest, "session", token))
        if row is None or row.ends_at <= now or row.seen_at <= now - core.settings.session_idle:
            raise NotAllowed("session.unknown")
        account = checked_row(session, Account, id=row.account_id)
        if account is None or account.state != "active":
            raise NotAllowed("session.unknown")
        return who_of(account, row), row.seen_at, now

    who, seen_at, now = core.database.read(look)
    if now - seen_at > _NOTED:
        note = update(LoginSession).where(LoginSession.id == who.session_id).values(seen_at=now)
        core.database.after_reading(
            lambda: core.database.transact(lambda session: session.execute(note) and None, settled=lambda session: None)
        )
    return who


def csrf_token(token: str) -> str:
    """The CSRF token of a session's token, 43 characters."""
    digest = hmac.digest(token.encode(), _LABEL, hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def check_csrf(token: str, given: str | None) -> None:
    """Raise unless the request has the session's CSRF token.

    Raises:
        NotAllowed: ``session.csrf``.
    """
    if not hmac.compare_digest(csrf_token(token).encode(), (given or "").encode()):
        raise NotAllowed("session.csrf", path="X-CSRF-Token", expected="`csrf` of GET /v1/session")


def ends_at(core: Core, who: Principal) -> int:
    """When one's own session ends at the latest, Unix time.

    Raises:
        NotAllowed: ``access.people_only``; ``session.unknown``: it has ended.
    """
    query = select(LoginSession.ends_at).where(LoginSession.id == who.require_person())
    found = core.database.read(lambda session: session.scalar(query))
    if found is None:
        raise NotAllowed("session.unknown")
    return found


def list_sessions(core: Core, who: Principal) -> list[SessionView]:
    """One's own sessions, the newest first.

    Raises:
        NotAllowed: ``access.people_only``.
    """
    current = who.require_person()

    def look(session: Session) -> list[SessionView]:
        query = select(LoginSession).where(LoginSession.account_id == who.account_id, *_live(core, session))
        rows = session.scalars(query.order_by(LoginSession.created_at.desc(), LoginSession.id)).all()
        return [_view(core, row, current) for row in rows]

    return core.database.read(look)


def own_session(core: Core, who: Principal, session_id: str) -> SessionView:
    """One of one's own sessions.

    Raises:
        NotAllowed: ``access.people_only``.
        NotFound: ``session.none``: it is not there, or not one's own.
    """
    found = next((one for one in list_sessions(core, who) if one.session_id == session_id), None)
    if found is None:
        raise NotFound("session.none")
    return found


def end(core: Core, who: Principal, session_id: str) -> None:
    """End one of one's own sessions.

    Raises:
        NotAllowed: ``access.people_only``.
        NotFound: ``session.none``: it is not there, or not one's own.
    """
    who.require_person()

    def work(unit: UnitOfWork) -> None:
        session = unit.session
        own = LoginSession.id == session_id, LoginSession.account_id == who.account_id
        if session.execute(delete(LoginSession).where(*own).returning(LoginSession.id)).first() is None:
            raise NotFound("session.none")
        unit.audit("session.end", who.account_id)

    core.transact(who.by(), work)


def end_others(core: Core, who: Principal) -> int:
    """End all one's own sessions but this one; how many.

    Raises:
        NotAllowed: ``access.people_only``.
    """
    current = who.require_person()

    def work(unit: UnitOfWork) -> int:
        session = unit.session
        others = LoginSession.account_id == who.account_id, LoginSession.id != current
        count = len(session.execute(delete(LoginSession).where(*others).returning(LoginSession.id)).all())
        if count:
            unit.audit("session.end_others", who.account_id, {"count": count})
        return count

    return core.transact(who.by(), work)


def log_out(core: Core, token: str) -> None:
    """End the token's session; one that is not there is no error."""

    def work(unit: UnitOfWork) -> None:
        session = unit.session
        gone = delete(LoginSession).where(LoginSession.token_hash == secret_hash(core.at_rest, "session", token))
        account_id = session.execute(gone.returning(LoginSession.account_id)).scalar()
        if account_id is not None:
            unit.audit_acts([Act(f"account:{account_id}", "session.end", account_id)])

    core.transact(SERVICE, work, settled=lambda session: None)


def begin(core: Core, session: Session, account: Account, origin: Origin, now: int) -> tuple[LoginSession, str]:
    """A new session of a locked account whose password was given; its row, and its token."""
    step = "full" if account.totp_secret is None and not role_named(account.role).official else "password"
    _make_room(core, session, account.id, step)
    token = new_secret()
    row = LoginSession(
        id=secrets.token_hex(16),
        token_hash=secret_hash(core.at_rest, "session", token),
        account_id=account.id,
        step=step,
        created_at=now,
        seen_at=now,
        ends_at=now + core.settings.session_longest,
        totp_at=None,
    )
    content = json.dumps(origin.shown(), ensure_ascii=False).encode()
    row.place = core.at_rest.seal(Place("login_sessions", "place", row.id), content)
    session.add(row)
    session.flush()
    return row, token


def _make_room(core: Core, session: Session, account_id: str, step: str) -> None:
    """End the oldest sessions of the same step: whoever has the password alone pushes out none with every factor."""
    ended = and_(LoginSession.account_id == account_id, LoginSession.step == step)
    kept = select(LoginSession.id).where(ended, *_live(core, session))
    kept = kept.order_by(LoginSession.created_at.desc(), LoginSession.id).limit(_MOST - 1)
    newest = session.scalars(kept).all()
    session.execute(delete(LoginSession).where(ended, LoginSession.id.not_in(newest)))


def rotate(core: Core, session: Session, row: LoginSession, now: int, totp_at: int | None) -> str:
    """Every factor was given: a new token for the session; the one before fits no more."""
    if row.step != "full":
        _make_room(core, session, row.account_id, "full")
    token = new_secret()
    row.token_hash = secret_hash(core.at_rest, "session", token)
    row.step, row.totp_at, row.seen_at = "full", totp_at, now
    return token


def end_all(session: Session, account_id: str) -> None:
    """End all sessions of an account that the transaction has locked."""
    session.execute(delete(LoginSession).where(LoginSession.account_id == account_id))


def find(core: Core, session: Session, token: str, *, lock: bool = False) -> tuple[LoginSession, Account]:
    """A token's session and its account.

    Args:
        lock: both, the account first.

    Raises:
        NotAllowed: ``session.unknown``.
    """
    query = select(LoginSession).where(
        LoginSession.token_hash == secret_hash(core.at_rest, "session", token), *_live(core, session)
    )
    row = session.scalars(query).one_or_none()
    account = None if row is None else _account(session, row.account_id, lock=lock)
    if lock:
        # Whoever held the account may have ended or rotated the session.
        row = session.scalars(query.with_for_update().execution_options(populate_existing=True)).one_or_none()
    if row is None or account is None or account.state != "active":
        raise NotAllowed("session.unknown")
    return row, account


def who_of(account: Account | Row[Any], row: LoginSession | Row[Any]) -> Principal:
    """Who asks in this session."""
    return Principal(
        account_id=account.id,
        person_id=account.person_id,
        role=role_named(account.role),
        organisation_id=account.organisation_id,
        full=row.step == "full",
        session_id=row.id,
        totp_at=row.totp_at,
    )


def stands(core: Core, session: Session, who: Principal) -> bool:
    """Whether the session of ``who`` has not ended; its account is locked."""
    query = select(LoginSession.id).where(LoginSession.id == who.session_id, *_live(core, session))
    return session.scalar(query) is not None


def _account(session: Session, account_id: str, *, lock: bool) -> Account | None:
    return session.get(Account, account_id, with_for_update=lock or None, populate_existing=lock)


def _live(core: Core, session: Session) -> tuple[ColumnElement[bool], ...]:
    now = core.clock.now(session)
    return LoginSession.ends_at > now, LoginSession.seen_at > now - core.settings.session_idle


def _view(core: Core, row: LoginSession, current: str) -> SessionView:
    place = json.loads(core.at_rest.open(Place("login_sessions", "place", row.id), row.place))
    return SessionView(
        row.id,
        row.id == current,
        row.step,
        place["network"],
        place["agent"],
        row.created_at,
        row.seen_at,
        row.ends_at,
    )
