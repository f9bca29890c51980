"""A publisher of all that a state takes, with the keys of :mod:`tests.kit.adversary`; all times after its START."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from icard_crypto.card.claims import StatusRef
from icard_crypto.lists.bundle import Bundle, encode_bundle
from icard_crypto.lists.status_list import StatusListBuilder
from icard_crypto.lists.timestamp import Timestamp, sign_timestamp
from icard_crypto.lists.trust_chain import verify_anchor
from icard_crypto.signing import cose
from icard_crypto.signing.algorithms import ED25519
from icard_crypto.signing.keys import SigningKey
from tests.kit import trust_domain
from tests.kit.adversary import (
    DAY,
    ENVIRONMENT,
    ISSUERS,
    KEYS,
    REVOKED,
    START,
    STATUS_KEY,
    TIMESTAMP_KEY,
    TIMESTAMP_KEYS,
    Edit,
    add,
    cose_key,
    issuer,
    key_entry,
    published,
    put,
)

__all__ = [
    "ANCHOR",
    "INDEX",
    "NOW",
    "OTHER_DOMAIN_KEYS",
    "URI",
    "another_domain",
    "bundle",
    "code",
    "compromise",
    "list_hash",
    "packed",
    "status",
    "timestamp",
    "with_status_key",
]

#: Ten days after the first list.
NOW = START + 10 * DAY
URI = "https://sh.example/s/list-1"
INDEX = 5
SIZE = 1000
ANCHOR = published(1)
#: A card key, a status key and a timestamp key.
OTHER_DOMAIN_KEYS = tuple(SigningKey.from_raw(ED25519, bytes([number]) * 32) for number in (61, 62, 63))

#: Values of the Token Status List.
VALID, REVOKED_ENTRY = 0, 1


def list_hash(data: bytes) -> bytes:
    """The payload hash of a trust list, as a timestamp names it."""
    return verify_anchor(data).current.payload_hash


def timestamp(
    iat: int,
    *,
    trust: bytes = ANCHOR,
    denied: Iterable[SigningKey] = (),
    lists: Mapping[str, int] | None = None,
    key: SigningKey = TIMESTAMP_KEY,
    life: int = 7 * DAY,
) -> bytes:
    """A signed timestamp that names this trust list as the newest."""
    current = verify_anchor(trust).current
    thumbprints = frozenset(each.verifying_key.thumbprint for each in denied)
    content = Timestamp(current.version, current.payload_hash, iat, iat + life, thumbprints, lists or {})
    return sign_timestamp(content, key)


def status(
    iat: int,
    entries: Mapping[int, int] | None = None,
    *,
    uri: str = URI,
    key: SigningKey = STATUS_KEY,
    life: int = 31 * DAY,
    size: int = SIZE,
) -> bytes:
    """A signed status list of 4 bits."""
    builder = StatusListBuilder(4, size)
    for index, value in (entries or {}).items():
        builder.set(index, value)
    return builder.sign(key, uri=uri, iat=iat, exp=iat + life, ttl=3600)


def bundle(*tokens: bytes, lists: Iterable[bytes] = (), stamp: bytes = b"") -> Bundle:
    """A bundle of these tokens."""
    return Bundle(tuple(lists), tokens, stamp)


def packed(*tokens: bytes, lists: Iterable[bytes] = (), stamp: bytes = b"") -> bytes:
    """The same as the file that people carry."""
    return encode_bundle(bundle(*tokens, lists=lists, stamp=stamp))


def compromise(place: int, at: int, issuer: int = 0, kind: str = "compromised") -> Edit:
    """The edit that revokes an issuer's key: 0 its card key, 1 its status key, 2 and on what was added."""
    return put({1: at, 2: kind}, ISSUERS, issuer, KEYS, place, REVOKED)


def with_status_key(key: SigningKey, issuer: int = 0) -> Edit:
    """The edit that gives an issuer another status key."""
    return add(key_entry(key, "status"), ISSUERS, issuer, KEYS)


def code(*, uri: str = URI, index: int = INDEX, **changes: Any) -> str:
    """A public code of the reference card whose status stands in the list."""
    return trust_domain.code(status=StatusRef(uri, index), **changes)


def another_domain(environment: str = "test") -> list[Edit]:
    """The edits that give a list keys and an address of its own, and no key of the list that it is made from."""
    card, lists, stamp = OTHER_DOMAIN_KEYS
    return [
        put(environment, ENVIRONMENT),
        put([cose_key(stamp)], TIMESTAMP_KEYS),
        put([issuer("cn.990000", "990000", "https://theirs.example/s/", card, lists)], ISSUERS),
    ]


def spoiled(token: bytes) -> bytes:
    """A token of which one bit of the signature is another."""
    message = cose.parse_sign1(token, max_bytes=len(token))
    return token.replace(message.signature, bytes((message.signature[0] ^ 1,)) + message.signature[1:])
