"""The vectors in tests/vectors: icard's reader does with each what the vector says, and all can be made again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from icard_crypto import cbor, claims, cose, envelope, limits
from icard_crypto.diagnostic import diagnostic
from icard_crypto.keys import VerifyingKey
from tools import make_vectors
from tools.vectors.base import claims_json
from tools.vectors.kept import Kept

VECTORS = Path(__file__).parent / "vectors"


def _files(folder: str) -> list[Any]:
    return [pytest.param(path, id=path.stem) for path in sorted((VECTORS / folder).glob("*.json"))]


def _load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return loaded


KEYS = _load(VECTORS / "keys.json")["keys"]


def _public(name: str) -> VerifyingKey:
    encoded = bytes.fromhex(KEYS[name]["cose_key"])
    return VerifyingKey.from_cose_key(cbor.decode(encoded, max_bytes=limits.CARD_BYTES, max_items=limits.CARD_ITEMS))


def _shown(vector: dict[str, Any]) -> str | bytes:
    return vector["text"] if "text" in vector else bytes.fromhex(vector["hex"])


@pytest.mark.parametrize(("folder", "least"), [("valid", 38)])
def test_the_folders_are_not_empty(folder: str, least: int) -> None:
    """A folder that moved or emptied fails, instead of proving nothing."""
    assert len(_files(folder)) >= least


@pytest.mark.parametrize("path", _files("valid"))
def test_a_valid_code_is_read_as_stated(path: Path) -> None:
    """A valid vector's form, COSE bytes, signature, payload and claims are what the file says."""
    vector = _load(path)
    found = envelope.read(_shown(vector))
    assert (found.form, found.cose.hex()) == (vector["form"], vector["cose"])
    message = cose.parse_sign1(found.cose)
    key = _public(vector["key"])
    headers = cose.token_headers(message)
    assert (headers.kid, headers.algorithm) == (key.kid, key.algorithm)
    assert key.verify(message.signature, cose.signed_bytes(message))
    payload = cbor.decode(message.payload, max_bytes=limits.CARD_BYTES, max_items=limits.CARD_ITEMS)
    assert diagnostic(payload) == vector["payload"]
    assert claims_json(claims.decode_claims(payload)) == vector["claims"]


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
