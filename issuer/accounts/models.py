"""The tables of accounts: people, accounts, roles, sessions, tokens and invitations.

Promises:

1. Secrets that the service hands out (sessions, devices, invitations, tokens, recovery codes) are kept as keyed hashes
   only, and what grants something is bound to its row (:mod:`issuer.db.bound`).
2. What the service itself must read again is in sealed columns: names, e-mail addresses, password hashes, TOTP
   secrets, reasons. Login names, document numbers and organisation codes are found by keyed hashes.
3. The number of rows that unknown clients can cause is bounded (:class:`LoginAttempts`).
4. Rows are locked in the order counters, confirmations, invitations, persons, accounts, what hangs on one, then cards
   and what follows them in :mod:`issuer.db.models`; the audit's head is always the last.
"""

from __future__ import annotations

from sqlalchemy import BindParameter, CheckConstraint, ColumnElement, ForeignKey, Index, String, Text, or_, select
from sqlalchemy.orm import Mapped, mapped_column

from issuer.db.base import Base, Big, Hex32, Hex64, Seconds, Word, sealed
from issuer.db.bound import Bound

__all__ = [
    "Account",
    "ApiToken",
    "CalendarFeed",
    "Consent",
    "Invitation",
    "KnownPlace",
    "LoginAttempts",
    "LoginSession",
    "Mandate",
    "MandateHandler",
    "Organisation",
    "Person",
    "RecoveryCode",
]


class Person(Bound, Base):
    """A human being; dual control counts these. ``identity_key`` is the keyed hash of a document's number."""

    __tablename__ = "persons"
    bound = ("identity_key", "created_at")

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    identity_key: Mapped[Hex64 | None] = mapped_column(unique=True)
    record: Mapped[bytes] = sealed()
    created_at: Mapped[Seconds]


class Organisation(Bound, Base):
    """An employer or an agency. ``code_key`` is the keyed hash of its unified social credit code."""

    __tablename__ = "organisations"
    bound = ("kind", "code_key", "state", "created_at")
    __table_args__ = (
        CheckConstraint("kind in ('employer', 'agency')", name="kind"),
        CheckConstraint("state in ('active', 'closed')", name="state"),
    )

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    kind: Mapped[Word]
    code_key: Mapped[Hex64] = mapped_column(unique=True)
    record: Mapped[bytes] = sealed()
    state: Mapped[Word]
    version: Mapped[Big]
    created_at: Mapped[Seconds]


class FormerCode(Bound, Base):
    """A code that an employer had before, by its keyed hash: whoever still names it means that employer."""

    __tablename__ = "former_codes"
    bound = ("organisation_id", "replaced_at")
    bound_since = "0033"

    code_key: Mapped[Hex64] = mapped_column(primary_key=True)
    organisation_id: Mapped[Hex32] = mapped_column(ForeignKey("organisations.id"))
    replaced_at: Mapped[Seconds]


class Account(Bound, Base):
    """A person's account with one role. ``password`` is an argon2id hash, sealed on top of that.

    ``role_at`` is when the account got its role, ``confirms_from`` from when it takes part in dual control,
    ``totp_counter`` the last TOTP step that was used. ``version`` rises with every change of state, role, password or
    TOTP.
    """

    __tablename__ = "accounts"
    bound = (
        "person_id",
        "organisation_id",
        "role",
        "state",
        "login_key",
        "password",
        "totp_secret",
        "created_at",
        "role_at",
        "confirms_from",
    )
    __table_args__ = (
        CheckConstraint("state in ('invited', 'active', 'locked', 'closed')", name="state"),
        Index("ix_accounts_person", "person_id"),
        Index("ix_accounts_organisation", "organisation_id"),
    )

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    person_id: Mapped[Hex32] = mapped_column(ForeignKey("persons.id"))
    organisation_id: Mapped[Hex32 | None] = mapped_column(ForeignKey("organisations.id"))
    role: Mapped[Word]
    state: Mapped[Word]
    login_key: Mapped[Hex64 | None] = mapped_column(unique=True)
    record: Mapped[bytes] = sealed()
    password: Mapped[bytes | None] = sealed(nullable=True)
    totp_secret: Mapped[bytes | None] = sealed(nullable=True)
    totp_counter: Mapped[Big]
    version: Mapped[Big]
    created_at: Mapped[Seconds]
    role_at: Mapped[Seconds]
    confirms_from: Mapped[Seconds | None]
    changed_at: Mapped[Seconds]

    @classmethod
    def in_use(cls) -> ColumnElement[bool]:
        """Whether an account is in use, and gets notices: its person has accepted it, and it is not closed."""
        return cls.state.in_(("active", "locked"))


