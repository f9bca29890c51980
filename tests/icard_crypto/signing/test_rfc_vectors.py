"""Examples of RFC 6979, RFC 8392 and the COSE working group, run through :mod:`icard_crypto.signing.cose` as a library.

What icard refuses on purpose stands in ``tests/known_differences.json`` with its reason. Every example is tried; an
entry that no longer differs, and a difference without an entry, fail the run.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from icard_crypto.encoding import envelope
from icard_crypto.errors import DecodeError
from icard_crypto.signing import cose
from icard_crypto.signing.algorithms import ES256, ES384, Algorithm
from icard_crypto.signing.keys import SigningKey, VerifyingKey
from tests.kit import shared_vectors

DIFFERENCES: list[dict[str, str]] = json.loads(
    (Path(__file__).parents[2] / "known_differences.json").read_text("utf-8")
)["differences"]
FILES = [
    "CWT-A_3",
    *(f"sign1-tests-sign-pass-0{number}" for number in (1, 2, 3)),
    *(f"sign1-tests-sign-fail-0{number}" for number in (1, 2, 3, 4, 6, 7)),
]


@pytest.mark.parametrize(
    ("algorithm", "secret", "message", "r", "s"),
    [
        (
            ES256,
            "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721",
            b"sample",
            "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716",
            "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
        ),
        (
            ES256,
            "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721",
            b"test",
            "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367",
            "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083",
        ),
        (
            ES384,
            "6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D896D5724E4C70A825F872C9EA60D2EDF5",
            b"sample",
            "94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C81A648152E44ACF96E36DD1E80FABE46",
            "99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94FA329C145786E679E7B82C71A38628AC8",
        ),
        (
            ES384,
            "6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D896D5724E4C70A825F872C9EA60D2EDF5",
            b"test",
            "8203B63D3C853E8D77227FB377BCF7B7B772E97892A80F36AB775D509D7A5FEB0542A7F0812998DA8F1DD3CA3CF023DB",
            "DDD0760448D42D8A43AF45AF836FCE4DE8BE06B485E9B61B827C2F13173923E06A739F040649A667BF3B828246BAA5A5",
        ),
    ],
)
def test_deterministic_ecdsa_of_rfc_6979(algorithm: Algorithm, secret: str, message: bytes, r: str, s: str) -> None:
    """RFC 6979 appendices A.2.5 (P-256, SHA-256) and A.2.6 (P-384, SHA-384)."""
    signer = SigningKey.from_raw(algorithm, bytes.fromhex(secret))
    signature = signer.sign(message)
    assert signature.hex().upper() == r + s
    assert signer.verifying_key.verify(signature, message)


def example(name: str) -> dict[str, Any]:
    """One example of the working group."""
    loaded: dict[str, Any] = shared_vectors.load(f"cose/{name}.json")
    return loaded


def key_of(stated: dict[str, str]) -> VerifyingKey:
    """The example's public key, whose coordinates are hexadecimal or base64url."""
    coordinates = {
        label: bytes.fromhex(stated[f"{name}_hex"])
        if f"{name}_hex" in stated
        else base64.urlsafe_b64decode(stated[name] + "=" * (-len(stated[name]) % 4))
        for label, name in ((-2, "x"), (-3, "y"))
    }
    assert stated["crv"] == "P-256"
    return VerifyingKey.from_cose_key({1: 2, -1: 1, **coordinates})


def as_library(stated: dict[str, Any]) -> str:
    """Verify one example by the general rules of RFC 9052: ``valid``, ``bad signature``, or the refusal's code."""
    signer = stated["input"]["sign0"]
    try:
        message = cose.parse_sign1(bytes.fromhex(stated["output"]["cbor"]))
        algorithm = cose.algorithm_of(cose.headers_of(message.protected), cose.headers_of(message.unprotected))
    except DecodeError as error:
        return error.code
    key = key_of(signer["key"])
    signed = cose.signed_bytes(message, bytes.fromhex(signer.get("external", "")))
    holds = key.algorithm is algorithm and key.verify(message.signature, signed)
    if holds or not stated.get("fail"):
        assert signed.hex().upper() == stated["intermediates"]["ToBeSign_hex"]
    return "valid" if holds else "bad signature"


