"""Requests to :mod:`issuer.cards` and its results, as values."""

from __future__ import annotations

from dataclasses import dataclass

from icard_crypto.card.card import Card
from issuer.db.idempotency import Request

from .codes import IssuedCode

__all__ = ["IssuedCard", "NewCard", "Reissue"]


@dataclass(frozen=True, slots=True)
class NewCard:
    """A card to issue. ``photo``: whether its picture goes into the codes. ``request``: for idempotency.

    ``holder``: the person's id, ``employer``: the organisation's, where they are known to the service.
    """

    card: Card
    photo: bool = True
    request: Request | None = None
    holder: str | None = None
    employer: str | None = None


@dataclass(frozen=True, slots=True)
class IssuedCard:
    """A card's id and the codes that were made together, public to authority."""

    card_id: str
    generation: int
    codes: tuple[IssuedCode, ...]


@dataclass(frozen=True, slots=True)
class Reissue:
    """New codes for a card on record. ``card``: what it says from now on, None: as before.

    ``revision``: the only one of the card that this is meant for. ``remove``: paths of fields, such as ``insurance`` or
    ``holder.photo``, that the record has and ``card`` may lack.
    """

    card_id: str
    card: Card | None = None
    request: Request | None = None
    revision: int | None = None
    remove: frozenset[str] = frozenset()
