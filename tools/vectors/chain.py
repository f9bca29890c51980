"""A decision's knowledge as signed tokens: an anchor, and a bundle with a trust list, status tokens, a timestamp.

Promises:

1. What a case states as already verified is said here by tokens that a verifier must verify itself, with real roots.
2. A case that states no trust list or timestamp gets fresh ones, so that its verdict stays the one stated.
3. The anchor is version 1; the bundle carries version 2, signed by two roots of three.
"""

from __future__ import annotations

import datetime
import hashlib
from typing import Any, Final

from icard_crypto.encoding import cbor
from icard_crypto.lists import timestamp, trust_chain
from icard_crypto.lists.bundle import Bundle, encode_bundle
from icard_crypto.moments import DAY
from icard_crypto.signing import cose
from tools.vectors.base import Json
from tools.vectors.kept import Kept
from tools.vectors.keyring import KEYS, cose_key
from tools.vectors.status import status_token

__all__ = ["chain"]

_ROOTS: Final = ("root-a-ed25519", "root-b-ed25519", "root-c-es256")
_SIGNERS: Final = _ROOTS[:2]
_TIMESTAMP_KEY: Final = "timestamp-ed25519"
_CAPACITY: Final = 1_000_000
_KEY_LIFE: Final = 1095 * DAY


def _seconds(date: str) -> int:
    return int(datetime.datetime.fromisoformat(date).timestamp())


def _issuers(trusted: Json, revoked: Json) -> list[Any]:
    """The issuers of a file of trusted keys, as a trust list writes them."""
    issuers: dict[str, dict[Any, Any]] = {}
    for entry in trusted["keys"]:
        names = {1: entry["names"]["en"], 2: entry["names"]["zh"]}
        fields = {1: entry["iss"], 2: names, 3: entry["regions"], 4: entry["status_prefixes"], 5: _CAPACITY, 6: []}
        encoded = bytes.fromhex(entry["key"]["cose_key"])
        begins = _seconds(entry["from"])
        ends = _seconds(entry["until"]) if "until" in entry else begins + _KEY_LIFE
        members: Any = cbor.decode(encoded, max_bytes=16384, max_items=64)
        key = {1: members, 2: entry["usage"], 3: begins, 4: ends}
        thumbprint = next(
            made.verifying_key.thumbprint.hex() for name, made in KEYS.items() if cbor.encode(cose_key(name)) == encoded
        )
        if thumbprint in revoked:
            key[5] = {1: revoked[thumbprint]["at"], 2: revoked[thumbprint]["kind"]}
        issuers.setdefault(entry["iss"], fields)[6].append(key)
    return list(issuers.values())


def _trust_list(version: int, iat: int, exp: int, environment: str, issuers: list[Any]) -> bytes:
    return cbor.encode(
        {
            1: 1,
            2: environment,
            3: version,
            4: iat,
            5: exp,
            6: [cose_key(name) for name in _ROOTS],
            7: 2,
            8: [cose_key(_TIMESTAMP_KEY)],
            9: issuers,
        }
    )


def _signed(payload: bytes) -> bytes:
    message = cose.Sign(cbor.encode({cose.TYP: trust_chain.TYP}), b"\xa0", payload, ())
    for name in _SIGNERS:
        message = cose.sign_entry(message, KEYS[name])
    return cose.encode_sign(message)


def _status(kept: Kept, stated: Json) -> bytes:
    key = next(key for key in KEYS.values() if key.verifying_key.thumbprint.hex() == stated["key"])
    # A list of an odd number of entries fills whole bytes only with 8 bits an entry.
    bits = 8 if stated["size"] % 2 else 4
    entries = {int(index): value for index, value in stated["entries"].items()}
    times = {"iat": stated["iat"], "exp": stated["exp"]}
    return status_token(kept, key, uri=stated["uri"], bits=bits, size=stated["size"], entries=entries, **times)


def _timestamp(stated: Json, trust_version: int, trust_hash: bytes) -> bytes:
    denied = sorted(bytes.fromhex(thumbprint) for thumbprint in stated["denied"])
    payload: dict[Any, Any] = {
        1: trust_version,
        2: trust_hash,
        3: stated["iat"],
        4: stated["exp"],
        5: denied,
        6: stated["lists"],
    }
    return cose.sign_token(cbor.encode(payload), KEYS[_TIMESTAMP_KEY], timestamp.TYP)


def chain(kept: Kept, trusted: Json, knowledge: Json, now: int) -> Json:
    """The members ``anchor``, ``bundle`` and ``learned`` of a decision.

    Args:
        trusted: a file of trusted keys, parsed.
        knowledge: what the decision states as verified.
        now: the decision's time.
    """
    floor = knowledge.get("clock_floor", 0)
    base = max(now, floor)
    facts = knowledge.get("trust_list") or {"iat": base - 30 * DAY, "exp": base + 300 * DAY, "version": 7}
    own = facts.get("payload_hash", "")
    stated = knowledge["timestamp"] if "timestamp" in knowledge else {"denied": [], "lists": {}, "iat": base - 3600}
    issuers = _issuers(trusted, knowledge.get("revoked", {}))
    first = _trust_list(1, facts["iat"] - DAY, facts["iat"] + 200 * DAY, trusted["environment"], [])
    second = _trust_list(2, facts["iat"], facts["exp"], trusted["environment"], issuers)
    stamp = b""
    if stated is not None:
        stated = {"exp": stated["iat"] + 3 * DAY} | stated
        if floor:
            # The floor is the highest iat of what was accepted, and nothing else can raise it.
            stated = stated | {"iat": floor, "exp": floor + 3 * DAY}
        same = stated.get("trust_hash", own) == own
        version = 2 + stated.get("trust_version", facts["version"]) - facts["version"]
        digest = hashlib.sha256(second).digest() if same else bytes.fromhex(stated["trust_hash"])
        stamp = _timestamp(stated, version, digest)
    tokens = tuple(_status(kept, each) for each in knowledge["status_lists"])
    known = [each["iat"] for each in knowledge["status_lists"]] + ([stated["iat"]] if stated else [])
    # Taken in when the newest of it was published, before the trust list ended.
    learned = min(max([*known, facts["iat"]]), facts["exp"] - 1)
    return {
        "anchor": _signed(first).hex(),
        "bundle": encode_bundle(Bundle((_signed(second),), tokens, stamp)).hex(),
        "learned": learned,
    }
