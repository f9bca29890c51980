"""The payload of a trust list: who may issue what, with which keys, in one environment.

:func:`decode_trust_list` checks, in this order, and stops at the first fault:

1. Strict CBOR of at most 8 MiB and 400,000 items (``cbor.*``).
2. ``format`` first: a version above :data:`FORMAT` is refused with an error of its own, since its rules are unknown
   here.
3. The fields of ``list_fields.json``; unknown keys are ignored, their paths are in ``unknown``. exp is at most 400 days
   after iat.
4. Every key is a good COSE_Key; a point off its curve or of small order refuses the list. A key with an unknown
   algorithm is skipped, and its path is in ``skipped``: it can be listed before every verifier knows it.
5. A key appears once in the list, with one usage (root, timestamp, card, status), and no two share a kid.
6. A key's ``from`` is a whole hour, because a card's iat is, and lies before its ``until``.
7. The threshold is not above the number of roots; it is 1 only for a caller who asks for that by name.
8. No two issuers have one iss. Status prefixes have the form of :mod:`icard_crypto.lists.uris`, and none begins with
   another issuer's.

Further:

9. Who may sign the list, and what may follow it, is decided in :mod:`icard_crypto.lists.trust_chain`.
10. :func:`encode_trust_list` writes nothing that the reader would refuse.

The payload (integer keys from 1 in this order)::

    {format, environment, version, iat, exp, roots: [COSE_Key], threshold, timestamp keys: [COSE_Key],
     issuers: [{iss, names: {en, zh}, regions, status prefixes, capacity,
                keys: [{COSE_Key, usage, from, until, revoked: {at, kind}}]}]}
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from icard_crypto import limits
from icard_crypto.encoding import cbor
from icard_crypto.errors import DecodeError, KeyFault
from icard_crypto.moments import HOUR
from icard_crypto.signing.keys import Kid, VerifyingKey

from .authority import Authority, Environment, Revocation
from .list_maps import DAY, FIELDS, check_lifetime, check_value, read_map, write_map
from .uris import check_prefix, first_overlap

__all__ = [
    "FORMAT",
    "LONGEST_LIFE",
    "Environment",
    "IssuerEntry",
    "KeyEntry",
    "KeyUsage",
    "Revocation",
    "TrustList",
    "decode_trust_list",
    "encode_trust_list",
]

FORMAT: Final = 1
#: Seconds. A yearly ceremony of the roots, and a month to be late with it.
LONGEST_LIFE: Final = 400 * DAY

_REGION: Final = FIELDS["region"]["region"]
_PREFIX: Final = FIELDS["prefix"]["prefix"]

KeyUsage = Literal["card", "status"]


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """An issuer's key.

    Args:
        key: None where the algorithm is unknown here; such a key verifies nothing.
        usage: the one thing it signs.
        valid_from, valid_until: Unix times; what it signs has ``valid_from <= iat < valid_until``.
        revoked: why it is no longer good, or None.
    """

    key: VerifyingKey | None
    usage: KeyUsage
    valid_from: int
    valid_until: int
    revoked: Revocation | None = None


@dataclass(frozen=True, slots=True)
class IssuerEntry(Authority):
    """An authority and what it may vouch for.

    Args:
        iss: its short id, as cards carry it.
        name_en, name_zh: its name for people.
        regions: GB/T 2260 codes.
        status_prefixes: what the uris of its status lists begin with.
        capacity: the most entries that one of its status lists may have.
        keys: all of its keys, revoked ones too.
    """

    iss: str
    name_en: str
    name_zh: str
    regions: frozenset[str]
    status_prefixes: tuple[str, ...]
    capacity: int
    keys: tuple[KeyEntry, ...]


@dataclass(frozen=True, slots=True)
class TrustList:
    """What a trust list says. Only :mod:`icard_crypto.lists.trust_chain` says whether it may be believed.

    Args:
        environment: ``test`` or ``production``.
        version: rises by one from list to list.
        iat, exp: Unix times of issue and end.
        roots: the keys that sign this list and the next; ``threshold`` different ones must.
        timestamp_keys: the keys that sign timestamps.
        payload_hash: SHA-256 of the payload; a timestamp names the list by it.
        skipped: paths of keys whose algorithm is unknown here.
        unknown: paths of what is not understood.
    """

    environment: Environment
    version: int
    iat: int
    exp: int
    roots: tuple[VerifyingKey, ...]
    threshold: int
    timestamp_keys: tuple[VerifyingKey, ...]
    issuers: tuple[IssuerEntry, ...]
    payload_hash: bytes
    skipped: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    def issuer_keys(self) -> Iterator[tuple[IssuerEntry, KeyEntry, VerifyingKey]]:
        """Every issuer's key whose algorithm is known, with its entry and its issuer."""
        for issuer in self.issuers:
            for entry in issuer.keys:
                if entry.key is not None:
                    yield issuer, entry, entry.key


