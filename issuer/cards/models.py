"""The tables of cards.

Promises, kept by the database's own constraints:

1. An index of a status list is given once: (list, index) is unique among codes, and a code's row is never deleted.
2. One live card for a permit number, one code for a cti.
3. Rows are locked in the order cards, codes, keys, lists, meta, audit head; the head is always the last.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    event,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, object_session

from issuer.db.base import Base, Big, Hex32, Hex64, Name, Seconds, Small, Word, sealed
from issuer.db.bound import Bound

__all__ = ["CardLookup", "CardParty", "CardRow", "CodeRow", "LookupDeferral", "OnlineLookup"]


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
        Index(
            "ix_cards_withdrawn_permit",
            "permit_key",
            sqlite_where=text("standing = 'revoked'"),
            postgresql_where=text("standing = 'revoked'"),
        ),
    )

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    permit_key: Mapped[Hex64 | None]
    record: Mapped[bytes] = sealed()
    status: Mapped[Word] = mapped_column("standing")
    permit: Mapped[Word]
    insurance: Mapped[Word]
    photo: Mapped[bool] = mapped_column(Boolean)
    version: Mapped[Big]
    revision: Mapped[Big] = mapped_column(BigInteger, default=1, server_default="1")
    created_at: Mapped[Seconds]
    changed_at: Mapped[Seconds]


@event.listens_for(CardRow, "before_update")
def _revise(_mapper: object, _connection: object, row: CardRow) -> None:
    """Raise the revision with every change, so that no caller can forget it."""
    session = object_session(row)
    if session is not None and session.is_modified(row):
        row.revision += 1


class CardLookup(Base):
    """A keyed hash by which a card is found: permit number, name, later passport and insurance number."""

    __tablename__ = "card_lookups"
    __table_args__ = (Index("ix_card_lookups_digest", "kind", "digest"),)

    card_id: Mapped[Hex32] = mapped_column(ForeignKey("cards.id"), primary_key=True)
    kind: Mapped[Word] = mapped_column(primary_key=True)
    digest: Mapped[Hex64] = mapped_column(primary_key=True)


class CodeRow(Bound, Base):
    """One signed code of one profile: first an intent with its exact payload, then issued, or burnt.

    ``payload`` is there while the code is an intent or when it was burnt, ``cose`` once it is issued; both sealed.
    Codes made together have one ``generation``, the card's version then.
    ``value`` is the status entry, kept equal to :func:`issuer.status.entry.status_entry` by whoever changes the card.
    Bound is whose code it is: whoever sees a card is handed the codes of that card.
    """

    __tablename__ = "codes"
    bound = ("card_id", "generation", "profile")
    bound_since = "0034"
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


class OnlineLookup(Base):
    """An official looked at a record online; its holder sees this row. The official's account is never shown to them.

    ``card_id`` is None where the person was looked at beside any card, ``person_id`` where nobody is known to hold the
    card; rows of earlier versions have no purpose. ``deferral_id``: an inquiry keeps it back until its day.
    """

    __tablename__ = "online_lookups"
    __table_args__ = (
        Index("ix_online_lookups_card", "card_id", "at", "id"),
        Index("ix_online_lookups_person", "person_id", "at", "id"),
        Index("ix_online_lookups_at", "at", "id"),
        Index(
            "ix_online_lookups_deferral",
            "deferral_id",
            "at",
            sqlite_where=text("deferral_id is not null"),
            postgresql_where=text("deferral_id is not null"),
        ),
    )

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    card_id: Mapped[Hex32 | None] = mapped_column(ForeignKey("cards.id"))
    person_id: Mapped[Hex32 | None] = mapped_column(ForeignKey("persons.id"))
    account_id: Mapped[Hex32] = mapped_column(ForeignKey("accounts.id"))
    role: Mapped[Word]
    way: Mapped[Word]
    purpose: Mapped[str | None] = mapped_column(String(80))
    deferral_id: Mapped[Hex32 | None] = mapped_column(ForeignKey("lookup_deferrals.id"))
    at: Mapped[Seconds]


class LookupDeferral(Bound, Base):
    """Look-ups at a person's record by one official are kept from the person until ``ends_at``. ``law``: sealed."""

    __tablename__ = "lookup_deferrals"
    bound = ("person_id", "account_id", "begins_at", "ends_at", "revealed_at")
    __table_args__ = (
        Index("ix_lookup_deferrals_person", "person_id", "ends_at"),
        Index("ix_lookup_deferrals_ends", "revealed_at", "ends_at"),
    )

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    person_id: Mapped[Hex32] = mapped_column(ForeignKey("persons.id"))
    account_id: Mapped[Hex32] = mapped_column(ForeignKey("accounts.id"))
    law: Mapped[bytes] = sealed()
    begins_at: Mapped[Seconds]
    ends_at: Mapped[Seconds]
    revealed_at: Mapped[Seconds | None]


class CardParty(Bound, Base):
    """Whose card it is: its holder, and the employer who looks after it."""

    __tablename__ = "card_parties"
    bound = ("holder_id", "employer_id")
    __table_args__ = (
        Index("ix_card_parties_holder", "holder_id"),
        Index("ix_card_parties_employer", "employer_id"),
    )

    card_id: Mapped[Hex32] = mapped_column(ForeignKey("cards.id"), primary_key=True)
    holder_id: Mapped[Hex32 | None] = mapped_column(ForeignKey("persons.id"))
    employer_id: Mapped[Hex32 | None] = mapped_column(ForeignKey("organisations.id"))
