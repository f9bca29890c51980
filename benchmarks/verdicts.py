"""The whole verdict against the bare signature check of the same backend, and many verdicts on one core and on two.

Promises:

1. The verdict is the full one: trust list, timestamp, status list and the policy ``gate``, all fresh; each is VALID.
2. The raw check is the backend's own call on the same messages, with nothing of icard around it. For the native core it
   is the call of the backend that comes next, which is what people have without it; its own call is reported beside it.
3. One verdict after the other is measured by the processor's time: it is one thread's work, and other work on the
   machine then takes caches from it, and no turns.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from functools import partial

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from icard_crypto import native
from icard_crypto.encoding import envelope
from icard_crypto.signing import cose
from icard_crypto.signing.algorithms import ED25519
from icard_crypto.signing.ed25519 import BACKENDS, Backend
from icard_crypto.signing.keys import VerifyingKey
from tests.kit.trust_domain import CARD_KEY, NOW, World, code
from verifier import Verifier
from verifier.bench.measure import Contender, Run, interleave, timed
from verifier.bench.trust_domain import gate_verifier

__all__ = ["many_cores", "raw_check", "verdict_against_raw", "verifier_of"]

_CODES = 100
_MANY = 1000
_TIMES = 16


def verdict_against_raw(backend: Backend, rounds: int) -> Run:
    """Interleave ``verdict`` (IC1 text to verdict) and ``raw check`` (signature over bytes at hand)."""
    codes, verifier = _codes(_CODES), verifier_of(backend)
    messages = [cose.parse_sign1(envelope.read(text).cose) for text in codes]
    signed = [(message.signature, cose.signed_bytes(message)) for message in messages]
    public = CARD_KEY.verifying_key.raw
    forged = [text[:-3] + "000" for text in codes]

    def verdicts() -> None:
        for text in codes:
            if verifier.verify(text, now=NOW).outcome != "VALID":
                raise ValueError("a good code is not VALID")

    def refusals(verifier: Verifier) -> None:
        for text in forged:
            if verifier.verify(text, now=NOW).outcome != "INVALID":
                raise ValueError("a forged code is not INVALID")

    def many() -> None:
        if any(verdict.outcome != "VALID" for verdict in verifier.verify_many(codes, now=NOW, workers=1)):
            raise ValueError("a good code is not VALID")

    def raw(backend: Backend) -> Callable[[], None]:
        check = raw_check(backend, public)

        def run() -> None:
            for signature, message in signed:
                check(signature, message)

        return run

    contenders = {"verdict": verdicts, "raw check": raw(BACKENDS[1] if backend == "native" else backend)}
    contenders |= {"forged code": partial(refusals, verifier), "verdict, in many": many}
    if backend == "native":
        contenders["native check"] = raw("native")
        contenders["forged code, without"] = partial(refusals, verifier_of(BACKENDS[1]))
    # Keys get their tables before anything is timed: what is asked is how fast a verifier is that has seen a few codes.
    verdicts()
    timers = {name: timed(work, _CODES, time.process_time_ns) for name, work in contenders.items()}
    if backend == "native":
        timers["native check, in many"] = _checks_in_many(public, signed)
    return interleave(timers, rounds)


def _checks_in_many(public: bytes, signed: Sequence[tuple[bytes, bytes]]) -> Contender:
    """The signatures again and again in one list, so many that eight at a time and 64 at a time come out even."""
    keyring, own = native.state().keyring, VerifyingKey(ED25519, public, backend="native").native
    assert keyring is not None
    assert own is not None
    items = [(own, *each) for each in signed] * _TIMES

    def work() -> None:
        if not all(keyring.verify_many(items)):
            raise ValueError("a good signature is refused")

    return timed(work, len(items), time.process_time_ns)


def many_cores(backend: Backend, rounds: int) -> Run:
    """Interleave ``one core`` and ``two cores``: ``verify_many`` of the same codes with one worker and with two."""
    codes, verifier = _codes(_MANY), verifier_of(backend)

    def with_workers(workers: int) -> Callable[[], None]:
        def verify() -> None:
            verdicts = verifier.verify_many(codes, now=NOW, workers=workers)
            if any(verdict.outcome != "VALID" for verdict in verdicts):
                raise ValueError("a good code is not VALID")

        return verify

    contenders = {"one core": timed(with_workers(1), _MANY), "two cores": timed(with_workers(2), _MANY)}
    return interleave(contenders, rounds)


def _codes(count: int) -> Sequence[str]:
    return [code(cti=number.to_bytes(8, "big")) for number in range(count)]


def verifier_of(backend: Backend) -> Verifier:
    """A verifier with one issuer, policy ``gate`` and fresh knowledge, whose keys check by this backend."""
    domain = World().domain()
    keys = [
        dataclasses.replace(each, key=VerifyingKey(each.key.algorithm, each.key.raw, backend=backend))
        for each in domain.keys
    ]
    return gate_verifier(domain, keys)


def raw_check(backend: Backend, public: bytes) -> Callable[[bytes, bytes], object]:
    """The backend's own function ``(signature, message)``, by promise 2; it raises where a signature does not hold."""
    if backend == "native":
        check = VerifyingKey(ED25519, public, backend="native").native
        assert check is not None
        check.prepare()
        return check.verify
    if backend == "libsodium":
        from nacl.bindings import crypto_sign_open

        return lambda signature, message: crypto_sign_open(signature + message, public)
    return Ed25519PublicKey.from_public_bytes(public).verify