def decode_trust_list(payload: bytes, *, unsafe_single_root: bool = False) -> TrustList:
    """Read a trust list's payload by the rules of this module.

    Args:
        unsafe_single_root: accept a threshold of 1, where one stolen root key is all of the trust.

    Raises:
        DecodeError: ``cbor.*``, ``trust.*``, ``uri.*``.
    """
    # 1
    decoded = cbor.decode(payload, max_bytes=limits.TRUST_LIST_BYTES, max_items=limits.TRUST_LIST_ITEMS)
    # 2
    stated = decoded.get(1) if isinstance(decoded, dict) else None
    if type(stated) is int and stated > FORMAT:
        raise DecodeError("trust.format_newer", path="format", expected=f"at most {FORMAT}", found=str(stated))
    # 3
    reader = _Reader()
    values = read_map(decoded, "trust_list", "trust", "", reader.unknown)
    check_lifetime("trust", values["iat"], values["exp"], LONGEST_LIFE)
    # 4, 5, 6
    roots = reader.keys(values["roots"], "roots", "root")
    timestamp_keys = reader.keys(values["timestamp_keys"], "timestamp_keys", "timestamp")
    issuers = tuple(reader.issuer(entry, f"issuers[{place}]") for place, entry in enumerate(values["issuers"]))
    # 7: skipped roots count as roots here; a verifier that does not know them just can't count their signatures.
    _check_threshold(values["threshold"], len(values["roots"]), unsafe_single_root)
    # 8
    _check_issuers(issuers)
    return TrustList(
        environment=values["environment"],
        version=values["version"],
        iat=values["iat"],
        exp=values["exp"],
        roots=roots,
        threshold=values["threshold"],
        timestamp_keys=timestamp_keys,
        issuers=issuers,
        payload_hash=hashlib.sha256(payload).digest(),
        skipped=tuple(reader.skipped),
        unknown=tuple(reader.unknown),
    )


class _Reader:
    """Reads keys and issuers, and remembers every key of the list by its kid."""

    def __init__(self) -> None:
        self.unknown: list[str] = []
        self.skipped: list[str] = []
        self.seen: dict[Kid, tuple[VerifyingKey, str, str]] = {}

    def key(self, members: object, path: str, usage: str) -> VerifyingKey | None:
        try:
            key = VerifyingKey.from_cose_key(members)
        except KeyFault as fault:
            if fault.code == "key.unknown_algorithm":
                self.skipped.append(path)
                return None
            code = "trust.weak_key" if fault.code == "key.bad_point" else "trust.bad_key"
            raise DecodeError(code, path=path, expected=fault.expected, found=fault.code) from fault
        if key.kid in self.seen:
            other, other_usage, other_path = self.seen[key.kid]
            if other == key and usage != other_usage:
                expected = f"{other_usage} only, as at {other_path}"
                raise DecodeError("trust.two_usages", path=path, expected=expected, found=usage)
            raise DecodeError("trust.duplicate_kid", path=path, found=f"kid {key.kid.hex()}, as at {other_path}")
        self.seen[key.kid] = key, usage, path
        return key

    def keys(self, entries: Iterable[object], path: str, usage: str) -> tuple[VerifyingKey, ...]:
        read = [self.key(entry, f"{path}[{place}]", usage) for place, entry in enumerate(entries)]
        return tuple(key for key in read if key is not None)

    def issuer(self, source: object, path: str) -> IssuerEntry:
        values = read_map(source, "issuer", "trust", path, self.unknown)
        names = read_map(values["names"], "names", "trust", f"{path}.names", self.unknown)
        for place, region in enumerate(values["regions"]):
            check_value(region, _REGION, "trust", f"{path}.regions[{place}]")
        for place, prefix in enumerate(values["status_prefixes"]):
            where = f"{path}.status_prefixes[{place}]"
            check_value(prefix, _PREFIX, "trust", where)
            check_prefix(prefix, where)
        return IssuerEntry(
            iss=values["iss"],
            name_en=names["en"],
            name_zh=names["zh"],
            regions=frozenset(values["regions"]),
            status_prefixes=tuple(values["status_prefixes"]),
            capacity=values["capacity"],
            keys=tuple(self.entry(entry, f"{path}.keys[{place}]") for place, entry in enumerate(values["keys"])),
        )

    def entry(self, source: object, path: str) -> KeyEntry:
        values = read_map(source, "issuer_key", "trust", path, self.unknown)
        revoked = None
        if values["revoked"] is not None:
            revoked = Revocation(**read_map(values["revoked"], "revoked", "trust", f"{path}.revoked", self.unknown))
        key = self.key(values["key"], f"{path}.key", values["usage"])
        begins, ends = values["from"], values["until"]
        if begins % HOUR:
            raise DecodeError("trust.from_hour", path=f"{path}.from", expected="a whole hour", found=str(begins))
        if ends <= begins:
            raise DecodeError("trust.window", path=f"{path}.until", expected=f"after {begins}", found=str(ends))
        return KeyEntry(key, values["usage"], begins, ends, revoked)