class LoginSession(Bound, Base):
    """A session. ``step`` is ``password`` while the second factor is missing; ``totp_at`` the time of the last code."""

    __tablename__ = "login_sessions"
    bound = ("token_hash", "account_id", "step", "created_at", "ends_at", "totp_at")
    __table_args__ = (
        CheckConstraint("step in ('password', 'full')", name="step"),
        Index("ix_login_sessions_account", "account_id", "created_at"),
        Index("ix_login_sessions_ends", "ends_at"),
    )

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    token_hash: Mapped[Hex64] = mapped_column(unique=True)
    account_id: Mapped[Hex32] = mapped_column(ForeignKey("accounts.id"))
    step: Mapped[Word]
    place: Mapped[bytes] = sealed()
    created_at: Mapped[Seconds]
    seen_at: Mapped[Seconds]
    ends_at: Mapped[Seconds]
    totp_at: Mapped[Seconds | None]


class RecoveryCode(Base):
    """A code that stands for one TOTP code; the row goes when it is used."""

    __tablename__ = "recovery_codes"

    account_id: Mapped[Hex32] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    digest: Mapped[Hex64] = mapped_column(primary_key=True)


class KnownPlace(Base):
    """A device or a network from which an account has logged in; ``digest`` is a keyed hash."""

    __tablename__ = "known_places"
    __table_args__ = (
        CheckConstraint("kind in ('device', 'network')", name="kind"),
        Index("ix_known_places_seen", "seen_at"),
    )

    account_id: Mapped[Hex32] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    kind: Mapped[Word] = mapped_column(primary_key=True)
    digest: Mapped[Hex64] = mapped_column(primary_key=True)
    seen_at: Mapped[Seconds]


class LoginAttempts(Base):
    """Failures counted under one name: a known place's own, or one of a fixed number for all the others."""

    __tablename__ = "login_attempts"
    __table_args__ = (Index("ix_login_attempts_last", "last_at"),)

    key: Mapped[str] = mapped_column(String(120), primary_key=True)
    failures: Mapped[Big]
    last_at: Mapped[Seconds]
    wait_until: Mapped[Seconds]


class Invitation(Bound, Base):
    """A one-time link by which a person sets a password, and TOTP where the role needs one."""

    __tablename__ = "invitations"
    bound = ("token_hash", "account_id", "created_at", "expires_at", "used_at")
    __table_args__ = (Index("ix_invitations_account", "account_id"), Index("ix_invitations_expires", "expires_at"))

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    token_hash: Mapped[Hex64] = mapped_column(unique=True)
    account_id: Mapped[Hex32] = mapped_column(ForeignKey("accounts.id"))
    created_at: Mapped[Seconds]
    expires_at: Mapped[Seconds]
    used_at: Mapped[Seconds | None]


class ApiToken(Bound, Base):
    """A program's token: what its account may do, within ``scopes``. ``used_on`` is a day, 00:00 UTC."""

    __tablename__ = "api_tokens"
    bound = ("prefix", "secret_hash", "account_id", "scopes", "created_at", "expires_at", "revoked_at")
    __table_args__ = (Index("ix_api_tokens_account", "account_id"), Index("ix_api_tokens_expires", "expires_at"))

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    prefix: Mapped[str] = mapped_column(String(16), unique=True)
    secret_hash: Mapped[Hex64]
    account_id: Mapped[Hex32] = mapped_column(ForeignKey("accounts.id"))
    label: Mapped[bytes] = sealed()
    scopes: Mapped[str] = mapped_column(Text)
    created_at: Mapped[Seconds]
    expires_at: Mapped[Seconds]
    used_on: Mapped[Seconds | None]
    revoked_at: Mapped[Seconds | None]


