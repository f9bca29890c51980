"""lists.cddl and the readers agree about status tokens, timestamps, trust lists and bundles."""

from __future__ import annotations

import functools
from importlib import resources
from typing import Any

import pycddl  # type: ignore[import-untyped]
import pytest

from icard_crypto.encoding import cbor
from icard_crypto.errors import DecodeError
from icard_crypto.lists import status_list, timestamp, trust_list
from icard_crypto.lists.bundle import Bundle, encode_bundle
from icard_crypto.lists.list_maps import FIELDS
from icard_crypto.lists.status_list import StatusListBuilder
from icard_crypto.lists.timestamp import Timestamp, encode_timestamp, sign_timestamp
from icard_crypto.signing import cose
from tests.kit.adversary import (
    DAY,
    ISSUERS,
    KEYS,
    REVOKED,
    START,
    STATUS_KEY,
    TIMESTAMP_KEY,
    Edit,
    drop,
    payload,
    published,
    put,
)

URI = "https://sh.example/s/k7Qd"
STAMP = Timestamp(7, bytes(32), START, START + DAY, frozenset(), {URI: START})


@functools.cache
def _schema(root: str) -> Any:
    text = (resources.files("icard_crypto.lists") / "lists.cddl").read_text("utf-8")
    return pycddl.Schema(f"start = {root}\n{text}")


def _status_token() -> bytes:
    return StatusListBuilder(4, 16).sign(STATUS_KEY, uri=URI, iat=START, exp=START + DAY, ttl=60)


@pytest.mark.parametrize(
    ("name", "token"), [("status", _status_token()), ("timestamp", sign_timestamp(STAMP, TIMESTAMP_KEY))]
)
def test_tokens_are_what_the_cddl_says(name: str, token: bytes) -> None:
    """Frame, header and payload of a status token and of a timestamp satisfy their roots."""
    _schema(f"{name}-message").validate_cbor(token)
    parsed = cose.parse_sign1(token)
    _schema(f"{name}-header").validate_cbor(parsed.protected)
    _schema({"status": "status-claims", "timestamp": "timestamp"}[name]).validate_cbor(parsed.payload)


def test_a_trust_list_is_what_the_cddl_says() -> None:
    """Frame, headers and payload of a trust list satisfy their roots, and so does a bundle around it."""
    revoked = put({1: START, 2: "retired"}, ISSUERS, 0, KEYS, 0, REVOKED)
    data = published(1, revoked)
    _schema("trust-message").validate_cbor(data)
    parsed = cose.parse_sign(data)
    _schema("trust-header").validate_cbor(parsed.protected)
    for entry in parsed.signatures:
        _schema("root-header").validate_cbor(entry.protected)
    _schema("trust-list").validate_cbor(parsed.payload)
    _schema("bundle").validate_cbor(encode_bundle(Bundle((data,), (_status_token(),), b"")))


_TRUST_FAULTS: dict[str, Edit] = {
    **{f"no {name}": drop(field.key) for name, field in FIELDS["trust_list"].items()},
    **{f"issuer without {name}": drop(ISSUERS, 0, field.key) for name, field in FIELDS["issuer"].items()},
    **{
        f"key without {name}": drop(ISSUERS, 0, KEYS, 0, field.key)
        for name, field in FIELDS["issuer_key"].items()
        if not field.optional
    },
    "format 2": put(2, 1),
    "another environment": put("proof", 2),
    "version 0": put(0, 3),
    "no root": put([], 6),
    "threshold 33": put(33, 7),
    "an iss in capitals": put("CN", ISSUERS, 0, 1),
    "a name too long": put("x" * 121, ISSUERS, 0, 2, 1),
    "a region of five digits": put(["31000"], ISSUERS, 0, 3),
    "a prefix without its slash": put(["https://sh.example"], ISSUERS, 0, 4),
    "capacity above the most": put(2**24 + 1, ISSUERS, 0, 5),
    "another usage": put("root", ISSUERS, 0, KEYS, 0, 2),
    "another kind of revocation": put({1: 0, 2: "lost"}, ISSUERS, 0, KEYS, 0, REVOKED),
}


@pytest.mark.parametrize("edit", _TRUST_FAULTS.values(), ids=_TRUST_FAULTS)
def test_cddl_and_reader_refuse_the_same_trust_lists(edit: Edit) -> None:
    """One fault in a trust list is refused by the CDDL and by the reader."""
    data = cbor.encode(payload(1, edit))
    with pytest.raises(pycddl.ValidationError):
        _schema("trust-list").validate_cbor(data)
    with pytest.raises(DecodeError) as caught:
        trust_list.decode_trust_list(data)
    assert caught.value.layer in ("trust", "uri")


_TOKEN_FAULTS: dict[str, tuple[str, Edit]] = {
    **{f"status without {name}": ("status", drop(field.key)) for name, field in FIELDS["status_token"].items()},
    **{f"timestamp without {name}": ("timestamp", drop(field.key)) for name, field in FIELDS["timestamp"].items()},
    "three bits": ("status", put(3, 65533, "bits")),
    "ttl of 32 days": ("status", put(32 * DAY, 65534)),
    "hash of 31 bytes": ("timestamp", put(bytes(31), 2)),
    "a short thumbprint": ("timestamp", put([bytes(31)], 5)),
    "a list without a time": ("timestamp", put({URI: -1}, 6)),
}


def _read_status(content: bytes) -> None:
    token = cose.sign_token(content, STATUS_KEY, status_list.TYP)
    status_list.read_status_list(token, uri=URI, find_key=lambda kid: STATUS_KEY.verifying_key, capacity=16)


def _read_timestamp(content: bytes) -> None:
    token = cose.sign_token(content, TIMESTAMP_KEY, timestamp.TYP)
    timestamp.read_timestamp(token, find_key=lambda kid: TIMESTAMP_KEY.verifying_key)


_READERS = {"status": _read_status, "timestamp": _read_timestamp}


@pytest.mark.parametrize(("name", "edit"), _TOKEN_FAULTS.values(), ids=_TOKEN_FAULTS)
def test_cddl_and_reader_refuse_the_same_tokens(name: str, edit: Edit) -> None:
    """One fault in a status token or timestamp is refused by the CDDL and by the reader."""
    status = name == "status"
    good = cose.parse_sign1(_status_token()).payload if status else encode_timestamp(STAMP)
    made: Any = cbor.decode(good, max_bytes=4096, max_items=64)
    edit(made)
    with pytest.raises(pycddl.ValidationError):
        _schema("status-claims" if status else "timestamp").validate_cbor(cbor.encode(made))
    with pytest.raises(DecodeError) as caught:
        _READERS[name](cbor.encode(made))
    assert caught.value.layer in ("status", "timestamp", "uri")
