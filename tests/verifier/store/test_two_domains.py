"""Several trust domains in one state: whoever holds the roots of one decides nothing about the cards of another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from icard_crypto.errors import DecodeError, StateError
from icard_crypto.signing.algorithms import ED25519
from icard_crypto.signing.keys import SigningKey
from tests.kit.adversary import (
    CARD_KEY,
    ENVIRONMENT,
    ISSUERS,
    STATUS_KEY,
    TIMESTAMP_KEY,
    TIMESTAMP_KEYS,
    Edit,
    add,
    cose_key,
    issuer,
    key_entry,
    published,
    put,
)
from tests.kit.publisher import NOW, OTHER_DOMAIN_KEYS, another_domain, bundle, code, compromise, status, timestamp
from verifier import Policy, Verdict, Verifier
from verifier.store import Store, Update

REAL = put("production", ENVIRONMENT)


def names(key: SigningKey, usage: str = "card") -> Edit:
    """The edit that makes a list name one more key."""
    return add(key_entry(key, usage), ISSUERS, 0, 6)


def refusal(store: Store, name: str, update: Update) -> str:
    """The code of the one fault of an update; empty where there is none."""
    refused = store.apply(name, update, NOW).refused
    return refused[0].error.code if refused and refused[0].error else ""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A state with the production domain ``real`` and all that a verdict on its card needs."""
    made = Store(tmp_path / "state")
    anchor = published(1, REAL)
    made.create(anchor, name="real", now=NOW)
    made.apply("real", bundle(status(NOW - 60), stamp=timestamp(NOW - 60, trust=anchor)), NOW)
    return made


def verify(store: Store) -> Verdict:
    return Verifier(Store(store.folder).load(), Policy.named("gate")).verify(code(), now=NOW)


@pytest.mark.parametrize(
    "edit",
    [names(CARD_KEY), names(STATUS_KEY, "status"), names(TIMESTAMP_KEY), put([cose_key(CARD_KEY)], TIMESTAMP_KEYS)],
    ids=["card key", "status key", "timestamp key", "card key as timestamp key"],
)
@pytest.mark.parametrize("environment", ["test", "production"])
def test_an_anchor_that_names_a_key_of_another_domain_is_refused(store: Store, environment: str, edit: Edit) -> None:
    """Whatever it lists the key for; the domain is not begun."""
    with pytest.raises(DecodeError) as caught:
        store.create(published(1, *another_domain(environment), edit), name="a", now=NOW)
    assert (caught.value.code, store.names()) == ("trust.key_of_another_domain", ("real",))
    assert "real" in str(caught.value.found)


def test_the_same_anchor_under_another_name_is_refused(store: Store) -> None:
    """Two copies of one domain would disagree as soon as one is fed and the other is not."""
    with pytest.raises(DecodeError, match=r"trust\.key_of_another_domain"):
        store.create(published(1, REAL), name="a", now=NOW)


@pytest.mark.parametrize("environment", ["test", "production"])
def test_a_later_list_that_names_a_key_of_another_domain_is_refused(store: Store, environment: str) -> None:
    """It is refused like any bad chain: nothing of the offer is taken, and the list before stays."""
    store.create(published(1, *another_domain(environment)), name="a", now=NOW)
    offered = Update(trust_lists=(published(2, *another_domain(environment), names(CARD_KEY), compromise(2, NOW)),))
    assert refusal(store, "a", offered) == "trust.key_of_another_domain"
    assert store.load()[0].trust_list.version == 1  # type: ignore[union-attr]
    assert verify(store).outcome == "VALID"


def test_a_key_may_pass_from_a_domain_that_lists_it_no_more(store: Store) -> None:
    """What counts is what the other domain lists now."""
    store.create(published(1, *another_domain()), name="a", now=NOW)
    store.apply("real", Update(trust_lists=(published(2, REAL),)), NOW)
    assert refusal(store, "a", Update(trust_lists=(published(2, *another_domain()),))) == ""


