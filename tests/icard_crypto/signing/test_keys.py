"""Keys: names by RFC 9679, every weak or malformed key refused on every path, nothing private shown."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from icard_crypto.encoding import cbor
from icard_crypto.errors import KeyFault
from icard_crypto.signing.algorithms import ALGORITHMS, ED25519, ES256, ES384, ML_DSA_44, Algorithm
from icard_crypto.signing.keys import SigningKey, VerifyingKey
from tests.kit import edwards

EVERY = pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda row: row.name)
ECDSA = pytest.mark.parametrize("algorithm", [ES256, ES384], ids=lambda row: row.name)
KEYS = {
    algorithm.name: SigningKey.from_raw(algorithm, bytes(range(1, algorithm.private_length + 1)))
    for algorithm in ALGORITHMS
}
SPKI = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
#: RFC 9679 section 6.
RFC_X = bytes.fromhex("65eda5a12577c2bae829437fe338701a10aaa375e1bb5b5de108de439c08551d")
RFC_Y = bytes.fromhex("1e52ed75701163f7f9e40ddf9f341b3dc9ba860af7e0ca7ca7e9eecd0084d19c")
RFC_THUMBPRINT = bytes.fromhex("496bd8afadf307e5b08c64b0421bf9dc01528a344a43bda88fadd1669da253ec")


def fault(make: Callable[[], object]) -> KeyFault:
    """The KeyFault that ``make`` ends in; its sentences can be written and hold nothing private."""
    with pytest.raises(KeyFault) as caught:
        make()
    assert caught.value.message() in str(caught.value)
    assert caught.value.__cause__ is None
    return caught.value


def cose(algorithm: Algorithm, **changes: object) -> dict[Any, Any]:
    """The COSE_Key of the algorithm's key with members set (``m1`` is label -1), or dropped by ``...``."""
    members: dict[Any, Any] = dict(KEYS[algorithm.name].verifying_key.to_cose_key())
    for name, value in changes.items():
        label = -int(name[1:]) if name[0] == "m" else int(name[1:])
        members[label] = value
        if value is ...:
            del members[label]
    return members


def read_back(members: dict[Any, Any]) -> cbor.Value:
    """The map after a way through its bytes."""
    return cbor.decode(cbor.encode(members), max_bytes=2000, max_items=20)


def test_thumbprint_of_the_rfc() -> None:
    """RFC 9679 section 6: the example's thumbprint, from x and y, with the thumbprint as its kid or without."""
    key = VerifyingKey.from_cose_key({1: 2, -1: 1, -2: RFC_X, -3: RFC_Y, 2: RFC_THUMBPRINT})
    assert key.algorithm is ES256
    assert (key.thumbprint, key.kid) == (RFC_THUMBPRINT, RFC_THUMBPRINT[:8])
    assert VerifyingKey(ES256, b"\x04" + RFC_X + RFC_Y) == key


@EVERY
def test_all_paths_lead_to_one_key(algorithm: Algorithm) -> None:
    """Raw bytes, PEM, COSE_Key, private PEM (plain and encrypted) and pickle give equal keys that verify alike."""
    signer = KEYS[algorithm.name]
    key = signer.verifying_key
    ways = [
        VerifyingKey(algorithm, key.raw),
        VerifyingKey.from_pem(key.to_pem()),
        VerifyingKey.from_cose_key(key.to_cose_key()),
        VerifyingKey.from_cose_key(read_back({**key.to_cose_key(), 2: key.kid})),
        SigningKey.from_pem(signer.to_pem()).verifying_key,
        SigningKey.from_pem(signer.to_pem(b"correct"), b"correct").verifying_key,
        pickle.loads(pickle.dumps(key)),  # noqa: S301 - our own
    ]
    signature = signer.sign(b"message")
    assert len(signature) == algorithm.signature_length
    for way in ways:
        assert way == key
        assert (hash(way), way.kid, way.algorithm) == (hash(key), key.kid, algorithm)
        assert way.verify(signature, b"message")
        assert not way.verify(signature, b"massage")
    assert len({*ways, *(other.verifying_key for other in KEYS.values())}) == len(ALGORITHMS)
    assert key != key.thumbprint


