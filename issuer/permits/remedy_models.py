"""The tables of hearings, reports of leaving, objections, and of clerical errors that were put right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from issuer.db.base import Base, Big, Hex32, Seconds, Word, sealed
from issuer.db.bound import Bound

from .columns import DayText, Region

__all__ = ["Hearing", "LeavingReport", "Objection", "PermitCorrection"]


class Hearing(Bound, Base):
    """A hearing about an end that is meant for a permit; ``record`` has reason and statement, sealed.

    ``end``: kind and ground; ``filing_id``: of a cancellation that the person did not sign; ``account_id``: the officer
    who began it.
    """

    __tablename__ = "hearings"
    bound = ("permit_id", "filing_id", "end", "state", "until", "record", "created_at")
    __table_args__ = (
        CheckConstraint("state in ('OPEN', 'HEARD', 'OVER')", name="state"),
        Index("ix_hearings_permit", "permit_id", "created_at"),
        Index("ix_hearings_until", "state", "until"),
    )

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    permit_id: Mapped[Hex32] = mapped_column(ForeignKey("permits.id"))
    filing_id: Mapped[Hex32 | None] = mapped_column(ForeignKey("filings.id"))
    end: Mapped[Word]
    state: Mapped[Word]
    until: Mapped[DayText]
    record: Mapped[bytes] = sealed()
    account_id: Mapped[Hex32 | None] = mapped_column(ForeignKey("accounts.id"))
    created_at: Mapped[Seconds]
    closed_at: Mapped[Seconds | None]


class LeavingReport(Bound, Base):
    """A holder's report of having left; ``day``: the last day of work."""

    __tablename__ = "leaving_reports"
    bound = ("permit_id", "day", "created_at")
    __table_args__ = (Index("ix_leaving_reports_permit", "permit_id", "created_at"),)

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    permit_id: Mapped[Hex32] = mapped_column(ForeignKey("permits.id"))
    day: Mapped[DayText]
    account_id: Mapped[Hex32] = mapped_column(ForeignKey("accounts.id"))
    created_at: Mapped[Seconds]


class Objection(Bound, Base):
    """An objection against a refused application (``filing_id``) or an end of a permit (``end_id``).

    ``open_key`` is what it is about while it is open. ``record`` has grounds and reasons, sealed.
    """

    __tablename__ = "objections"
    bound_earlier: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "0011": ("number", "state", "filing_id", "end_id", "permit_id", "account_id", "stayed", "record", "created_at")
    }
    bound = (*bound_earlier["0011"], "person_id", "organisation_id")
    bound_since = "0036"
    __table_args__ = (
        CheckConstraint(
            "state in ('LODGED', 'ADMITTED', 'INADMISSIBLE', 'UPHELD', 'ANNULLED', 'WITHDRAWN')", name="state"
        ),
        CheckConstraint("(filing_id is null) <> (end_id is null)", name="about"),
        Index("ix_objections_region", "region", "id"),
        Index("ix_objections_state", "state", "examined_due"),
        Index("ix_objections_permit", "permit_id"),
        Index("ix_objections_organisation", "organisation_id", "id"),
    )

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    number: Mapped[Word] = mapped_column(unique=True)
    state: Mapped[Word]
    region: Mapped[Region]
    filing_id: Mapped[Hex32 | None] = mapped_column(ForeignKey("filings.id"))
    end_id: Mapped[Hex32 | None] = mapped_column(ForeignKey("permit_ends.id"))
    permit_id: Mapped[Hex32 | None] = mapped_column(ForeignKey("permits.id"))
    account_id: Mapped[Hex32] = mapped_column(ForeignKey("accounts.id"))
    person_id: Mapped[Hex32] = mapped_column(ForeignKey("persons.id"))
    organisation_id: Mapped[Hex32 | None] = mapped_column(ForeignKey("organisations.id"))
    open_key: Mapped[Hex32 | None] = mapped_column(unique=True)
    lodged_on: Mapped[DayText]
    admitted_on: Mapped[DayText | None]
    examined_due: Mapped[DayText]
    decided_due: Mapped[DayText | None]
    prolonged: Mapped[int] = mapped_column(Integer)
    simple: Mapped[bool]
    stayed: Mapped[bool]
    record: Mapped[bytes] = sealed()
    revision: Mapped[Big] = mapped_column(BigInteger)
    created_at: Mapped[Seconds]
    changed_at: Mapped[Seconds]


class PermitCorrection(Bound, Base):
    """A clerical error that was put right; ``record`` has what stood there, what is there now, and why, sealed."""

    __tablename__ = "permit_corrections"
    bound = ("permit_id", "field", "record", "at")
    __table_args__ = (Index("ix_permit_corrections_permit", "permit_id", "at"),)

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    permit_id: Mapped[Hex32] = mapped_column(ForeignKey("permits.id"))
    field: Mapped[Word]
    record: Mapped[bytes] = sealed()
    account_id: Mapped[Hex32] = mapped_column(ForeignKey("accounts.id"))
    at: Mapped[Seconds]
