"""Columns of codes, what each row must say, and the bundle behind them; pytest is not needed for any of it.

Promises:

1. :func:`row_of` writes a verdict's row down from the verdict's public face alone, without :mod:`verifier.data`.
2. :func:`mutated` gives the same codes for the same seed: most differ from a good one in a character, a bit or a claim.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any, Final

from icard_crypto.card.card import Profile
from icard_crypto.encoding import envelope
from icard_crypto.signing import cose
from tests.kit import trust_domain
from tests.kit.publisher import ANCHOR, INDEX, NOW, code, packed, status, timestamp
from tests.kit.vector_verifiers import VECTORS, load, shown
from verifier import Policy, Verdict, Verifier
from verifier.data import BatchVerifier, map_batches

__all__ = [
    "ANCHOR",
    "BUNDLE",
    "CODES",
    "GATE",
    "HOUR",
    "NOW",
    "REVOKED",
    "expected",
    "job",
    "mutated",
    "row_of",
    "vector_codes",
]

HOUR: Final = 3600
REVOKED: Final = INDEX + 1
GATE: Final = Policy.named("gate")
BUNDLE: Final = packed(status(NOW - HOUR, {REVOKED: 1}), lists=[ANCHOR], stamp=timestamp(NOW - HOUR))

CODES: Final[tuple[str, ...]] = (
    code(),
    code(index=REVOKED, cti=b"\x02" * 8),
    code(profile=Profile.AUTHORITY, cti=b"\x03" * 8),
    trust_domain.code(Profile.AUTHORITY),
    code(key=trust_domain.OTHER_KEY),
    code(expires=NOW),
    code(permit={"region": "440300"}),
    code(issuer="cn.1"),
    code(not_before=NOW + 1),
    "https://example.com/",
    "IC1:a",
    "",
)


def job(**changes: Any) -> BatchVerifier:
    """A job over the bundle, good until changed."""
    given: dict[str, Any] = {"bundle": BUNDLE, "anchor": ANCHOR, "policy": GATE, "now": NOW}
    return map_batches(**given | changes)


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def row_of(verdict: Verdict | None) -> dict[str, Any] | None:
    """The row that a verdict must become, as Python values."""
    if verdict is None:
        return None
    evidence, claims, error = verdict.evidence, verdict.claims, verdict.error
    return {
        "outcome": verdict.outcome,
        "reason": str(verdict.reason),
        "also": [str(reason) for reason in verdict.also],
        "environment": verdict.environment,
        "issuer": evidence.issuer,
        "kid": evidence.kid,
        "cti": None if claims is None else claims.cti,
        "issued_at": None if claims is None else _moment(claims.issued_at),
        "expires_at": None if claims is None else _moment(claims.expires),
        "permit_state": verdict.permit.state,
        "insurance_state": verdict.insurance.state,
        "status_value": evidence.status_value,
        "status_issued_at": _moment(evidence.status_issued_at),
        "trust_version": evidence.trust_list_version,
        "error": None if error is None else {"code": error.code, "offset": error.offset},
    }


def expected(verifier: Verifier, codes: list[Any], now: int) -> list[dict[str, Any] | None]:
    """What each code's row must be: what ``verify`` says of it."""
    return [row_of(None if shown is None else verifier.verify(shown, now=now)) for shown in codes]


def vector_codes() -> list[str | bytes]:
    """What every vector shows: the valid, the refused and those of decisions."""
    folders = ("valid", "refuse", "decisions")
    return [shown(load(path)) for folder in folders for path in sorted((VECTORS / folder).glob("*.json"))]


def mutated(seed: int, count: int) -> list[str]:
    """Codes as hostile scans hold them."""
    chance = random.Random(seed)
    return [_mutated(chance, chance.choice(CODES[:8])) for _ in range(count)]


def _mutated(chance: random.Random, text: str) -> str:
    way = chance.randrange(6)
    place = chance.randrange(len(text))
    if way == 0:
        return text
    if way == 1:
        return text[:place] + chance.choice("0123456789ABCXYZ $%*+-./:a中\n") + text[place + 1 :]
    if way == 2:
        return text[:place]
    if way == 3:
        return text[:place] + text[place:] * 2
    token = bytearray(envelope.read(text).cose)
    if way == 4:
        token[chance.randrange(len(token))] ^= 1 << chance.randrange(8)
        return envelope.to_ic1(bytes(token))
    payload = bytearray(cose.parse_sign1(bytes(token)).payload)
    payload[chance.randrange(len(payload))] ^= 1 << chance.randrange(8)
    return envelope.to_ic1(trust_domain.signed(bytes(payload)))
