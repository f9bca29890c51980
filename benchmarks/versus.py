"""Text to verified claims: icard by both backends against the peers, every contender a child process of its own.

Promises:

1. All contenders of a form read the same codes; each times only its own loop. icard's result is a typed card; the row
   ``map`` stops at the claims map, where python-cwt and pycose stop.
2. Before it is timed, a contender has read every code once and refused one whose signature was changed: nobody is
   measured who does not check.
3. A peer that is missing, fails, or does not read the form is named with its reason.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from benchmarks.child import Child, ChildFailed, start_icard, start_peer
from benchmarks.codes import Codes, make_codes
from benchmarks.peers import names
from benchmarks.race import race
from icard_crypto import native
from icard_crypto.signing import algorithms
from icard_crypto.signing.ed25519 import BACKENDS
from verifier.bench.measure import Run

__all__ = ["versus"]

_CODES = 100


def versus(form: str, rounds: int) -> Run:
    """Interleave all contenders that read ``form``, Ed25519; names are ``icard libsodium``, ``claim169``, ...

    Args:
        form: ``claim169``, ``ic1`` or ``cose`` (bytes, without base45).
    """
    codes = make_codes(algorithms.ED25519, _CODES)
    starts: dict[str, Callable[[], Child]] = {
        f"icard {backend}": partial(start_icard, backend, "card") for backend in BACKENDS
    }
    if "scalar" in _others():
        starts["icard native scalar"] = partial(start_icard, "native", "card", engine="scalar")
    starts[f"icard {BACKENDS[0]}, map"] = partial(start_icard, BACKENDS[0], "map")
    starts |= {name: partial(start_peer, name) for name in names("run")}
    return race(starts, partial(_load, codes, form), rounds)


def _others() -> list[str]:
    """The engines of the native core that this process does not use."""
    keyring = native.state().keyring
    return [] if keyring is None else [engine for engine in native.core.engines() if engine != keyring.engine]


def _load(codes: Codes, form: str, child: Child) -> None:
    key = codes.key.verifying_key
    shown = codes.form(form)
    common = {"form": form, "algorithm": key.algorithm.name, "key": key.raw.hex(), "kid": key.kid.hex()}
    last = codes.cose[0][-1]
    forged = Codes(codes.key, codes.now, codes.claims[:1], (codes.cose[0][:-1] + bytes((last ^ 1,)),)).form(form)
    child.ask(do="load", codes=shown, **common)
    for code in shown:
        child.ask(do="verify", code=code)
    try:
        child.ask(do="verify", code=forged[0])
    except ChildFailed:
        return
    raise ChildFailed("it takes a changed signature")
