"""Cards under what was published: the stricter of a database's and a token's entries, as states of the record.

Promises:

1. No entry becomes milder. A revoked card is revoked again, a suspended one suspended, a replaced code replaced, a
   permit or an insurance that did not stand is not; whoever knows better changes it back as always.
2. An entry that reads revoked because the code was burnt burns the code and leaves the card; a card all of whose codes
   read revoked, or one that had been issued, is revoked.
3. Entries are recomputed from the record, as after any change.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.lists.entry_values import BOTH, GOOD, INSURANCE_LAPSED, PERMIT_SUSPENDED, REPLACED, REVOKED, SUSPENDED
from issuer.cards import codes
from issuer.cards.models import CardRow, CodeRow

__all__ = ["Known", "apply_published", "stricter"]

_CHUNK: Final = 500
_PRECEDENCE: Final = (REVOKED, REPLACED, SUSPENDED, BOTH, PERMIT_SUSPENDED, INSURANCE_LAPSED, GOOD)


@dataclass
class Known:
    """Of a list's published entries: the indexes that are on record, the cards that changed, and those without a code
    that serves.
    """

    indexes: set[int] = field(default_factory=set)
    changed: list[str] = field(default_factory=list)
    unserved: list[str] = field(default_factory=list)


def stricter(one: int, other: int) -> int:
    """The stricter of two entries by the format's precedence; both lapses together are an entry of their own."""
    if {one, other} == {PERMIT_SUSPENDED, INSURANCE_LAPSED}:
        return BOTH
    return min(one, other, key=lambda value: _PRECEDENCE.index(value) if value in _PRECEDENCE else -1)


def apply_published(session: Session, list_name: str, told: Mapping[int, int], now: int) -> Known:
    """Bring the cards of one list up to its published entries, ``told`` by index, those other than 0. ``now`` is Unix
    time.
    """
    known = Known()
    indexes = iter(sorted(told))
    while chunk := list(islice(indexes, _CHUNK)):
        query = select(CodeRow.card_id, CodeRow.idx).where(CodeRow.list_name == list_name, CodeRow.idx.in_(chunk))
        found = session.execute(query).all()
        known.indexes.update(index for _, index in found)
        for card_id in sorted({card_id for card_id, _ in found}):
            row = session.get_one(CardRow, card_id, with_for_update=True)
            own = session.scalars(select(CodeRow).where(CodeRow.card_id == card_id).order_by(CodeRow.cti)).all()
            before = [code.value for code in own]
            _apply(row, own, {code.cti: told[code.idx] for code in own if _is_told(code, list_name, told)})
            for code in own:
                code.value = codes.entry_of(row, code)
            if before != [code.value for code in own]:
                row.changed_at = now
                known.changed.append(card_id)
                if row.status != "revoked" and not _serves(own):
                    known.unserved.append(card_id)
        session.flush()
    return known


def _is_told(code: CodeRow, list_name: str, told: Mapping[int, int]) -> bool:
    return code.list_name == list_name and code.idx in told


def _apply(row: CardRow, own: Sequence[CodeRow], told: Mapping[str, int]) -> None:
    values: dict[int, list[CodeRow]] = defaultdict(list)
    for code in own:
        if code.state != "burnt" and told.get(code.cti, GOOD) != GOOD:
            values[told[code.cti]].append(code)
    # 2
    fallen = values[REVOKED]
    whole = all(told.get(code.cti, code.value) == REVOKED for code in own)
    if any(code.state == "issued" for code in fallen) or (fallen and whole):
        row.status = "revoked"
    else:
        for code in fallen:
            code.state = "burnt"
    # 1
    if values[SUSPENDED] and row.status == "active":
        row.status = "suspended"
    for code in values[REPLACED]:
        code.replaced = True
    if values[PERMIT_SUSPENDED] or values[BOTH]:
        row.permit = "suspended"
    if values[INSURANCE_LAPSED] or values[BOTH]:
        row.insurance = "lapsed"


def _serves(own: Sequence[CodeRow]) -> bool:
    """Whether the newest codes still serve; suspended ones do, once the suspension ends."""
    newest = max(code.generation for code in own)
    return any(code.generation == newest and code.state != "burnt" and not code.replaced for code in own)
