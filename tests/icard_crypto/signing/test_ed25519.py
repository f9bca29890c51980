"""Ed25519: weak keys never come to be, and all backends answer alike on every signature."""

from __future__ import annotations

import hashlib
from collections import Counter

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from icard_crypto.errors import KeyFault, MissingPart
from icard_crypto.signing import ed25519
from icard_crypto.signing.algorithms import ED25519
from icard_crypto.signing.keys import SigningKey, VerifyingKey
from tests.kit import edwards

TORSION = edwards.torsion()
#: y and y + p: the second is a non-canonical encoding where it fits in 255 bits.
NON_CANONICAL = [(y + edwards.P) | sign << 255 for y in range(19) for sign in (0, 1)]
SECRET, NONCE = 12345678901234567890, 98765432109876543210


def one_answer(public: bytes, signature: bytes, message: bytes) -> bool:
    """The one answer of all backends: two, or three where the native core is installed."""
    assert ed25519.BACKENDS[-2:] == ("libsodium", "openssl"), "the extra `fast` is part of the tests"
    answers = {
        backend: VerifyingKey(ED25519, public, backend=backend).verify(signature, message)
        for backend in ed25519.BACKENDS
    }
    assert len(set(answers.values())) == 1, f"{answers} for {public.hex()} {signature.hex()} {message.hex()}"
    return answers["openssl"]


def signature_with(commitment: bytes, nonce: int, public: bytes, secret: int, message: bytes) -> bytes:
    """A signature with a commitment R of one's choice and S to match ``nonce``."""
    s = (nonce + edwards.challenge(commitment, public, message) * secret) % edwards.L
    return commitment + s.to_bytes(32, "little")


def test_table_of_small_order_points_is_the_curves() -> None:
    """All eight points of small order, computed from the curve's equation, stand in the table."""
    assert len({edwards.encode(point) for point in TORSION}) == 8
    assert {edwards.encode(point) for point in TORSION} <= ed25519.SMALL_ORDER


@pytest.mark.parametrize("number", range(8))
@pytest.mark.parametrize("backend", ed25519.BACKENDS)
def test_small_order_key_is_refused(number: int, backend: ed25519.Backend) -> None:
    """Each of the eight points of small order is refused as a key, though OpenSSL would take it."""
    encoded = edwards.encode(TORSION[number])
    Ed25519PublicKey.from_public_bytes(encoded)
    with pytest.raises(KeyFault) as caught:
        VerifyingKey(ED25519, encoded, backend=backend)
    assert caught.value.code == "key.bad_point"
    assert caught.value.expected == "a canonical Ed25519 point, not of small order"


@pytest.mark.parametrize("y", [1, edwards.P - 1])
def test_negative_zero_is_refused(y: int) -> None:
    """x = 0 with the sign bit set encodes no point (RFC 8032 section 5.1.3, step 4)."""
    with pytest.raises(KeyFault) as caught:
        VerifyingKey(ED25519, (y | 1 << 255).to_bytes(32, "little"))
    assert caught.value.code == "key.bad_point"


@pytest.mark.parametrize("backend", ed25519.BACKENDS)
def test_non_canonical_key_is_refused(backend: ed25519.Backend) -> None:
    """A y of p or more is refused, whether or not its residue is a point."""
    for number in NON_CANONICAL:
        assert not ed25519.is_acceptable_point(number.to_bytes(32, "little"), backend), hex(number)


@pytest.mark.parametrize("backend", ed25519.BACKENDS)
def test_point_check_agrees_with_the_curve(backend: ed25519.Backend) -> None:
    """All ways of finding out accept exactly the encodings that decode to a point, small orders aside."""
    outcomes: Counter[bool] = Counter()
    for y in (*range(2, 200), *range(edwards.P - 200, edwards.P - 1)):
        for sign in (0, 1):
            encoded = (y | sign << 255).to_bytes(32, "little")
            expected = edwards.decode(encoded) is not None
            assert ed25519.is_acceptable_point(encoded, backend) is expected, y
            outcomes[expected] += 1
    assert min(outcomes[True], outcomes[False]) > 200


@pytest.mark.parametrize("backend", ed25519.BACKENDS)
def test_points_of_mixed_order_are_keys(backend: ed25519.Backend) -> None:
    """A point with a part of small order is on the curve, and no backend's idea of a good key decides."""
    honest = edwards.multiply(SECRET, edwards.BASE)
    for part in TORSION:
        assert ed25519.is_acceptable_point(edwards.encode(edwards.add(honest, part)), backend)


@given(st.binary(min_size=32, max_size=32))
def test_backends_agree_on_any_32_bytes(encoded: bytes) -> None:
    """Whether bytes are a key does not depend on what is installed."""
    assert len({ed25519.is_acceptable_point(encoded, backend) for backend in ed25519.BACKENDS}) == 1


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_point_check_wants_32_bytes(length: int) -> None:
    """Any other length is no point."""
    assert not ed25519.is_acceptable_point(b"\x02" * length)


