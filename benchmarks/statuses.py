"""Status lists: one look-up against an empty method call, and verifying and loading lists of growing size.

Promises:

1. Lists have 4 bits an entry, and 2 % of the entries set, at places and to values drawn from a fixed seed; all are
   signed by one Ed25519 key.
2. Loading is all that is between a token's bytes in memory and the first look-up: whose uri it is, the key, the
   signature, strict CBOR, the claims and inflating (:func:`icard_crypto.lists.status_trust.read_status`). Reading a
   file and the network are not in it.
3. The look-up is timed at random places, and so are the empty method and the bare loop around them, in the same rounds.
4. ``plain Python`` (:mod:`benchmarks.plain_status`) loads the same largest token and looks up at the same places.
"""

from __future__ import annotations

import random
import time
import zlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from benchmarks import plain_status
from icard_crypto.lists.status_list import StatusList, StatusListBuilder
from icard_crypto.lists.status_trust import read_status
from icard_crypto.lists.trust_chain import verify_anchor
from icard_crypto.lists.trust_list import TrustList
from tests.kit.adversary import CAPACITY, DAY, ISSUERS, START, STATUS_KEY, published, put
from verifier.bench.measure import Run, interleave, timed

__all__ = ["BITS", "NOW", "SIZES", "load", "load_plain", "loading", "look_up", "trust_list", "write_token"]

BITS: Final = 4
#: Contender to entries.
SIZES: Final = {f"{size:,} entries": size for size in (10_000, 100_000, 1_000_000, 10_000_000)}
NOW: Final = START + 2 * DAY

_URI: Final = "https://sh.example/s/list"
_SET: Final = 0.02
_VALUES: Final = (1, 2, 3, 12, 13, 14)
_LOOK_UPS: Final = 10_000


class _Empty:
    """What a method call costs that does nothing."""

    __slots__ = ()

    def get(self, index: int) -> None:
        pass


def trust_list() -> TrustList:
    """A trust list whose first issuer may have lists of 2^24 entries."""
    return verify_anchor(published(1, put(1 << 24, ISSUERS, 0, CAPACITY))).current


def write_token(size: int, uri: str = _URI) -> bytes:
    """A signed status list of this many entries, by promise 1."""
    draw = random.Random(size)
    builder = StatusListBuilder(BITS, size)
    for index in draw.sample(range(size), int(size * _SET)):
        builder.set(index, draw.choice(_VALUES))
    return builder.sign(STATUS_KEY, uri=uri, iat=NOW - 3600, exp=NOW + 20 * DAY, ttl=3600)


def load(trusted: TrustList, token: bytes) -> StatusList:
    """Verify and load, by promise 2."""
    return read_status(trusted, token, uri=_URI, now=NOW)


def loading(tokens: Callable[[int], bytes], rounds: int) -> Run:
    """Interleave loading a list of each size, ``plain Python`` with the largest, and ``inflating alone``, which is the
    largest list's bytes without any check: what loading cannot be faster than here. Microseconds for one load;
    ``tokens`` gives the token of a size."""
    trusted, largest = trust_list(), max(SIZES.values())

    def work(token: bytes, size: int) -> None:
        if load(trusted, token).size != size:
            raise ValueError("entries are missing")

    stream = zlib.compress(load(trusted, tokens(largest)).packed)
    contenders = {name: timed(partial(work, tokens(size), size), 1) for name, size in SIZES.items()}
    contenders["plain Python"] = timed(partial(load_plain, tokens(largest)), 1)
    return interleave(contenders | {"inflating alone": timed(partial(zlib.decompress, stream), 1)}, rounds)


def load_plain(token: bytes) -> plain_status.PlainStatusList:
    """The same by the peer, by promise 4."""
    key = Ed25519PublicKey.from_public_bytes(STATUS_KEY.verifying_key.raw)
    return plain_status.load(token, key, _URI, NOW)


def look_up(tokens: Callable[[int], bytes], rounds: int) -> Run:
    """Interleave a look-up in ``10,000,000 entries`` and in ``10,000 entries``, by ``plain Python`` in both,
    ``empty method`` and ``bare loop``."""
    trusted, smallest, largest = trust_list(), min(SIZES.values()), max(SIZES.values())
    near, far = load(trusted, tokens(smallest)), load(trusted, tokens(largest))
    draw = random.Random(_LOOK_UPS)
    in_near = [draw.randrange(smallest) for _ in range(_LOOK_UPS)]
    in_far = [draw.randrange(largest) for _ in range(_LOOK_UPS)]

    def bare() -> float:
        start = time.perf_counter_ns()
        for _ in in_far:
            pass
        return (time.perf_counter_ns() - start) / 1000 / _LOOK_UPS

    return interleave(
        {
            "10,000,000 entries": partial(_calls, far.get, in_far),
            "10,000 entries": partial(_calls, near.get, in_near),
            "plain Python, 10,000,000": partial(_calls, load_plain(tokens(largest)).get, in_far),
            "plain Python, 10,000": partial(_calls, load_plain(tokens(smallest)).get, in_near),
            "empty method": partial(_calls, _Empty().get, in_far),
            "bare loop": bare,
        },
        rounds,
    )


def _calls(method: Callable[[int], object], indexes: Sequence[int]) -> float:
    start = time.perf_counter_ns()
    for index in indexes:
        method(index)
    return (time.perf_counter_ns() - start) / 1000 / len(indexes)
