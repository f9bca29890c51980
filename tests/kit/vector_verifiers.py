"""The vectors of ``tests/vectors`` that give verdicts, and a verifier for each; pytest is not needed for them."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from verifier import Policy, Revocation, Timestamp, TrustDomain, TrustedKey, TrustListFacts, Verifier

__all__ = ["VECTORS", "decision_verifier", "load", "shown", "trusting_verifier"]

VECTORS = Path(__file__).parent.parent / "vectors"


def load(path: Path) -> dict[str, Any]:
    """A vector."""
    loaded: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return loaded


def shown(vector: dict[str, Any]) -> str | bytes:
    """What a vector shows a reader."""
    return vector["text"] if "text" in vector else bytes.fromhex(vector["hex"])


def trusting_verifier() -> Verifier:
    """Trusts the card keys of the vectors; asks for no status."""
    keys = [
        {
            "iss": "cn.310000",
            "names": {"en": "Shanghai", "zh": "上海"},
            "regions": ["310000"],
            "status_prefixes": ["https://icard.example/s/"],
            "usage": "card",
            "from": "2026-01-01T00:00:00Z",
            "key": {"cose_key": entry["cose_key"]},
        }
        for name, entry in load(VECTORS / "keys.json")["keys"].items()
        if name.startswith("card-")
    ]
    trusted = json.dumps({"environment": "test", "keys": keys}).encode()
    return Verifier(TrustDomain.from_trusted_file(trusted), Policy.named("unsafe_no_status"))


def decision_verifier(vector: dict[str, Any]) -> Verifier:
    """The verifier of a vector of ``decisions``: what it trusts, what it knows, and its policy."""
    domains = [] if vector["trusted"] is None else [_domain(vector)]
    return Verifier(domains, Policy.from_dict(vector["policy"]))


@dataclass(frozen=True)
class _StatusList:
    """A status list that is already verified, as a decision's vector states it."""

    iat: int
    exp: int
    size: int
    key_thumbprint: bytes
    entries: dict[int, int]

    def get(self, index: int, /) -> int:
        return self.entries.get(index, 0)


def _status_list(stated: dict[str, Any]) -> _StatusList:
    entries = {int(index): value for index, value in stated["entries"].items()}
    return _StatusList(stated["iat"], stated["exp"], stated["size"], bytes.fromhex(stated["key"]), entries)


def _with_revocation(key: TrustedKey, revoked: dict[str, Any]) -> TrustedKey:
    stated = revoked.get(key.key.thumbprint.hex())
    return key if stated is None else replace(key, revoked=Revocation(**stated))


def _domain(vector: dict[str, Any]) -> TrustDomain:
    """Trusted keys and knowledge as the vector states them; both count as verified."""
    known = vector["knowledge"]
    given = TrustDomain.from_trusted_file(json.dumps(vector["trusted"]).encode())
    trust_list, timestamp = known.get("trust_list"), known.get("timestamp")
    if timestamp is not None:
        denied = frozenset(bytes.fromhex(thumbprint) for thumbprint in timestamp["denied"])
        timestamp = Timestamp(**timestamp | {"trust_hash": bytes.fromhex(timestamp["trust_hash"]), "denied": denied})
    if trust_list is not None:
        trust_list = TrustListFacts(**trust_list | {"payload_hash": bytes.fromhex(trust_list["payload_hash"])})
    return TrustDomain(
        name="vector",
        environment=given.environment,
        keys=[_with_revocation(key, known.get("revoked", {})) for key in given.keys],
        keys_given_directly="trust_list" not in known,
        trust_list=trust_list,
        timestamp=timestamp,
        status_lists={stated["uri"]: _status_list(stated) for stated in known["status_lists"]},
        clock_floor=known.get("clock_floor", 0),
    )
