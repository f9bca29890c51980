"""Invitations: a one-time link by which a person sets a password, and TOTP where the role needs it.

Promises:

1. An invitation has 256 random bits, or two parts of as many, kept as one keyed hash, holds for some days (settings)
   and is used once, also by two at once. A new one for the same account ends the one before.
2. Nobody but the invited person sees both parts: they are mailed to an address on record, or the requester has one and
   the approver the other. Only on the host one person gets both.
3. An account with an official role becomes active only with a TOTP code of a secret that its person was shown. Each
   time the invitation is opened it proposes another secret, and the one whose proof comes with the acceptance counts:
   somebody who opened it before doesn't know that one.
4. Opening an invitation is an act in the audit. A wrong password or code does not use it up.
5. All other accounts of the person are notified that one was made or reset.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from icard_crypto.errors import Invalid, NotAllowed, NotFound, StateError
from icard_crypto.moments import HOUR
from issuer.acts import SERVICE, Act
from issuer.core import Core
from issuer.db.unit_of_work import UnitOfWork
from issuer.notices.outbox import Notice, notify
from issuer.vault.at_rest import Place

from .attempts import Origin, remember
from .login import recovery_digest
from .models import Account, Invitation, RecoveryCode
from .password_rules import check_password
from .people import read_account, seal_password, seal_totp, waits
from .roles import role_named
from .secret_text import secret_hash
from .totp import TotpOffer, matching_step, new_recovery_codes, new_totp_secret, normal_recovery_code, offer

__all__ = [
    "InvitationView",
    "Invited",
    "Parts",
    "accept",
    "invite",
    "open_invitation",
    "set_recovery_codes",
    "waiting_until",
    "whole",
]

_LONGEST = 128
_LONGEST_PROOF = 1000


@dataclass(frozen=True, slots=True)
class Invited:
    """An account that waits for its person. Unix time.

    ``token``: to be handed over, the whole secret or the confirmer's part of it; None: it was mailed.
    """

    account_id: str
    person_id: str
    token: str | None = field(repr=False)
    expires_at: int


@dataclass(frozen=True, slots=True)
class InvitationView:
    """What the invited person is shown. ``totp``: for the authenticator app, where the role needs one."""

    account_id: str
    login: str
    role: str
    language: str
    totp: TotpOffer | None
    expires_at: int


class Parts(NamedTuple):
    """The parts of an invitation's secret, made by the caller, so that a repeated transaction gives the same.

    ``mine``: for whoever does the act; ``asked``: for whoever asked for it; None: nobody asked, all is one person's.
    ``by_hand``: the parts are handed over and never mailed, for the address is what an official typed.
    """

    mine: str
    asked: str | None = None
    by_hand: bool = False


def whole(one: str, other: str) -> str:
    """An invitation's secret, of its two parts in any order."""
    return ".".join(sorted((one, other)))


def invite(core: Core, session: Session, account: Account, parts: Parts, now: int) -> Invited:
    """Make the invitation of a locked account, and mail it where that is possible (promise 2)."""
    withdraw(session, account.id)
    secret_text = parts.mine if parts.asked is None else whole(parts.mine, parts.asked)
    row = Invitation(
        id=secrets.token_hex(16),
        token_hash=secret_hash(core.at_rest, "invitation", secret_text),
        account_id=account.id,
        created_at=now,
        expires_at=now + core.settings.invitation_hours * HOUR,
        used_at=None,
    )
    session.add(row)
    session.flush()
    others = _others(session, account)
    told = [Notice("account.access_given", other.id, {"account": account.id}) for other in others]
    # A person who is known is written to where he is known: the new account's address is what somebody else says.
    known = [each for each in (*([account] if account.created_at < now else []), *others) if _has_address(core, each)]
    to = known[0] if known else account if not others and _has_address(core, account) else None
    mailed = bool(core.settings.smtp_host) and to is not None and not parts.by_hand
    if mailed and to is not None:
        told.append(Notice("account.invited", to.id, {"account": account.id}, secret=secret_text))
    notify(core, session, now, told)
    return Invited(account.id, account.person_id, None if mailed else parts.mine, row.expires_at)


def _others(session: Session, account: Account) -> list[Account]:
    """The other accounts of an account's person that are not closed."""
    query = select(Account).where(Account.person_id == account.person_id, Account.id != account.id)
    return list(session.scalars(query.where(Account.state != "closed").order_by(Account.id)))


def _has_address(core: Core, account: Account) -> bool:
    record = read_account(core, account)
    return record is not None and record.email is not None


def withdraw(session: Session, account_id: str) -> None:
    """End the invitations of an account that the transaction has locked."""
    session.execute(delete(Invitation).where(Invitation.account_id == account_id))