def test_mixed_order_keys_and_commitments_get_one_answer() -> None:
    """Keys and commitments with a part of small order: all backends compare without the cofactor, both ways occur."""
    outcomes: Counter[bool] = Counter()
    for key_part in range(8):
        public = edwards.encode(edwards.add(edwards.multiply(SECRET, edwards.BASE), TORSION[key_part]))
        for nonce_part in range(8):
            point = edwards.add(edwards.multiply(NONCE, edwards.BASE), TORSION[nonce_part])
            for number in range(8):
                message = bytes([number])
                signature = signature_with(edwards.encode(point), NONCE, public, SECRET, message)
                outcomes[one_answer(public, signature, message)] += 1
    assert outcomes.total() == 512
    assert min(outcomes[True], outcomes[False]) > 50


@pytest.mark.parametrize("number", range(8))
def test_small_order_commitment_is_refused(number: int) -> None:
    """R of small order with S = h a satisfies the equation for some message: OpenSSL accepts, icard refuses."""
    commitment = edwards.encode(TORSION[number])
    public = edwards.encode(edwards.add(edwards.multiply(SECRET, edwards.BASE), TORSION[1]))
    openssl = Ed25519PublicKey.from_public_bytes(public)
    accepted_by_openssl = 0
    for tried in range(40):
        message = bytes([tried])
        signature = signature_with(commitment, 0, public, SECRET, message)
        try:
            openssl.verify(signature, message)
            accepted_by_openssl += 1
        except Exception:  # noqa: S110 - that it raises is the other half of the count
            pass
        assert one_answer(public, signature, message) is False
    assert accepted_by_openssl > 0, "no signature here shows the difference"


def test_identity_commitment_is_refused_for_an_ordinary_key() -> None:
    """R = identity, S = h a: valid by the equation for every message, and refused."""
    public = edwards.encode(edwards.multiply(SECRET, edwards.BASE))
    signature = signature_with(edwards.encode(edwards.IDENTITY), 0, public, SECRET, b"message")
    Ed25519PublicKey.from_public_bytes(public).verify(signature, b"message")
    assert one_answer(public, signature, b"message") is False


def test_non_canonical_commitment_is_refused() -> None:
    """R with y of p or more is refused by all, also where its residue is the right point."""
    public = edwards.encode(edwards.multiply(SECRET, edwards.BASE))
    for number in NON_CANONICAL:
        signature = signature_with(number.to_bytes(32, "little"), 0, public, SECRET, b"message")
        assert one_answer(public, signature, b"message") is False


@pytest.mark.parametrize("multiple", [1, 2, 8])
def test_s_of_the_order_or_more_is_refused(multiple: int) -> None:
    """S + n L satisfies the equation as S does (malleability) and is refused (RFC 8032 section 5.1.7)."""
    key = SigningKey.from_raw(ED25519, bytes(32))
    signature = key.sign(b"message")
    s = int.from_bytes(signature[32:], "little") + multiple * edwards.L
    assert one_answer(key.verifying_key.raw, signature, b"message") is True
    assert one_answer(key.verifying_key.raw, signature[:32] + s.to_bytes(32, "little"), b"message") is False


def test_zero_signature_is_refused() -> None:
    """64 zero bytes (R of order 4, S = 0) are no signature."""
    key = SigningKey.from_raw(ED25519, bytes(32)).verifying_key
    assert one_answer(key.raw, bytes(64), b"message") is False


@settings(max_examples=300)
@given(
    seed=st.binary(min_size=32, max_size=32),
    message=st.binary(max_size=80),
    at=st.integers(0, 63),
    value=st.integers(0, 255),
    how=st.sampled_from(["set", "flip", "negate", "swap", "message", "key"]),
)
def test_mutated_signatures_get_one_answer(seed: bytes, message: bytes, at: int, value: int, how: str) -> None:
    """Whatever is changed in a good signature, the backends agree, and only the unchanged one is good."""
    key = SigningKey.from_raw(ED25519, seed)
    public, good = key.verifying_key.raw, key.sign(message)
    changed, said = bytearray(good), message
    if how == "set":
        changed[at] = value
    elif how == "flip":
        changed[at] ^= 1 << value % 8
    elif how == "negate":
        changed[32:] = ((edwards.L - int.from_bytes(good[32:], "little")) % edwards.L).to_bytes(32, "little")
    elif how == "swap":
        changed = changed[32:] + changed[:32]
    elif how == "message":
        said = message + bytes([value])
    else:
        public = SigningKey.from_raw(ED25519, hashlib.sha256(seed).digest()).verifying_key.raw
    unchanged = bytes(changed) == good and said == message and public == key.verifying_key.raw
    assert one_answer(public, bytes(changed), said) is unchanged


@given(public=st.binary(min_size=32, max_size=32), signature=st.binary(min_size=64, max_size=64))
def test_arbitrary_bytes_get_one_answer(public: bytes, signature: bytes) -> None:
    """Random keys are acceptable exactly when they are points; random signatures are refused by all."""
    point = edwards.decode(public)
    acceptable = point is not None and edwards.multiply(8, point) != edwards.IDENTITY
    assert ed25519.is_acceptable_point(public) is acceptable
    if acceptable:
        assert one_answer(public, signature, b"") is False


def test_a_backend_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking for libsodium without PyNaCl is one typed error that says what to install."""
    monkeypatch.setattr(ed25519, "BACKENDS", ("openssl",))
    with pytest.raises(MissingPart) as caught:
        ed25519.verifier_for(bytes(32), "libsodium")
    assert caught.value.code == "key.no_backend"
    assert (caught.value.expected, caught.value.found) == ("openssl", "libsodium")
    assert "icard[fast]" in caught.value.hint()