def test_a_test_domain_cannot_hold_up_production(tmp_path: Path) -> None:
    """A test domain that lists a key first keeps none of production's lists out and does not judge its card."""
    store = Store(tmp_path)
    store.create(published(1, *another_domain(), names(CARD_KEY), compromise(2, NOW - 60)), name="a", now=NOW)
    others = put([issuer("cn.310000", "310000", "https://sh.example/s/", OTHER_DOMAIN_KEYS[0], STATUS_KEY)], ISSUERS)
    with pytest.raises(DecodeError, match=r"trust\.key_of_another_domain"):
        store.create(published(1, REAL, others), name="real", now=NOW)
    fresh = SigningKey.from_raw(ED25519, bytes([64]) * 32)
    others = put([issuer("cn.310000", "310000", "https://sh.example/s/", fresh, STATUS_KEY)], ISSUERS)
    store.create(published(1, REAL, others), name="real", now=NOW)
    second = published(2, REAL)
    assert refusal(store, "real", Update(trust_lists=(second,))) == ""
    store.apply("real", bundle(status(NOW - 60), stamp=timestamp(NOW - 60, trust=second)), NOW)
    verdict = verify(store)
    assert (verdict.outcome, verdict.environment) == ("VALID", "production")


def test_a_pair_that_is_there_already_keeps_no_list_out(store: Store) -> None:
    """A state from before this rule: the domain's later lists are taken, and production alone judges."""
    store.create(published(1, *another_domain()), name="a", now=NOW)
    store.apply("a", Update(trust_lists=(published(2, *another_domain()),)), NOW)
    smuggled = Store(store.folder.parent / "other")
    smuggled.create(published(1, *another_domain(), names(CARD_KEY)), name="a", now=NOW)
    (store.folder / "a").rename(store.folder.parent / "away")
    (smuggled.folder / "a").rename(store.folder / "a")
    assert verify(store).outcome == "VALID"
    revoking = published(2, *another_domain(), names(CARD_KEY), compromise(2, NOW - 60))
    assert refusal(store, "a", Update(trust_lists=(revoking,))) == ""
    assert (verify(store).outcome, verify(store).environment) == ("VALID", "production")


def test_of_two_production_domains_neither_judges(store: Store) -> None:
    """Where both were made apart and put together by hand, the card is INDETERMINATE, not what the first one says."""
    other = Store(store.folder.parent / "other")
    other.create(published(1, *another_domain("production"), names(CARD_KEY)), name="a", now=NOW)
    (other.folder / "a").rename(store.folder / "a")
    verdict = verify(store)
    assert (verdict.outcome, verdict.reason, verdict.card) == ("INDETERMINATE", "key_contested", None)


LOSSES: dict[str, Callable[[Path, str], object]] = {
    "manifest damaged": lambda folder, _: (folder / "manifest").write_bytes(b"{"),
    "manifest gone": lambda folder, _: (folder / "manifest").unlink(),
    "trust list gone": lambda folder, chain: (folder / "objects" / chain).unlink(),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_beside_a_production_domain_that_cannot_be_read_no_test_domain_says_valid(store: Store, loss: str) -> None:
    """It may list the same key, and would come first: the card may be revoked there."""
    smuggled = Store(store.folder.parent / "other")
    anchor = published(1)
    smuggled.create(anchor, name="a", now=NOW)
    smuggled.apply("a", bundle(status(NOW - 60), stamp=timestamp(NOW - 60, trust=anchor)), NOW)
    (smuggled.folder / "a").rename(store.folder / "a")
    assert verify(store).environment == "production"
    LOSSES[loss](store.folder / "real", store.manifest("real").chain[-1])
    verdict = verify(store)
    assert (verdict.outcome, verdict.environment, verdict.evidence.domain) == ("INDETERMINATE", "test", "a")
    assert (verdict.reason, verdict.detail) == ("trust_list_missing", "unread")
    assert verdict.evidence.state_fault == "store.damaged"
    again = Store(store.folder)
    again.load()
    assert [(each.domain, each.error.code) for each in again.faults] == [("real", "store.damaged")]


@pytest.mark.parametrize("loss", LOSSES)
def test_beside_a_domain_that_cannot_be_read_no_key_is_taken(store: Store, loss: str) -> None:
    """Neither with a new domain nor with a later list: whether another domain lists it is not known."""
    store.create(published(1, *another_domain("production")), name="a", now=NOW)
    LOSSES[loss](store.folder / "real", store.manifest("real").chain[-1])
    with pytest.raises(StateError, match=r"store\.damaged") as caught:
        store.create(published(1, REAL), name="b", now=NOW)
    assert caught.value.path is not None
    assert caught.value.path.startswith("real/")
    with pytest.raises(StateError, match=r"store\.damaged"):
        store.apply("a", Update(trust_lists=(published(2, *another_domain("production"), names(CARD_KEY)),)), NOW)
    revoking = published(2, *another_domain("production"), compromise(0, NOW - 60))
    assert store.apply("a", Update(trust_lists=(revoking,)), NOW).refused == ()
    assert Verifier(store.load(), Policy.named("gate")).verify(code(), now=NOW).evidence.state_fault == "store.damaged"