def open_invitation(core: Core, token: str, proof: str | None = None) -> InvitationView:
    """What the invited person is shown; looking uses nothing up, and the audit has it.

    Args:
        proof: of an earlier look by the same person, whose secret the authenticator app has already.

    Raises:
        NotFound: ``invitation.unknown``: there is none, it was used, or it has expired.
    """

    def work(unit: UnitOfWork) -> InvitationView:
        session = unit.session
        row, account = _found(core, session, token)
        act = Act("invitation", "invitation.open", account.id)
        unit.audit_acts([act])
        return _view(core, row, account, proof)

    return core.transact(SERVICE, work, settled=lambda session: None)


def accept(
    core: Core, token: str, password: str, code: str | None, origin: Origin, proof: str | None = None
) -> list[str]:
    """Set the password, and TOTP where it is proposed: the account is active. Its network is a known place now.

    Args:
        code: the current one of the proposed secret; None where none is proposed.
        proof: what came with the proposed secret.

    Returns:
        Recovery codes, to be shown once; none without TOTP.

    Raises:
        NotAllowed: ``totp.wrong``.
        NotFound: ``invitation.unknown``.
        Invalid: ``password.*``, ``totp.offer``.
        Unavailable: ``login.busy``.
    """
    account = core.database.read(lambda session: _found(core, session, token)[1])
    record = read_account(core, account)
    encoded = core.passwords.hash(check_password(password, record.login if record else ""))
    recovery = new_recovery_codes() if role_named(account.role).official else []

    def work(unit: UnitOfWork) -> list[str]:
        session, now = unit.session, unit.now
        row, account = _found(core, session, token, lock=True)
        if role_named(account.role).official:
            secret = _offered(core, row, proof or "")
            step = matching_step(secret, code or "", now, -1)
            if step is None:
                raise NotAllowed("totp.wrong", path="code")
            seal_totp(core, account, secret)
            account.totp_counter = step
            set_recovery_codes(core, session, account.id, recovery)
            if row.created_at > account.created_at:
                # A new second factor of an account that was there: whoever got the invitation waits like anybody else.
                waits(core, account, now)
        seal_password(core, account, encoded)
        account.state, account.version, account.changed_at = "active", account.version + 1, now
        row.used_at = now
        remember(core, session, account.id, Origin(origin.address), now)
        unit.audit_acts([Act(f"account:{account.id}", "invitation.accept", account.id)])
        return recovery

    return core.transact(SERVICE, work)


def waiting_until(core: Core, account_id: str) -> int | None:
    """The Unix time at which an account's invitation ends; None: none waits."""
    query = select(Invitation.expires_at).where(Invitation.account_id == account_id, Invitation.used_at.is_(None))
    return core.database.read(lambda session: session.scalar(query))


def set_recovery_codes(core: Core, session: Session, account_id: str, recovery: list[str]) -> None:
    """Put new recovery codes in the place of all earlier ones of a locked account."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account_id))
    digests = [recovery_digest(core, account_id, normal_recovery_code(text) or "") for text in recovery]
    session.add_all(RecoveryCode(account_id=account_id, digest=digest) for digest in digests)
    session.flush()


def _found(core: Core, session: Session, token: str, *, lock: bool = False) -> tuple[Invitation, Account]:
    """A token's invitation and its account.

    Raises:
        NotFound: ``invitation.unknown``.
    """
    parts = token.split(".") if len(token) <= _LONGEST else []
    digest = secret_hash(core.at_rest, "invitation", whole(*parts) if len(parts) == 2 else "".join(parts[:1]))
    query = select(Invitation).where(Invitation.token_hash == digest)
    row = session.scalars(query.with_for_update() if lock else query).one_or_none()
    if row is None or row.used_at is not None or row.expires_at <= core.clock.now(session):
        raise NotFound("invitation.unknown")
    account = session.get(Account, row.account_id, with_for_update=lock or None)
    if account is None or account.state != "invited":
        raise NotFound("invitation.unknown")
    return row, account


def _view(core: Core, row: Invitation, account: Account, proof: str | None = None) -> InvitationView:
    record = read_account(core, account)
    if record is None:
        raise NotFound("invitation.unknown")
    proposed = None
    if role_named(account.role).official:
        secret = _offered(core, row, proof) if proof else new_totp_secret()
        proof = base64.urlsafe_b64encode(core.at_rest.seal(_offer_place(row), secret.encode())).decode()
        proposed = offer(secret, record.login, core.issuer.iss, proof)
    return InvitationView(account.id, record.login, account.role, record.language, proposed, row.expires_at)


def _offered(core: Core, row: Invitation, proof: str) -> str:
    """The secret that was proposed for this invitation.

    Raises:
        Invalid: ``totp.offer``.
    """
    try:
        sealed = base64.b64decode(proof.encode("ascii") if len(proof) <= _LONGEST_PROOF else b"", b"-_", validate=True)
        return core.at_rest.open(_offer_place(row), sealed).decode()
    except (binascii.Error, UnicodeEncodeError, StateError):
        raise Invalid("totp.offer", path="proof") from None


def _offer_place(row: Invitation) -> Place:
    return Place("invitations", "offered", row.id)
