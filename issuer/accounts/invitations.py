"""Invitations: a one-time link by which a person sets a password, and TOTP where the role needs it.

Promises:

1. An invitation has 256 random bits, kept as a hash, holds for some days (settings) and is used once, also by two at
   once. A new one for the same account ends the one before.
2. Where the service can mail it to the account's address, nobody else gets to see it: neither who asked for the account
   nor who confirmed it.
3. An account with an official role becomes active only with a TOTP code of the secret that the invitation proposed.
4. A wrong password or code uses nothing up.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from icard_crypto.errors import StateError
from issuer.acts import Act
from issuer.core import Core
from issuer.notices.outbox import Notice, notify
from issuer.vault.at_rest import Place

from .attempts import Origin, remember
from .login import recovery_digest
from .models import Account, Invitation, RecoveryCode
from .password_rules import check_password
from .people import read_account, seal_password, seal_totp
from .roles import role_named
from .secret_text import secret_hash
from .totp import TotpOffer, matching_step, new_recovery_codes, new_totp_secret, normal_recovery_code, offer

__all__ = ["InvitationView", "Invited", "accept", "invite", "open_invitation", "set_recovery_codes", "waiting_until"]

_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Invited:
    """An account that waits for its person. ``token``: to be handed over; None: it was mailed. Unix time."""

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


def invite(core: Core, session: Session, account: Account, token: str, now: int) -> Invited:
    """Make the invitation of a locked account, and mail it where that is possible (promise 2).

    Args:
        token: a new secret, made by the caller, so that a repeated transaction gives the same.
    """
    withdraw(session, account.id)
    record = read_account(core, account)
    row = Invitation(
        id=secrets.token_hex(16),
        token_hash=secret_hash(core.at_rest, "invitation", token),
        account_id=account.id,
        created_at=now,
        expires_at=now + core.settings.invitation_hours * _HOUR,
        used_at=None,
    )
    if role_named(account.role).official:
        secret = new_totp_secret().encode()
        row.totp_secret = core.at_rest.seal(Place("invitations", "totp_secret", row.id), secret)
    session.add(row)
    session.flush()
    mailed = bool(core.settings.smtp_host) and record is not None and record.email is not None
    if mailed:
        notify(core, session, now, [Notice("account.invited", account.id, {"account": account.id}, secret=token)])
    return Invited(account.id, account.person_id, None if mailed else token, row.expires_at)


def withdraw(session: Session, account_id: str) -> None:
    """End the invitations of an account that the transaction has locked."""
    session.execute(delete(Invitation).where(Invitation.account_id == account_id))


def open_invitation(core: Core, token: str) -> InvitationView:
    """What the invited person is shown; looking uses nothing up.

    Raises:
        StateError: ``invitation.unknown``: there is none, it was used, or it has expired.
    """
    return core.database.read(lambda session: _view(core, *_found(core, session, token)))


def accept(core: Core, token: str, password: str, code: str | None, origin: Origin) -> list[str]:
    """Set the password, and TOTP where it is proposed: the account is active. Its network is a known place now.

    Args:
        code: the current one of the proposed secret; None where none is proposed.

    Returns:
        Recovery codes, to be shown once; none without TOTP.

    Raises:
        StateError: ``invitation.unknown``, ``password.*``, ``totp.wrong``, ``login.busy``.
    """
    view = open_invitation(core, token)
    encoded = core.passwords.hash(check_password(password, view.login))
    recovery = [] if view.totp is None else new_recovery_codes()

    def work(session: Session) -> list[str]:
        now = core.clock.now(session)
        row, account = _found(core, session, token, lock=True)
        shown = _view(core, row, account)
        if shown.totp is not None:
            step = matching_step(shown.totp.secret, code or "", now, -1)
            if step is None:
                raise StateError("totp.wrong", path="code")
            seal_totp(core, account, shown.totp.secret)
            account.totp_counter = step
            set_recovery_codes(core, session, account.id, recovery)
        seal_password(core, account, encoded)
        account.state, account.version, account.changed_at = "active", account.version + 1, now
        row.used_at, row.totp_secret = now, None
        remember(core, session, account.id, Origin(origin.address), now)
        core.audit(session, now, [Act(f"account:{account.id}", "invitation.accept", account.id)])
        return recovery

    return core.database.transact(work)


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
        StateError: ``invitation.unknown``.
    """
    query = select(Invitation).where(Invitation.token_hash == secret_hash(core.at_rest, "invitation", token))
    row = session.scalars(query.with_for_update() if lock else query).one_or_none()
    if row is None or row.used_at is not None or row.expires_at <= core.clock.now(session):
        raise StateError("invitation.unknown")
    account = session.get(Account, row.account_id, with_for_update=lock or None)
    if account is None or account.state != "invited":
        raise StateError("invitation.unknown")
    return row, account


def _view(core: Core, row: Invitation, account: Account) -> InvitationView:
    record = read_account(core, account)
    if record is None:
        raise StateError("invitation.unknown")
    proposed = None
    if row.totp_secret is not None:
        secret = core.at_rest.open(Place("invitations", "totp_secret", row.id), row.totp_secret).decode()
        proposed = offer(secret, record.login, core.issuer.iss)
    return InvitationView(account.id, record.login, account.role, record.language, proposed, row.expires_at)
