"""verify() answers whatever it is shown: anything gives a verdict, and only the signed bytes give a VALID one."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icard_crypto.card.claims import encode_claims
from icard_crypto.encoding import cbor, envelope
from tests.kit.reference import ISSUED_AT
from tests.kit.trust_domain import NOW, PREFIX, World, claims, code, signed
from verifier import UsageError, Verdict

VERIFIER = World().verifier()
COSE = signed(encode_claims(claims()))
GOOD = VERIFIER.verify(COSE, now=NOW)
TEXTS = st.text(st.characters(exclude_categories=()), max_size=600)
BASE45_TEXTS = st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:", max_size=600)


def written(verdict: Verdict) -> None:
    """Every word and figure of the verdict can be made."""
    for language in ("en", "zh"):
        verdict.to_json(language)
    repr(verdict)


@given(TEXTS | BASE45_TEXTS.map("IC1:".__add__) | BASE45_TEXTS)
def test_any_text(text: str) -> None:
    """Any text, lone surrogates and control characters too, gives a verdict that is not VALID."""
    verdict = VERIFIER.verify(text, now=NOW)
    assert verdict.outcome == "INVALID"
    written(verdict)


@given(st.binary(max_size=600) | st.binary(max_size=600).map(b"\xd2\x84\x43\xa1\x01\x26".__add__))
def test_any_bytes(data: bytes) -> None:
    """Any bytes give a verdict that is not VALID."""
    verdict = VERIFIER.verify(data, now=NOW)
    assert verdict.outcome == "INVALID"
    written(verdict)


VALUES = st.recursive(
    st.integers(-(2**63), 2**63 - 1) | st.text(max_size=20) | st.binary(max_size=20) | st.booleans() | st.none(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.integers(-70_000, 70_000) | st.text(max_size=4), inner)
    ),
    max_leaves=20,
)


@given(VALUES)
def test_any_payload_under_a_trusted_key(payload: cbor.Value) -> None:
    """A trusted issuer that signs nonsense gets a verdict too."""
    verdict = VERIFIER.verify(signed(cbor.encode(payload)), now=NOW)
    assert (verdict.outcome, verdict.reason) == ("INVALID", "malformed")
    written(verdict)


@settings(max_examples=200)
@given(st.sampled_from([1, 4, 5, 6, 7, 8, 65535, 169, -65537]), VALUES)
def test_any_claim_under_a_trusted_key(key: int, value: cbor.Value) -> None:
    """One claim of a good card replaced by anything."""
    payload = cbor.decode(encode_claims(claims()), max_bytes=16384, max_items=1024)
    assert isinstance(payload, dict)
    verdict = VERIFIER.verify(signed(cbor.encode({**payload, key: value})), now=NOW)
    written(verdict)
    if verdict.outcome == "VALID":
        assert verdict.claims is not None


#: The end of the year 9999, in seconds since 1970.
CALENDAR_END = 253_402_300_800


@given(st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False))
def test_any_moment(now: float) -> None:
    """Any time of the calendar gives a verdict, one far from the card's not VALID; beyond it is wrong use, by name."""
    if now >= CALENDAR_END:
        with pytest.raises(UsageError) as caught:
            VERIFIER.verify(COSE, now=now)
        assert caught.value.code == "usage.now"
        return
    verdict = VERIFIER.verify(COSE, now=now)
    written(verdict)
    if not ISSUED_AT - 300 <= now < claims().expires:
        assert verdict.outcome != "VALID"


def same_signed_bytes(verdict: Verdict) -> bool:
    """Whether the verdict is about the very claims that were signed."""
    return verdict.claims == GOOD.claims and verdict.evidence.thumbprint == GOOD.evidence.thumbprint


def test_every_bit_of_the_cose_bytes() -> None:
    """Each of the code's bits, turned alone, refuses the code."""
    assert GOOD.outcome == "VALID"
    accepted = []
    for bit in range(len(COSE) * 8):
        turned = bytearray(COSE)
        turned[bit // 8] ^= 1 << bit % 8
        verdict = VERIFIER.verify(bytes(turned), now=NOW)
        if verdict.outcome != "INVALID":
            accepted.append((bit, verdict))
    assert all(same_signed_bytes(verdict) for _, verdict in accepted)
    assert [bit for bit, _ in accepted] == []


@pytest.mark.parametrize("text", [code(), envelope.to_claim169(COSE)])
def test_every_character_of_the_text(text: str) -> None:
    """Each character, replaced by another of the alphabet, refuses the code or leaves the very same signed bytes."""
    draw = random.Random(45)
    for at in range(len(text)):
        other = draw.choice([c for c in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:" if c != text[at]])
        verdict = VERIFIER.verify(text[:at] + other + text[at + 1 :], now=NOW)
        assert verdict.outcome == "INVALID" or same_signed_bytes(verdict)


def test_every_truncation_and_extension() -> None:
    """Every prefix of the bytes, and the bytes with one more, are refused."""
    for length in range(len(COSE)):
        assert VERIFIER.verify(COSE[:length], now=NOW).outcome == "INVALID"
    for byte in range(256):
        assert VERIFIER.verify(COSE + bytes([byte]), now=NOW).outcome == "INVALID"


@given(st.text(max_size=40))
def test_any_list_name(name: str) -> None:
    """A status uri is the issuer's only with a plain name behind the prefix."""
    from tests.kit.trust_domain import HERE

    plain = 1 <= len(name) <= 32 and name.isascii() and name.replace("-", "a").replace("_", "a").isalnum()
    assert HERE.owns_status_uri(PREFIX + name) == plain
