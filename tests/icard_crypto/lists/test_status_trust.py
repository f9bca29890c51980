"""Status tokens under a trust list: the rules of icard_crypto.lists.status_trust, by their numbers."""

from __future__ import annotations

import pytest

from icard_crypto.errors import DecodeError
from icard_crypto.lists.status_list import StatusListBuilder
from icard_crypto.lists.status_trust import read_status
from icard_crypto.lists.trust_chain import verify_anchor
from icard_crypto.signing.keys import SigningKey
from tests.kit.adversary import (
    CAPACITY,
    CARD_KEY,
    DAY,
    FROM,
    ISSUERS,
    KEY,
    KEYS,
    OTHER_STATUS_KEY,
    REVOKED,
    ROOTS,
    START,
    STATUS_KEY,
    STRANGER,
    TIMESTAMP_KEY,
    UNTIL,
    Edit,
    published,
    put,
)
from tests.kit.trust_cases import UNKNOWN

URI = "https://sh.example/s/k7Qd"
IAT = START + 2 * DAY


def _token(key: SigningKey = STATUS_KEY, *, uri: str = URI, size: int = 16) -> bytes:
    builder = StatusListBuilder(4, size)
    builder.set(3, 1)
    return builder.sign(key, uri=uri, iat=IAT, exp=IAT + DAY, ttl=60)


def _refusal(token: bytes, *edits: Edit, uri: str = URI, now: int | None = None) -> DecodeError:
    trust_list = verify_anchor(published(1, *edits)).current
    with pytest.raises(DecodeError) as caught:
        read_status(trust_list, token, uri=uri, now=now)
    return caught.value


def test_a_status_key_of_the_owner_is_believed() -> None:
    """The issuer that owns the prefix speaks for it by its status key."""
    read = read_status(verify_anchor(published(1)).current, _token(), uri=URI, now=IAT)
    assert (read.get(3), read.key_thumbprint) == (1, STATUS_KEY.verifying_key.thumbprint)


@pytest.mark.parametrize(
    "uri", ["https://nobody.example/s/a", "https://sh.example/a", "https://sh.example/s/a/b", "https://sh.example/s/"]
)
def test_rule_1_an_address_that_nobody_owns(uri: str) -> None:
    """An address below no prefix is nobody's, however good the key."""
    error = _refusal(_token(uri=uri), uri=uri)
    assert (error.code, error.path) == ("status.uri_unowned", "uri")
    assert "No issuer" in error.message("en")


def test_rule_1_the_owners_capacity_is_the_cap() -> None:
    """A list longer than the trust list allows its issuer is refused."""
    assert _refusal(_token(), put(14, ISSUERS, 0, CAPACITY)).code == "status.too_large"


@pytest.mark.parametrize(
    ("key", "usage"),
    [(CARD_KEY, "a card key"), (TIMESTAMP_KEY, "a timestamp key"), (ROOTS[0], "a root key")],
    ids=["card", "timestamp", "root"],
)
def test_rule_2_a_key_of_another_usage(key: SigningKey, usage: str) -> None:
    """A key signs for its usage alone: cards, timestamps and trust lists have other ones."""
    error = _refusal(_token(key))
    assert (error.code, error.found) == ("status.wrong_usage", usage)
    assert "not for status lists" in error.message("en")


def test_rule_2_another_issuers_key() -> None:
    """A status key of another issuer speaks for that issuer's addresses only."""
    error = _refusal(_token(OTHER_STATUS_KEY))
    assert (error.code, error.expected, error.found) == ("status.other_issuer", "cn.310000", "cn.440000")
    assert "another issuer" in error.message("en")


def test_rule_2_a_key_of_nobody() -> None:
    """A key outside the trust list is unknown."""
    assert _refusal(_token(STRANGER)).code == "status.unknown_key"


def test_rule_2_a_compromised_key() -> None:
    """Nothing of a compromised key stands, not even a list from before: the thief writes iat."""
    error = _refusal(_token(), put({1: IAT + DAY, 2: "compromised"}, ISSUERS, 0, KEYS, 1, REVOKED))
    assert error.code == "status.key_compromised"
    assert "wrong hands" in error.message("en")


def test_rule_3_the_tokens_own_rules() -> None:
    """The caller's now reaches the token's rules."""
    assert _refusal(_token(), now=IAT - 301).code == "status.future"


def test_rule_4_the_window_begins_with_its_first_second() -> None:
    """A key signs from its first second on, and keys of unknown algorithms beside it are passed over."""
    edits = (put(UNKNOWN, ISSUERS, 0, KEYS, 0, KEY), put(IAT, ISSUERS, 0, KEYS, 1, FROM))
    assert read_status(verify_anchor(published(1, *edits)).current, _token(), uri=URI).iat == IAT
    later = put(IAT + 3600, ISSUERS, 0, KEYS, 1, FROM)
    assert _refusal(_token(), later).code == "status.key_window"


@pytest.mark.parametrize(("until", "good"), [(IAT, False), (IAT + 1, True)])
def test_rule_4_the_keys_window(until: int, good: bool) -> None:
    """A key signs before its end, not at it."""
    edit = put(until, ISSUERS, 0, KEYS, 1, UNTIL)
    if good:
        assert read_status(verify_anchor(published(1, edit)).current, _token(), uri=URI).iat == IAT
        return
    error = _refusal(_token(), edit)
    assert (error.code, error.found) == ("status.key_window", str(IAT))
    assert "time in which" in error.message("en")


@pytest.mark.parametrize(("at", "good"), [(IAT, True), (IAT - 1, False)])
def test_rule_4_a_retired_key(at: int, good: bool) -> None:
    """What a retired key signed up to its end stands, what it signs after does not."""
    edit = put({1: at, 2: "retired"}, ISSUERS, 0, KEYS, 1, REVOKED)
    if good:
        assert read_status(verify_anchor(published(1, edit)).current, _token(), uri=URI).iat == IAT
        return
    error = _refusal(_token(), edit)
    assert (error.code, error.expected) == ("status.key_retired", f"at most {at}")
    assert "retired" in error.message("en")
