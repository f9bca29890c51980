"""Reading cards: one as it is, with its newest codes, and the ids of those that a number or a name belongs to.

Promises:

1. Reading changes nothing and stops no writer.
2. What is searched for is hashed under a key first; the database never sees a name or a number.
3. A code is verified again before it is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.card.card import Card, Profile
from icard_crypto.errors import Conflict, NotFound
from issuer.core import Core

from . import codes
from .codes import IssuedCode
from .models import CardLookup, CardRow, CodeRow
from .records import normal, read_record

__all__ = ["CardView", "find_cards", "newest_code", "require_found", "revision_of", "show", "statuses"]

T = TypeVar("T")
Kind = Literal["permit", "name"]


@dataclass(frozen=True, slots=True)
class CardView:
    """A card in its current state. ``codes`` are the newest generation's; ``entries`` every code's cti, state and
    entry.

    ``lost``: the holder has ended the newest codes, and no new ones were made yet.
    """

    card_id: str
    card: Card
    status: str
    permit: str
    insurance: str
    version: int
    revision: int
    codes: tuple[IssuedCode, ...]
    entries: tuple[tuple[str, Profile, str, int], ...]
    lost: bool = False


def require_found(found: T | None) -> T:
    """What was found of a card.

    Raises:
        NotFound: ``issue.no_card``: nothing was.
    """
    if found is None:
        raise NotFound("issue.no_card")
    return found


def show(core: Core, card_id: str) -> CardView:
    """A card in its current state, with its newest codes.

    Raises:
        NotFound: ``issue.no_card``.
    """

    def look(session: Session) -> CardView:
        row = require_found(session.get(CardRow, card_id))
        every = session.scalars(
            select(CodeRow).where(CodeRow.card_id == card_id).order_by(CodeRow.generation, CodeRow.profile, CodeRow.cti)
        ).all()
        newest = [code for code in every if code.generation == max(each.generation for each in every)]
        lost = row.status != "revoked" and any(code.replaced for code in newest)
        return CardView(
            card_id,
            read_record(core, row),
            row.status,
            row.permit,
            row.insurance,
            row.version,
            row.revision,
            () if lost else tuple(codes.hand_out(core, session, newest)),
            tuple((code.cti, Profile(code.profile), code.state, code.value) for code in every),
            lost,
        )

    return core.database.read(look)


def newest_code(core: Core, card_id: str, profile: Profile) -> IssuedCode | None:
    """The code of a card's newest generation for one profile; None: it is not signed yet.

    Raises:
        NotFound: ``issue.no_card``.
        Conflict: ``issue.codes_ended``: the holder has ended them.
    """

    def look(session: Session) -> IssuedCode | None:
        row = require_found(session.get(CardRow, card_id))
        query = select(CodeRow).where(
            CodeRow.card_id == card_id, CodeRow.generation == row.version, CodeRow.profile == profile
        )
        rows = session.scalars(query.order_by(CodeRow.cti)).all()
        if row.status != "revoked" and any(code.replaced for code in rows):
            raise Conflict("issue.codes_ended")
        found = codes.hand_out(core, session, rows)
        return found[0] if found else None

    return core.database.read(look)


def find_cards(core: Core, kind: Kind, value: str) -> list[str]:
    """The ids of the cards with this permit number or holder's name, found by a keyed hash."""
    return sorted(statuses(core, kind, value))


def statuses(core: Core, kind: Kind, value: str) -> dict[str, str]:
    """The cards with this permit number or holder's name: id to status."""
    digest = core.at_rest.digest(kind, normal(kind, value))
    query = (
        select(CardRow.id, CardRow.status)
        .join(CardLookup, CardLookup.card_id == CardRow.id)
        .where(CardLookup.kind == kind, CardLookup.digest == digest)
    )
    return core.database.read(lambda session: dict(session.execute(query).all()))


def revision_of(core: Core, card_id: str) -> int:
    """The revision of a card.

    Raises:
        NotFound: ``issue.no_card``.
    """
    query = select(CardRow.revision).where(CardRow.id == card_id)
    return require_found(core.database.read(lambda session: session.scalar(query)))
