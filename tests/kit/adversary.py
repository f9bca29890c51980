"""A publisher of trust lists in memory with fixed keys, and an adversary who may edit and sign anything.

A good chain is ``[published(1), published(2), ...]``; an attack is one edit of a payload or of who signs it. The table
of all attacks is :mod:`tests.kit.trust_cases`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from icard_crypto.encoding import cbor
from icard_crypto.lists.trust_chain import TYP
from icard_crypto.signing import cose
from icard_crypto.signing.algorithms import ED25519, ES256
from icard_crypto.signing.keys import SigningKey

__all__ = [
    "CAPACITY",
    "CARD_KEY",
    "DAY",
    "ENVIRONMENT",
    "EXP",
    "FORMAT",
    "FROM",
    "IAT",
    "ISS",
    "ISSUERS",
    "KEY",
    "KEYS",
    "NAMES",
    "OTHER_CARD_KEY",
    "OTHER_STATUS_KEY",
    "PREFIXES",
    "REGIONS",
    "REVOKED",
    "ROOTS",
    "START",
    "STATUS_KEY",
    "STRANGER",
    "THRESHOLD",
    "TIMESTAMP_KEY",
    "TIMESTAMP_KEYS",
    "TRUST_ROOTS",
    "UNTIL",
    "USAGE",
    "Edit",
    "add",
    "alien",
    "cose_key",
    "drop",
    "issuer",
    "key_entry",
    "noisy",
    "payload",
    "published",
    "put",
    "signed",
    "spoiled",
    "unprotected",
    "with_roots",
]

DAY: Final = 86_400
#: 2026-10-08T02:00:00Z, a whole hour.
START: Final = 1_791_424_800


def _key(number: int) -> SigningKey:
    return SigningKey.from_raw(ED25519, bytes([number]) * 32)


#: Three roots of the first list, and three more that later lists may bring.
ROOTS: Final = (*map(_key, (21, 22, 23, 24)), SigningKey.from_raw(ES256, bytes([25]) * 32), _key(26))
TIMESTAMP_KEY: Final = _key(31)
CARD_KEY: Final = _key(1)
STATUS_KEY: Final = _key(2)
OTHER_CARD_KEY: Final = _key(41)
OTHER_STATUS_KEY: Final = _key(42)
STRANGER: Final = _key(99)

A, B, C = ROOTS[:3]

Edit = Callable[[Any], object]
Payload = dict[Any, Any]

# Keys of the payload's maps, in the format's order.
FORMAT, ENVIRONMENT, VERSION, IAT, EXP, TRUST_ROOTS, THRESHOLD, TIMESTAMP_KEYS, ISSUERS = range(1, 10)
ISS, NAMES, REGIONS, PREFIXES, CAPACITY, KEYS = range(1, 7)
KEY, USAGE, FROM, UNTIL, REVOKED = range(1, 6)


def cose_key(key: SigningKey) -> Payload:
    """A public key as a COSE_Key map."""
    return dict(key.verifying_key.to_cose_key())


def key_entry(key: SigningKey, usage: str) -> Payload:
    """An issuer's key, good for three years from :data:`START`."""
    return {KEY: cose_key(key), USAGE: usage, FROM: START, UNTIL: START + 1095 * DAY}


def issuer(iss: str, region: str, prefix: str, card: SigningKey, status: SigningKey) -> Payload:
    """An issuer with a card key and a status key."""
    keys = [key_entry(card, "card"), key_entry(status, "status")]
    names = {1: f"Authority of {region}", 2: f"{region}机关"}
    return {ISS: iss, NAMES: names, REGIONS: [region], PREFIXES: [prefix], CAPACITY: 1_000_000, KEYS: keys}


