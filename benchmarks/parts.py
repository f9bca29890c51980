"""Every interleaved run: what it is called, whose figures the others are compared with, and how it is measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

from benchmarks import statuses, trusts
from benchmarks.verdicts import many_cores, verdict_against_raw
from benchmarks.versus import FORMS, versus
from icard_crypto.ed25519 import BACKENDS
from verifier.bench import Run

__all__ = ["RESULTS", "Part", "parts", "token_file"]

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Part:
    """One interleaved run.

    Args:
        title: what is measured, for people.
        reference: the contender that the others are compared with.
        measure: takes the number of rounds.
        share: it gets one round where a run of single codes gets this many; a round of it is as much longer.
        unit, sizes: for a run that shows growth: what grows (``entry``), and how many of it each contender has.
    """

    title: str
    reference: str
    measure: Callable[[int], Run]
    share: int = 1
    unit: str = ""
    sizes: Mapping[str, int] = field(default_factory=dict)

    def run(self, rounds: int) -> Run:
        """Measure, with this part's share of the rounds."""
        return self.measure(max(3, rounds // self.share))


_TITLES = {
    "claim169": "One Claim 169 text to verified claims, Ed25519",
    "ic1": "One IC1 text to verified claims, Ed25519",
    "cose": "The same from COSE bytes, without base45 (peers use the base45 package, which is plain Python)",
}


def token_file(size: int) -> Path:
    """Where the token of that many entries lies; git ignores it."""
    return RESULTS / f"status-{size}.cwt"


@cache
def _token(size: int) -> bytes:
    """A status token, written once a run: the runs share it, and the process that measures memory reads the file."""
    token = statuses.write_token(size)
    RESULTS.mkdir(exist_ok=True)
    token_file(size).write_bytes(token)
    return token


def parts() -> dict[str, Part]:
    """The runs by name, in the order in which they are measured and told."""
    made = {form: Part(_TITLES[form], "icard libsodium", partial(versus, form)) for form in FORMS}
    for backend in BACKENDS:
        made[f"verdict {backend}"] = Part(
            f"Whole verdict from IC1 text (trust list, timestamp, status, policy gate), {backend}",
            "raw check",
            partial(verdict_against_raw, backend),
        )
    made["many"] = Part(f"verify_many, {BACKENDS[0]}, a code", "one core", partial(many_cores, BACKENDS[0]))
    made["look-up"] = Part(
        "One status look-up, at random places of a list", "empty method", partial(statuses.look_up, _token)
    )
    made["status list"] = Part(
        f"Verifying and loading a status list, {statuses.BITS} bits an entry, 2 % set",
        min(statuses.SIZES, key=statuses.SIZES.__getitem__),
        partial(statuses.loading, _token),
        share=4,
        unit="entry",
        sizes=statuses.SIZES,
    )
    made["trust list"] = Part(
        "Following a trust list, two roots' signatures, every key checked",
        min(trusts.SIZES, key=trusts.SIZES.__getitem__),
        trusts.following,
        share=20,
        unit="key",
        sizes=trusts.SIZES,
    )
    made["issuer keys"] = Part(
        "One whole verdict, under trust lists of few and many keys", "10 keys", trusts.one_verdict
    )
    made["bundle"] = Part(
        "A bundle of two trust lists, a timestamp and ten status lists of a million entries",
        "decode",
        trusts.bundle_import,
        share=4,
    )
    return made
