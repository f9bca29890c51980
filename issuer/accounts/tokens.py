"""API tokens, the credentials of programs.

Promises:

1. A token is ``icard_``, twelve digits by which its row is found, and a secret of 256 bits that is kept as a hash only.
2. It does what its scopes, its account's role and the closed table of scopes all allow: never revoke, confirm, make
   accounts or tokens.
3. It has an end, at most a year away; it ends before that with its account's role, lock or reset, and when revoked.
4. The day of its last use is kept, and no other trace of its uses.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from icard_crypto.errors import Conflict, Invalid, NotAllowed, NotFound
from icard_crypto.moments import DAY
from issuer.core import Core
from issuer.db.bound import checked_row
from issuer.db.idempotency import Request
from issuer.db.pages import page_of
from issuer.db.unit_of_work import UnitOfWork
from issuer.notices.outbox import Notice, notify
from issuer.vault.at_rest import Place

from . import sessions
from .changes import locked_account
from .fields import check_text
from .models import Account, ApiToken
from .principals import Principal
from .roles import SCOPES, role_named
from .secret_text import new_secret, secret_hash

__all__ = [
    "LONGEST_DAYS",
    "NewToken",
    "TokenView",
    "authenticate_token",
    "list_tokens",
    "make_token",
    "revoke_token",
    "show_token",
]

LONGEST_DAYS: Final = 366
_MOST: Final = 20
_PREFIX_BYTES: Final = 6
_TEXT: Final = re.compile(r"icard_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_LONGEST_LABEL: Final = 80
_RIGHT: Final = "token.own"
#: Compared where there is no token of that prefix: no hash is that.
_NOBODYS: Final = "0" * 64


@dataclass(frozen=True, slots=True)
class TokenView:
    """A token as its owner sees it. ``used_on``: 00:00 UTC of the day of its last use. Times are Unix times."""

    token_id: str
    prefix: str
    label: str
    scopes: tuple[str, ...]
    created_at: int
    expires_at: int
    used_on: int | None
    revoked_at: int | None


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that was just made. ``text`` is shown this once."""

    token_id: str
    text: str = field(repr=False)
    expires_at: int


def make_token(
    core: Core, who: Principal, label: str, scopes: Iterable[str], days: int, request: Request | None = None
) -> NewToken:
    """Make a token for one's own programs.

    Args:
        days: until it ends, 1 to 366.

    Raises:
        NotAllowed: ``session.unknown``, ``access.*`` (an official role needs a fresh TOTP code).
        Conflict: ``token.too_many``.
        Invalid: ``token.scope``, ``token.expiry``, ``account.field``.
    """
    _require(who)
    wanted = frozenset(scopes)
    if not wanted or not wanted <= SCOPES & who.role.rights:
        raise Invalid("token.scope", path="scopes", expected=", ".join(sorted(SCOPES & who.role.rights)))
    if not 1 <= days <= LONGEST_DAYS:
        raise Invalid("token.expiry", path="days", expected=f"1 to {LONGEST_DAYS} days")
    words = check_text(label, "label", _LONGEST_LABEL)
    token_id, prefix, secret = secrets.token_hex(16), secrets.token_hex(_PREFIX_BYTES), new_secret()

    def work(unit: UnitOfWork) -> NewToken:
        session, now = unit.session, unit.now
        if who.role.official:
            who.require_fresh(now)
        locked_account(session, who.account_id)
        if not sessions.stands(core, session, who):
            raise NotAllowed("session.unknown")
        live = ApiToken.account_id == who.account_id, ApiToken.revoked_at.is_(None), ApiToken.expires_at > now
        if (session.scalar(select(func.count()).select_from(ApiToken).where(*live)) or 0) >= _MOST:
            raise Conflict("token.too_many", expected=f"at most {_MOST}")
        row = ApiToken(
            id=token_id,
            prefix=prefix,
            secret_hash=secret_hash(core.at_rest, "token", secret),
            account_id=who.account_id,
            label=core.at_rest.seal(Place("api_tokens", "label", token_id), words.encode()),
            scopes=" ".join(sorted(wanted)),
            created_at=now,
            expires_at=now + days * DAY,
            used_on=None,
            revoked_at=None,
        )
        session.add(row)
        session.flush()
        notify(core, session, now, [Notice("account.token_made", who.account_id, {"account": who.account_id})])
        details = {"scopes": sorted(wanted), "expires_at": row.expires_at}
        unit.audit("token.make", token_id, details)
        unit.made(token_id)
        return NewToken(token_id, f"icard_{prefix}_{secret}", row.expires_at)

    return core.transact(who.by(), work, request=request)