@EVERY
def test_wrong_lengths_are_refused(algorithm: Algorithm) -> None:
    """Public and private raw keys of any other length, with both lengths named."""
    for length in (0, 1, algorithm.public_length - 1, algorithm.public_length + 1):
        error = fault(lambda length=length: VerifyingKey(algorithm, b"\x04" * length))  # type: ignore[misc]
        assert (error.code, error.expected) == ("key.length", f"{algorithm.public_length} bytes")
        assert error.found == f"{length} bytes"
    for length in (0, algorithm.private_length - 1, algorithm.private_length + 1):
        error = fault(lambda length=length: SigningKey.from_raw(algorithm, b"\x01" * length))  # type: ignore[misc]
        assert (error.code, error.expected) == ("key.length", f"{algorithm.private_length} bytes")


@EVERY
@given(data=st.data())
def test_verify_says_no_to_anything_else(algorithm: Algorithm, data: st.DataObject) -> None:
    """Any bytes as a signature: False, never an exception."""
    key = KEYS[algorithm.name].verifying_key
    size = algorithm.signature_length
    signature = data.draw(st.binary(max_size=80) | st.binary(min_size=size, max_size=size))
    assert key.verify(signature, b"message") is False


@ECDSA
def test_degenerate_ecdsa_signatures_are_refused(algorithm: Algorithm) -> None:
    """r or s of 0, of the group's order, or of all ones."""
    key, size = KEYS[algorithm.name].verifying_key, algorithm.signature_length // 2
    good = KEYS[algorithm.name].sign(b"m")
    for part in (bytes(size), b"\xff" * size, bytes(size - 1) + b"\x01"):
        for signature in (part + good[size:], good[:size] + part, part + part):
            assert key.verify(signature, b"m") is False


@ECDSA
@pytest.mark.parametrize("what", ["off curve", "infinity", "x is p", "x above p", "hybrid", "prefix"])
def test_bad_ec_points_are_refused(algorithm: Algorithm, what: str) -> None:
    """Not on the curve, the point at infinity padded, coordinates of p or more, hybrid and unknown encodings."""
    raw, size = KEYS[algorithm.name].verifying_key.raw, algorithm.private_length
    p = {32: 2**256 - 2**224 + 2**192 + 2**96 - 1, 48: 2**384 - 2**128 - 2**96 + 2**32 - 1}[size]
    code, changed = {
        "off curve": ("key.bad_point", raw[:-1] + bytes([raw[-1] ^ 1])),
        "infinity": ("key.bad_point", b"\x04" + bytes(2 * size)),
        "x is p": ("key.bad_point", b"\x04" + p.to_bytes(size, "big") + raw[1 + size :]),
        "x above p": ("key.bad_point", b"\x04" + b"\xff" * size + raw[1 + size :]),
        "hybrid": ("key.malformed", bytes([6 + raw[-1] % 2]) + raw[1:]),
        "prefix": ("key.malformed", b"\x00" + raw[1:]),
    }[what]
    error = fault(lambda: VerifyingKey(algorithm, changed))
    assert error.code == code
    if code == "key.bad_point":
        assert error.expected == f"a valid public key for {algorithm.name}"
        x, y = changed[1 : 1 + size], changed[1 + size :]
        assert fault(lambda: VerifyingKey.from_cose_key(cose(algorithm, m2=x, m3=y))).code == code


def test_point_at_infinity_and_compressed_points_are_no_raw_keys() -> None:
    """The single byte 00, and 02 or 03 with x, have the wrong length."""
    compressed = bytes([2 + KEYS["ES256"].verifying_key.raw[-1] % 2]) + KEYS["ES256"].verifying_key.raw[1:33]
    for raw in (b"\x00", compressed):
        assert fault(lambda raw=raw: VerifyingKey(ES256, raw)).code == "key.length"  # type: ignore[misc]


def test_compressed_point_in_pem_is_the_same_key() -> None:
    """RFC 5480 allows it in a certificate's key: it names one point, so one key with one thumbprint."""
    key = KEYS["ES256"].verifying_key
    der = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200")
    point = bytes([2 + key.raw[-1] % 2]) + key.raw[1:33]
    pem = serialization.load_der_public_key(der + point).public_bytes(*SPKI)
    assert VerifyingKey.from_pem(pem) == key


