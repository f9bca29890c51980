"""Checks of a card before anything is written: its record, and whether a decision allows it."""

from __future__ import annotations

import datetime

from icard_crypto.card.card import Card
from icard_crypto.errors import CardError, NotAllowed
from issuer.acts import Actor
from issuer.core import Core

from .plausible import check_plausible

__all__ = ["check_card", "require_direct"]

_CHINA = datetime.timezone(datetime.timedelta(hours=8))


def check_card(core: Core, card: Card) -> None:
    """Refuse a card that this issuer may not issue, before anything is written.

    Raises:
        CardError: ``card.*``, ``issue.region``.
    """
    card.check()
    check_plausible(card, datetime.datetime.fromtimestamp(core.clock.local(), _CHINA).date())
    places = {"permit.region": card.permit.region, "insurance.region": card.insurance and card.insurance.region}
    for path, region in places.items():
        if isinstance(region, str) and not core.issuer.covers_region(region):
            raise CardError("issue.region", path=path, expected="a region of this issuer", found=region)


def require_direct(core: Core, by: Actor | None = None) -> None:
    """Refuse a new card, or another record of one, that no approved application made.

    Raises:
        NotAllowed: ``issue.file_needed``.
    """
    if not (core.settings.direct_issuing or (by is not None and by.break_glass)):
        raise NotAllowed("issue.file_needed", path="card")
