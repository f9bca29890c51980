"""What people do with their own account: password, TOTP, recovery codes, e-mail address.

Promises:

1. Each of these requires the password again, whatever the session's authentication level; failures have a counter of
   their own, which only a session can reach.
2. A new password ends every session of the account, this one too.
3. A proposed TOTP secret has no effect until a code of it was given; until then it is kept only in the sealed proof
   that its owner sends back.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Final, Literal, TypeVar

from sqlalchemy.orm import Session

from icard_crypto.errors import Conflict, Invalid, NotAllowed, StateError
from issuer.core import Core
from issuer.db.unit_of_work import UnitOfWork
from issuer.notices.outbox import Notice, notify
from issuer.vault.at_rest import Place

from . import sessions
from .attempts import reserve, take_back
from .changes import end_tokens
from .fields import check_email, check_language
from .invitations import set_recovery_codes
from .models import Account
from .password_rules import check_password, normal_password
from .people import open_password, read_account, seal_password, seal_totp, waits, write_account
from .principals import Principal
from .totp import TotpOffer, matching_step, new_recovery_codes, new_totp_secret, offer

__all__ = ["begin_totp", "change_contact", "change_password", "finish_totp", "renew_recovery_codes"]

T = TypeVar("T")

#: Seconds in which a proposed secret is to be confirmed.
_OFFERED: Final = 900
_LONGEST_PROOF: Final = 2048


def change_password(core: Core, who: Principal, old: str, new: str) -> None:
    """Set another password; all sessions and tokens end, and the account is notified.

    Raises:
        NotAllowed: ``access.*``, ``login.refused``.
        Invalid: ``password.*``.
        Unavailable: ``login.wait``, ``login.busy``.
    """
    record = core.database.read(lambda session: read_account(core, session.get_one(Account, who.account_id)))
    normal = check_password(new, record.login if record else "")

    def work(session: Session, account: Account, now: int) -> None:
        seal_password(core, account, encoded)
        sessions.end_all(session, account.id)
        end_tokens(session, account.id, now)
        notify(core, session, now, [Notice("account.password_changed", account.id, {"account": account.id})])

    _verify(core, who, old)
    encoded = core.passwords.hash(normal)
    _change(core, who, "password.change", work)


def begin_totp(core: Core, who: Principal) -> TotpOffer:
    """Propose a TOTP secret, also in the place of another; :func:`finish_totp` takes it.

    Raises:
        NotAllowed: ``access.people_only``, ``access.second_factor``.
    """
    _require(who)

    def look(unit: UnitOfWork) -> TotpOffer:
        session = unit.session
        record = read_account(core, session.get_one(Account, who.account_id))
        secret = new_totp_secret()
        content = json.dumps({"secret": secret, "until": unit.now + _OFFERED}).encode()
        proof = base64.urlsafe_b64encode(core.at_rest.seal(_offered(who), content)).decode()
        unit.audit("totp.offered", who.account_id)
        return offer(secret, record.login if record else "", core.issuer.iss, proof)

    return core.transact(who.by(), look, settled=lambda session: None)


def finish_totp(core: Core, who: Principal, password: str, proof: str, code: str) -> list[str]:
    """Take the proposed secret, with a code of it. All sessions end, and the account is notified.

    An official one takes no part in dual control for a while.

    Returns:
        Recovery codes, to be shown once.

    Raises:
        NotAllowed: ``access.*``, ``totp.wrong``, ``login.refused``.
        Invalid: ``totp.offer``.
        Unavailable: ``login.wait``, ``login.busy``.
    """
    _require(who)
    secret, until = _opened(core, who, proof)
    recovery = new_recovery_codes()

    def work(session: Session, account: Account, now: int) -> None:
        step = matching_step(secret, code, now, -1)
        if until < now:
            raise Invalid("totp.offer")
        if step is None:
            raise NotAllowed("totp.wrong", path="code")
        seal_totp(core, account, secret)
        account.totp_counter = step
        set_recovery_codes(core, session, account.id, recovery)
        sessions.end_all(session, account.id)
        if who.role.official:
            waits(core, account, now)
        notify(core, session, now, [Notice("account.totp_changed", account.id, {"account": account.id})])

    _verify(core, who, password)
    _change(core, who, "totp.change", work)
    return recovery


def renew_recovery_codes(core: Core, who: Principal, password: str) -> list[str]:
    """New recovery codes; the earlier ones count no more.

    Raises:
        NotAllowed: ``access.*``, ``login.refused``.
        Conflict: ``totp.none``.
        Unavailable: ``login.wait``, ``login.busy``.
    """
    recovery = new_recovery_codes()

    def work(session: Session, account: Account, now: int) -> None:
        if account.totp_secret is None:
            raise Conflict("totp.none")
        set_recovery_codes(core, session, account.id, recovery)

    _verify(core, who, password)
    _change(core, who, "totp.recovery", work)
    return recovery


def change_contact(core: Core, who: Principal, password: str, email: str | None, language: Literal["en", "zh"]) -> None:
    """Set where the account's mail goes, and in which language.

    Raises:
        NotAllowed: ``access.*``, ``login.refused``.
        Invalid: ``account.field``.
        Unavailable: ``login.wait``, ``login.busy``.
    """
    check_email(email)
    check_language(language)

    def work(session: Session, account: Account, now: int) -> None:
        record = read_account(core, account)
        if record is None:
            return
        write_account(core, account, replace(record, email=email, language=language))
        if record.email != email:
            # The previous address is notified as well: it may be somebody else who changes it.
            facts = {"account": account.id}
            places = [None, record.email] if record.email else [None]
            notify(core, session, now, [Notice("account.contact_changed", account.id, facts, to=to) for to in places])

    _verify(core, who, password)
    _change(core, who, "account.contact", work)


def _require(who: Principal) -> None:
    who.require_person()
    if not who.full:
        raise NotAllowed("access.second_factor")


def _verify(core: Core, who: Principal, password: str) -> None:
    """The password again (promise 1)."""
    _require(who)
    normal = normal_password(password)
    keys = (f"password:own:{who.account_id}",)

    def counted(session: Session) -> str | None:
        reserve(session, keys, core.clock.now(session))
        return open_password(core, session.get_one(Account, who.account_id))

    stored = core.database.transact(counted)
    good = core.passwords.verify(stored, normal)
    if not good:
        raise NotAllowed("login.refused")
    core.database.transact(lambda session: take_back(session, keys, core.clock.now(session)))


def _change(core: Core, who: Principal, action: str, edit: Callable[[Session, Account, int], None]) -> None:
    """Change the account of a session that is still valid."""

    def work(unit: UnitOfWork) -> None:
        session, now = unit.session, unit.now
        account = session.get_one(Account, who.account_id, with_for_update=True)
        if account.state != "active" or not sessions.stands(core, session, who):
            raise NotAllowed("session.unknown")
        edit(session, account, now)
        account.version, account.changed_at = account.version + 1, now
        unit.audit(action, account.id)

    core.transact(who.by(), work)


def _offered(who: Principal) -> Place:
    return Place("accounts", "offered", who.account_id)


def _opened(core: Core, who: Principal, proof: str) -> tuple[str, int]:
    try:
        text = proof.encode("ascii") if len(proof) <= _LONGEST_PROOF else b""
        sealed = base64.b64decode(text, altchars=b"-_", validate=True)
        content = json.loads(core.at_rest.open(_offered(who), sealed))
    except (binascii.Error, UnicodeEncodeError, StateError):
        raise Invalid("totp.offer") from None
    return content["secret"], content["until"]
