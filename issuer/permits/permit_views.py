"""Views of a permit: its terms, its end, reports and corrections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from issuer.core import Core

from .corrections import CorrectionView, corrections_of
from .ending import end_record
from .leaving import LeavingView, leaving_of
from .models import Permit, PermitEnd, PermitTerm
from .people import organisation_name, permit_name
from .terms import number_of, physical_until, read_term

__all__ = ["EndView", "PermitView", "PhysicalView", "TermView", "permit_view"]

_LIVE: Final = ("ACTIVE", "EXTENDED_BY_LAW")
#: Of the record of an end, what is for the service and the audit alone.
_HIDDEN = frozenset({"before", "confirmed_by", "stay_of"})


@dataclass(frozen=True, slots=True)
class TermView:
    """A stretch of a permit. ``employer``: its name when the term was added."""

    employer_id: str
    employer: str
    category: str
    post: str
    first: str
    until: str
    region: str
    ground: str


@dataclass(frozen=True, slots=True)
class EndView:
    """How a permit ended. ``record``: ground, legal basis, redress."""

    kind: str
    day: str
    record: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PhysicalView:
    """A physical permit from before the switch. ``valid``: it says what is on record, and may be used as it is."""

    until: date
    valid: bool


@dataclass(frozen=True, slots=True)
class PermitView:
    """A permit with its terms and ends, oldest first. ``name``: of its holder.

    ``leaving``: what the holder reported; ``readmitted``: whether two officers have let the person apply again after
    the permit was revoked or withdrawn.
    """

    permit_id: str
    name: str
    number: str
    state: str
    until: str
    interim_until: str | None
    card_id: str | None
    may_work: bool
    terms: list[TermView]
    ends: list[EndView]
    corrections: list[CorrectionView]
    physical: PhysicalView | None
    leaving: LeavingView | None
    readmitted: bool
    revision: int


def permit_view(core: Core, session: Session, row: Permit, employers: set[str] | None) -> PermitView:
    terms = session.scalars(select(PermitTerm).where(PermitTerm.permit_id == row.id).order_by(PermitTerm.number)).all()
    ends = session.scalars(select(PermitEnd).where(PermitEnd.permit_id == row.id).order_by(PermitEnd.number)).all()
    corrections = corrections_of(core, session, row.id)
    if employers is not None:
        terms = [term for term in terms if term.employer_id in employers]
        since = min((term.created_at for term in terms), default=row.changed_at)
        ends = [end for end in ends if end.at >= since]
        corrections = [one for one in corrections if one.at >= since]
    return PermitView(
        row.id,
        permit_name(core, session, row),
        number_of(core, row),
        row.state,
        row.until,
        row.interim_until,
        row.card_id,
        row.state in _LIVE,
        [
            TermView(
                term.employer_id,
                organisation_name(core, session, term.employer_id, term.created_at),
                term.category,
                str(read_term(core, term)["post"]),
                term.first,
                term.until,
                term.region,
                term.ground,
            )
            for term in terms
        ],
        [
            EndView(
                end.kind,
                end.day,
                {name: value for name, value in end_record(core, end).items() if name not in _HIDDEN},
            )
            for end in ends
        ],
        corrections,
        _physical(core, row, terms[-1]),
        leaving_of(session, row),
        row.readmitted_at is not None,
        row.revision,
    )


def _physical(core: Core, row: Permit, newest: PermitTerm) -> PhysicalView | None:
    """The physical permit; a later term is not printed on it."""
    until = physical_until(core, row)
    live = row.state in ("ACTIVE", "EXTENDED_BY_LAW")
    return None if until is None else PhysicalView(until, live and newest.ground == "import")
