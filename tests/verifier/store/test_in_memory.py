"""A domain from an anchor and a bundle alone, and the copy of a state that a long job keeps."""

from __future__ import annotations

from pathlib import Path

import pytest

from icard_crypto.errors import DecodeError
from tests.kit.adversary import DAY, ROOTS, published
from tests.kit.publisher import ANCHOR, INDEX, NOW, URI, bundle, compromise, spoiled, status, timestamp
from verifier.store import Store, Update, domain_of_bundle

HOUR = 3600


def test_a_bundle_of_whole_chain_leads_to_its_newest_list() -> None:
    second = published(2)
    given = bundle(status(NOW, {INDEX: 1}), lists=[ANCHOR, second], stamp=timestamp(NOW, trust=second))
    domain, report = domain_of_bundle(ANCHOR, given)
    assert domain.trust_list is not None
    assert domain.trust_list.version == 2
    assert domain.status_lists[URI].get(INDEX) == 1
    assert not report.refused


def test_of_two_lists_for_one_uri_the_newest_counts_whatever_their_order() -> None:
    old, new = status(NOW - HOUR, {INDEX: 0}), status(NOW, {INDEX: 1})
    for tokens in ((old, new), (new, old)):
        domain, _ = domain_of_bundle(ANCHOR, bundle(*tokens, lists=[ANCHOR]))
        assert domain.status_lists[URI].get(INDEX) == 1


def test_a_bad_chain_gives_no_domain() -> None:
    with pytest.raises(DecodeError) as caught:
        domain_of_bundle(ANCHOR, bundle(lists=[ANCHOR, published(2, by=ROOTS[3:5])]))
    assert caught.value.code == "trust.threshold_current"


def test_a_bad_token_costs_itself_only() -> None:
    given = bundle(spoiled(status(NOW)), lists=[ANCHOR], stamp=timestamp(NOW))
    domain, report = domain_of_bundle(ANCHOR, given)
    assert [item.kind for item in report.refused] == ["status_list"]
    assert domain.timestamp is not None
    assert not domain.status_lists


def test_age_and_future_refuse_nothing() -> None:
    """Ten years old or ten years ahead: the floor says when it was made, verdicts judge."""
    domain, report = domain_of_bundle(
        ANCHOR, bundle(status(NOW + 60 * DAY), lists=[ANCHOR], stamp=timestamp(NOW + 60 * DAY))
    )
    assert not report.refused
    assert domain.clock_floor == NOW + 60 * DAY


def test_lists_of_a_key_that_a_later_list_calls_compromised_do_not_count() -> None:
    second = published(2, compromise(1, NOW))
    domain, _ = domain_of_bundle(ANCHOR, bundle(status(NOW), lists=[ANCHOR, second]))
    assert not domain.status_lists


def test_a_copy_of_a_state_is_the_same_and_stays_as_it_was(tmp_path: Path) -> None:
    store = Store(tmp_path / "state")
    store.create(ANCHOR, name="cn", now=NOW)
    store.apply("cn", Update((), (status(NOW - HOUR),), timestamp(NOW - HOUR)), NOW)
    store.copy_to(tmp_path / "copy")
    store.apply("cn", Update((), (status(NOW, {INDEX: 1}),), timestamp(NOW)), NOW)
    (copied,), (current,) = Store(tmp_path / "copy").load(), store.load()
    assert Store(tmp_path / "copy").faults == ()
    assert copied.status_lists[URI].get(INDEX) == 0
    assert current.status_lists[URI].get(INDEX) == 1
    assert (copied.clock_floor, current.clock_floor) == (NOW - HOUR, NOW)


def test_a_copy_of_a_damaged_state_is_damaged_alike(tmp_path: Path) -> None:
    store = Store(tmp_path / "state")
    store.create(ANCHOR, name="cn", now=NOW)
    store.apply("cn", Update((), (status(NOW),), timestamp(NOW)), NOW)
    (mark,) = store.manifest("cn").marks[URI].values()
    (tmp_path / "state" / "cn" / "objects" / str(mark.token)).unlink()
    store.copy_to(tmp_path / "copy")
    copy = Store(tmp_path / "copy")
    (domain,) = copy.load()
    assert not domain.status_lists
    assert [fault.part for fault in copy.faults] == [URI]
