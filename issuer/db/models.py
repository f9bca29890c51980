"""The tables: what the issuing service knows, one class each.

Promises:

1. An index of a status list is given once: (list, index) is unique among codes, and a code's row is never deleted.
2. One live card for a permit number, one active key for a usage, one code for a cti: the database itself refuses more.
3. What section "at rest" of the security notes names is in sealed columns; searching goes through keyed hashes.
4. Rows are locked in the order cards, codes, keys, lists, meta, audit head; the head is always the last.

``Meta``, ``Publisher`` and ``AuditHead`` have one row each, with id 1.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    event,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, object_session

# So that whoever has these tables has them all: migrations, rewrapping and purging walk over the metadata.
from issuer.accounts import models as _accounts  # noqa: F401
from issuer.notices import models as _notices  # noqa: F401

from .base import Base, Big, Hex32, Hex64, Name, RowNumber, Seconds, Small, Word, sealed

__all__ = [
    "Artefact",
    "AuditDetail",
    "AuditHead",
    "AuditRow",
    "BulkRefusal",
    "BulkRun",
    "CardLookup",
    "CardRow",
    "Checkpoint",
    "CodeRow",
    "Idempotency",
    "KeyRow",
    "LostCode",
    "Meta",
    "OnlineLookup",
    "Publisher",
    "StatusListRow",
]


class Meta(Base):
    """The one row about the database itself.

    ``epoch`` rises with every restore and every start that says so; it is compared with a file outside. ``newest_iat``
    is the highest time at which anything was signed. ``canary`` is sealed, so that a wrong master key shows at start.
    """

    __tablename__ = "meta"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    database_id: Mapped[Hex32]
    issuer: Mapped[str] = mapped_column(String(64))
    epoch: Mapped[Big]
    newest_iat: Mapped[Seconds]
    created_at: Mapped[Seconds]
    canary: Mapped[bytes] = sealed()


class KeyRow(Base):
    """A key's public part, usage and state; the private part is a file of the keystore."""

    __tablename__ = "keys"
    __table_args__ = (
        CheckConstraint("usage in ('card', 'status', 'timestamp')", name="usage"),
        CheckConstraint("state in ('draft', 'published', 'active', 'retired', 'revoked')", name="state"),
        Index(
            "uq_keys_active",
            "usage",
            unique=True,
            sqlite_where=text("state = 'active'"),
            postgresql_where=text("state = 'active'"),
        ),
    )

    thumbprint: Mapped[Hex64] = mapped_column(primary_key=True)
    usage: Mapped[Word]
    algorithm: Mapped[Word]
    public: Mapped[bytes] = mapped_column(LargeBinary)
    state: Mapped[Word]
    emergency: Mapped[bool] = mapped_column(Boolean)
    created_at: Mapped[Seconds]
    published_at: Mapped[Seconds | None]
    valid_from: Mapped[Seconds | None]
    valid_until: Mapped[Seconds | None]
    activated_at: Mapped[Seconds | None]
    retired_at: Mapped[Seconds | None]
    revoked_at: Mapped[Seconds | None]
    revoked_kind: Mapped[Word | None]


