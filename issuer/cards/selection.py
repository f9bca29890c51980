"""Select cards by signing key, status list, region, state or end.

Promises:

1. A card is found by the codes that serve now: issued, not replaced, of its newest generation. One that got new codes
   is found by these, and no longer by the key or list of the old ones.
2. Cards come in the order of their ids, page by page; memory does not grow with their number.
3. Only a region needs the record, which is then opened: whoever asks has that in the audit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from issuer.core import Core

from .models import CardRow, CodeRow
from .records import read_record

__all__ = ["CardLine", "Selection", "select_cards"]

_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Selection:
    """What is asked for; None: any.

    Args:
        key: thumbprint of the key that signed the codes in use, whole.
        list_name: name of the status list that they have their entries in.
        region: six digits of GB/T 2260, of the permit.
        status: of the card; None: all that are not revoked.
        ends_before: Unix time before which a code in use ends.
    """

    key: str | None = None
    list_name: str | None = None
    region: str | None = None
    status: Literal["active", "suspended", "revoked"] | None = None
    ends_before: int | None = None


@dataclass(frozen=True, slots=True)
class CardLine:
    """A card that was found; ``ends_at``: of its first code that ends, Unix time."""

    card_id: str
    status: str
    permit: str
    insurance: str
    key: str
    list_name: str
    ends_at: int


def select_cards(core: Core, wanted: Selection) -> Iterator[CardLine]:
    """The cards that fit, by id.

    Raises:
        StateError: ``database.*``, ``at_rest.*``.
    """
    last = ""
    while page := core.database.read(partial(_page, core, wanted, last)):
        last = page[-1][0]
        yield from (line for _, line in page if line is not None)


def _page(core: Core, wanted: Selection, after: str, session: Session) -> list[tuple[str, CardLine | None]]:
    """A page: each card's id, and what is reported of it; None: it does not fit."""
    serving = [
        CodeRow.card_id == CardRow.id,
        CodeRow.generation == CardRow.version,
        CodeRow.state == "issued",
        CodeRow.replaced.is_(False),
    ]
    fits = list(serving)
    if wanted.key is not None:
        fits.append(CodeRow.key == wanted.key)
    if wanted.list_name is not None:
        fits.append(CodeRow.list_name == wanted.list_name)
    if wanted.ends_before is not None:
        fits.append(CodeRow.expires_at < wanted.ends_before)
    status = CardRow.status != "revoked" if wanted.status is None else CardRow.status == wanted.status
    query = select(CardRow).where(CardRow.id > after, status, exists().where(*fits)).order_by(CardRow.id).limit(_PAGE)
    cards = session.scalars(query).all()
    codes: dict[str, CodeRow] = {}
    of_these = select(CodeRow).join(CardRow, CardRow.id == CodeRow.card_id).where(*serving)
    for code in session.scalars(of_these.where(CardRow.id.in_([card.id for card in cards]))):
        if code.card_id not in codes or code.expires_at < codes[code.card_id].expires_at:
            codes[code.card_id] = code
    return [(card.id, _line(core, wanted, card, codes[card.id])) for card in cards]


def _line(core: Core, wanted: Selection, card: CardRow, code: CodeRow) -> CardLine | None:
    if wanted.region is not None and read_record(core, card).permit.region != wanted.region:
        return None
    return CardLine(card.id, card.status, card.permit, card.insurance, code.key, code.list_name, code.expires_at)
