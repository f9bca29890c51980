"""Trust lists of 10 to 10,000 keys, one verdict under few and many keys, and the import of a bundle.

Promises:

1. A trust list of ``n`` keys is version 2, signed by two roots, with ``n`` Ed25519 keys of issuers, 25 to an issuer;
   following it from version 1 is timed from its bytes, every key's point checked.
2. One verdict is measured on the same codes under the domain of the shortest and of the longest list; all are VALID.
3. A bundle carries two trust lists, a timestamp and ten status lists of a million entries; importing it is taking it
   apart and verifying every token. Writing the state folder is not in it: that is the disk's figure.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import cache, partial
from typing import Any, Final

from benchmarks.statuses import write_token
from icard_crypto.lists.bundle import Bundle, decode_bundle, encode_bundle
from icard_crypto.lists.status_trust import read_status
from icard_crypto.lists.timestamp import Timestamp, read_timestamp
from icard_crypto.lists.trust_chain import TrustState, verify_anchor, verify_chain
from icard_crypto.lists.trust_list import TrustList
from icard_crypto.signing.algorithms import ED25519
from icard_crypto.signing.keys import Kid, SigningKey, VerifyingKey
from tests.kit.adversary import ISSUERS, KEYS, issuer, key_entry, published
from tests.kit.publisher import ANCHOR, NOW, URI, code, status, timestamp
from verifier import Policy, TrustDomain, Verifier
from verifier.bench.measure import Run, interleave, timed

__all__ = ["SIZES", "bundle_import", "following", "one_verdict", "write_list"]

#: Contender to keys of issuers.
SIZES: Final = {f"{size:,} keys": size for size in (10, 100, 1_000, 10_000)}

_AN_ISSUER: Final = 25
# What tests.kit.adversary puts into every list: two issuers with two keys each.
_THERE: Final = 4
_CODES: Final = 100
_LISTS: Final = 10
_ENTRIES: Final = 1_000_000


def following(rounds: int) -> Run:
    """Interleave following a trust list of each size; microseconds for one list."""
    anchor = verify_anchor(ANCHOR)

    def follow(data: bytes, size: int) -> None:
        if sum(1 for _ in verify_chain(anchor, [data], NOW).current.issuer_keys()) != size:
            raise ValueError("keys are missing")

    return interleave({name: timed(partial(follow, write_list(size), size), 1) for name, size in SIZES.items()}, rounds)


def one_verdict(rounds: int) -> Run:
    """Interleave whole verdicts under the trust lists of 10 and of 10,000 keys; microseconds for one code."""
    codes = [code(cti=number.to_bytes(8, "big")) for number in range(_CODES)]

    def verify(verifier: Verifier) -> None:
        for text in codes:
            if verifier.verify(text, now=NOW).outcome != "VALID":
                raise ValueError("a good code is not VALID")

    shortest, longest = min(SIZES, key=SIZES.__getitem__), max(SIZES, key=SIZES.__getitem__)
    verifiers = {name: _verifier(write_list(SIZES[name])) for name in (shortest, longest)}
    return interleave({name: timed(partial(verify, each), _CODES) for name, each in verifiers.items()}, rounds)


def bundle_import(rounds: int) -> Run:
    """Interleave ``decode`` (taking the bundle apart), ``decode and verify``, and ``inflating alone``, which is the ten
    lists' bytes without any check; microseconds for one bundle."""
    anchor = verify_anchor(ANCHOR)
    second = published(2)
    uris = [f"{URI}-{number}" for number in range(_LISTS)]
    tokens = tuple(write_token(_ENTRIES, uri) for uri in uris)
    data = encode_bundle(Bundle((ANCHOR, second), tokens, timestamp(NOW - 3600, trust=second)))

    def verify() -> None:
        opened = decode_bundle(data)
        current = verify_chain(anchor, opened.trust_lists, NOW).current
        _read_timestamp(current, opened.timestamp)
        for token, uri in zip(opened.status_tokens, uris, strict=True):
            read_status(current, token, uri=uri, now=NOW)

    current = verify_chain(anchor, (second,), NOW).current
    streams = [
        zlib.compress(read_status(current, token, uri=uri, now=NOW).packed)
        for token, uri in zip(tokens, uris, strict=True)
    ]

    def inflate() -> None:
        for stream in streams:
            zlib.decompress(stream)

    contenders: dict[str, Callable[[], object]] = {
        "decode": partial(decode_bundle, data),
        "decode and verify": verify,
        "inflating alone": inflate,
    }
    return interleave({name: timed(work, 1) for name, work in contenders.items()}, rounds)


@cache
def write_list(size: int) -> bytes:
    """A signed trust list of this many keys, by promise 1."""
    keys = [SigningKey.from_raw(ED25519, number.to_bytes(32, "big")) for number in range(1, size - _THERE + 1)]

    def fill(made: Any) -> None:
        for place in range(0, len(keys), _AN_ISSUER):
            name = f"{place // _AN_ISSUER:04}"
            entry = issuer(f"cn.{name}", "330000", f"https://{name}.example/s/", keys[0], keys[0])
            mine = keys[place : place + _AN_ISSUER]
            entry[KEYS] = [key_entry(key, "status" if number % 5 == 4 else "card") for number, key in enumerate(mine)]
            made[ISSUERS].append(entry)

    return published(2, fill)


def _verifier(data: bytes) -> Verifier:
    state: TrustState = verify_chain(verify_anchor(ANCHOR), [data], NOW)
    domain = TrustDomain.from_trust_list(
        state.current,
        name="benchmark",
        timestamp=_read_timestamp(state.current, timestamp(NOW - 3600, trust=data)),
        status_lists={URI: read_status(state.current, status(NOW - 3600), uri=URI, now=NOW)},
    )
    return Verifier(domain, Policy.named("gate"))


def _read_timestamp(trusted: TrustList, token: bytes) -> Timestamp:
    def find(kid: Kid) -> VerifyingKey | None:
        return next((key for key in trusted.timestamp_keys if key.kid == kid), None)

    return read_timestamp(token, find_key=find, now=NOW)
