"""The vectors of trust lists, status tokens, timestamps and bundles, and whole decisions from an anchor on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from icard_crypto import limits
from icard_crypto.encoding import cbor
from icard_crypto.errors import DecodeError, catalogue
from icard_crypto.lists.bundle import decode_bundle
from icard_crypto.lists.status_list import StatusList
from icard_crypto.lists.status_trust import read_status
from icard_crypto.lists.timestamp import Timestamp, check_newer, read_timestamp
from icard_crypto.lists.trust_chain import verify_anchor, verify_chain
from icard_crypto.lists.trust_list import TrustList
from icard_crypto.signing import cose
from icard_crypto.signing.keys import Kid, VerifyingKey
from tests.icard_crypto.test_vectors import files, outcome_of
from tests.kit.cases import check_files
from tests.kit.vector_verifiers import VECTORS, load, shown
from verifier import Policy, TrustDomain, Verifier
from verifier.decision import reasons
from verifier.store import Store, Update

SUB = 2


@pytest.mark.parametrize(
    ("folder", "least"), [("trust", 115), ("status", 40), ("timestamp", 35), ("bundle", 20), ("decisions", 90)]
)
def test_the_folders_are_not_empty(folder: str, least: int) -> None:
    """A folder that moved or emptied fails, instead of proving nothing."""
    assert len(files(folder)) >= least


def _check_refusal(vector: dict[str, Any], call: Callable[[], object]) -> None:
    """The call is refused by the vector's code, at its place, in words."""
    with pytest.raises(DecodeError) as caught:
        call()
    error = caught.value
    stated = {name: vector[name] for name in ("code", "path", "offset") if name in vector}
    assert {name: getattr(error, name) for name in stated} == stated
    assert error.message() == catalogue()[vector["code"]]["en"]


def _bytes(vector: dict[str, Any], name: str) -> bytes:
    return bytes.fromhex(vector[name])


def test_a_chain_of_trust_lists_is_taken_or_refused_as_stated() -> None:
    """Anchor, lists and time give the stated version in force, or the stated refusal."""
    check_files(VECTORS / "trust", _check_chain)


def _check_chain(path: Path) -> None:
    vector = load(path)
    single = vector["single_root"]

    def run() -> TrustList:
        state = verify_anchor(_bytes(vector, "anchor"), unsafe_single_root=single)
        lists = [bytes.fromhex(data) for data in vector["lists"]]
        return verify_chain(state, lists, vector["now"], unsafe_single_root=single).current

    if "code" in vector:
        _check_refusal(vector, run)
        return
    assert run().version == vector["version"]


def _status(vector: dict[str, Any]) -> StatusList:
    trust = verify_anchor(_bytes(vector, "trust_list")).current
    return read_status(trust, _bytes(vector, "token"), uri=vector["uri"], now=vector["now"])


def test_a_status_token_is_taken_or_refused_as_stated() -> None:
    """A token gives the stated list with every entry, or the stated refusal, when it is read or looked up; one that is
    refused only after another (``store.*``) is good by itself."""
    check_files(VECTORS / "status", _check_status)


def _check_status(path: Path) -> None:
    vector = load(path)
    if vector.get("code", "").startswith("store."):
        assert _status(vector).uri == vector["uri"]
        return
    if "code" in vector:
        index = vector.get("index")
        _check_refusal(vector, lambda: _status(vector) if index is None else _status(vector).get(index))
        return
    read, stated = _status(vector), vector["list"]
    found = {name: getattr(read, name) for name in ("iat", "exp", "ttl", "bits", "size")}
    assert found == {name: stated[name] for name in found}
    entries = {str(index): read.get(index) for index in range(read.size) if read.get(index)}
    assert entries == stated["entries"]


@pytest.mark.parametrize("path", [param for param in files("status") if "before" in load(param.values[0])])
def test_a_status_token_after_another_is_taken_or_refused_as_stated(path: Path, tmp_path: Path) -> None:
    """A state folder that has taken the token before takes the next, knows it, or refuses it for its time."""
    vector = load(path)
    store = Store(tmp_path)
    store.create(_bytes(vector, "trust_list"), name="vector", now=vector["now"])
    store.apply("vector", Update(status_tokens=(_bytes(vector, "before"),)), vector["now"])
    report = store.apply("vector", Update(status_tokens=(_bytes(vector, "token"),)), vector["now"])
    (item,) = report.items
    (domain,) = store.load()
    before = _status(vector | {"token": vector["before"]})
    if "code" in vector:
        assert item.error is not None
        assert (item.error.code, item.error.path) == (vector["code"], vector["path"])
        assert item.error.message() == catalogue()[vector["code"]]["en"]
        assert domain.status_lists[vector["uri"]] == before
        return
    assert item.error is None
    assert domain.status_lists[vector["uri"]] == _status(vector)


def _finder(trust: TrustList) -> Callable[[Kid], VerifyingKey | None]:
    return {key.kid: key for key in trust.timestamp_keys}.get


