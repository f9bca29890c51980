"""``make bench-native``: what a signature costs in Rust, by icard's core and by others; needs cargo and a C compiler.

Promises:

1. The signatures are those of a thousand cards by ten issuers' keys, with ES256 and ML-DSA-44 a hundred each.
   ``benchmarks/native`` checks them with icard's core on each engine of the processor, ed25519-dalek, aws-lc-rs and
   ring, one by one and in many where a library can, built outside of the repository with this machine's own
   instructions (``target-cpu=native``). Each has refused a signature over another message first.
2. In turns with it, here: the raw check of libsodium and OpenSSL on signatures of the first key of each algorithm.
3. Time is the processor's, since each works in one thread: other work on the machine costs caches, and no turns.
4. ``results/native.json`` is written, from which docs/benchmarks.md tells; nobody needs cargo for the other benchmarks.
"""

from __future__ import annotations

import datetime
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from benchmarks.codes import make_codes
from benchmarks.keeping import RESULTS
from benchmarks.peers import ROOT
from benchmarks.report import series_table
from benchmarks.verdicts import raw_check
from icard_crypto.signing import algorithms, cose
from icard_crypto.signing.keys import VerifyingKey
from verifier.bench.measure import Contender, Run, interleave, machine

__all__ = ["NATIVE", "main"]

NATIVE: Final = RESULTS / "native.json"

_SOURCE: Final = ROOT / "benchmarks" / "native"
_KEYS: Final = 10
_EACH: Final = 103
_ROUNDS: Final = 20
_CRATES: Final = ("aws-lc-rs", "ed25519-dalek", "ring")
_REFERENCE: Final = "libsodium"


def main() -> None:
    """Build, measure, print, and write the figures as JSON."""
    if shutil.which("cargo") is None:
        sys.exit("cargo is not installed: nothing is measured, the kept figures stay")
    ed25519 = [signed for _ in range(_KEYS) for signed in _signed(algorithms.ED25519)]
    others = {each: _signed(each) for each in (algorithms.ES256, algorithms.ML_DSA_44)}
    with tempfile.TemporaryDirectory(prefix="icard-native-") as made:
        folder = Path(made)
        program, crates = _built(folder)
        listed = folder / "signatures"
        lines = [
            f"{key.algorithm.name} {key.raw.hex()} {signature.hex()} {message.hex()}\n"
            for key, signature, message in [*ed25519, *(signed for each in others.values() for signed in each)]
        ]
        listed.write_text("".join(lines), "ascii")
        with subprocess.Popen([program, listed], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
            native = _Native(child)
            first = native.round()
            contenders: dict[str, Contender] = {
                "libsodium": _raw(raw_check("libsodium", ed25519[0][0].raw), ed25519[:_EACH]),
                "openssl": _raw(raw_check("openssl", ed25519[0][0].raw), ed25519[:_EACH]),
            }
            contenders |= {
                f"{algorithm.name}, openssl": _raw(signed[0][0].verify, signed) for algorithm, signed in others.items()
            }
            contenders |= {name: native.figure(name) for name in first}
            run = interleave(contenders, _ROUNDS)
            assert child.stdin is not None
            child.stdin.close()
    print(series_table(run, _REFERENCE))
    _write(run, crates)


#: A key, a signature, and what it covers.
_Signed = tuple[VerifyingKey, bytes, bytes]


def _signed(algorithm: algorithms.Algorithm) -> list[_Signed]:
    """The signatures of so many cards by a new key."""
    codes = make_codes(algorithm, _EACH)
    messages = map(cose.parse_sign1, codes.cose)
    return [(codes.key.verifying_key, message.signature, cose.signed_bytes(message)) for message in messages]


class _Native:
    """The program's figures: one of its rounds gives one figure to each way, in their order."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self._child = child
        self._told: dict[str, float] = {}

    def round(self) -> dict[str, float]:
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write("\n")
        self._child.stdin.flush()
        told: dict[str, float] = json.loads(self._child.stdout.readline())
        return told

    def figure(self, name: str) -> Contender:
        def contender() -> float:
            if name not in self._told:
                self._told = self.round()
            return self._told.pop(name) / 1000

        return contender


def _built(folder: Path) -> tuple[Path, dict[str, str]]:
    """The program and the versions of the crates that count, built in ``folder`` or in ``CARGO_TARGET_DIR``."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", folder / "target"))
    environment = os.environ | {"CARGO_TARGET_DIR": str(target), "RUSTFLAGS": "-C target-cpu=native"}
    subprocess.run(["cargo", "build", "--quiet", "--locked", "--release"], cwd=_SOURCE, env=environment, check=True)
    locked = (_SOURCE / "Cargo.lock").read_text("utf-8")
    found = dict(re.findall(r'name = "([^"]+)"\nversion = "([^"]+)"', locked))
    rust = subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    return target / "release" / "icard-native-bench", {
        "rustc": rust,
        **{name: found[name] for name in _CRATES},
    }


def _raw(check: Callable[[bytes, bytes], object], signed: list[_Signed]) -> Contender:
    def contender() -> float:
        start = time.process_time_ns()
        for _, signature, message in signed:
            check(signature, message)
        return (time.process_time_ns() - start) / 1000 / len(signed)

    return contender


def _write(run: Run, crates: dict[str, str]) -> None:
    told: dict[str, Any] = {
        "measured_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "crates": crates,
        "signatures": _KEYS * _EACH,
        "series": {
            name: {
                "median_us": float(f"{each.median:.4g}"),
                "best_us": float(f"{each.best:.4g}"),
                "spread": round(each.spread, 3),
            }
            for name, each in run.series.items()
        },
    }
    RESULTS.mkdir(exist_ok=True)
    NATIVE.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    print(f"\nKept: {NATIVE.relative_to(ROOT)}; python -m tools.make_docs writes docs/benchmarks.md from it")


if __name__ == "__main__":
    main()