@pytest.mark.parametrize("number", range(8))
def test_weak_ed25519_keys_are_refused_on_every_path(number: int) -> None:
    """Small-order points: raw, PEM, COSE_Key, and unpickled."""
    weak = edwards.encode(edwards.torsion()[number])
    pem = Ed25519PublicKey.from_public_bytes(weak).public_bytes(*SPKI)
    pickled = pickle.dumps(KEYS["Ed25519"].verifying_key).replace(KEYS["Ed25519"].verifying_key.raw, weak)
    ways: list[Callable[[], object]] = [
        lambda: VerifyingKey(ED25519, weak),
        lambda: VerifyingKey(ED25519, weak, backend="openssl"),
        lambda: VerifyingKey.from_pem(pem),
        lambda: VerifyingKey.from_cose_key({1: 1, -1: 6, -2: weak}),
        lambda: pickle.loads(pickled),  # noqa: S301 - our own
    ]
    assert [fault(way).code for way in ways] == ["key.bad_point"] * 5


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ([], "key.malformed"),
        (None, "key.malformed"),
        ({}, "key.unknown_algorithm"),
        ({1: 4, -1: b"k" * 32}, "key.unknown_algorithm"),
        (cose(ES256, m4=b"\x01" * 32), "key.malformed"),
        (cose(ED25519, m4=b"\x01" * 32), "key.malformed"),
        (cose(ML_DSA_44, m2=b"\x01" * 32), "key.malformed"),
        (cose(ES256, p4=[2]), "key.malformed"),
        (cose(ES256, p99=1), "key.malformed"),
        ({**cose(ES256), "d": b""}, "key.malformed"),
        (cose(ES256, m3=True), "key.malformed"),
        (cose(ES256, m3=False), "key.malformed"),
        (cose(ES256, m3=...), "key.malformed"),
        (cose(ES256, m2="x"), "key.malformed"),
        (cose(ED25519, m3=b"y" * 32), "key.malformed"),
        (cose(ED25519, m2=...), "key.malformed"),
        (cose(ES256, m2=b"\x01" * 31), "key.length"),
        (cose(ES256, m2=b"\x00" + RFC_X, m3=b"\x00" + RFC_Y), "key.length"),
        (cose(ES256, m2=RFC_X + RFC_Y[:1], m3=RFC_Y[1:]), "key.length"),
        (cose(ED25519, m2=b"\x01" * 33), "key.length"),
        (cose(ML_DSA_44, m1=b"\x01" * 1311), "key.length"),
        (cose(ES256, p3=-35), "key.unknown_algorithm"),
        (cose(ES256, p3=-8), "key.unknown_algorithm"),
        (cose(ES256, p3=None), "key.unknown_algorithm"),
        (cose(ES256, p3="ES256"), "key.unknown_algorithm"),
        (cose(ES256, m1=2), "key.unknown_algorithm"),
        (cose(ES256, m1=3), "key.unknown_algorithm"),
        (cose(ES256, m1=True), "key.unknown_algorithm"),
        (cose(ED25519, p1=True), "key.unknown_algorithm"),
        (cose(ED25519, m1=7), "key.unknown_algorithm"),
        (cose(ED25519, m1=4, p3=...), "key.unknown_algorithm"),
        (cose(ED25519, p1=2), "key.unknown_algorithm"),
        (cose(ML_DSA_44, p3=...), "key.unknown_algorithm"),
        (cose(ML_DSA_44, p3=-49), "key.unknown_algorithm"),
        (cose(ML_DSA_44, p3=-7), "key.unknown_algorithm"),
        (cose(ES256, p2=b"\x00" * 8), "key.kid_mismatch"),
        (cose(ES256, p2=KEYS["ES256"].verifying_key.thumbprint[:9]), "key.kid_mismatch"),
        (cose(ES256, p2=None), "key.kid_mismatch"),
        (cose(ES256, p2=[]), "key.kid_mismatch"),
    ],
)
def test_malformed_cose_keys_are_refused(members: Any, code: str) -> None:
    """Private parts, foreign members, wrong types and lengths, an alg or kid that is not the key's."""
    assert fault(lambda: VerifyingKey.from_cose_key(members)).code == code


@pytest.mark.parametrize("algorithm", [ES256, ES384, ED25519], ids=lambda row: row.name)
def test_second_id_and_no_id_are_the_same_key(algorithm: Algorithm) -> None:
    """alg is optional for EC and OKP keys, and both ids of an algorithm mean one."""
    key = KEYS[algorithm.name].verifying_key
    assert VerifyingKey.from_cose_key(cose(algorithm, p3=...)) == key
    assert VerifyingKey.from_cose_key(cose(algorithm, p3=algorithm.ids[1])) == key
