"""Where the time of one code goes: every stage alone, on the reference public card.

Run by ``make bench``, or ``pytest benchmarks/test_stages.py --benchmark-only`` for pytest-benchmark's own table. Each
test also asserts the work done, so that a stage which stops doing it does not look fast.
"""

from __future__ import annotations

import zlib
from typing import Any, cast

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks import statuses, verdicts
from benchmarks.codes import Codes, make_codes
from icard_crypto import limits
from icard_crypto.card import claims
from icard_crypto.encoding import base45, cbor, envelope
from icard_crypto.signing import algorithms, cose, keys
from icard_crypto.signing.ed25519 import BACKENDS, Backend
from tests.kit.trust_domain import CARD_KEY, NOW, World, code


@pytest.fixture(scope="module")
def codes() -> Codes:
    return make_codes(algorithms.ED25519, 1)


@pytest.fixture(scope="module")
def sign1(codes: Codes) -> cose.Sign1:
    return cose.parse_sign1(codes.cose[0])


@pytest.mark.benchmark(group="1 text")
def test_base45_decode(benchmark: BenchmarkFixture, codes: Codes) -> None:
    text = base45.encode(codes.cose[0])
    assert benchmark(base45.decode, text) == codes.cose[0]


@pytest.mark.benchmark(group="1 text")
def test_base45_encode(benchmark: BenchmarkFixture, codes: Codes) -> None:
    assert base45.decode(benchmark(base45.encode, codes.cose[0])) == codes.cose[0]


@pytest.mark.benchmark(group="1 text")
def test_zlib_inflate(benchmark: BenchmarkFixture, codes: Codes) -> None:
    stream = zlib.compress(codes.cose[0], 9)
    assert benchmark(zlib.decompress, stream) == codes.cose[0]


@pytest.mark.benchmark(group="2 envelope")
@pytest.mark.parametrize("form", ["ic1", "claim169", "cose"])
def test_envelope_read(benchmark: BenchmarkFixture, codes: Codes, form: str) -> None:
    shown = codes.cose[0] if form == "cose" else codes.form(form)[0]
    assert benchmark(envelope.read, shown) == (form, codes.cose[0])


@pytest.mark.benchmark(group="3 frame")
def test_cose_parse(benchmark: BenchmarkFixture, codes: Codes) -> None:
    assert len(benchmark(cose.parse_sign1, codes.cose[0]).signature) == 64


@pytest.mark.benchmark(group="3 frame")
def test_cose_token_headers(benchmark: BenchmarkFixture, codes: Codes, sign1: cose.Sign1) -> None:
    assert benchmark(cose.token_headers, sign1, None).kid == codes.key.verifying_key.kid


@pytest.mark.benchmark(group="3 frame")
def test_cose_signed_bytes(benchmark: BenchmarkFixture, sign1: cose.Sign1) -> None:
    assert benchmark(cose.signed_bytes, sign1).endswith(sign1.payload)


@pytest.mark.benchmark(group="4 signature")
@pytest.mark.parametrize("backend", BACKENDS)
def test_signature_ed25519(benchmark: BenchmarkFixture, codes: Codes, sign1: cose.Sign1, backend: Backend) -> None:
    key = keys.VerifyingKey(algorithms.ED25519, codes.key.verifying_key.raw, backend=backend)
    assert benchmark(key.verify, sign1.signature, cose.signed_bytes(sign1))


@pytest.mark.benchmark(group="4 signature")
@pytest.mark.parametrize("backend", BACKENDS)
def test_signature_bare_ed25519(benchmark: BenchmarkFixture, codes: Codes, sign1: cose.Sign1, backend: Backend) -> None:
    """The library's own call, without icard."""
    raw, message = codes.key.verifying_key.raw, cose.signed_bytes(sign1)
    if backend == "libsodium":
        from nacl.bindings import crypto_sign_open

        assert benchmark(crypto_sign_open, sign1.signature + message, raw) == message
    else:
        benchmark(Ed25519PublicKey.from_public_bytes(raw).verify, sign1.signature, message)


@pytest.mark.benchmark(group="4 signature")
@pytest.mark.parametrize("name", [each.name for each in algorithms.ALGORITHMS if each is not algorithms.ED25519])
def test_signature_other(benchmark: BenchmarkFixture, name: str) -> None:
    codes = make_codes(cast(algorithms.Algorithm, algorithms.by_name(name)), 1)
    message = cose.parse_sign1(codes.cose[0])
    assert benchmark(codes.key.verifying_key.verify, message.signature, cose.signed_bytes(message))


@pytest.mark.benchmark(group="5 payload")
def test_cbor_decode(benchmark: BenchmarkFixture, sign1: cose.Sign1) -> None:
    value = benchmark(_decode, sign1.payload)
    assert cbor.encode(value) == sign1.payload


@pytest.mark.benchmark(group="5 payload")
def test_claims_decode(benchmark: BenchmarkFixture, codes: Codes, sign1: cose.Sign1) -> None:
    assert benchmark(claims.decode_claims, _decode(sign1.payload)) == codes.claims[0]


@pytest.mark.benchmark(group="5 payload")
def test_payload_decode(benchmark: BenchmarkFixture, codes: Codes, sign1: cose.Sign1) -> None:
    assert benchmark(claims.decode_payload, sign1.payload) == codes.claims[0]


@pytest.mark.benchmark(group="6 whole, no verdict")
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("form", ["ic1", "claim169"])
def test_whole(benchmark: BenchmarkFixture, codes: Codes, form: str, backend: Backend) -> None:
    key = keys.VerifyingKey(algorithms.ED25519, codes.key.verifying_key.raw, backend=backend)

    def whole(text: str) -> claims.CardClaims | None:
        message = cose.parse_sign1(envelope.read(text).cose)
        cose.token_headers(message, None)
        if not key.verify(message.signature, cose.signed_bytes(message)):
            return None
        return claims.decode_payload(message.payload)

    assert benchmark(whole, codes.form(form)[0]) == codes.claims[0]


def _decode(payload: bytes) -> Any:
    return cbor.decode(payload, max_bytes=limits.CARD_BYTES, max_items=limits.CARD_ITEMS)


@pytest.mark.benchmark(group="7 decision")
def test_key_from_cose_key(benchmark: BenchmarkFixture) -> None:
    """A trust list's key, its point checked."""
    held = CARD_KEY.verifying_key
    assert benchmark(keys.VerifyingKey.from_cose_key, held.to_cose_key()) == held


@pytest.mark.benchmark(group="7 decision")
def test_issuer_key_by_kid(benchmark: BenchmarkFixture) -> None:
    kids, kid = World().domain().kids, CARD_KEY.verifying_key.kid
    assert len(benchmark(kids.get, kid)) == 1


@pytest.mark.benchmark(group="7 decision")
def test_status_look_up(benchmark: BenchmarkFixture) -> None:
    held = statuses.load(statuses.trust_list(), statuses.write_token(1_000_000))
    assert benchmark(held.get, 0) == 0


@pytest.mark.benchmark(group="7 decision")
@pytest.mark.parametrize("backend", BACKENDS)
def test_verdict(benchmark: BenchmarkFixture, backend: Backend) -> None:
    """The whole: text to verdict, with trust list, timestamp, status list and policy."""
    verifier, text = verdicts.verifier_of(backend), code()
    assert benchmark(verifier.verify, text, now=NOW).outcome == "VALID"
