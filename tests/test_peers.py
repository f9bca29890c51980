"""Other people's software reads icard's codes: each in an environment of its own, as a child process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks.child import Child, ChildFailed, start_peer
from benchmarks.codes import Codes, make_codes
from benchmarks.peers import PeerMissing
from benchmarks.peers.protocol import plain
from icard_crypto.card import claims
from icard_crypto.card.card import Profile
from icard_crypto.signing.algorithms import ED25519, ES256, ES384, Algorithm

pytestmark = [pytest.mark.network, pytest.mark.slow]


def _peer(name: str) -> Iterator[Child]:
    try:
        child = start_peer(name)
    except PeerMissing as missing:
        if missing.unreachable:
            pytest.skip(f"the package registry gives no answer: {missing}")
        raise
    with child:
        yield child


@pytest.fixture(scope="module")
def claim169() -> Iterator[Child]:
    yield from _peer("claim169")


@pytest.fixture(scope="module", params=["cwt", "pycose", "minimal"])
def cose_library(request: pytest.FixtureRequest) -> Iterator[Child]:
    yield from _peer(request.param)


def _load(peer: Child, codes: Codes, form: str) -> None:
    key = codes.key.verifying_key
    common = {"form": form, "algorithm": key.algorithm.name, "key": key.raw.hex(), "kid": key.kid.hex()}
    peer.ask(do="load", codes=[], **common)


def _read(peer: Child, codes: Codes, form: str) -> Any:
    _load(peer, codes, form)
    return peer.ask(do="verify", code=codes.form(form)[0])["claims"]


def _forged(codes: Codes) -> Codes:
    """The same code with the last bit of its signature turned."""
    token = codes.cose[0]
    return Codes(codes.key, codes.now, codes.claims, (token[:-1] + bytes((token[-1] ^ 1,)),))


@pytest.mark.parametrize("algorithm", [ED25519, ES256], ids=lambda each: each.name)
def test_claim169_reads_the_holder(claim169: Child, algorithm: Algorithm) -> None:
    """The Claim 169 form is a Claim 169 credential to its own software: verified, with issuer, times and names."""
    codes = make_codes(algorithm, 1)
    signed = codes.claims[0]
    read = dict(_read(claim169, codes, "claim169")["map"])
    identity = dict(read["identity"]["map"])
    assert read["status"] == "verified"
    assert (read["iss"], read["exp"], read["iat"]) == (signed.issuer, signed.expires, signed.issued_at)
    assert identity == {
        "fullName": signed.card.holder.name,
        "nationality": signed.card.holder.nationality,
        "secondaryFullName": signed.card.holder.name_native,
        "secondaryLanguage": signed.card.holder.native_language,
    }


def test_claim169_reads_what_an_authority_sees(claim169: Child) -> None:
    """Date of birth and gender of the authority profile arrive as Claim 169 means them."""
    codes = make_codes(ED25519, 1, Profile.AUTHORITY)
    holder = codes.claims[0].card.holder
    assert holder.date_of_birth is not None
    identity = dict(dict(_read(claim169, codes, "claim169")["map"])["identity"]["map"])
    assert identity["dateOfBirth"] == f"{holder.date_of_birth:%Y%m%d}"
    assert identity["gender"] == holder.gender


def test_claim169_refuses_a_changed_signature(claim169: Child) -> None:
    """The peer does check: one bit of the signature turned, and it names the signature."""
    codes = make_codes(ED25519, 1)
    _load(claim169, codes, "claim169")
    with pytest.raises(ChildFailed) as refused:
        claim169.ask(do="verify", code=_forged(codes).form("claim169")[0])
    assert str(refused.value).startswith("SignatureError")


@pytest.mark.parametrize("form", ["claim169", "ic1", "cose"])
@pytest.mark.parametrize("algorithm", [ED25519, ES256, ES384], ids=lambda each: each.name)
@pytest.mark.parametrize("profile", [Profile.PUBLIC, Profile.AUTHORITY], ids=lambda each: each.name.lower())
def test_cose_library_reads_every_claim(cose_library: Child, form: str, algorithm: Algorithm, profile: Profile) -> None:
    """A general COSE library verifies both forms with the key given, and reads exactly the claims that were signed."""
    codes = make_codes(algorithm, 1, profile)
    read = _read(cose_library, codes, form)
    assert _ordered(read) == _ordered(plain(claims.to_map(codes.claims[0])))


@pytest.mark.parametrize("algorithm", [ED25519, ES256, ES384], ids=lambda each: each.name)
def test_cose_library_refuses_a_changed_signature(cose_library: Child, algorithm: Algorithm) -> None:
    """The libraries do check: none gives claims for a signature with one bit turned."""
    codes = make_codes(algorithm, 1)
    _load(cose_library, codes, "cose")
    assert cose_library.ask(do="verify", code=codes.form("cose")[0])["ok"]
    with pytest.raises(ChildFailed) as refused:
        cose_library.ask(do="verify", code=_forged(codes).form("cose")[0])
    assert any(word in str(refused.value) for word in ("VerifyError", "does not hold", "InvalidSignature"))


def _ordered(value: Any) -> Any:
    """A plain value with its maps in one order: the order of keys carries nothing."""
    if isinstance(value, dict) and "map" in value:
        return {"map": sorted(([key, _ordered(item)] for key, item in value["map"]), key=repr)}
    if isinstance(value, list):
        return [_ordered(item) for item in value]
    return value
