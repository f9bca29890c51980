"""Timestamps: short-lived statements of a domain's newest lists and denied keys (the timestamp role of TUF).

:func:`read_timestamp` checks, in this order, and stops at the first fault:

1. The frame: a COSE_Sign1 of at most 1 MiB with tag 18, never 61 (``cose.*``, ``timestamp.cwt_tag``).
2. The headers: alg and kid protected, nothing unprotected, typ ``application/icard-timestamp+cbor`` (``header.*``).
3. The key: a timestamp key of the accepted trust list, and its algorithm is the header's.
4. The signature. Nothing of the payload is decoded before it holds.
5. The payload: at most 20,000 items, ``{1: trust version, 2: payload hash, 3: iat, 4: exp, 5: denied key thumbprints,
   6: {uri: lowest iat}}``; exp at most 7 days after iat; no thumbprint twice; every uri one that a status list may
   have. Unknown keys are ignored.
6. With ``now``: not from the future. An expired timestamp is returned: its end is in ``exp``, and what it denies stays
   denied.

Further:

7. A timestamp takes trust away and never gives any: nothing in it can make a key or a list good.
8. :func:`check_newer`: iat never falls, the same iat means the same content, and the trust version never falls.
9. :func:`encode_timestamp` writes nothing that the reader would refuse.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from icard_crypto import limits
from icard_crypto.encoding import cbor
from icard_crypto.errors import DecodeError
from icard_crypto.signing import cose
from icard_crypto.signing.keys import SigningKey, Thumbprint
from icard_crypto.signing.tokens import FindKey, open_token

from .list_maps import DAY, FIELDS, check_lifetime, check_not_future, check_value, read_map, write_map
from .uris import check_status_uri

__all__ = ["LONGEST_LIFE", "TYP", "Timestamp", "check_newer", "encode_timestamp", "read_timestamp", "sign_timestamp"]

TYP: Final = "application/icard-timestamp+cbor"
#: Seconds. As long as a stolen code or key may go unnoticed at a gate that is never online.
LONGEST_LIFE: Final = 7 * DAY

_THUMBPRINT: Final = FIELDS["thumbprint"]["thumbprint"]
_LOWEST_IAT: Final = FIELDS["lowest_iat"]["lowest_iat"]


@dataclass(frozen=True, slots=True)
class Timestamp:
    """What a timestamp says.

    Args:
        trust_version, trust_hash: the newest trust list: its version and the SHA-256 of its payload.
        iat, exp: Unix times of issue and end.
        denied: full thumbprints of keys of which nothing is valid.
        lists: the lowest iat that a status list may have, by uri.
    """

    trust_version: int
    trust_hash: bytes
    iat: int
    exp: int
    denied: frozenset[Thumbprint] = frozenset()
    lists: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}), hash=False)

    def __reduce__(self) -> tuple[object, ...]:
        # A read-only view can't be pickled; what is behind it can.
        values = (self.trust_version, self.trust_hash, self.iat, self.exp, self.denied, dict(self.lists))
        return (_restore, values)


def _restore(version: int, digest: bytes, iat: int, exp: int, denied: frozenset[Thumbprint], lists: Any) -> Timestamp:
    return Timestamp(version, digest, iat, exp, denied, MappingProxyType(lists))


def read_timestamp(token: bytes, *, find_key: FindKey, now: int | None = None) -> Timestamp:
    """Read a timestamp by the rules of this module.

    Args:
        find_key: gives the trust list's timestamp key for a kid, or None.
        now: Unix time; None leaves rule 6 to the caller.

    Raises:
        DecodeError: ``cose.*``, ``header.*``, ``cbor.*``, ``timestamp.*``, ``uri.*``.
    """
    # 1, 2, 3, 4
    payload, _ = open_token(token, TYP, find_key, "timestamp", limits.TIMESTAMP_BYTES)
    # 5
    read = _decode(payload)
    # 6
    if now is not None:
        check_not_future("timestamp", read.iat, now)
    return read


def _decode(payload: bytes) -> Timestamp:
    decoded = cbor.decode(payload, max_bytes=limits.TIMESTAMP_BYTES, max_items=limits.TIMESTAMP_ITEMS)
    values = read_map(decoded, "timestamp", "timestamp", "", [])
    check_lifetime("timestamp", values["iat"], values["exp"], LONGEST_LIFE)
    denied = values["denied"]
    for place, thumbprint in enumerate(denied):
        check_value(thumbprint, _THUMBPRINT, "timestamp", f"denied[{place}]")
    if len(set(denied)) != len(denied):
        raise DecodeError("timestamp.denied_twice", path="denied", expected="every thumbprint once")
    lists = values["lists"]
    for place, (uri, lowest) in enumerate(lists.items()):
        if type(uri) is not str:
            raise DecodeError("timestamp.wrong_type", path=f"lists[{place}]", expected="a uri", found="int")
        check_status_uri(uri, f"lists[{place}]")
        check_value(lowest, _LOWEST_IAT, "timestamp", f"lists[{place}]")
    values["denied"] = frozenset(denied)
    values["lists"] = MappingProxyType(lists)
    return Timestamp(**values)


def check_newer(current: Timestamp, newer: Timestamp) -> None:
    """Refuse a timestamp that goes behind one that was accepted (rule 8). Equal ones pass.

    Raises:
        DecodeError: ``timestamp.rollback``, ``timestamp.two_of_one_time``, ``timestamp.trust_falls``.
    """
    if newer == current:
        return
    if newer.iat < current.iat:
        raise DecodeError("timestamp.rollback", path="iat", expected=f"{current.iat} or later", found=str(newer.iat))
    if newer.iat == current.iat:
        raise DecodeError("timestamp.two_of_one_time", path="iat", expected="one timestamp for one iat")
    if newer.trust_version < current.trust_version or (
        newer.trust_version == current.trust_version and newer.trust_hash != current.trust_hash
    ):
        expected = f"version {current.trust_version} with its hash, or a higher one"
        raise DecodeError("timestamp.trust_falls", path="trust_version", expected=expected)


def encode_timestamp(timestamp: Timestamp) -> bytes:
    """The payload as deterministic CBOR, ready to be kept and signed.

    Raises:
        DecodeError: ``timestamp.*``, ``cbor.*``, ``uri.*``, when a reader would refuse it.
    """
    values = {
        "trust_version": timestamp.trust_version,
        "trust_hash": timestamp.trust_hash,
        "iat": timestamp.iat,
        "exp": timestamp.exp,
        "denied": sorted(timestamp.denied),
        "lists": dict(timestamp.lists),
    }
    payload = cbor.encode(write_map("timestamp", values))
    _decode(payload)
    return payload


def sign_timestamp(timestamp: Timestamp, key: SigningKey) -> bytes:
    """The timestamp as a signed token.

    Raises:
        DecodeError: as :func:`encode_timestamp`.
    """
    return cose.sign_token(encode_timestamp(timestamp), key, TYP)
