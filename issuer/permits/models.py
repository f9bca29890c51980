"""The tables of permits: documents of persons, employers, offices, applications, permits and their terms.

Promises, kept by the database's own constraints:

1. An identity document appears once, by kind, issuing state and number; a permit number is one person's for life.
2. A person has one open application of a kind. A notification's token works once.
3. Names, numbers, posts and reasons are in sealed columns; days are ISO texts, which compare as dates do.
4. Rows are locked in the order persons, employers, applications, papers, permits, notifications, then cards and what
   follows them in :mod:`issuer.cards.models`; the audit's head is always the last.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from issuer.db.base import Base, Big, Hex32, Hex64, Seconds, Word, sealed
from issuer.db.bound import Bound

from .columns import DayText, Region
from .entry_models import Booking, Entry, Reminder, Slot
from .remedy_models import Hearing, LeavingReport

__all__ = [
    "Booking",
    "Employer",
    "Entry",
    "Filing",
    "FilingEvent",
    "FilingTaken",
    "Hearing",
    "LeavingReport",
    "Notification",
    "Office",
    "OfficeMember",
    "Paper",
    "Permit",
    "PermitEnd",
    "PermitTerm",
    "PersonDocument",
    "Reminder",
    "Slot",
    "Upload",
]

_OPEN: Final = "state in ('SUBMITTED', 'RETURNED', 'PRE_REVIEWED', 'ACCEPTED')"


class PersonDocument(Bound, Base):
    """A passport or another document of a person. ``digest`` is the keyed hash of kind, state and number."""

    __tablename__ = "person_documents"
    bound = ("person_id", "kind", "digest", "until")
    bound_since = "0017"
    __table_args__ = (Index("ix_person_documents_person", "person_id"),)

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    person_id: Mapped[Hex32] = mapped_column(ForeignKey("persons.id"))
    kind: Mapped[Word]
    digest: Mapped[Hex64] = mapped_column(unique=True)
    record: Mapped[bytes] = sealed()
    until: Mapped[DayText | None]
    created_at: Mapped[Seconds]


class Employer(Bound, Base):
    """What an officer found about an organisation that employs: region, licence, and whether it may file.

    ``taken_over_at``: when all who worked for a merged employer had followed to the one that it was merged into.
    """

    __tablename__ = "employers"
    bound = ("state", "region", "licence_until", "merged_into")
    bound_since = "0017"
    __table_args__ = (
        CheckConstraint("state in ('pending', 'verified', 'suspended', 'ceased', 'merged')", name="state"),
        Index(
            "ix_employers_merged_into",
            "merged_into",
            sqlite_where=text("merged_into is not null"),
            postgresql_where=text("merged_into is not null"),
        ),
    )

    organisation_id: Mapped[Hex32] = mapped_column(ForeignKey("organisations.id"), primary_key=True)
    state: Mapped[Word]
    region: Mapped[Region]
    licence_until: Mapped[DayText | None]
    merged_into: Mapped[Hex32 | None] = mapped_column(ForeignKey("organisations.id"))
    taken_over_at: Mapped[Seconds | None]
    revision: Mapped[Big]
    changed_at: Mapped[Seconds]


class Office(Bound, Base):
    """An office serves its region and what lies below."""

    __tablename__ = "offices"
    bound = ("region",)
    bound_since = "0017"

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    region: Mapped[Region] = mapped_column(unique=True)
    name_en: Mapped[str] = mapped_column(String(200))
    name_zh: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[Seconds]


class OfficeMember(Bound, Base):
    """The office that an official's account belongs to."""

    __tablename__ = "office_members"
    bound = ("office_id",)
    bound_since = "0017"
    __table_args__ = (Index("ix_office_members_office", "office_id"),)

    account_id: Mapped[Hex32] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    office_id: Mapped[Hex32] = mapped_column(ForeignKey("offices.id"))


