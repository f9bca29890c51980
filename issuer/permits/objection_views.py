"""Views of objections: number, state, deadlines, outcome with the ways of redress."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from issuer.accounts.principals import Principal
from issuer.core import Core
from issuer.db.pages import page_of

from .models import PermitEnd
from .objections import load_objection, read_objection
from .parties import objections_of, party_of
from .processes import OBJECTION
from .remedy_models import Objection

__all__ = ["ObjectionView", "list_objections", "show_objection"]


@dataclass(frozen=True, slots=True)
class ObjectionView:
    """An objection. Days are those of Beijing.

    ``end``: the kind of end that it is about; ``record``: grounds, reasons, and the ways of redress against the
    outcome; ``moves``: those that are possible for the viewer.
    """

    objection_id: str
    number: str
    state: str
    region: str
    filing_id: str | None
    permit_id: str | None
    end: str | None
    lodged_on: str
    admitted_on: str | None
    examined_due: str
    decided_due: str | None
    simple: bool
    stayed: bool
    record: Mapping[str, Any]
    moves: list[str]
    revision: int


def list_objections(core: Core, who: Principal, *, after: str = "", limit: int = 50) -> list[ObjectionView]:
    """A page of objections in the order of their ids.

    Args:
        after: the last id of the page before.
        limit: 1 to 201.

    Raises:
        NotAllowed: ``access.*``.
    """

    def look(session: Session) -> list[ObjectionView]:
        query = page_of(select(Objection).where(objections_of(core, session, who)), Objection.id, after, limit)
        return [_view(core, session, who, row) for row in session.scalars(query)]

    return core.database.read(look)


def show_objection(core: Core, who: Principal, objection_id: str) -> ObjectionView:
    """An objection.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``objection.none``.
    """

    def look(session: Session) -> ObjectionView:
        return _view(core, session, who, load_objection(core, session, who, objection_id))

    return core.database.read(look)


def _view(core: Core, session: Session, who: Principal, row: Objection) -> ObjectionView:
    end = session.get(PermitEnd, row.end_id) if row.end_id is not None else None
    return ObjectionView(
        row.id,
        row.number,
        row.state,
        row.region,
        row.filing_id,
        row.permit_id,
        end.kind if end else None,
        row.lodged_on,
        row.admitted_on,
        row.examined_due,
        row.decided_due,
        row.simple,
        row.stayed,
        read_objection(core, row),
        sorted({move.name for move in OBJECTION.allowed(row.state, party_of(who))}),
        row.revision,
    )
