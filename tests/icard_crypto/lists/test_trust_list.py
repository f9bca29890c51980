"""Trust lists: each attack of trust_cases.py, and the rules of trust_list and trust_chain by their numbers."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from icard_crypto.encoding import cbor
from icard_crypto.errors import DecodeError, EncodeError, catalogue
from icard_crypto.lists import trust_chain
from icard_crypto.lists.trust_chain import TrustState, verify_anchor, verify_chain, verify_successor
from icard_crypto.lists.trust_list import IssuerEntry, KeyEntry, Revocation, TrustList, decode_trust_list
from icard_crypto.signing import cose
from icard_crypto.signing.algorithms import ED25519
from icard_crypto.signing.keys import SigningKey
from tests.kit.adversary import (
    CARD_KEY,
    DAY,
    ISSUERS,
    KEY,
    KEYS,
    ROOTS,
    START,
    STATUS_KEY,
    STRANGER,
    TIMESTAMP_KEY,
    payload,
    published,
    put,
    signed,
)
from tests.kit.trust_cases import ACCEPTED, COMPROMISED, NOW, UNKNOWN, TrustCase, cases

A, B, C, D = ROOTS[:4]


def _run(case: TrustCase) -> TrustState:
    state = verify_anchor(case.anchor, unsafe_single_root=case.single_root)
    return verify_chain(state, case.lists, case.now, unsafe_single_root=case.single_root)


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_each_attack_gets_its_answer(case: TrustCase) -> None:
    """What looks like an attack and is none is accepted; every attack is refused by its own code, with its words."""
    if case.code == ACCEPTED:
        assert _run(case).current.version == case.version
        return
    with pytest.raises(DecodeError) as caught:
        _run(case)
    error = caught.value
    assert error.code == case.code, error
    if error.layer in ("trust", "uri"):
        assert error.path is not None
        assert error.expected is not None or error.found is not None
    assert error.message("en") != error.message("zh")
    assert error.hint("en") != error.hint("zh")


def test_the_table_of_attacks_is_whole() -> None:
    """Names are unique, and an attack meets every code of the layer trust but those of writing and two domains."""
    names = [case.name for case in cases()]
    assert len(names) == len(set(names))
    writing = {"trust.no_copies", "trust.copies_differ", "trust.too_many_signatures"}
    known = {code for code in catalogue() if code.startswith("trust.")}
    assert known - writing - {"trust.key_of_another_domain"} - {case.code for case in cases()} == set()


def _state(version: int = 1, **more: Any) -> TrustState:
    return verify_anchor(published(version, **more))


def _refused_successor(state: TrustState, data: bytes) -> DecodeError:
    with pytest.raises(DecodeError) as caught:
        verify_successor(state, data)
    return caught.value


def test_what_a_list_says_comes_back() -> None:
    """Every value of the payload stands in the TrustList."""
    read = _state().current
    assert (read.environment, read.version, read.iat, read.exp) == ("test", 1, START + DAY, START + 301 * DAY)
    assert read.roots == (A.verifying_key, B.verifying_key, C.verifying_key)
    assert (read.threshold, read.timestamp_keys) == (2, (TIMESTAMP_KEY.verifying_key,))
    here = read.issuers[0]
    assert (here.iss, here.name_en, here.name_zh) == ("cn.310000", "Authority of 310000", "310000机关")
    assert (here.regions, here.status_prefixes) == (frozenset({"310000"}), ("https://sh.example/s/",))
    assert here.capacity == 1_000_000
    assert here.keys == (
        KeyEntry(CARD_KEY.verifying_key, "card", START, START + 1095 * DAY),
        KeyEntry(STATUS_KEY.verifying_key, "status", START, START + 1095 * DAY),
    )
    assert (read.skipped, read.unknown) == ((), ())


def test_refusals_name_the_place() -> None:
    """A fault deep in the list is found by its path, and says what was right and what was there."""
    state = _state()
    error = _refused_successor(state, published(2, put("https://gd.example/%2e/", ISSUERS, 1, 4, 0)))
    assert error.path == "issuers[1].status_prefixes[0]"
    error = _refused_successor(state, published(2, put("card", ISSUERS, 1, KEYS, 1, 2), put(1, ISSUERS, 1, KEYS, 1, 4)))
    assert (error.path, error.found) == ("issuers[1].keys[1].until", "1")
    error = _refused_successor(state, published(4))
    assert (error.code, error.expected, error.found) == ("trust.version_skipped", "2", "4")
    error = _refused_successor(state, published(2, by=(A, STRANGER)))
    assert (error.expected, error.found) == ("2 of the roots", "1")


def test_list_rule_4_an_unknown_algorithm_is_skipped_and_shown() -> None:
    """A key of an unknown algorithm verifies nothing, keeps its place, and its path is shown."""
    edits = (put(UNKNOWN, ISSUERS, 0, KEYS, 0, KEY), put(UNKNOWN, 6, 2))
    read = verify_successor(_state(), published(2, *edits)).current
    assert read.skipped == ("roots[2]", "issuers[0].keys[0].key")
    assert read.roots == (A.verifying_key, B.verifying_key)
    assert read.issuers[0].keys[0].key is None
    assert CARD_KEY.verifying_key not in [key for _, _, key in read.issuer_keys()]


def test_list_rule_3_unknown_keys_are_shown() -> None:
    """What a later format adds is ignored and listed by path, its text escaped."""
    edits = (put(1, 77), put(2, ISSUERS, 1, "\x1b[2J"), put(3, ISSUERS, 0, KEYS, 0, 9))
    read = verify_successor(_state(), published(2, *edits)).current
    assert set(read.unknown) == {"77", 'issuers[1]."\\u001b[2J"', "issuers[0].keys[0].9"}


@pytest.mark.parametrize(
    ("regions", "region", "covered"),
    [
        ({"310000"}, "310000", True),
        ({"310000"}, "310115", True),
        ({"310000"}, "320000", False),
        ({"440100"}, "440106", True),
        ({"440100"}, "440100", True),
        ({"440100"}, "440300", False),
        ({"440100"}, "440000", False),
        ({"440106"}, "440106", True),
        ({"440106"}, "440105", False),
        ({"440106"}, "440100", False),
        ({"110000", "310000"}, "310115", True),
    ],
)
def test_a_region_covers_what_lies_in_it(regions: set[str], region: str, covered: bool) -> None:
    """dd0000 covers ddxxxx, dddd00 covers ddddxx, six digits themselves; a part never covers the whole."""
    entry = replace(_state().current.issuers[0], regions=frozenset(regions))
    assert entry.covers_region(region) is covered


def test_a_status_uri_belongs_to_a_prefix_exactly() -> None:
    """The second prefix counts as the first does, and nothing deeper or longer."""
    prefixes = ("https://h/s/", "https://h/s/2/")
    entry = replace(_state().current.issuers[0], status_prefixes=prefixes)
    assert entry.owns_status_uri("https://h/s/a")
    assert entry.owns_status_uri("https://h/s/2/a")
    assert not entry.owns_status_uri("https://h/s/3/a")
    assert not entry.owns_status_uri("https://h/s/")


def test_chain_rule_2_the_same_payload_changes_nothing() -> None:
    """The current payload under other signatures gives the very state that was."""
    state = _state()
    assert verify_successor(state, published(1, by=(B, C))) is state


def test_chain_rule_3_nothing_is_decoded_before_the_current_roots_have_signed() -> None:
    """Garbage and a newer format under a stranger's signatures are unsigned, and no more is said of them."""
    for content in (b"\xff", cbor.encode({1: 99})):
        error = _refused_successor(_state(), signed(content, (STRANGER, D)))
        assert (error.code, error.found) == ("trust.threshold_current", "0")