class CalendarFeed(Bound, Base):
    """An account's calendar feed: found by the hash of its token, ended by its owner."""

    __tablename__ = "calendar_feeds"
    __table_args__ = (Index("ix_calendar_feeds_account", "account_id"),)
    bound = ("account_id", "token_hash", "revoked_at")

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    account_id: Mapped[Hex32] = mapped_column(ForeignKey("accounts.id"))
    token_hash: Mapped[Hex64] = mapped_column(unique=True)
    created_at: Mapped[Seconds]
    revoked_at: Mapped[Seconds | None]


class Mandate(Bound, Base):
    """An agency acts for an employer from ``begins_at`` until before ``ends_at``, or until it was ended."""

    __tablename__ = "mandates"
    bound = ("agency_id", "employer_id", "begins_at", "ends_at", "created_at", "ended_at")
    __table_args__ = (
        CheckConstraint("begins_at < ends_at", name="order"),
        Index("ix_mandates_agency", "agency_id", "ends_at"),
        Index("ix_mandates_employer", "employer_id", "ends_at"),
    )

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    agency_id: Mapped[Hex32] = mapped_column(ForeignKey("organisations.id"))
    employer_id: Mapped[Hex32] = mapped_column(ForeignKey("organisations.id"))
    begins_at: Mapped[Seconds]
    ends_at: Mapped[Seconds]
    created_at: Mapped[Seconds]
    ended_at: Mapped[Seconds | None]

    @classmethod
    def in_force(cls, now: int | BindParameter[int]) -> tuple[ColumnElement[bool], ...]:
        """What holds of the mandates by which an agency may act at that time."""
        return cls.begins_at <= now, cls.ends_at > now, or_(cls.ended_at.is_(None), cls.ended_at > now)

    @classmethod
    def not_over(cls, now: int) -> tuple[ColumnElement[bool], ...]:
        """What holds of the mandates by which an agency may act at that time or will later."""
        return cls.ends_at > now, cls.ended_at.is_(None)

    @classmethod
    def handled_by(cls, account_id: ColumnElement[str]) -> ColumnElement[bool]:
        """Whether an account of the agency acts under a mandate: everyone's does until somebody was named."""
        named = select(MandateHandler.id).where(MandateHandler.mandate_id == cls.id)
        live = named.where(MandateHandler.account_id == account_id, MandateHandler.ended_at.is_(None))
        return or_(~named.exists(), live.exists())


class MandateHandler(Bound, Base):
    """An account of the agency that acts under a mandate from ``named_at`` until before ``ended_at``."""

    __tablename__ = "mandate_handlers"
    bound = ("mandate_id", "account_id", "named_at", "ended_at")
    bound_since = "0032"
    __table_args__ = (
        Index("ix_mandate_handlers_mandate", "mandate_id", "account_id"),
        Index("ix_mandate_handlers_account", "account_id"),
    )

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    mandate_id: Mapped[Hex32] = mapped_column(ForeignKey("mandates.id"))
    account_id: Mapped[Hex32] = mapped_column(ForeignKey("accounts.id"))
    named_at: Mapped[Seconds]
    ended_at: Mapped[Seconds | None]


class Consent(Bound, Base):
    """What a person agreed to have passed on. ``subject``: a service, or empty; ``record``: the recipient."""

    __tablename__ = "consents"
    bound = ("person_id", "purpose", "subject", "given_at", "ends_at", "withdrawn_at")
    __table_args__ = (Index("ix_consents_person", "person_id", "purpose", "subject"),)

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    person_id: Mapped[Hex32] = mapped_column(ForeignKey("persons.id"))
    purpose: Mapped[Word]
    subject: Mapped[Word]
    record: Mapped[bytes] = sealed()
    given_at: Mapped[Seconds]
    ends_at: Mapped[Seconds]
    withdrawn_at: Mapped[Seconds | None]
