"""Known answers of RFC 8032, NIST and FIPS 204, as the package ``cryptography_vectors`` carries them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import cryptography_vectors
import pytest

from icard_crypto.signing import ed25519
from icard_crypto.signing.algorithms import ED25519, ES256, ES384, ML_DSA_44, Algorithm
from icard_crypto.signing.keys import SigningKey, VerifyingKey


def text_of(name: str) -> str:
    """A vector file as text."""
    with cryptography_vectors.open_vector_file(name, "r") as file:
        return str(file.read())


def records(text: str) -> Iterator[dict[str, str]]:
    """The blocks of ``name = value`` lines of a NIST response file."""
    for block in re.split(r"\n\s*\n", text):
        found = dict(re.findall(r"^(\w+) = ?(.*)$", block, flags=re.MULTILINE))
        if found:
            yield found


@pytest.mark.parametrize("backend", ed25519.BACKENDS)
def test_ed25519_signatures_of_rfc_8032s_authors(backend: ed25519.Backend) -> None:
    """1,024 keys, messages of 0 to 1,023 bytes: key and signature as stated, by each backend; a bit off, none."""
    lines = text_of("asymmetric/Ed25519/sign.input").splitlines()
    assert len(lines) == 1024
    for number, line in enumerate(lines):
        secret, public, message, signed = (bytes.fromhex(part) for part in line.split(":")[:4])
        signer = SigningKey.from_raw(ED25519, secret[:32])
        assert len(message) == number
        assert signer.verifying_key.raw == public
        assert signer.sign(message) == signed[:64]
        key = VerifyingKey(ED25519, public, backend=backend)
        assert key.verify(signed[:64], message)
        assert not key.verify(bytes([signed[0] ^ 1]) + signed[1:64], message)
        assert not key.verify(signed[:64], message + b"\x00")


@pytest.mark.parametrize(
    ("algorithm", "section"), [(ES256, "P-256,SHA-256"), (ES384, "P-384,SHA-384")], ids=["ES256", "ES384"]
)
def test_ecdsa_verification_of_nist(algorithm: Algorithm, section: str) -> None:
    """FIPS 186-3 SigVer: 15 signatures for each curve, good ones and ones with message, R, S or Q changed."""
    text = text_of("asymmetric/ECDSA/FIPS_186-3/SigVer.rsp").split(f"[{section}]")[1].split("\n[")[0]
    size = algorithm.private_length
    reasons: Counter[str] = Counter()
    for record in records(text):
        message = bytes.fromhex(record["Msg"])
        x, y, r, s = (int(record[name], 16).to_bytes(size, "big") for name in ("Qx", "Qy", "R", "S"))
        good = record["Result"].startswith("P")
        assert VerifyingKey(algorithm, b"\x04" + x + y).verify(r + s, message) is good, record["Result"]
        reasons[record["Result"][:5]] += 1
    assert reasons.total() == 15
    assert {"P (0 ", "F (1 ", "F (2 ", "F (3 ", "F (4 "} <= set(reasons)


@pytest.mark.parametrize(
    ("algorithm", "section"), [(ES256, "P-256,SHA-256"), (ES384, "P-384,SHA-384")], ids=["ES256", "ES384"]
)
def test_ecdsa_signatures_of_nist_verify(algorithm: Algorithm, section: str) -> None:
    """FIPS 186-3 SigGen: 15 good signatures for each curve, and the public key follows from the scalar."""
    text = text_of("asymmetric/ECDSA/FIPS_186-3/SigGen.txt").split(f"[{section}]")[1].split("\n[")[0]
    size, count = algorithm.private_length, 0
    for record in records(text):
        d, x, y, r, s = (int(record[name], 16).to_bytes(size, "big") for name in ("d", "Qx", "Qy", "R", "S"))
        key = SigningKey.from_raw(algorithm, d).verifying_key
        assert key.raw == b"\x04" + x + y
        assert key.verify(r + s, bytes.fromhex(record["Msg"]))
        count += 1
    assert count == 15


def test_ml_dsa_44_keys_of_the_known_answers() -> None:
    """100 seeds give the stated public keys. All their signatures have a context, which COSE does not use: refused."""
    seen = 0
    for record in records(text_of("asymmetric/MLDSA/kat_MLDSA_44_det_pure.rsp").replace("count", "\ncount")):
        if "xi" not in record:
            continue
        signer = SigningKey.from_raw(ML_DSA_44, bytes.fromhex(record["xi"]))
        assert signer.verifying_key.raw.hex() == record["pk"].lower()
        message = bytes.fromhex(record["msg"])
        assert record["ctx"]
        assert not signer.verifying_key.verify(bytes.fromhex(record["sm"])[:2420], message)
        assert signer.verifying_key.verify(signer.sign(message), message)
        seen += 1
    assert seen == 100