def authenticate_token(core: Core, text: str) -> Principal:
    """Whose token it is, and what it may do.

    Raises:
        NotAllowed: ``token.unknown``: never made, expired, revoked, or its account may not log in.
    """
    match = _TEXT.fullmatch(text) if len(text) <= 100 else None
    prefix, given = match.groups() if match else ("", "")
    digest = secret_hash(core.at_rest, "token", given)

    def look(session: Session) -> tuple[Principal, int | None, int] | None:
        now = core.clock.now(session)
        row = checked_row(session, ApiToken, prefix=prefix)
        if not hmac.compare_digest(row.secret_hash if row else _NOBODYS, digest) or row is None:
            return None
        account = checked_row(session, Account, id=row.account_id)
        if account is None or account.state != "active" or row.revoked_at is not None or row.expires_at <= now:
            return None
        role = role_named(account.role)
        if _RIGHT not in role.rights:
            return None
        who = Principal(
            account_id=account.id,
            person_id=account.person_id,
            role=role,
            organisation_id=account.organisation_id,
            full=True,
            token_id=row.id,
            scopes=frozenset(row.scopes.split()),
        )
        return who, row.used_on, now - now % DAY

    found = core.database.read(look)
    if found is None:
        raise NotAllowed("token.unknown")
    who, used_on, today = found
    if used_on != today:
        note = update(ApiToken).where(ApiToken.id == who.token_id).values(used_on=today)
        core.database.after_reading(
            lambda: core.database.transact(lambda session: session.execute(note) and None, settled=lambda session: None)
        )
    return who


def list_tokens(core: Core, who: Principal, *, after: str = "", limit: int = 50) -> list[TokenView]:
    """A page of one's own tokens in the order of their ids, ended ones for a while too.

    Args:
        after: the last id of the page before.
        limit: 1 to 201.

    Raises:
        NotAllowed: ``access.*``.
    """
    _require(who)
    query = page_of(select(ApiToken).where(ApiToken.account_id == who.account_id), ApiToken.id, after, limit)
    return core.database.read(lambda session: [_view(core, row) for row in session.scalars(query)])


def show_token(core: Core, who: Principal, token_id: str) -> TokenView:
    """One of one's own tokens.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``token.none``: it is not there, or not one's own.
    """
    _require(who)

    def look(session: Session) -> TokenView:
        row = session.get(ApiToken, token_id)
        if row is None or row.account_id != who.account_id:
            raise NotFound("token.none")
        return _view(core, row)

    return core.database.read(look)


def revoke_token(core: Core, who: Principal, token_id: str) -> None:
    """End one of one's own tokens; one that has ended already is no error.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``token.none``: it is not there, or not one's own.
    """
    _require(who)

    def work(unit: UnitOfWork) -> bool:
        session = unit.session
        row = session.get(ApiToken, token_id, with_for_update=True)
        if row is None or row.account_id != who.account_id:
            raise NotFound("token.none")
        if row.revoked_at is None:
            row.revoked_at = unit.now
            unit.audit("token.revoke", token_id)
        return True

    core.transact(who.by(), work, settled=lambda session: None)


def _require(who: Principal) -> None:
    who.require_person()
    who.require(_RIGHT)


def _view(core: Core, row: ApiToken) -> TokenView:
    return TokenView(
        row.id,
        row.prefix,
        core.at_rest.open(Place("api_tokens", "label", row.id), row.label).decode(),
        tuple(row.scopes.split()),
        row.created_at,
        row.expires_at,
        row.used_on,
        row.revoked_at,
    )