def payload(version: int, *edits: Edit) -> Payload:
    """A good payload of this version, issued ``version`` days after :data:`START`, with the edits made."""
    made: Payload = {
        FORMAT: 1,
        ENVIRONMENT: "test",
        VERSION: version,
        IAT: START + version * DAY,
        EXP: START + (version + 300) * DAY,
        TRUST_ROOTS: [cose_key(key) for key in (A, B, C)],
        THRESHOLD: 2,
        TIMESTAMP_KEYS: [cose_key(TIMESTAMP_KEY)],
        ISSUERS: [
            issuer("cn.310000", "310000", "https://sh.example/s/", CARD_KEY, STATUS_KEY),
            issuer("cn.440000", "440000", "https://gd.example/s/", OTHER_CARD_KEY, OTHER_STATUS_KEY),
        ],
    }
    for edit in edits:
        edit(made)
    return made


def signed(made: Payload | bytes, by: Iterable[SigningKey], typ: object = TYP, *, crit: bool = False) -> bytes:
    """A payload signed by these keys, in this order, a key as often as it stands there."""
    protected: Payload = {} if typ is None else {cose.TYP: typ}
    if crit:
        protected[cose.CRIT] = [cose.TYP]
    content = made if isinstance(made, bytes) else cbor.encode(made)
    message = cose.Sign(cbor.encode(protected), b"\xa0", content, ())
    for key in by:
        message = cose.sign_entry(message, key)
    return cose.encode_sign(message)


def published(version: int, *edits: Edit, by: Iterable[SigningKey] = (A, B)) -> bytes:
    """A trust list of this version with the edits made, signed by two roots."""
    return signed(payload(version, *edits), by)


def put(value: object, *path: Any) -> Edit:
    """The edit that sets a field of the payload."""

    def edit(made: Any) -> None:
        for step in path[:-1]:
            made = made[step]
        made[path[-1]] = value

    return edit


def drop(*path: Any) -> Edit:
    """The edit that removes a field or entry of the payload."""

    def edit(made: Any) -> None:
        for step in path[:-1]:
            made = made[step]
        del made[path[-1]]

    return edit


def add(value: object, *path: Any) -> Edit:
    """The edit that adds an entry to a list of the payload."""

    def edit(made: Any) -> None:
        for step in path:
            made = made[step]
        made.append(value)

    return edit


def with_roots(*keys: SigningKey) -> Edit:
    """The edit that replaces the roots."""
    return put([cose_key(key) for key in keys], TRUST_ROOTS)


def spoiled(data: bytes, place: int) -> bytes:
    """A signed list with one bit of its signature number ``place`` flipped."""
    message = cose.parse_sign(data)
    entries = list(message.signatures)
    good = entries[place].signature
    entries[place] = entries[place]._replace(signature=bytes((good[0] ^ 1,)) + good[1:])
    return cose.encode_sign(message._replace(signatures=tuple(entries)))


def unprotected(data: bytes) -> bytes:
    """A signed list with a header that no signature covers; every signature holds."""
    return cose.encode_sign(cose.parse_sign(data)._replace(unprotected=cbor.encode({cose.TYP: TYP})))


def noisy(data: bytes, count: int) -> bytes:
    """A signed list with ``count`` signatures of no sense before the good ones."""
    message = cose.parse_sign(data)
    noise = tuple(
        cose.SignatureEntry(cbor.encode({cose.ALG: -8, cose.KID: bytes([n]) * 32}), b"\xa0", bytes(64))
        for n in range(count)
    )
    return cose.encode_sign(message._replace(signatures=(*noise, *message.signatures)))


def alien(data: bytes) -> bytes:
    """A signed list with signatures in front whose headers break every rule: all of them are ignored."""
    message = cose.parse_sign(data)
    headers = [
        b"",
        b"\x01",
        cbor.encode({cose.ALG: -999, cose.KID: bytes(32)}),
        cbor.encode({cose.ALG: -8, cose.KID: A.verifying_key.kid}),
        cbor.encode({cose.ALG: -7, cose.KID: A.verifying_key.thumbprint}),
        cbor.encode({cose.ALG: -8, cose.KID: A.verifying_key.thumbprint, cose.CRIT: [1]}),
    ]
    noise = tuple(cose.SignatureEntry(protected, b"\xa0", b"") for protected in headers)
    return cose.encode_sign(message._replace(signatures=(*noise, *message.signatures)))