def _timestamp(vector: dict[str, Any]) -> Timestamp:
    find = _finder(verify_anchor(_bytes(vector, "trust_list")).current)
    read = read_timestamp(_bytes(vector, "token"), find_key=find, now=vector["now"])
    if vector["before"] is not None:
        check_newer(read_timestamp(_bytes(vector, "before"), find_key=find), read)
    return read


def test_a_timestamp_is_taken_or_refused_as_stated() -> None:
    """A timestamp, after the one before it, gives the stated content or the stated refusal."""
    check_files(VECTORS / "timestamp", _check_timestamp)


def _check_timestamp(path: Path) -> None:
    vector = load(path)
    if "code" in vector:
        _check_refusal(vector, lambda: _timestamp(vector))
        return
    read = _timestamp(vector)
    assert vector["timestamp"] == {
        "trust_version": read.trust_version,
        "trust_hash": read.trust_hash.hex(),
        "iat": read.iat,
        "exp": read.exp,
        "denied": sorted(thumbprint.hex() for thumbprint in read.denied),
        "lists": dict(read.lists),
    }


def test_a_bundle_is_taken_apart_or_refused_as_stated() -> None:
    """A bundle gives its parts, or is refused where it is said to be."""
    check_files(VECTORS / "bundle", _check_bundle)


def _check_bundle(path: Path) -> None:
    vector = load(path)
    data = _bytes(vector, "hex")
    if "code" in vector:
        _check_refusal(vector, lambda: decode_bundle(data))
        return
    read = decode_bundle(data)
    assert [token.hex() for token in read.trust_lists] == vector["trust_lists"]
    assert [token.hex() for token in read.status_tokens] == vector["status_tokens"]
    assert read.timestamp.hex() == vector["timestamp"]


def _chained() -> list[Any]:
    return [param for param in files("decisions") if "anchor" in load(param.values[0])]


def _status_of(trust: TrustList, token: bytes, now: int) -> tuple[str, StatusList] | None:
    """The list that a bundle's token is, by its own name; None where it is not to be believed."""
    claims: Any = cbor.decode(
        cose.parse_sign1(token, max_bytes=limits.STATUS_TOKEN_BYTES).payload,
        max_bytes=limits.STATUS_TOKEN_BYTES,
        max_items=limits.STATUS_TOKEN_ITEMS,
    )
    try:
        return claims[SUB], read_status(trust, token, uri=claims[SUB], now=now)
    except DecodeError:
        return None


def _domain(vector: dict[str, Any]) -> TrustDomain:
    """What a verifier trusts that has nothing but an anchor and a bundle."""
    carried, learned = decode_bundle(_bytes(vector, "bundle")), vector["learned"]
    trust = verify_chain(verify_anchor(_bytes(vector, "anchor")), carried.trust_lists, learned).current
    timestamp = None
    if carried.timestamp:
        timestamp = read_timestamp(carried.timestamp, find_key=_finder(trust), now=learned)
    read = [_status_of(trust, token, learned) for token in carried.status_tokens]
    lists = dict(each for each in read if each is not None)
    return TrustDomain.from_trust_list(trust, name="vector", timestamp=timestamp, status_lists=lists)


@pytest.mark.parametrize("path", _chained())
def test_a_decision_from_an_anchor_on_is_as_stated(path: Path) -> None:
    """Anchor, bundle, time and policy lead to the verdict that the already verified knowledge leads to."""
    vector = load(path)
    domains = [] if vector["anchor"] is None else [_domain(vector)]
    verdict = Verifier(domains, Policy.from_dict(vector["policy"])).verify(shown(vector), now=vector["now"])
    assert outcome_of(verdict) == vector["expected"]


@pytest.mark.parametrize("path", _chained())
def test_a_decision_from_a_state_folder_is_as_stated(path: Path, tmp_path: Path) -> None:
    """A state folder that was given the anchor and the bundle, and is read back, leads to the same verdict."""
    vector = load(path)
    store = Store(tmp_path)
    if vector["anchor"] is not None:
        store.create(_bytes(vector, "anchor"), name="vector", now=vector["learned"])
        store.apply("vector", decode_bundle(_bytes(vector, "bundle")), vector["learned"])
    domains = Store(tmp_path).load()
    verdict = Verifier(domains, Policy.from_dict(vector["policy"])).verify(shown(vector), now=vector["now"])
    assert outcome_of(verdict) == vector["expected"]


def test_every_reason_has_a_decision_from_an_anchor_on() -> None:
    """Each reason of a verdict, and each variant of one, is reached through anchor and bundle."""
    stated = [load(param.values[0])["expected"] for param in _chained()]
    covered = {(expected["reason"], expected["detail"]) for expected in stated}
    wanted = {(code, None) for code, entry in reasons.catalogue().items() if "variants" not in entry}
    wanted |= {(code, name) for code, entry in reasons.catalogue().items() for name in entry.get("variants", ())}
    assert {code for code, _ in wanted - covered} == load(VECTORS / "exceptions.json")["reasons"].keys()


def test_only_what_no_trust_list_can_say_has_no_anchor() -> None:
    """One decision alone lacks anchor and bundle: an issuer without a region, which a trust list may not have."""
    names = {path.stem for path in (VECTORS / "decisions").iterdir()}
    assert names - {str(param.id) for param in _chained()} == {"region-none"}
