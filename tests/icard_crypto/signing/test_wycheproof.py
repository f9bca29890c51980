"""Project Wycheproof: every vector of icard's algorithms, without a mismatch."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from icard_crypto.errors import KeyFault
from icard_crypto.signing import ed25519
from icard_crypto.signing.algorithms import ED25519, ES256, ES384, ML_DSA_44, Algorithm
from icard_crypto.signing.keys import VerifyingKey
from tests.kit import shared_vectors


def key_of(algorithm: Algorithm, raw: bytes, backend: ed25519.Backend | None = None) -> VerifyingKey | None:
    """The key, or None where icard refuses to make it."""
    try:
        return VerifyingKey(algorithm, raw, backend=backend)
    except KeyFault:
        return None


def outcomes(groups: list[dict[str, Any]], keys: list[VerifyingKey | None]) -> Counter[str]:
    """Run every vector; a refused key refuses its signatures. Returns how many were accepted and refused.

    A vector marked ``acceptable`` may go either way by the project's rules; icard's files have none, and if one came
    it would have to be decided here: it fails.
    """
    counts: Counter[str] = Counter()
    mismatches = []
    for group, key in zip(groups, keys, strict=True):
        for test in group["tests"]:
            if "ctx" in test:
                counts["skipped: has a context"] += 1
                continue
            accepted = key is not None and key.verify(bytes.fromhex(test["sig"]), bytes.fromhex(test["msg"]))
            if {"valid": True, "invalid": False}.get(test["result"]) is not accepted:
                mismatches.append((test["tcId"], test["comment"], test["result"], accepted))
            counts["accepted" if accepted else "refused"] += 1
            counts["refused with its key"] += key is None
    assert mismatches == []
    return counts


@pytest.mark.parametrize("backend", ed25519.BACKENDS)
def test_ed25519(backend: ed25519.Backend) -> None:
    """All 151 vectors, on each backend."""
    groups = shared_vectors.load("wycheproof/ed25519_test.json")["testGroups"]
    keys = [key_of(ED25519, bytes.fromhex(group["publicKey"]["pk"]), backend) for group in groups]
    assert outcomes(groups, keys) == {"accepted": 88, "refused": 63, "refused with its key": 0}


def test_ed25519_backends_agree_on_every_signature_under_every_key() -> None:
    """All signatures of the file under all its keys: most are wrong, and wrong for all."""
    groups = shared_vectors.load("wycheproof/ed25519_test.json")["testGroups"]
    raws = {bytes.fromhex(group["publicKey"]["pk"]) for group in groups}
    tests = [(bytes.fromhex(test["sig"]), bytes.fromhex(test["msg"])) for group in groups for test in group["tests"]]
    answers: Counter[bool] = Counter()
    for raw in raws:
        keys = [VerifyingKey(ED25519, raw, backend=backend) for backend in ed25519.BACKENDS]
        for signature, message in tests:
            [answer] = {key.verify(signature, message) for key in keys}
            answers[answer] += 1
    assert answers[True] >= 80
    assert answers[False] > 500


@pytest.mark.parametrize(
    ("algorithm", "name", "expected"),
    [
        (ES256, "ecdsa_secp256r1_sha256_p1363_test", {"accepted": 173, "refused": 89, "refused with its key": 0}),
        (ES384, "ecdsa_secp384r1_sha384_p1363_test", {"accepted": 193, "refused": 87, "refused with its key": 0}),
    ],
    ids=["ES256", "ES384"],
)
def test_ecdsa(algorithm: Algorithm, name: str, expected: dict[str, int]) -> None:
    """All vectors with signatures as r || s; keys from their points and from their PEM are the same."""
    groups = shared_vectors.load(f"wycheproof/{name}.json")["testGroups"]
    keys = [key_of(algorithm, bytes.fromhex(group["publicKey"]["uncompressed"])) for group in groups]
    assert [VerifyingKey.from_pem(group["publicKeyPem"].encode()) for group in groups] == keys
    assert outcomes(groups, keys) == expected


def test_ml_dsa_44() -> None:
    """All vectors without a context; those with one, even an empty one, are outside what COSE uses (RFC 9964)."""
    groups = shared_vectors.load("wycheproof/mldsa_44_verify_test.json")["testGroups"]
    keys = [key_of(ML_DSA_44, bytes.fromhex(group["publicKey"])) for group in groups]
    assert outcomes(groups, keys) == {
        "accepted": 74,
        "refused": 98,
        "refused with its key": 4,
        "skipped: has a context": 8,
    }


def test_missing_vectors_skip_unless_their_folder_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A clone alone says that it skips; whoever names a folder with ICARD_VECTORS gets a failure for what it lacks."""
    monkeypatch.delenv("ICARD_VECTORS", raising=False)
    monkeypatch.setattr(shared_vectors, "CHECKOUT", tmp_path / "checkout")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.skip.Exception, match="no public vectors at"):
        shared_vectors.load("wycheproof/ed25519_test.json")
    for named in (tmp_path / "nowhere", tmp_path):
        monkeypatch.setenv("ICARD_VECTORS", str(named))
        with pytest.raises(pytest.fail.Exception, match="ICARD_VECTORS names their folder"):
            shared_vectors.load("wycheproof/ed25519_test.json")
