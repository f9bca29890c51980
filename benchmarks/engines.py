"""The native core by engine and by the number of keys: verdicts and checks on each engine that the processor has, and
checks under keys by the thousand, where tables no longer fit into caches and then not into their share of memory.

Promises:

1. An engine is chosen when icard is imported, so that each has a process of its own; in it libsodium's bare check takes
   its turn with the verdicts, and the ratios are of one run.
2. Keys come in an order drawn at random, so that a table is found in no cache nearer than the sum of them fits into.
   The keyring is icard's, with its cap: of 10,000 keys 381 have tables, and the next backend answers for the others.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from benchmarks.peers import ROOT
from icard_crypto import native
from icard_crypto.signing.algorithms import ED25519
from icard_crypto.signing.ed25519 import BACKENDS, verifier_for
from icard_crypto.signing.keys import SigningKey
from verifier.bench.measure import Contender, Run, Series, interleave, timed

if TYPE_CHECKING:
    from icard_native import Ed25519Key, Keyring

__all__ = ["A_TABLE", "MOST_TABLES", "SIZES", "by_keys", "tables", "verdicts_by"]

A_TABLE: Final = 172 << 10
"""Bytes of a key's table."""
MOST_TABLES: Final = (64 << 20) // A_TABLE
"""What the cap holds where nothing is set."""
SIZES: Final = {f"{size:,} keys": size for size in (1, 10, 100, MOST_TABLES, 10_000)}
_FEWEST: Final = 512
_WARMING: Final = 9
_MESSAGE: Final = bytes(250)

#: One thread's work, by the processor's time.
_timed: Final = partial(timed, clock=time.process_time_ns)

_Item = tuple["Ed25519Key", bytes, bytes]


def verdicts_by(engine: str, rounds: int) -> Run:
    """:func:`benchmarks.verdicts.verdict_against_raw` with the native core on this engine.

    Raises:
        RuntimeError: this machine has no native core, or no such engine.
    """
    if native.core is None or engine not in native.core.engines():
        raise RuntimeError(f"no native core with the engine {engine} here (make native)")
    command = [sys.executable, "-m", "benchmarks.engines", str(rounds)]
    environment = os.environ | {"ICARD_NATIVE_ENGINE": engine}
    told = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
    answer = json.loads(told)
    return Run({name: Series(tuple(each)) for name, each in answer["series"].items()}, answer["failed"])


def by_keys(rounds: int) -> Run:
    """Interleave signatures under so many keys, one by one and in one list, with the native core, and for the most keys
    with the next backend alone; microseconds for one.

    Raises:
        RuntimeError: there is no native core.
    """
    used = native.state().keyring
    if used is None:
        raise RuntimeError(native.state().words)
    contenders: dict[str, Contender] = {}
    for name, size in SIZES.items():
        ring = native.new_keyring(used.engine)
        assert ring is not None
        items = _items(ring, size)
        # A key has its table after eight good signatures, where there is room.
        for _ in range(_WARMING):
            ring.verify_many(items)
        contenders[name] = timed(
            _singly([(key.verify, signature, message) for key, signature, message in items]), len(items)
        )
        contenders[f"{name}, in many"] = _timed(_together(ring, items), len(items))
    alone = [(verifier_for(key.raw, BACKENDS[1]), signature, message) for key, signature, message in items]
    contenders[f"{name}, {BACKENDS[1]}"] = _timed(_singly(alone), len(alone))
    return interleave(contenders, rounds)


def tables() -> object:
    """A keyring that is full."""
    used = native.state().keyring
    ring = None if used is None else native.new_keyring(used.engine)
    assert ring is not None
    signers = (SigningKey.from_raw(ED25519, number.to_bytes(32, "big")) for number in range(MOST_TABLES))
    for raw in [signer.verifying_key.raw for signer in signers]:
        assert ring.key(raw, verifier_for(raw, BACKENDS[1])).prepare()
    assert ring.tables() == (MOST_TABLES, MOST_TABLES * A_TABLE)
    return ring


def _items(ring: Keyring, size: int) -> list[_Item]:
    """A signature of each key, keys in an order drawn at random; of few keys several in turn."""
    signers = [SigningKey.from_raw(ED25519, (size << 32 | number).to_bytes(32, "big")) for number in range(size)]
    keys = {signer.verifying_key.raw: signer for signer in signers}
    held = {raw: ring.key(raw, verifier_for(raw, BACKENDS[1])) for raw in keys}
    chance = random.Random(size)
    turns = [raw for _ in range(max(1, _FEWEST // size)) for raw in chance.sample(list(keys), size)]
    return [(held[raw], keys[raw].sign(_MESSAGE), _MESSAGE) for raw in turns]


def _singly(items: Sequence[tuple[Callable[[bytes, bytes], bool], bytes, bytes]]) -> Callable[[], None]:
    def work() -> None:
        for check, signature, message in items:
            if not check(signature, message):
                raise ValueError("a good signature is refused")

    return work


def _together(ring: Keyring, items: Sequence[_Item]) -> Callable[[], None]:
    def work() -> None:
        if not all(ring.verify_many(items)):
            raise ValueError("a good signature is refused")

    return work


def main() -> None:
    """The verdicts of this process's engine, as JSON."""
    from benchmarks.verdicts import verdict_against_raw

    asked = argparse.ArgumentParser(prog="python -m benchmarks.engines")
    asked.add_argument("rounds", type=int)
    run = verdict_against_raw("native", asked.parse_args().rounds)
    print(json.dumps({"series": {name: each.rounds for name, each in run.series.items()}, "failed": run.failed}))


if __name__ == "__main__":
    main()
