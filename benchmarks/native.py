"""``make bench-native``: what signatures cost in a native core, one by one and many at once; needs cargo.

Promises:

1. The signatures are those of a thousand cards by ten issuers' keys. ``benchmarks/native`` checks them with
   ed25519-dalek, built outside of the repository with this machine's own instructions (``target-cpu=native``).
2. In turns with it, here: the raw check of each backend on signatures of the first key, and icard from text to claims
   without the check. What a core could gain is read from one run.
3. ``results/native.json`` is written, from which docs/benchmarks.md tells; nobody needs cargo for the other benchmarks.
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
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from benchmarks.codes import make_codes
from benchmarks.parts import RESULTS
from benchmarks.peers import ROOT
from benchmarks.report import series_table
from benchmarks.verdicts import raw_check
from icard_crypto.card import claims
from icard_crypto.encoding import envelope
from icard_crypto.signing import algorithms, cose
from icard_crypto.signing.ed25519 import BACKENDS
from verifier.bench.measure import Contender, Run, interleave, machine, timed

__all__ = ["NATIVE", "main"]

NATIVE: Final = RESULTS / "native.json"

_SOURCE: Final = ROOT / "benchmarks" / "native"
_KEYS: Final = 10
_EACH: Final = 103
_ROUNDS: Final = 20
_CRATES: Final = ("ed25519-dalek", "curve25519-dalek")


def main() -> None:
    """Build, measure, print, and write the figures as JSON."""
    if shutil.which("cargo") is None:
        sys.exit("cargo is not installed: nothing is measured, the kept figures stay")
    signed = [make_codes(algorithms.ED25519, _EACH) for _ in range(_KEYS)]
    tokens = [(codes.key.verifying_key, token) for codes in signed for token in codes.cose]
    messages = [(key, cose.parse_sign1(token)) for key, token in tokens]
    triples = [(key.raw, message.signature, cose.signed_bytes(message)) for key, message in messages]
    with tempfile.TemporaryDirectory(prefix="icard-native-") as made:
        folder = Path(made)
        program, crates = _built(folder)
        listed = folder / "signatures"
        listed.write_text("\n".join(" ".join(part.hex() for part in triple) for triple in triples) + "\n", "ascii")
        with subprocess.Popen([program, listed], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
            native = _Native(child)
            first = native.round()
            contenders: dict[str, Contender] = {
                f"raw check, {backend}": timed(_raw(raw_check(backend, triples[0][0]), triples[:_EACH]), _EACH)
                for backend in BACKENDS
            }
            texts = [text for codes in signed for text in codes.form("ic1")]
            contenders["icard without the check"] = timed(_decoding(texts), len(texts))
            contenders |= {name: native.figure(name) for name in first}
            run = interleave(contenders, _ROUNDS)
            assert child.stdin is not None
            child.stdin.close()
    print(series_table(run, f"raw check, {BACKENDS[0]}"))
    _write(run, crates)


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
    """The program and the versions of the crates that count, built in ``folder``."""
    source = folder / "source"
    shutil.copytree(_SOURCE, source)
    environment = os.environ | {"CARGO_TARGET_DIR": str(folder / "target"), "RUSTFLAGS": "-C target-cpu=native"}
    subprocess.run(["cargo", "build", "--quiet", "--release"], cwd=source, env=environment, check=True)
    locked = (source / "Cargo.lock").read_text("utf-8")
    found = dict(re.findall(r'name = "([^"]+)"\nversion = "([^"]+)"', locked))
    rust = subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    return folder / "target" / "release" / "icard-native-bench", {
        "rustc": rust,
        **{name: found[name] for name in _CRATES},
    }


def _raw(check: Callable[[bytes, bytes], object], triples: list[tuple[bytes, bytes, bytes]]) -> Callable[[], object]:
    def work() -> None:
        for _, signature, message in triples:
            check(signature, message)

    return work


def _decoding(texts: list[str]) -> Callable[[], object]:
    """All that stands between a text and its claims, but the signature's check."""

    def work() -> None:
        for text in texts:
            message = cose.parse_sign1(envelope.read(text).cose)
            cose.token_headers(message, None)
            cose.signed_bytes(message)
            claims.decode_payload(message.payload)

    return work


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
