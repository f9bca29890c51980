"""A card's record: its JSON, sealed in its row, and the keyed hashes by which it is found.

Promises:

1. The JSON is in the row only as :mod:`issuer.vault.at_rest` sealed it for that row.
2. People find what they mean: a number whatever its case and spaces; a name whatever its case in any script, composed
   or decomposed, with one space, several or a hyphen between its parts, with any apostrophe or none.
3. A record whose permit number a live card has already is refused before it is written.
4. A new record loses no field of the old one by omission: what it leaves out on purpose is named.
5. Whose card it is does not change step by step: beside the record stands, sealed with it, whom the card was made for
   when two people or an application last decided on it.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from icard_crypto.card.card import Card
from icard_crypto.errors import CardError, Conflict, NotFound
from issuer.core import Core
from issuer.db.base import literal_sql
from issuer.vault.at_rest import Place

from .models import CardLookup, CardRow

__all__ = [
    "Human",
    "another_person",
    "decided_for",
    "live_card",
    "needs_two",
    "normal",
    "read_record",
    "refuse_lost_fields",
    "search_keys",
    "write_record",
]

PERMIT: Final = "permit"
NAME: Final = "name"
_SPACES: Final = re.compile(r"[\s\u2010-\u2015\u2212-]+")
_DROPPED: Final = dict.fromkeys(
    map(ord, "\u0307\u200c\u200d'`\u00b4\u02b9\u02bb\u02bc\u02bd\u2018\u2019\u201b\u2032\uff07")
)


#: In a record beside the card's own fields.
_DECIDED: Final = "decided_for"


@dataclass(frozen=True, slots=True)
class Human:
    """What tells a card's holder from others."""

    name: str | None
    date_of_birth: str | None
    year_of_birth: int | None
    nationality: str | None

    @classmethod
    def of(cls, card: Card) -> Human:
        """Whose card it is."""
        holder = card.holder
        birth = None if holder.date_of_birth is None else holder.date_of_birth.isoformat()
        return cls(holder.name, birth, holder.year_of_birth, holder.nationality)

    def differs(self, other: Human) -> bool:
        """Whether these are two people: two of name, birth and nationality differ; one alone may be a slip."""
        births = [(each.date_of_birth, each.year_of_birth) for each in (self, other)]
        names = [normal(NAME, each.name or "") for each in (self, other)]
        return sum((names[0] != names[1], births[0] != births[1], self.nationality != other.nationality)) >= 2


def write_record(
    core: Core, session: Session, row: CardRow, card: Card, decided_for: Human | None = None
) -> list[CardLookup]:
    """Put the card's JSON into its row, sealed; the keyed hashes by which it is found are returned, not yet added.

    Args:
        decided_for: whose card it was when it was last decided on; None: as it says now.

    Raises:
        Conflict: ``issue.card_exists``.
    """
    told: dict[str, Any] = card.to_json()
    if decided_for is not None and decided_for != Human.of(card):
        told[_DECIDED] = asdict(decided_for)
    content = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
    row.record = core.at_rest.seal(Place("cards", "record", row.id), content)
    digests = search_keys(core, card)
    if digests.get(PERMIT) != row.permit_key:
        row.permit_key = digests.get(PERMIT)
        live = select(func.count()).where(
            CardRow.permit_key == row.permit_key, CardRow.status != literal_sql("revoked"), CardRow.id != row.id
        )
        with session.no_autoflush:
            if session.scalar(live):
                raise Conflict("issue.card_exists", path="permit.number")
    return [CardLookup(card_id=row.id, kind=kind, digest=digest) for kind, digest in digests.items()]


def search_keys(core: Core, card: Card) -> dict[str, str]:
    """The keyed hashes by which a card is found, by kind."""
    found_by = {PERMIT: card.permit.number, NAME: card.holder.name}
    return {
        kind: core.at_rest.digest(kind, normal(kind, value)) for kind, value in found_by.items() if value is not None
    }


def live_card(core: Core, session: Session, number: str) -> CardRow | None:
    """The live card of a permit number."""
    key = core.at_rest.digest(PERMIT, normal(PERMIT, number))
    return session.scalar(select(CardRow).where(CardRow.permit_key == key, CardRow.status != literal_sql("revoked")))


def read_record(core: Core, row: CardRow) -> Card:
    """The card that a row holds.

    Raises:
        NotFound: ``issue.no_card``: it was erased.
        StateError: ``at_rest.*``.
    """
    return _read(core, row)[0]


def decided_for(core: Core, row: CardRow) -> Human:
    """Whose card it was when two people or an application last decided on it (promise 5).

    Raises:
        StateError: as :func:`read_record`.
    """
    card, before = _read(core, row)
    return Human.of(card) if before is None else before


def _read(core: Core, row: CardRow) -> tuple[Card, Human | None]:
    content = json.loads(core.at_rest.open(Place("cards", "record", row.id), row.record))
    if not content:
        # A purge has been there: what is erased and what is not there are the same.
        raise NotFound("issue.no_card")
    before = content.pop(_DECIDED, None)
    return Card.from_json(content), None if before is None else Human(**before)


def normal(kind: str, value: str) -> str:
    """The form in which a value is hashed (promise 2)."""
    text = unicodedata.normalize("NFKC", value)
    if kind != NAME:
        return _SPACES.sub("", text).upper()
    # Case of all scripts; the dot that a capital I with dot leaves behind, joiners and apostrophes make no difference.
    folded = unicodedata.normalize("NFKC", text.casefold()).translate(_DROPPED)
    return _SPACES.sub(" ", folded).strip()


def needs_two(before: Card, after: Card, decided: Human) -> bool:
    """Whether a new record does what needs dual control: it ends sooner, or is another permit's or another person's.

    Args:
        decided: of :func:`decided_for`: one field after the other makes another person, too.
    """
    old, new = before.permit, after.permit
    sooner = old.valid_until is not None and new.valid_until is not None and new.valid_until < old.valid_until
    numbers = [normal(PERMIT, each.number) if each.number else None for each in (old, new)]
    other = another_person(before, after) or decided.differs(Human.of(after))
    return sooner or numbers[0] != numbers[1] or other


def another_person(before: Card, after: Card) -> bool:
    """Whether two records are of different people."""
    return Human.of(before).differs(Human.of(after))


def refuse_lost_fields(before: Card, after: Card, remove: Collection[str]) -> None:
    """Refuse a new record that lacks fields of the old one, unless ``remove`` names each, or the part it belongs to.

    Raises:
        CardError: ``card.lost_field`` with the first one's path, the others in ``also``.
    """
    lost = [path for path in _lost(before.to_json(), after.to_json(), "") if not _named(path, remove)]
    if not lost:
        return
    faults = [CardError("card.lost_field", path=path, expected="the field, or its path in remove") for path in lost]
    faults[0].also = tuple(faults[1:])
    raise faults[0]


def _lost(before: Mapping[str, Any], after: Mapping[str, Any], path: str) -> Iterator[str]:
    for name, value in before.items():
        place = f"{path}{name}"
        if name not in after:
            yield place
        elif isinstance(value, dict) and isinstance(after[name], dict):
            yield from _lost(value, after[name], f"{place}.")


def _named(path: str, remove: Collection[str]) -> bool:
    return any(path == name or path.startswith(f"{name}.") for name in remove)
