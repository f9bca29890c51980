"""The vectors in tests/vectors: icard's reader does with each what the vector says, and all can be made again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from icard_crypto import limits
from icard_crypto.card import claims
from icard_crypto.encoding import cbor, envelope
from icard_crypto.encoding.diagnostic import diagnostic
from icard_crypto.errors import DecodeError, KeyFault, catalogue
from icard_crypto.signing import cose, ed25519
from icard_crypto.signing.keys import VerifyingKey
from tests.kit.cases import check_files
from tests.kit.reference import ISSUED_AT
from tests.kit.vector_verifiers import VECTORS, decision_verifier, load, shown, trusting_verifier
from tools import make_vectors
from tools.vectors.base import claims_json
from tools.vectors.kept import Kept
from verifier import Verdict
from verifier.decision import reasons


def files(folder: str) -> list[Any]:
    """The vectors of a folder, as parameters."""
    return [pytest.param(path, id=path.stem) for path in sorted((VECTORS / folder).glob("*.json"))]


KEYS = load(VECTORS / "keys.json")["keys"]


def _read_key(vector: dict[str, Any]) -> VerifyingKey:
    if "pem" in vector:
        return VerifyingKey.from_pem(vector["pem"].encode())
    encoded = bytes.fromhex(vector["cose_key"])
    return VerifyingKey.from_cose_key(cbor.decode(encoded, max_bytes=limits.CARD_BYTES, max_items=limits.CARD_ITEMS))


def _public(name: str) -> VerifyingKey:
    return _read_key(KEYS[name])


VERIFIER = trusting_verifier()
LAYERS = ("text", "base45", "zlib", "cose", "header", "cbor", "claims", "key")
LIST_LAYERS = ("trust", "status", "timestamp", "bundle", "uri")


@pytest.mark.parametrize(("folder", "least"), [("valid", 43), ("refuse", 400), ("keys", 70), ("decisions", 90)])
def test_the_folders_are_not_empty(folder: str, least: int) -> None:
    """A folder that moved or emptied fails, instead of proving nothing."""
    assert len(files(folder)) >= least


def test_a_valid_code_is_read_as_stated() -> None:
    """A valid vector's form, COSE bytes, signature, payload and claims are what the file says."""
    check_files(VECTORS / "valid", _check_valid)


def _check_valid(path: Path) -> None:
    vector = load(path)
    found = envelope.read(shown(vector))
    assert (found.form, found.cose.hex()) == (vector["form"], vector["cose"])
    message = cose.parse_sign1(found.cose)
    key = _public(vector["key"])
    headers = cose.token_headers(message)
    assert (headers.kid, headers.algorithm) == (key.kid, key.algorithm)
    assert key.verify(message.signature, cose.signed_bytes(message))
    payload = cbor.decode(message.payload, max_bytes=limits.CARD_BYTES, max_items=limits.CARD_ITEMS)
    assert diagnostic(payload) == vector["payload"]
    assert claims_json(claims.decode_claims(payload)) == vector["claims"]


def _refusal(code: str | bytes, key: VerifyingKey) -> tuple[str, DecodeError | None]:
    """Where reading stopped, and the error; no error where the signature does not hold."""
    where = "text"
    try:
        coded = envelope.read(code).cose
        where = "cose"
        message = cose.parse_sign1(coded)
        where = "headers"
        headers = cose.token_headers(message)
        fits = headers.algorithm == key.algorithm and key.verify(message.signature, cose.signed_bytes(message))
        if headers.kid != key.kid or not fits:
            return "cose", None
        where = "payload"
        claims.decode_claims(cbor.decode(message.payload, max_bytes=limits.CARD_BYTES, max_items=limits.CARD_ITEMS))
    except DecodeError as error:
        return ("zlib" if error.layer == "zlib" else where), error
    raise AssertionError("nothing was refused")


def test_a_fault_is_refused_where_and_as_stated() -> None:
    """A faulty code is refused in the layer, by the code and at the place that its vector names, and in words."""
    check_files(VECTORS / "refuse", _check_refusal)


def _check_refusal(path: Path) -> None:
    vector = load(path)
    where, error = _refusal(shown(vector), _public(vector["key"]))
    assert where == vector["where"]
    if vector["layer"] == "signature":
        assert error is None
        return
    assert error is not None
    stated = {name: vector.get(name) for name in ("layer", "code", "offset", "path")}
    assert {name: getattr(error, name) for name in stated} == stated
    assert error.message() == catalogue()[vector["code"]]["en"]


def test_a_fault_gives_the_stated_verdict() -> None:
    """A verifier that trusts the vectors' keys does not find a faulty code VALID, says the stated reason, and shows
    no card: INVALID, or INDETERMINATE where the way to the verifier spoilt the code."""
    check_files(VECTORS / "refuse", _check_verdict)