def test_chain_rule_9_tombstones_are_carried_on_and_taken_back_in() -> None:
    """A revoked key leaves a tombstone; a state loaded with it refuses the key as the first state would."""
    state = verify_successor(_state(), published(2, COMPROMISED))
    tombstone = (CARD_KEY.verifying_key.thumbprint, Revocation(START + DAY, "compromised"))
    assert state.tombstones == (tombstone,)
    loaded = verify_anchor(published(2, COMPROMISED), tombstones=state.tombstones)
    assert loaded == state
    with pytest.raises(DecodeError) as caught:
        verify_anchor(published(2), tombstones=state.tombstones)
    assert caught.value.code == "trust.revoked_returns"
    assert caught.value.found == f"key {CARD_KEY.verifying_key.thumbprint.hex()}"
    assert "revoked" in caught.value.message("en")


def test_a_bad_chain_leaves_the_state_as_it_was() -> None:
    """One bad list at the end of a chain: nothing of the chain is taken."""
    state = _state()
    before = pickle.dumps(state)
    with pytest.raises(DecodeError):
        verify_chain(state, [published(2), published(3), published(5)], NOW)
    assert pickle.dumps(state) == before


def test_chain_rule_10_the_past_is_not_decoded() -> None:
    """Lists before the current one are skipped whoever signed them: they are neither believed nor read."""
    state = _state(5)
    chain = [signed(b"\xff", (STRANGER,)), published(5), published(6)]
    assert verify_chain(state, chain, NOW).current.version == 6


def test_chain_rule_12_an_ended_anchor_opens() -> None:
    """A verifier may start from an anchor that has ended; only the newest list must not have."""
    state = verify_anchor(published(1, put(START + 2 * DAY, 5)))
    assert verify_chain(state, [published(2)], NOW).current.version == 2


def test_a_trust_list_is_no_card_and_no_token() -> None:
    """The reader of cards and tokens refuses a trust list at its first byte."""
    with pytest.raises(DecodeError) as caught:
        cose.parse_sign1(published(1))
    assert (caught.value.code, caught.value.found) == ("cose.wrong_tag", "0xd8")
    assert "not the kind" in caught.value.message("en")


def _draft(read: TrustList, **changes: Any) -> bytes:
    values: dict[str, Any] = {
        name: getattr(read, name)
        for name in ("environment", "version", "iat", "exp", "roots", "threshold", "timestamp_keys", "issuers")
    }
    return trust_chain.draft(**values | changes)


