"""The reference card: an invented engineer from Germany in Shanghai, used by tests, benchmarks and vectors.

Her name has 24 characters, her name in Chinese 5, the status uri 28: the sizes that the targets are stated for.
"""

from __future__ import annotations

import json
from pathlib import Path

from icard_crypto.card.card import Card, Profile
from icard_crypto.card.claims import CardClaims, StatusRef
from icard_crypto.card.issuing import issue_claims

__all__ = ["CTI", "ISSUED_AT", "ISSUER", "STATUS", "reference_card", "reference_claims"]

ISSUER = "cn.310000"
#: 2026-10-08T02:00:00Z.
ISSUED_AT = 1_791_424_800
STATUS = StatusRef(uri="https://icard.example/s/k7Qd", index=48_231)
CTI = bytes.fromhex("6f1d0a93c25be847")

_FILE = Path(__file__).parent.parent / "vectors" / "cards" / "reference.json"


def reference_card() -> Card:
    """The card with everything an authority may see."""
    return Card.from_json(json.loads(_FILE.read_text("utf-8")))


def reference_claims(profile: Profile = Profile.PUBLIC) -> CardClaims:
    """The claims of the reference card's code for one profile."""
    return issue_claims(reference_card(), profile, issuer=ISSUER, issued_at=ISSUED_AT, status=STATUS, cti=CTI)