class Filing(Bound, Base):
    """An application. ``record`` is what was filed, sealed; days of the clock are beside it.

    ``filer``: employer, agency, or person. ``first_since``: the day since when it is first in the queue;
    ``pauses``: first and last days that do not count, ``2026-03-02/2026-03-06``, separated by spaces.

    ``rules_on`` is the day whose rules it keeps. ``open_key`` is the keyed hash of person and process.
    """

    __tablename__ = "filings"
    bound = (
        "process",
        "state",
        "region",
        "employer_id",
        "agency_id",
        "person_id",
        "permit_id",
        "rules_on",
        "submitted_on",
        "accepted_on",
        "decided_on",
        "pre_review_due",
        "defects_due",
        "decision_due",
        "promised_due",
        "answer_due",
        "prolonged",
        "returns",
        "filer",
    )
    bound_since = "0017"
    __table_args__ = (
        CheckConstraint(
            "state in ('DRAFT', 'SUBMITTED', 'RETURNED', 'PRE_REVIEWED', 'ACCEPTED', 'APPROVED', 'REFUSED', "
            "'WITHDRAWN', 'LAPSED')",
            name="state",
        ),
        Index(
            "uq_filings_open",
            "open_key",
            unique=True,
            sqlite_where=text(_OPEN),
            postgresql_where=text(_OPEN),
        ),
        Index("ix_filings_employer", "employer_id", "id"),
        Index("ix_filings_person", "person_id"),
        Index("ix_filings_permit", "permit_id"),
        Index("ix_filings_region", "region", "state", "id"),
        Index("ix_filings_state", "state", "defects_due"),
    )

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    process: Mapped[Word]
    state: Mapped[Word]
    region: Mapped[Region]
    filer: Mapped[Word] = mapped_column(server_default="employer")
    employer_id: Mapped[Hex32] = mapped_column(ForeignKey("organisations.id"))
    agency_id: Mapped[Hex32 | None] = mapped_column(ForeignKey("organisations.id"))
    person_id: Mapped[Hex32 | None] = mapped_column(ForeignKey("persons.id"))
    permit_id: Mapped[Hex32 | None] = mapped_column(ForeignKey("permits.id"))
    open_key: Mapped[Hex64 | None]
    record: Mapped[bytes] = sealed()
    rules_on: Mapped[DayText | None]
    submitted_on: Mapped[DayText | None]
    accepted_on: Mapped[DayText | None]
    decided_on: Mapped[DayText | None]
    pre_review_due: Mapped[DayText | None]
    defects_due: Mapped[DayText | None]
    decision_due: Mapped[DayText | None]
    promised_due: Mapped[DayText | None]
    answer_due: Mapped[DayText | None]
    delivered_on: Mapped[DayText | None]
    first_since: Mapped[DayText | None]
    pauses: Mapped[str | None] = mapped_column(String(1000))
    prolonged: Mapped[int] = mapped_column(Integer)
    returns: Mapped[int] = mapped_column(Integer)
    revision: Mapped[Big] = mapped_column(BigInteger)
    created_at: Mapped[Seconds]
    changed_at: Mapped[Seconds]


class FilingEvent(Bound, Base):
    """A move of an application: which, when, by whom; ``record`` has defects, reasons and citations, sealed."""

    __tablename__ = "filing_events"
    bound = ("filing_id", "number", "move", "source", "target", "party", "account_id", "at")
    bound_since = "0017"
    __table_args__ = (UniqueConstraint("filing_id", "number"),)

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    filing_id: Mapped[Hex32] = mapped_column(ForeignKey("filings.id"))
    number: Mapped[int] = mapped_column(Integer)
    move: Mapped[Word]
    source: Mapped[Word]
    target: Mapped[Word]
    party: Mapped[Word]
    account_id: Mapped[Hex32 | None] = mapped_column(ForeignKey("accounts.id"))
    record: Mapped[bytes] = sealed()
    at: Mapped[Seconds]


class FilingTaken(Base):
    """Who works on an application; a row of another account takes its place."""

    __tablename__ = "filings_taken"

    filing_id: Mapped[Hex32] = mapped_column(ForeignKey("filings.id"), primary_key=True)
    account_id: Mapped[Hex32] = mapped_column(ForeignKey("accounts.id"))
    at: Mapped[Seconds]


class Paper(Bound, Base):
    """A material of an application as it was handed in, or a commitment to hand it in later; one of a code."""

    __tablename__ = "papers"
    bound = ("filing_id", "code", "state", "committed_until", "decided_by", "decided_at", "created_at")
    bound_since = "0017"
    __table_args__ = (
        CheckConstraint("state in ('UNCHECKED', 'VERIFIED', 'REJECTED', 'FORGED')", name="state"),
        UniqueConstraint("filing_id", "code"),
    )

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    filing_id: Mapped[Hex32] = mapped_column(ForeignKey("filings.id"))
    code: Mapped[Word]
    state: Mapped[Word]
    committed_until: Mapped[DayText | None]
    record: Mapped[bytes] = sealed()
    decided_by: Mapped[Hex32 | None] = mapped_column(ForeignKey("accounts.id"))
    decided_at: Mapped[Seconds | None]
    created_at: Mapped[Seconds]


class Upload(Bound, Base):
    """A file of a paper. Its content lies outside the database, under ``key``, which is sealed.

    ``digest`` is the keyed hash of the content's SHA-256.
    """

    __tablename__ = "uploads"
    __table_args__ = (Index("ix_uploads_filing", "filing_id", "code"),)
    bound = ("filing_id", "code", "digest", "media_type", "size", "pages", "account_id", "created_at")

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    filing_id: Mapped[Hex32] = mapped_column(ForeignKey("filings.id"))
    code: Mapped[Word]
    digest: Mapped[Hex64]
    media_type: Mapped[Word]
    size: Mapped[Big]
    pages: Mapped[int] = mapped_column(Integer)
    key: Mapped[bytes] = sealed()
    account_id: Mapped[Hex32] = mapped_column(ForeignKey("accounts.id"))
    created_at: Mapped[Seconds]