def test_chain_rule_13_draft_sign_assemble() -> None:
    """Each root signs its own copy of a draft; the copies together are the list, each alone is not."""
    draft = _draft(_state().current)
    assert draft == cbor.encode(payload(1))
    copies = [trust_chain.sign(draft, root) for root in (A, C)]
    for copy in copies:
        with pytest.raises(DecodeError) as caught:
            verify_anchor(copy)
        assert caught.value.code == "trust.threshold_own"
    assert verify_anchor(trust_chain.assemble(copies)).current.version == 1
    in_turn = trust_chain.sign(trust_chain.sign(draft, A), C)
    assert in_turn == trust_chain.assemble(copies)
    assert trust_chain.sign(in_turn, C) == in_turn


def test_chain_rule_13_a_root_signs_what_was_drafted_for_a_single_root() -> None:
    """Who drafts for a single root asks by name, and so does every reader; the root signs without asking."""
    draft = _draft(_state().current, threshold=1, unsafe_single_root=True)
    assert verify_anchor(trust_chain.sign(draft, A), unsafe_single_root=True).current.threshold == 1


def test_chain_rule_13_a_signer_reads_what_it_signs() -> None:
    """A root signs trust lists and nothing else: not a card's payload, not a list of a newer format."""
    for content in (cbor.encode({1: "cn.310000"}), cbor.encode(payload(1, put(2, 1))), b"\xff"):
        with pytest.raises(DecodeError):
            trust_chain.sign(content, A)


def test_chain_rule_13_copies_of_two_drafts_are_not_assembled() -> None:
    """Signatures over different payloads make no list, and no copies make none either."""
    with pytest.raises(EncodeError) as caught:
        trust_chain.assemble([published(1, by=(A,)), published(2, by=(B,))])
    assert (caught.value.code, caught.value.path) == ("trust.copies_differ", "copies[1]")
    assert "one draft" in caught.value.message("en")
    with pytest.raises(EncodeError) as caught:
        trust_chain.assemble([])
    assert caught.value.code == "trust.no_copies"


def test_chain_rule_13_more_than_32_signatures_are_not_assembled() -> None:
    """A list that no reader would look at is not written."""
    keys = [SigningKey.from_raw(ED25519, bytes([100 + number]) * 32) for number in range(33)]
    most = trust_chain.assemble([published(1, by=(key,)) for key in keys[:32]])
    assert len(cose.parse_sign(most).signatures) == 32
    with pytest.raises(EncodeError) as caught:
        trust_chain.assemble([published(1, by=(key,)) for key in keys])
    assert (caught.value.code, caught.value.found) == ("trust.too_many_signatures", "33")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"exp": START + 500 * DAY}, "trust.lifetime"),
        ({"threshold": 1}, "trust.single_root"),
        ({"roots": (A.verifying_key,)}, "trust.threshold_range"),
        ({"timestamp_keys": (A.verifying_key,)}, "trust.two_usages"),
        ({"timestamp_keys": ()}, "trust.out_of_range"),
        ({"environment": "staging"}, "trust.form"),
    ],
)
def test_list_rule_10_nothing_is_drafted_that_a_reader_refuses(changes: dict[str, Any], code: str) -> None:
    """A draft is read back before it is handed out."""
    with pytest.raises(DecodeError) as caught:
        _draft(_state().current, **changes)
    assert caught.value.code == code


def test_list_rule_10_a_single_root_is_drafted_when_asked_for_by_name() -> None:
    """The one way to a threshold of 1, and it stays visible in the list."""
    draft = _draft(_state().current, threshold=1, unsafe_single_root=True)
    assert decode_trust_list(draft, unsafe_single_root=True).threshold == 1


def test_list_rule_10_a_key_of_an_unknown_algorithm_is_not_written() -> None:
    """An older publisher can't write a list with keys that it doesn't know."""
    entry: IssuerEntry = _state().current.issuers[0]
    unknown = replace(entry, keys=(replace(entry.keys[0], key=None),))
    with pytest.raises(DecodeError) as caught:
        _draft(_state().current, issuers=(unknown,))
    assert caught.value.code == "trust.bad_key"


def test_a_publisher_checks_the_next_list_before_roots_sign() -> None:
    """check_successor holds a draft against the chain without any signature."""
    state = _state()
    following = decode_trust_list(_draft(state.current, version=3))
    with pytest.raises(DecodeError) as caught:
        trust_chain.check_successor(state, following)
    assert caught.value.code == "trust.version_skipped"


def test_a_state_is_frozen_and_travels() -> None:
    """Nothing of an accepted list can be set, and it can be pickled to another process."""
    state = verify_successor(_state(), published(2, COMPROMISED))
    issuer = state.current.issuers[0]
    for part in (state, state.current, issuer, issuer.keys[0], issuer.keys[0].revoked):
        with pytest.raises(FrozenInstanceError):
            part.__setattr__(part.__slots__[0], 1)  # type: ignore[union-attr]
    assert pickle.loads(pickle.dumps(state)) == state  # noqa: S301 - our own bytes
