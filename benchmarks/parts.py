"""Every interleaved run: what it is called, whose figures the others are compared with, and how it is measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

from benchmarks import codes, pictures, statuses, trusts
from benchmarks.engines import by_keys, verdicts_by
from benchmarks.keeping import RESULTS
from benchmarks.peers import names
from benchmarks.verdicts import many_cores, verdict_against_raw
from benchmarks.versus import versus
from icard_crypto.signing.ed25519 import BACKENDS, Backend
from verifier.bench.measure import Run

__all__ = ["Part", "parts", "token_file"]


@dataclass(frozen=True, slots=True)
class Part:
    """One interleaved run.

    Args:
        title: what is measured, for people.
        reference: the contender that the others are compared with.
        measure: takes the number of rounds.
        share: it gets one round where a run of single codes gets this many; a round of it is as much longer.
        unit, sizes: for a run that shows growth: what grows (``entry``), and how many of it each contender has.
        ours, anchors: the ratios of each of ours to each anchor are what a change of icard moves, on every machine.
    """

    title: str
    reference: str
    measure: Callable[[int], Run]
    share: int = 1
    unit: str = ""
    sizes: Mapping[str, int] = field(default_factory=dict)
    ours: Sequence[str] = ()
    anchors: Sequence[str] = ()

    def run(self, rounds: int) -> Run:
        """Measure, with this part's share of the rounds; what cannot even begin has failed for all of ours."""
        try:
            return self.measure(max(3, rounds // self.share))
        except Exception as error:  # one run that fails must not cost the others
            return Run(failed=dict.fromkeys(self.ours, f"{type(error).__name__}: {error}"))


_OTHERS = next(backend for backend in BACKENDS if backend != "native")
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
    fast, most, least = f"icard {BACKENDS[0]}", "10,000,000 entries", "10,000 entries"
    made = {
        form: Part(title, fast, partial(versus, form), ours=(fast, "icard openssl"), anchors=names("run"))
        for form, title in _TITLES.items()
    }
    for backend in BACKENDS:
        if backend == "native":
            continue
        made[f"verdict {backend}"] = Part(
            f"Whole verdict from IC1 text (trust list, timestamp, status, policy gate), {backend}",
            "raw check",
            partial(verdict_against_raw, backend),
            ours=("verdict",),
            anchors=("raw check",),
        )
    for engine in ("ifma", "scalar"):
        made[f"verdict native {engine}"] = Part(
            f"Whole verdict as above with the native core, engine {engine}; the raw check is {_OTHERS}'s",
            "raw check",
            partial(verdicts_by, engine),
            ours=("verdict", "verdict, in many", "forged code", "native check", "native check, in many"),
            anchors=("raw check",),
        )
    made["native keys"] = Part(
        "One signature by the native core, under few and many keys in random order",
        "1 keys",
        by_keys,
        share=10,
        ours=("10,000 keys",),
        anchors=(f"10,000 keys, {_OTHERS}",),
    )
    made["many"] = Part(
        f"verify_many, {BACKENDS[0]}, a code",
        "one core",
        partial(many_cores, BACKENDS[0]),
        share=2,
        ours=("two cores",),
        anchors=("one core",),
    )
    made["column"] = Part(
        f"A column of codes to a column of verdicts, {BACKENDS[0]}, a code",
        "verify_many",
        partial(_columns, BACKENDS[0]),
        share=4,
        ours=("column", "column, one core"),
        anchors=("verify_many", "verify_many, one core"),
    )
    made["look-up"] = Part(
        "One status look-up, at random places of a list",
        "empty method",
        partial(statuses.look_up, _token),
        ours=(most, least),
        anchors=("empty method", "plain Python, 10,000"),
    )
    made["status list"] = Part(
        f"Verifying and loading a status list, {statuses.BITS} bits an entry, 2 % set",
        least,
        partial(statuses.loading, _token),
        share=4,
        unit="entry",
        sizes=statuses.SIZES,
        ours=(most,),
        anchors=("inflating alone", "plain Python"),
    )
    made["trust list"] = Part(
        "Following a trust list, two roots' signatures, every key checked",
        "10 keys",
        trusts.following,
        share=20,
        unit="key",
        sizes=trusts.SIZES,
        ours=("10,000 keys",),
        anchors=("1,000 keys",),
    )
    made["issuer keys"] = Part(
        "One whole verdict, under trust lists of few and many keys",
        "10 keys",
        trusts.one_verdict,
        share=2,
        ours=("10,000 keys",),
        anchors=("10 keys",),
    )
    made["bundle"] = Part(
        "A bundle of two trust lists, a timestamp and ten status lists of a million entries",
        "inflating alone",
        trusts.bundle_import,
        share=4,
        ours=("decode and verify",),
        anchors=("inflating alone",),
    )
    made["reading"] = Part(
        "Reading a clean picture: PNG bytes to text, 417 characters",
        "zxingcpp",
        pictures.reading,
        share=2,
        ours=("icard",),
        anchors=names("read"),
    )
    made["drawing"] = Part(
        "Drawing a picture: text of 417 characters to PNG bytes (icard reads each back)",
        "zxingcpp",
        pictures.drawing,
        share=4,
        ours=("icard",),
        anchors=names("draw"),
    )
    made["upload"] = Part(
        "Drawing a page of an uploaded PDF, an A4 scan at 200 dots an inch",
        "in this process",
        _page_of_an_upload,
        share=20,
        ours=("in a process of its own",),
        anchors=("in this process",),
    )
    made["issue"] = Part(
        "Making one code: from the card to signed IC1 text, Ed25519",
        "signature alone",
        codes.making,
        share=2,
        ours=("code",),
        anchors=("signature alone",),
    )
    for workers in (1, 2):
        made[f"service, {workers}"] = Part(
            f"A code over HTTP, load by wrk, {workers} worker(s): one by the rate, and latencies",
            "does nothing",
            partial(_over_http, workers),
            share=20,
            ours=("usual route", "lean route"),
            anchors=("does nothing",),
        )
    made["service batch"] = Part(
        "A batch of 4,000 codes over HTTP against verify_many in process, a code",
        "verify_many",
        _batch,
        share=20,
        ours=("batch", "brief batch"),
        anchors=("verify_many",),
    )
    return made


def _page_of_an_upload(rounds: int) -> Run:
    # Here, because the issuing service is an extra.
    from benchmarks.uploads import page_drawn

    return page_drawn(rounds)


def _over_http(workers: int, rounds: int) -> Run:
    # Here, because the service is an extra: whoever compares a run of cards needs no server.
    from benchmarks.service import over_http

    return over_http(workers, rounds)


def _columns(backend: Backend, rounds: int) -> Run:
    from benchmarks.columns import column_against_many

    return column_against_many(backend, rounds)


def _batch(rounds: int) -> Run:
    from benchmarks.service import batch

    return batch(rounds)
