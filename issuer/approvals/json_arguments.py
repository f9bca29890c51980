"""JSON within a request for two people.

Promise: what the one checks the other signs. An object that names a member twice, or is nested too deeply, is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from icard_crypto.card.card import Card
from icard_crypto.encoding import strict_json
from icard_crypto.errors import Invalid

__all__ = ["card_of", "rule_of"]

#: Characters of a card's record, its photo included.
_LONGEST_CARD: Final = 200_000


def card_of(arguments: Mapping[str, Any]) -> Card:
    """The record ``card`` of a request.

    Raises:
        Invalid: ``account.field``.
        CardError: ``card.*``.
    """
    text = arguments["card"]
    try:
        read = strict_json.loads(text) if len(text) <= _LONGEST_CARD else None
    except ValueError:
        read = None
    if not isinstance(read, dict):
        raise Invalid("account.field", path="card", expected="a card's record, as JSON text")
    return Card.from_json(read)


def rule_of(arguments: Mapping[str, Any]) -> Any:
    """The row ``rule`` of a request.

    Raises:
        Invalid: ``rules.field``.
    """
    try:
        return strict_json.loads(arguments["rule"])
    except ValueError:
        raise Invalid("rules.field", path="rule", expected="JSON") from None
