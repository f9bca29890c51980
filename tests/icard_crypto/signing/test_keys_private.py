"""Private keys and PEM files: foreign keys named, passphrases kept apart, nothing private shown."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, mldsa, rsa, x25519

from icard_crypto.signing.algorithms import ALGORITHMS, ES256, ES384, ML_DSA_44, Algorithm
from icard_crypto.signing.keys import SigningKey, VerifyingKey
from tests.icard_crypto.signing.test_keys import KEYS, SPKI, fault

EVERY = pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda row: row.name)
ECDSA = pytest.mark.parametrize("algorithm", [ES256, ES384], ids=lambda row: row.name)
PKCS8 = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)


def pem_of(private: Any, passphrase: bytes | None = None) -> bytes:
    """A foreign private key as PKCS#8."""
    how = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return bytes(private.private_bytes(*PKCS8, how))


FOREIGN: dict[str, Any] = {
    "rsa": rsa.generate_private_key(65537, 2048),
    "p521": ec.generate_private_key(ec.SECP521R1()),
    "secp256k1": ec.generate_private_key(ec.SECP256K1()),
    "x25519": x25519.X25519PrivateKey.generate(),
    "mldsa65": mldsa.MLDSA65PrivateKey.generate(),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_keys_are_named(name: str) -> None:
    """RSA, P-521, secp256k1, X25519 and ML-DSA-65: of no algorithm of ours, public, private and encrypted."""
    private = FOREIGN[name]
    for make in (
        lambda: SigningKey.from_pem(pem_of(private)),
        lambda: SigningKey.from_pem(pem_of(private, b"pass"), b"pass"),
        lambda: VerifyingKey.from_pem(private.public_key().public_bytes(*SPKI)),
    ):
        error = fault(make)
        assert (error.code, error.expected) == ("key.unknown_algorithm", "Ed25519, P-256, P-384 or ML-DSA-44")


@EVERY
def test_passphrases(algorithm: Algorithm) -> None:
    """Right: the key. None: needed. Wrong, empty or a damaged file: wrong. Superfluous: not looked at."""
    signer = KEYS[algorithm.name]
    pem = signer.to_pem(b"right")
    assert pem.startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert SigningKey.from_pem(pem, b"right").verifying_key == signer.verifying_key
    assert fault(lambda: SigningKey.from_pem(pem)).code == "key.passphrase_needed"
    for wrong in (b"wrong", b"right ", b""):
        assert fault(lambda wrong=wrong: SigningKey.from_pem(pem, wrong)).code == "key.passphrase_wrong"  # type: ignore[misc]
    damaged = pem[:100] + (b"A" if pem[100:101] != b"A" else b"B") + pem[101:]
    assert fault(lambda: SigningKey.from_pem(damaged, b"right")).code == "key.passphrase_wrong"
    assert SigningKey.from_pem(signer.to_pem(), b"any").verifying_key == signer.verifying_key


def test_empty_passphrase_never_writes_a_plain_key() -> None:
    """An empty passphrase is not "no passphrase": whoever gave it wanted protection."""
    error = fault(lambda: KEYS["ES256"].to_pem(b""))
    assert (error.code, error.expected) == ("key.passphrase_empty", "at least one byte, or None")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"garbage",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        b"\xff" * 100,
        KEYS["ES256"].verifying_key.to_pem(),
    ],
)
def test_garbage_is_no_private_key(data: bytes) -> None:
    """Neither is a public key."""
    assert fault(lambda: SigningKey.from_pem(data)).code == "key.malformed"


@pytest.mark.parametrize("data", [b"", b"garbage", b"\x00" * 64, KEYS["Ed25519"].to_pem()])
def test_garbage_is_no_public_key(data: bytes) -> None:
    """Neither is a private key: it is not quietly reduced to its public part."""
    error = fault(lambda: VerifyingKey.from_pem(data))
    assert (error.code, error.expected) == ("key.malformed", "a public key in PEM")


@ECDSA
@pytest.mark.parametrize("scalar", ["zero", "order", "ones"])
def test_scalars_outside_the_group_are_refused(algorithm: Algorithm, scalar: str) -> None:
    """0, the group's order n and above."""
    order = {
        32: 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
        48: int("ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973", 16),
    }[algorithm.private_length]
    number = {"zero": 0, "order": order, "ones": 256**algorithm.private_length - 1}[scalar]
    error = fault(lambda: SigningKey.from_raw(algorithm, number.to_bytes(algorithm.private_length, "big")))
    assert (error.code, error.expected) == ("key.malformed", "a scalar between 1 and the group's order")
    SigningKey.from_raw(algorithm, (order - 1).to_bytes(algorithm.private_length, "big"))


@EVERY
def test_private_parts_stay_private(algorithm: Algorithm) -> None:
    """repr names algorithm and kid only; pickling and copying a private key fail, whatever the protocol."""
    signer = KEYS[algorithm.name]
    kid = signer.verifying_key.kid.hex()
    assert repr(signer) == str(signer) == f"SigningKey({algorithm.name}, kid={kid})"
    assert repr(signer.verifying_key) == f"VerifyingKey({algorithm.name}, kid={kid})"
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="a SigningKey can't be pickled or copied"):
            pickle.dumps(signer, protocol)
    with pytest.raises(TypeError, match="to_pem"):
        copy.copy(signer)


@EVERY
def test_generated_keys_differ_and_sign(algorithm: Algorithm) -> None:
    """Two new keys are two keys; ECDSA and Ed25519 sign the same message alike each time, ML-DSA does not."""
    first, second = SigningKey.generate(algorithm), SigningKey.generate(algorithm)
    assert first.verifying_key != second.verifying_key
    signatures = {first.sign(b"m") for _ in range(3)}
    assert len(signatures) == (3 if algorithm is ML_DSA_44 else 1)
    assert all(first.verifying_key.verify(signature, b"m") for signature in signatures)
    assert not any(second.verifying_key.verify(signature, b"m") for signature in signatures)
