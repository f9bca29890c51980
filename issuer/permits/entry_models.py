"""The tables of first entries, windows and reminders."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from issuer.db.base import Base, Big, Hex32, Seconds, Word, sealed
from issuer.db.bound import Bound

from .columns import DayText

__all__ = ["Booking", "Entry", "Reminder", "Slot"]


class Entry(Bound, Base):
    """What follows a first entry: originals at the window (B and C), and the residence permit. One of an activation.

    ``entered_on`` is the day of entry; ``originals`` how far showing them has come; ``residence`` the state of the
    residence permit as it was reported. ``record`` has notes and reasons, sealed.
    """

    __tablename__ = "entries"
    __table_args__ = (
        CheckConstraint("originals in ('NOT_NEEDED', 'DUE', 'OVERDUE', 'SHOWN', 'NOT_SHOWN')", name="originals"),
        CheckConstraint("residence in ('not_applied', 'applied', 'granted', 'refused')", name="residence"),
        Index("ix_entries_due", "originals", "originals_due"),
        Index("ix_entries_permit", "permit_id"),
    )
    bound = ("permit_id", "filing_id", "entered_on", "originals", "originals_due", "decided_by")

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    permit_id: Mapped[Hex32] = mapped_column(ForeignKey("permits.id"))
    filing_id: Mapped[Hex32] = mapped_column(ForeignKey("filings.id"), unique=True)
    entered_on: Mapped[DayText]
    originals: Mapped[Word]
    originals_due: Mapped[DayText | None]
    decided_by: Mapped[Hex32 | None] = mapped_column(ForeignKey("accounts.id"))
    residence: Mapped[Word]
    residence_on: Mapped[DayText | None]
    residence_due: Mapped[DayText]
    record: Mapped[bytes] = sealed()
    revision: Mapped[Big] = mapped_column(BigInteger)
    created_at: Mapped[Seconds]
    changed_at: Mapped[Seconds]


class Slot(Base):
    """A time at a window of an office, with so many places. ``starts_at``: Unix time."""

    __tablename__ = "slots"
    __table_args__ = (
        CheckConstraint("state in ('open', 'cancelled')", name="state"),
        CheckConstraint("places > 0", name="places"),
        UniqueConstraint("office_id", "window", "starts_at"),
        Index("ix_slots_starts", "office_id", "starts_at"),
    )

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    office_id: Mapped[Hex32] = mapped_column(ForeignKey("offices.id"))
    window: Mapped[Word]
    starts_at: Mapped[Seconds]
    minutes: Mapped[int] = mapped_column(Integer)
    places: Mapped[int] = mapped_column(Integer)
    state: Mapped[Word]
    created_at: Mapped[Seconds]


class Booking(Base):
    """A place of a slot that was taken for an entry; an entry has one at a time."""

    __tablename__ = "bookings"
    __table_args__ = (
        CheckConstraint("state in ('booked', 'cancelled', 'kept')", name="state"),
        Index(
            "uq_bookings_live",
            "entry_id",
            unique=True,
            sqlite_where=text("state = 'booked'"),
            postgresql_where=text("state = 'booked'"),
        ),
        Index("ix_bookings_slot", "slot_id", "state"),
    )

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    slot_id: Mapped[Hex32] = mapped_column(ForeignKey("slots.id"))
    entry_id: Mapped[Hex32] = mapped_column(ForeignKey("entries.id"))
    state: Mapped[Word]
    account_id: Mapped[Hex32 | None] = mapped_column(ForeignKey("accounts.id"))
    created_at: Mapped[Seconds]
    changed_at: Mapped[Seconds]


class Reminder(Base):
    """A reminder that was sent: about a permit, an employer's digest of a day, or a paper. Each is sent once.

    ``subject`` is the id of the permit, of the employer, or of the application with the paper's code; ``until`` the day
    that it was about.
    """

    __tablename__ = "reminders"
    __table_args__ = (UniqueConstraint("subject", "kind", "until"), Index("ix_reminders_day", "day", "employer_id"))

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(String(80))
    kind: Mapped[Word]
    until: Mapped[DayText]
    day: Mapped[DayText]
    employer_id: Mapped[Hex32 | None] = mapped_column(ForeignKey("organisations.id"))
    created_at: Mapped[Seconds]
