"""What ``icard bench`` measures: verdicts a second by algorithm, backend, form, depth and cores.

Promises:

1. Before it is timed, each case has verified all of its codes, and refused one whose signature was changed.
2. Depths: ``signature``, the key's check alone, the limit of the others; ``claims``, the verdict with keys given and
   without status; ``full``, the whole verdict: trust list, timestamp, status list, policy ``gate``.
3. Texts go through ``verify`` and ``verify_many``; pictures (clean PNG files) through ``verify_image``, on all cores by
   threads.
4. What this machine cannot do (no backend, no reader of pictures) is a case with its reason.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal

from icard_crypto import qr
from icard_crypto.encoding import envelope
from icard_crypto.errors import IcardError
from icard_crypto.signing import cose
from icard_crypto.signing.algorithms import ALGORITHMS, ED25519, Algorithm
from icard_crypto.signing.ed25519 import BACKENDS, Backend
from icard_crypto.signing.keys import VerifyingKey
from verifier.decision.verdict import Verdict
from verifier.decision.verifier import Verifier

from .measure import Contender, Run, cores, interleave
from .trust_domain import BenchDomain

__all__ = ["Case", "Depth", "Shown", "cases", "figures", "measure", "turns"]

Depth = Literal["signature", "claims", "full"]
Shown = Literal["text", "picture"]

_TEXTS: Final = 200
#: Of verify_many: few calls share the cost of starting its workers.
_MANY: Final = 5 * _TEXTS
_PICTURES: Final = 8
_ROUNDS: Final = 5

#: What is done at once, and how many codes that is.
_Work = tuple[Callable[[], object], int]


@dataclass(frozen=True, slots=True)
class Case:
    """One figure: what is checked, by which backend, how deep, and on how many cores."""

    algorithm: Algorithm
    backend: Backend
    shown: Shown
    depth: Depth
    cores: int

    @property
    def name(self) -> str:
        """A unique name."""
        return f"{self.algorithm.name} {self.backend} {self.shown} {self.depth} {self.cores}"


class _Codes:
    """The codes of one algorithm, as texts and, drawn when somebody asks for them, as PNG files."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts

    @cached_property
    def files(self) -> list[bytes]:
        return [qr.draw_png(text) for text in self.texts[:_PICTURES]]


def cases() -> list[Case]:
    """All figures, in the order in which they are reported; on a machine of one core each appears once."""
    made = []
    counts = sorted({1, cores()})
    for algorithm in ALGORITHMS:
        for backend in BACKENDS if algorithm is ED25519 else ("openssl",):
            made.append(Case(algorithm, backend, "text", "signature", 1))
            shown: Shown
            for shown in ("text", "picture"):
                depth: Depth
                for depth in ("claims", "full"):
                    made += [Case(algorithm, backend, shown, depth, count) for count in counts]
    return made


def measure(wanted: Sequence[Case], seconds: float, turn: Callable[[], object] = lambda: None) -> Run:
    """Measure in turns for about so many seconds, besides preparing; microseconds for one code, by the case's name.

    Args:
        turn: called :func:`turns` times, for a progress display.
    """
    domain = BenchDomain(int(time.time()))
    chosen = {case.algorithm for case in wanted}
    codes = {each: _Codes([domain.code(each, number) for number in range(_TEXTS)]) for each in chosen}
    contenders: dict[str, Contender] = {}
    failed: dict[str, str] = {}
    for case in wanted:
        try:
            work, operations = _prepared(domain, case, codes[case.algorithm])
        except (IcardError, ValueError) as error:
            failed[case.name] = str(error)
        else:
            contenders[case.name] = _sliced(work, operations, seconds / len(wanted) / (_ROUNDS + 1))
        turn()
    run = interleave(contenders, _ROUNDS, turn)
    return Run(run.series, failed | run.failed)


def turns(wanted: Sequence[Case]) -> int:
    """How often :func:`measure` calls its ``turn`` when nothing fails."""
    return len(wanted) * (_ROUNDS + 2)


def figures(wanted: Sequence[Case], run: Run) -> list[dict[str, Any]]:
    """A row for each case, for programs: codes a second by the median and the fastest round, or why there is none."""
    rows = []
    for case in wanted:
        row: dict[str, Any] = {
            "algorithm": case.algorithm.name,
            "backend": case.backend,
            "shown": case.shown,
            "checked": case.depth,
            "cores": case.cores,
        }
        series = run.series.get(case.name)
        if series is None:
            rows.append(row | {"missing": run.failed.get(case.name, "")})
            continue
        told = {"codes_a_second": round(1e6 / series.median, 1), "best": round(1e6 / series.best, 1)}
        rows.append(row | told | {"spread": round(series.spread, 3)})
    return rows


def _sliced(work: Callable[[], object], operations: int, seconds: float) -> Contender:
    """A contender that repeats ``work``, which does this many operations, for so many seconds, at least once."""

    def contender() -> float:
        done, start = 0, time.perf_counter()
        while done == 0 or time.perf_counter() - start < seconds:
            work()
            done += operations
        return (time.perf_counter() - start) * 1e6 / done

    return contender


def _prepared(domain: BenchDomain, case: Case, codes: _Codes) -> _Work:
    """The work of a case, done once.

    Raises:
        IcardError: the backend or a part of icard is missing, or the code is too long for a picture.
        ValueError: a good code is refused, or a forged one accepted.
    """
    backend = case.backend if case.algorithm is ED25519 else None
    if case.depth == "signature":
        work, operations = _signatures(domain.key(case.algorithm, backend), codes.texts)
    else:
        verifier = domain.verifier(case.algorithm, backend, full=case.depth == "full")
        if verifier.verify(domain.forged(case.algorithm), now=domain.now).outcome != "INVALID":
            raise ValueError("a forged code is accepted")
        if case.shown == "text":
            work, operations = _texts(verifier, domain.now, codes.texts, case.cores)
        else:
            work, operations = _pictures(verifier, domain.now, codes.files, case.cores)
    work()
    return work, operations


def _signatures(key: VerifyingKey, texts: Sequence[str]) -> _Work:
    messages = [cose.parse_sign1(envelope.read(text).cose) for text in texts]
    pairs = [(message.signature, cose.signed_bytes(message)) for message in messages]
    if key.verify(pairs[0][0], pairs[1][1]):
        raise ValueError("another message's signature is accepted")

    def work() -> None:
        for signature, message in pairs:
            if not key.verify(signature, message):
                raise ValueError("a good signature is refused")

    return work, len(pairs)


def _texts(verifier: Verifier, now: int, texts: Sequence[str], count: int) -> _Work:
    if count == 1:
        return lambda: _require([verifier.verify(text, now=now) for text in texts]), len(texts)
    many = [texts[number % len(texts)] for number in range(_MANY)]
    return lambda: _require(verifier.verify_many(many, now=now, workers=count)), len(many)


def _pictures(verifier: Verifier, now: int, files: Sequence[bytes], count: int) -> _Work:
    def look(file: bytes) -> Verdict:
        (verdict,) = verifier.verify_image(file, now=now)
        return verdict

    if count == 1:
        return lambda: _require([look(file) for file in files]), len(files)
    shown = [*files] * count

    def on_all() -> None:
        with ThreadPoolExecutor(count) as pool:
            _require(list(pool.map(look, shown)))

    return on_all, len(shown)


def _require(verdicts: Sequence[Verdict]) -> None:
    for verdict in verdicts:
        if verdict.outcome != "VALID":
            raise ValueError(f"a good code is {verdict.outcome} ({verdict.reason})")