class StatusListRow(Base):
    """A status list. ``used`` counts the indexes given; ``changes`` rises with every entry that changes.

    The publisher compares ``changes`` with ``published_changes``; ``published_iat`` only ever rises. ``over_at`` is
    when every code of it was found to have ended.
    """

    __tablename__ = "lists"
    __table_args__ = (
        CheckConstraint("state in ('standby', 'open', 'full', 'closed')", name="state"),
        CheckConstraint("used >= 0 and used <= capacity", name="used"),
        Index(
            "uq_lists_open",
            "state",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
    )

    name: Mapped[Name] = mapped_column(primary_key=True)
    uri: Mapped[str] = mapped_column(Text, unique=True)
    capacity: Mapped[Big]
    used: Mapped[Big]
    state: Mapped[Word]
    permutation: Mapped[bytes] = sealed()
    changes: Mapped[Big]
    created_at: Mapped[Seconds]
    opened_at: Mapped[Seconds | None]
    published_at: Mapped[Seconds | None]
    published_iat: Mapped[Seconds | None]
    published_changes: Mapped[Big | None]
    over_at: Mapped[Seconds | None]


class CardRow(Base):
    """A card. ``record`` is its JSON, sealed; the states are what status entries are made of.

    ``version`` counts generations of codes; ``revision`` rises with every change of the row and is its ETag.
    """

    __tablename__ = "cards"
    __table_args__ = (
        CheckConstraint("standing in ('active', 'suspended', 'revoked')", name="standing"),
        CheckConstraint("permit in ('good', 'suspended')", name="permit"),
        CheckConstraint("insurance in ('good', 'lapsed')", name="insurance"),
        Index(
            "uq_cards_live_permit",
            "permit_key",
            unique=True,
            sqlite_where=text("standing <> 'revoked'"),
            postgresql_where=text("standing <> 'revoked'"),
        ),
    )

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    permit_key: Mapped[Hex64 | None]
    record: Mapped[bytes] = sealed()
    standing: Mapped[Word]
    permit: Mapped[Word]
    insurance: Mapped[Word]
    photo: Mapped[bool] = mapped_column(Boolean)
    version: Mapped[Big]
    revision: Mapped[Big] = mapped_column(BigInteger, default=1, server_default="1")
    created_at: Mapped[Seconds]
    changed_at: Mapped[Seconds]


@event.listens_for(CardRow, "before_update")
def _revise(_mapper: object, _connection: object, row: CardRow) -> None:
    """Whoever changes a card changes its revision, whether he knows of it or not."""
    session = object_session(row)
    if session is not None and session.is_modified(row):
        row.revision += 1


class OnlineLookup(Base):
    """An official looked at a card online; its holder sees this row. The official's account is never shown to him."""

    __tablename__ = "online_lookups"
    __table_args__ = (Index("ix_online_lookups_card", "card_id", "at", "id"),)

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    card_id: Mapped[Hex32] = mapped_column(ForeignKey("cards.id"))
    account_id: Mapped[Hex32] = mapped_column(ForeignKey("accounts.id"))
    role: Mapped[Word]
    way: Mapped[Word]
    at: Mapped[Seconds]


class CardLookup(Base):
    """A keyed hash by which a card is found: permit number, name, later passport and insurance number."""

    __tablename__ = "card_lookups"
    __table_args__ = (Index("ix_card_lookups_digest", "kind", "digest"),)

    card_id: Mapped[Hex32] = mapped_column(ForeignKey("cards.id"), primary_key=True)
    kind: Mapped[Word] = mapped_column(primary_key=True)
    digest: Mapped[Hex64] = mapped_column(primary_key=True)


class CodeRow(Base):
    """One signed code of one profile: first an intent with its exact payload, then issued, or burnt.

    ``payload`` is there while the code is an intent or when it was burnt, ``cose`` once it is issued; both sealed.
    Codes made together have one ``generation``, the card's version then.
    ``value`` is the status entry, kept equal to :func:`issuer.status_entry.status_entry` by whoever changes the card.
    """

    __tablename__ = "codes"
    __table_args__ = (
        CheckConstraint("state in ('intent', 'issued', 'burnt')", name="state"),
        CheckConstraint("idx >= 0", name="idx"),
        UniqueConstraint("list_name", "idx"),
        Index(
            "ix_codes_entries",
            "list_name",
            "idx",
            "value",
            sqlite_where=text("value <> 0"),
            postgresql_where=text("value <> 0"),
        ),
        Index(
            "ix_codes_intents",
            "created_at",
            sqlite_where=text("state = 'intent'"),
            postgresql_where=text("state = 'intent'"),
        ),
        Index("ix_codes_card", "card_id", "generation"),
        Index("ix_codes_key", "key", "expires_at"),
    )

    cti: Mapped[str] = mapped_column(String(16), primary_key=True)
    card_id: Mapped[Hex32] = mapped_column(ForeignKey("cards.id"))
    generation: Mapped[Big]
    profile: Mapped[Small]
    list_name: Mapped[Name] = mapped_column(ForeignKey("lists.name"))
    idx: Mapped[Big]
    key: Mapped[Hex64] = mapped_column(ForeignKey("keys.thumbprint"))
    state: Mapped[Word]
    replaced: Mapped[bool] = mapped_column(Boolean)
    value: Mapped[Small]
    issued_at: Mapped[Seconds]
    expires_at: Mapped[Seconds]
    created_at: Mapped[Seconds]
    payload_hash: Mapped[Hex64]
    payload: Mapped[bytes | None] = sealed(nullable=True)
    cose: Mapped[bytes | None] = sealed(nullable=True)


class LostCode(Base):
    """An index that was given by a database which a backup replaced: nothing is known of it but its entry."""

    __tablename__ = "lost_codes"

    list_name: Mapped[Name] = mapped_column(ForeignKey("lists.name"), primary_key=True)
    idx: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    value: Mapped[Small]
    created_at: Mapped[Seconds]


class Idempotency(Base):
    """A request that was taken, by scope (account, route, key); the answer is rendered from what it made."""

    __tablename__ = "idempotency"

    account: Mapped[str] = mapped_column(String(64), primary_key=True)
    route: Mapped[str] = mapped_column(String(64), primary_key=True)
    key: Mapped[Hex64] = mapped_column(primary_key=True)
    body: Mapped[Hex64]
    made: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[Seconds] = mapped_column(index=True)


class Publisher(Base):
    """The one row that a publisher locks: the version and time of the newest publication."""

    __tablename__ = "publisher"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[Big]
    iat: Mapped[Seconds]


class Artefact(Base):
    """A published file, written in the transaction that signed it; the highest version of a path is served."""

    __tablename__ = "artefacts"
    __table_args__ = (Index("ix_artefacts_version", "version"),)

    path: Mapped[str] = mapped_column(String(200), primary_key=True)
    version: Mapped[Big] = mapped_column(primary_key=True)
    kind: Mapped[Word]
    iat: Mapped[Seconds]
    expires_at: Mapped[Seconds | None]
    sha256: Mapped[Hex64]
    content: Mapped[bytes] = mapped_column(LargeBinary)


class AuditHead(Base):
    """The end of the chain; locked last in every transaction that appends."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[Big]
    hash: Mapped[Hex64]


class AuditRow(Base):
    """One act: pseudonyms of who and what, and hashes."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_subject", "subject"), Index("ix_audit_actor", "actor"))

    seq: Mapped[int] = mapped_column(RowNumber, primary_key=True, autoincrement=False)
    at: Mapped[Seconds]
    actor: Mapped[Hex32]
    action: Mapped[Word]
    subject: Mapped[Hex32]
    details_hash: Mapped[Hex64]
    previous: Mapped[Hex64]
    hash: Mapped[Hex64]