def _check_verdict(path: Path) -> None:
    vector = load(path)
    verdict = VERIFIER.verify(shown(vector), now=ISSUED_AT)
    outcome = "INDETERMINATE" if vector["reason"] == "misread" else "INVALID"
    assert (verdict.outcome, str(verdict.reason)) == (outcome, vector["reason"])
    assert verdict.card is None
    assert verdict.message()


@pytest.mark.parametrize("backend", ed25519.BACKENDS)
@pytest.mark.parametrize("path", [file for file in files("refuse") if str(file.id).startswith("signature-ed25519-")])
def test_every_backend_refuses_a_bad_signature(path: Path, backend: ed25519.Backend) -> None:
    """Every backend gives the same answer on each faulty Ed25519 signature."""
    vector = load(path)
    message = cose.parse_sign1(envelope.read(shown(vector)).cose)
    trusted = _public(vector["key"])
    key = VerifyingKey(trusted.algorithm, trusted.raw, backend=backend)
    assert key.verify(message.signature, cose.signed_bytes(message)) is False


def test_a_key_is_taken_or_refused_as_stated() -> None:
    """A key is refused by the code that its vector names, in words; one without a code is read with its thumbprint."""
    check_files(VECTORS / "keys", _check_key)


def _check_key(path: Path) -> None:
    vector = load(path)
    if "code" not in vector:
        key = _read_key(vector)
        assert (key.algorithm.name, key.thumbprint.hex()) == (vector["algorithm"], vector["thumbprint"])
        return
    with pytest.raises(KeyFault) as caught:
        _read_key(vector)
    assert (caught.value.code, caught.value.layer) == (vector["code"], vector["layer"])
    assert caught.value.message() == catalogue()[vector["code"]]["en"]


def outcome_of(verdict: Verdict) -> dict[str, Any]:
    """A verdict as the vectors of decisions/ state it."""
    return {
        "outcome": verdict.outcome,
        "reason": str(verdict.reason),
        "detail": verdict.reason.variant,
        "also": [str(reason) for reason in verdict.also],
        "last_known": verdict.last_known,
        "permit": {"state": verdict.permit.state, "live": verdict.permit.live},
        "insurance": {"state": verdict.insurance.state, "live": verdict.insurance.live},
        "holder": verdict.holder,
    }


def test_a_decision_is_as_stated() -> None:
    """Outcome, reason, detail, further reasons and states of a verdict are what its vector says."""
    check_files(VECTORS / "decisions", _check_decision)


def _check_decision(path: Path) -> None:
    vector = load(path)
    verdict = decision_verifier(vector).verify(shown(vector), now=vector["now"])
    assert outcome_of(verdict) == vector["expected"]


def test_every_reason_has_a_decision() -> None:
    """Each reason of a verdict, and each variant of one, is the reason of some vector in decisions/, or stands in
    exceptions.json."""
    stated = [load(path)["expected"] for path in (VECTORS / "decisions").iterdir()]
    covered = {(expected["reason"], expected["detail"]) for expected in stated}
    wanted = {(code, None) for code, entry in reasons.catalogue().items() if "variants" not in entry}
    wanted |= {(code, name) for code, entry in reasons.catalogue().items() for name in entry.get("variants", ())}
    assert {code for code, _ in wanted - covered} == load(VECTORS / "exceptions.json")["reasons"].keys()


def test_every_code_that_bytes_can_cause_has_a_vector() -> None:
    """Each code of the reading layers has a vector, or stands in exceptions.json with its reason, never both."""
    exceptions = load(VECTORS / "exceptions.json")["codes"]
    codes = {code for code in catalogue() if code.partition(".")[0] in LAYERS + LIST_LAYERS}
    folders = ("refuse", "keys", "trust", "status", "timestamp", "bundle")
    covered = {load(path).get("code") for name in folders for path in (VECTORS / name).iterdir()}
    assert codes - covered == exceptions.keys()


def test_a_verifier_shows_the_claims_of_a_valid_code() -> None:
    """A verifier that trusts the vectors' keys gives the same claims, whatever it thinks of their content."""
    check_files(VECTORS / "valid", _check_claims)


def _check_claims(path: Path) -> None:
    vector = load(path)
    verdict = VERIFIER.verify(shown(vector), now=ISSUED_AT)
    assert verdict.error is None
    assert verdict.claims is not None
    assert claims_json(verdict.claims) == vector["claims"]


def test_the_vectors_can_be_made_again(tmp_path: Path) -> None:
    """The makers write, into another folder, the same files with the same bytes; nothing else lies there."""
    make_vectors.write(make_vectors.make_all(Kept(VECTORS / "kept.json")), tmp_path)
    made = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*.json")}
    there = {
        path.relative_to(VECTORS): path.read_bytes()
        for path in [
            VECTORS / "keys.json",
            *(file for name in make_vectors.FOLDERS for file in (VECTORS / name).iterdir()),
        ]
    }
    assert made.keys() == there.keys()
    assert [str(path) for path in made if made[path] != there[path]] == []