def as_card(stated: dict[str, Any]) -> str:
    """Read one example as if someone showed it for a card: ``accepted`` or the refusal's code."""
    try:
        found = envelope.read(bytes.fromhex(stated["output"]["cbor"]))
        cose.token_headers(cose.parse_sign1(found.cose))
    except DecodeError as error:
        return error.code
    return "accepted"


def expected_of(stated: dict[str, Any], reader: str) -> str:
    """What the working group expects of a verifier."""
    if reader == "card":
        return "refused" if stated.get("fail") else "accepted"
    return "refused" if stated.get("fail") else "valid"


def listed(name: str, reader: str) -> dict[str, str] | None:
    """The known difference for this file and reader."""
    return next((entry for entry in DIFFERENCES if (entry["file"], entry["reader"]) == (f"{name}.json", reader)), None)


@pytest.mark.parametrize("reader", ["library", "card"])
@pytest.mark.parametrize("name", FILES)
def test_examples_of_the_working_group(name: str, reader: str) -> None:
    """Each example gives what its file expects, or exactly the difference that the table explains."""
    stated = example(name)
    actual = (as_library if reader == "library" else as_card)(stated)
    expected = expected_of(stated, reader)
    agrees = actual == expected or (expected == "refused" and actual not in ("valid", "accepted"))
    entry = listed(name, reader)
    if entry is None:
        assert agrees, f"{name}: expected {expected}, got {actual}"
    else:
        assert not agrees, f"{name} no longer differs: take its entry out of known_differences.json"
        assert (entry["expected"], entry["actual"]) == (expected, actual)


@pytest.mark.parametrize(
    ("name", "actual"),
    [
        ("sign1-tests-sign-fail-01", "cose.wrong_tag"),
        ("sign1-tests-sign-fail-02", "bad signature"),
        ("sign1-tests-sign-fail-03", "header.alg_unknown"),
        ("sign1-tests-sign-fail-04", "header.alg_unknown"),
        ("sign1-tests-sign-fail-06", "bad signature"),
        ("sign1-tests-sign-fail-07", "bad signature"),
    ],
)
def test_examples_fail_for_the_reason_they_were_made_for(name: str, actual: str) -> None:
    """A refused example is refused where its file says it is wrong, and nowhere else."""
    assert as_library(example(name)) == actual


def test_every_difference_is_explained_and_looked_at() -> None:
    """The table names existing examples once each, with a reason that is a sentence."""
    assert len({(entry["file"], entry["reader"]) for entry in DIFFERENCES}) == len(DIFFERENCES)
    for entry in DIFFERENCES:
        assert set(entry) == {"file", "reader", "expected", "actual", "reason"}
        assert entry["file"].removesuffix(".json") in FILES
        assert entry["reader"] in ("library", "card")
        assert len(entry["reason"]) > 20
        assert entry["reason"].endswith(".")


def test_no_example_is_left_out() -> None:
    """Every file of the folder is tried."""
    assert {path.stem for path in (shared_vectors.folder() / "cose").glob("*.json")} == set(FILES)


def test_cwt_example_is_signed_again_and_verifies() -> None:
    """RFC 8392 A.3: its own scalar makes another signature (deterministic), over the same bytes, under the same key."""
    stated = example("CWT-A_3")
    message = cose.parse_sign1(bytes.fromhex(stated["output"]["cbor"]))
    assert message.payload.hex() == stated["input"]["plaintext_hex"]
    signer = SigningKey.from_raw(ES256, bytes.fromhex(stated["input"]["sign0"]["key"]["d_hex"]))
    assert signer.verifying_key == key_of(stated["input"]["sign0"]["key"])
    written = cose.parse_sign1(cose.sign1({1: -7}, message.payload, signer))
    assert written[:3] == message[:3]
    assert cose.signed_bytes(written) == cose.signed_bytes(message)
    assert signer.verifying_key.verify(written.signature, cose.signed_bytes(message))