class AuditDetail(Base):
    """Salt and details of an act, sealed; the row may be purged and the chain stays whole."""

    __tablename__ = "audit_details"

    seq: Mapped[int] = mapped_column(RowNumber, ForeignKey("audit.seq"), primary_key=True, autoincrement=False)
    body: Mapped[bytes] = sealed()


class Checkpoint(Base):
    """A signed statement of the chain's end, also written outside and published."""

    __tablename__ = "checkpoints"

    seq: Mapped[int] = mapped_column(RowNumber, primary_key=True, autoincrement=False)
    hash: Mapped[Hex64]
    iat: Mapped[Seconds]
    token: Mapped[bytes] = mapped_column(LargeBinary)


class BulkRun(Base):
    """A bulk run and how far it is; the file is known by its hash, so that a run is taken up again."""

    __tablename__ = "bulk_runs"
    __table_args__ = (
        CheckConstraint("state in ('running', 'done')", name="state"),
        UniqueConstraint("kind", "source"),
    )

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    kind: Mapped[Word]
    source: Mapped[Hex64]
    state: Mapped[Word]
    position: Mapped[Big]
    done: Mapped[Big]
    refused: Mapped[Big]
    created_at: Mapped[Seconds]
    changed_at: Mapped[Seconds]


class BulkRefusal(Base):
    """A row of a bulk file that was refused: its number and the error; never its content."""

    __tablename__ = "bulk_refusals"

    run_id: Mapped[Hex32] = mapped_column(ForeignKey("bulk_runs.id"), primary_key=True)
    row: Mapped[int] = mapped_column(RowNumber, primary_key=True, autoincrement=False)
    code: Mapped[str] = mapped_column(String(80))
    path: Mapped[str | None] = mapped_column(String(200))
    expected: Mapped[str | None] = mapped_column(String(200))
    found: Mapped[str | None] = mapped_column(String(200))