class Permit(Bound, Base):
    """A person's permit, one row for life. ``number_key`` is the keyed hash of the number, which ``record`` has.

    ``employer_id``, ``region`` and ``until`` are those of the newest term; ``interim_until`` is the last day of the
    newest interim code; ``readmitted_at``: when two officers let the person apply again after a grave end;
    ``restored_by``: the objection by which it came back.
    """

    __tablename__ = "permits"
    bound = (
        "person_id",
        "number_key",
        "state",
        "employer_id",
        "region",
        "until",
        "interim_until",
        "card_id",
        "readmitted_at",
    )
    bound_since = "0017"
    __table_args__ = (
        CheckConstraint(
            "state in ('GRANTED', 'ACTIVE', 'EXTENDED_BY_LAW', 'EXPIRED', 'CANCELLED', 'REVOKED', 'WITHDRAWN', "
            "'LICENCE_WITHDRAWN', 'DEAD')",
            name="state",
        ),
        Index("ix_permits_until", "state", "until"),
        Index("ix_permits_employer", "employer_id", "id"),
        Index("ix_permits_region", "region", "id"),
    )

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    person_id: Mapped[Hex32] = mapped_column(ForeignKey("persons.id"), unique=True)
    number_key: Mapped[Hex64] = mapped_column(unique=True)
    record: Mapped[bytes] = sealed()
    state: Mapped[Word]
    employer_id: Mapped[Hex32] = mapped_column(ForeignKey("organisations.id"))
    region: Mapped[Region]
    until: Mapped[DayText]
    interim_until: Mapped[DayText | None]
    card_id: Mapped[Hex32 | None] = mapped_column(ForeignKey("cards.id"))
    readmitted_at: Mapped[Seconds | None]
    restored_by: Mapped[Hex32 | None]
    revision: Mapped[Big] = mapped_column(BigInteger)
    created_at: Mapped[Seconds]
    changed_at: Mapped[Seconds]


class PermitTerm(Bound, Base):
    """A stretch of a permit: employer, category, first and last day, region; ``record`` has the post, sealed."""

    __tablename__ = "permit_terms"
    bound = ("permit_id", "number", "employer_id", "category", "first", "until", "region", "ground", "filing_id")
    bound_since = "0017"
    __table_args__ = (
        UniqueConstraint("permit_id", "number"),
        Index("ix_permit_terms_employer", "employer_id", "permit_id"),
    )

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    permit_id: Mapped[Hex32] = mapped_column(ForeignKey("permits.id"))
    number: Mapped[int] = mapped_column(Integer)
    employer_id: Mapped[Hex32] = mapped_column(ForeignKey("organisations.id"))
    category: Mapped[Word]
    first: Mapped[DayText]
    until: Mapped[DayText]
    region: Mapped[Region]
    ground: Mapped[Word]
    filing_id: Mapped[Hex32 | None] = mapped_column(ForeignKey("filings.id"))
    record: Mapped[bytes] = sealed()
    created_at: Mapped[Seconds]


class PermitEnd(Bound, Base):
    """How a permit ended: one of six kinds, with ground, legal basis and redress in ``record``, sealed."""

    __tablename__ = "permit_ends"
    bound = ("permit_id", "number", "kind", "day", "filing_id", "account_id")
    bound_since = "0017"
    __table_args__ = (
        CheckConstraint(
            "kind in ('expired', 'cancelled', 'revoked', 'withdrawn', 'licence_withdrawn', 'dead')", name="kind"
        ),
        UniqueConstraint("permit_id", "number"),
    )

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    permit_id: Mapped[Hex32] = mapped_column(ForeignKey("permits.id"))
    number: Mapped[int] = mapped_column(Integer)
    kind: Mapped[Word]
    day: Mapped[DayText]
    filing_id: Mapped[Hex32 | None] = mapped_column(ForeignKey("filings.id"))
    account_id: Mapped[Hex32 | None] = mapped_column(ForeignKey("accounts.id"))
    record: Mapped[bytes] = sealed()
    at: Mapped[Seconds]


class Notification(Bound, Base):
    """The notification of a first entry; its one-time token is found by its hash and kept sealed for the applicant."""

    __tablename__ = "notifications"
    bound = ("filing_id", "permit_id", "token_hash", "state", "until")
    bound_since = "0017"
    __table_args__ = (
        CheckConstraint("state in ('ISSUED', 'USED', 'EXPIRED')", name="state"),
        Index("ix_notifications_until", "state", "until"),
    )

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    filing_id: Mapped[Hex32] = mapped_column(ForeignKey("filings.id"), unique=True)
    permit_id: Mapped[Hex32] = mapped_column(ForeignKey("permits.id"))
    token_hash: Mapped[Hex64] = mapped_column(unique=True)
    token: Mapped[bytes] = sealed()
    state: Mapped[Word]
    until: Mapped[DayText]
    created_at: Mapped[Seconds]
    used_at: Mapped[Seconds | None]
