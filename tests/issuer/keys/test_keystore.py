"""Private keys on disk, and the signer that opens them."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from icard_crypto.card.claims import encode_claims
from icard_crypto.encoding import cbor
from icard_crypto.errors import DecodeError, KeyFault
from icard_crypto.signing import algorithms, cose
from icard_crypto.signing.keys import SigningKey, Thumbprint
from issuer.keys.keystore import Envelope, Keystore
from issuer.keys.signer import CardMessage, KeystoreSigner, StatusMessage, TimestampMessage
from tests.kit.reference import reference_claims

PASSPHRASE = b"correct horse"
KEY = SigningKey.from_raw(algorithms.ED25519, bytes(32))
THUMBPRINT = KEY.verifying_key.thumbprint
CARD = CardMessage(encode_claims(reference_claims()))
STATUS = StatusMessage(cbor.encode({2: "https://icard.example/s/a", 6: 1, 65533: {"bits": 4, "lst": b""}}))


@pytest.fixture
def keystore(tmp_path: Path) -> Keystore:
    made = Keystore(tmp_path / "keys")
    made.add(KEY, "card", "cn.310000", PASSPHRASE, 14)
    return made


def signer(keystore: Keystore, passphrase: bytes = PASSPHRASE) -> KeystoreSigner:
    return KeystoreSigner(keystore, lambda: passphrase)


def file_of(keystore: Keystore) -> Path:
    return keystore.folder / f"{THUMBPRINT.hex()}.json"


@pytest.mark.parametrize("algorithm", algorithms.ALGORITHMS, ids=lambda a: a.name)
def test_every_algorithm_is_kept(algorithm: algorithms.Algorithm) -> None:
    """Sealed, encoded, decoded and opened, a key signs as before."""
    key = SigningKey.generate(algorithm)
    sealed = Envelope.seal(key, "status", "cn.310000", "service", PASSPHRASE, 14)
    opened = Envelope.decode(sealed.encode()).open(PASSPHRASE)
    assert key.verifying_key.verify(opened.sign(b"x"), b"x")


def test_the_file_is_secret_and_never_overwritten(keystore: Keystore) -> None:
    """Mode 0600 in a folder of mode 0700; the private key is not in it in clear."""
    path = file_of(keystore)
    assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(keystore.folder.stat().st_mode)) == (0o600, 0o700)
    with pytest.raises(Exception, match=r"file\.exists"):
        keystore.add(KEY, "card", "cn.310000", PASSPHRASE, 14)
    assert keystore.thumbprints() == [THUMBPRINT.hex()]


def test_a_wrong_passphrase_is_named(keystore: Keystore) -> None:
    """One line, and it does not show the passphrase."""
    with pytest.raises(KeyFault) as caught:
        signer(keystore, b"battery staple").sign(THUMBPRINT, [CARD])
    assert caught.value.code == "key.passphrase_wrong"
    assert "staple" not in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value"), [("usage", "status"), ("issuer", "cn.440000"), ("origin", "hand"), ("algorithm", "Ed25519 ")]
)
def test_an_edited_envelope_does_not_open(keystore: Keystore, field: str, value: str) -> None:
    """Usage, issuer, origin and algorithm are bound to the key."""
    loaded = json.loads(file_of(keystore).read_bytes())
    edited = json.dumps({**loaded, field: value}).encode()
    with pytest.raises(KeyFault) as caught:
        Envelope.decode(edited).open(PASSPHRASE)
    assert caught.value.code == ("keystore.envelope" if field == "algorithm" else "key.passphrase_wrong")


@pytest.mark.parametrize("cost", [13, 21, 63, "14", True])
def test_costs_are_bounded_before_they_are_paid(keystore: Keystore, cost: Any) -> None:
    """A file cannot make its reader use a terabyte."""
    loaded = json.loads(file_of(keystore).read_bytes())
    loaded["kdf"]["log2_n"] = cost
    with pytest.raises(KeyFault) as caught:
        Envelope.decode(json.dumps(loaded).encode())
    assert (caught.value.code, caught.value.expected) == ("keystore.envelope", "a key file of format 1")


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"-----BEGIN PRIVATE KEY-----", b'{"format": 1}'])
def test_another_file_is_no_envelope(content: bytes) -> None:
    """Whatever it is, the error has a code."""
    with pytest.raises(KeyFault) as caught:
        Envelope.decode(content)
    assert caught.value.code == "keystore.envelope"


def test_a_key_made_by_hand_does_not_serve(keystore: Keystore) -> None:
    """The service refuses keys of the other origin, passphrase or not."""
    by_hand = Envelope.seal(KEY, "card", "cn.310000", "hand", PASSPHRASE, 14)
    file_of(keystore).write_bytes(by_hand.encode())
    with pytest.raises(KeyFault) as caught:
        signer(keystore).sign(THUMBPRINT, [CARD])
    assert (caught.value.code, caught.value.found) == ("keystore.origin", "hand")


def test_an_empty_passphrase_is_refused() -> None:
    """It protects nothing."""
    with pytest.raises(KeyFault) as caught:
        Envelope.seal(KEY, "card", "cn.310000", "service", b"", 14)
    assert caught.value.code == "key.passphrase_empty"


def test_many_messages_are_signed_in_order(keystore: Keystore) -> None:
    """Each token holds its payload, under the key, with the type of its usage."""
    tokens = signer(keystore).sign(THUMBPRINT, [CARD, CARD])
    for token in tokens:
        message = cose.parse_sign1(token)
        assert message.payload == CARD.payload
        assert cose.token_headers(message, None).kid == KEY.verifying_key.kid
        assert KEY.verifying_key.verify(message.signature, cose.signed_bytes(message))


def test_a_key_signs_its_usage_only(keystore: Keystore) -> None:
    """A card key signs no status list, whoever asks, and nothing of a mixed call."""
    with pytest.raises(KeyFault) as caught:
        signer(keystore).sign(THUMBPRINT, [CARD, STATUS])
    assert (caught.value.code, caught.value.expected, caught.value.found) == ("keystore.usage", "card", "status")


def test_an_unknown_key_is_named(keystore: Keystore) -> None:
    """By the start of its thumbprint."""
    with pytest.raises(KeyFault) as caught:
        signer(keystore).sign(Thumbprint(bytes(32)), [CARD])
    assert (caught.value.code, caught.value.expected) == ("keystore.not_in_keystore", "0" * 16)


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        (CardMessage, b"anything"),
        (CardMessage, STATUS.payload),
        (StatusMessage, CARD.payload),
        (StatusMessage, b"\xa0"),
        (TimestampMessage, CARD.payload),
        (TimestampMessage, b"\xa0"),
        (TimestampMessage, b"\x01"),
    ],
)
def test_a_message_is_what_its_type_says(kind: Any, payload: bytes) -> None:
    """There is no way to make a key sign bytes of another meaning."""
    with pytest.raises(DecodeError) as caught:
        kind(payload)
    assert caught.value.layer in ("claims", "cbor", "signer")