def _check_threshold(threshold: int, roots: int, unsafe_single_root: bool) -> None:
    if threshold > roots:
        raise DecodeError("trust.threshold_range", path="threshold", expected=f"1 to {roots}", found=str(threshold))
    if threshold == 1 and not unsafe_single_root:
        raise DecodeError("trust.single_root", path="threshold", expected="2 or more", found="1")


def _check_issuers(issuers: tuple[IssuerEntry, ...]) -> None:
    places: dict[str, int] = {}
    for place, issuer in enumerate(issuers):
        if issuer.iss in places:
            expected = f"another iss than issuers[{places[issuer.iss]}] has"
            raise DecodeError("trust.duplicate_iss", path=f"issuers[{place}].iss", expected=expected, found=issuer.iss)
        places[issuer.iss] = place
    overlap = first_overlap(
        (prefix, place) for place, issuer in enumerate(issuers) for prefix in issuer.status_prefixes
    )
    if overlap is not None:
        outer, inner = overlap
        owner = max(place for place, issuer in enumerate(issuers) if inner in issuer.status_prefixes)
        path = f"issuers[{owner}].status_prefixes"
        raise DecodeError("trust.prefix_overlap", path=path, expected=f"nothing below {outer}", found=inner)


def encode_trust_list(
    *,
    environment: Environment,
    version: int,
    iat: int,
    exp: int,
    roots: Iterable[VerifyingKey],
    timestamp_keys: Iterable[VerifyingKey],
    issuers: Iterable[IssuerEntry],
    threshold: int = 2,
    unsafe_single_root: bool = False,
) -> bytes:
    """The payload as deterministic CBOR. Arguments as in :class:`TrustList`; times are Unix times.

    Raises:
        DecodeError: ``trust.*``, ``cbor.*``, ``uri.*``, when a reader would refuse it; ``trust.bad_key`` for a key of
            an unknown algorithm: newer software must write that list.
    """
    values = {
        "format": FORMAT,
        "environment": environment,
        "version": version,
        "iat": iat,
        "exp": exp,
        "roots": [key.to_cose_key() for key in roots],
        "threshold": threshold,
        "timestamp_keys": [key.to_cose_key() for key in timestamp_keys],
        "issuers": [_issuer_map(issuer) for issuer in issuers],
    }
    payload = cbor.encode(write_map("trust_list", values))
    decode_trust_list(payload, unsafe_single_root=unsafe_single_root)
    return payload


def _issuer_map(issuer: IssuerEntry) -> Mapping[int | str, Any]:
    values = {
        "iss": issuer.iss,
        "names": write_map("names", {"en": issuer.name_en, "zh": issuer.name_zh}),
        "regions": sorted(issuer.regions),
        "status_prefixes": list(issuer.status_prefixes),
        "capacity": issuer.capacity,
        "keys": [_key_map(entry) for entry in issuer.keys],
    }
    return write_map("issuer", values)


def _key_map(entry: KeyEntry) -> Mapping[int | str, Any]:
    if entry.key is None:
        raise DecodeError("trust.bad_key", path="keys", expected="a key of a known algorithm", found="none")
    revoked = entry.revoked
    values = {
        "key": entry.key.to_cose_key(),
        "usage": entry.usage,
        "from": entry.valid_from,
        "until": entry.valid_until,
        "revoked": None if revoked is None else write_map("revoked", {"at": revoked.at, "kind": revoked.kind}),
    }
    return write_map("issuer_key", values)
