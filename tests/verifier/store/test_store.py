"""The state folder: what it takes, what it refuses, and what it says afterwards; rule by rule."""

from __future__ import annotations

import errno
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from icard_crypto.errors import DecodeError, IcardError, StateError
from icard_crypto.lists.bundle import Bundle, decode_bundle
from tests.kit.adversary import (
    CARD_KEY,
    DAY,
    EXP,
    IAT,
    OTHER_STATUS_KEY,
    ROOTS,
    START,
    STATUS_KEY,
    STRANGER,
    THRESHOLD,
    TIMESTAMP_KEYS,
    add,
    cose_key,
    published,
    put,
)
from tests.kit.publisher import (
    ANCHOR,
    INDEX,
    NOW,
    URI,
    another_domain,
    bundle,
    code,
    compromise,
    packed,
    spoiled,
    status,
    timestamp,
    with_status_key,
)
from verifier import Policy, TrustDomain, Verdict, Verifier
from verifier.store import Store, Update, freshness

HOUR = 3600
GOOD = bundle(status(NOW - HOUR), lists=[ANCHOR], stamp=timestamp(NOW - HOUR))
NEW_STATUS_KEY = STRANGER


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A state with the domain ``cn`` and all that a verdict needs."""
    made = Store(tmp_path / "state")
    made.create(ANCHOR, name="cn", now=NOW)
    made.apply("cn", GOOD, NOW)
    return made


def verify(store: Store, *, now: int = NOW, policy: str = "gate") -> Verdict:
    """The verdict on a good code, by what the folder holds: read by another store, as after a restart."""
    return Verifier(Store(store.folder).load(), Policy.named(policy)).verify(code(), now=now)


def outcomes(store: Store, update: Bundle | Update, now: int = NOW) -> list[tuple[str, str, str]]:
    """Kind, outcome and code of the fault of each item."""
    items = store.apply("cn", update, now).items
    return [(item.kind, item.outcome, item.error.code if item.error else "") for item in items]


def fault_of(store: Store, update: Bundle | Update, now: int = NOW) -> IcardError:
    """The fault of the one item that is refused."""
    (item,) = store.apply("cn", update, now).refused
    assert item.error is not None
    return item.error


def listed_at(store: Store) -> int:
    """The iat of the trust list in use."""
    trust = store.trust("cn")
    assert trust is not None
    return trust.current.iat


def floor(store: Store) -> int:
    return store.load()[0].clock_floor


# A state is made, filled and read


def test_a_filled_state_verifies(store: Store) -> None:
    """What was taken is there after a restart, with its versions and ages."""
    verdict = verify(store)
    assert verdict.outcome == "VALID"
    evidence = verdict.evidence
    assert (evidence.domain, verdict.environment, evidence.trust_list_version) == ("cn", "test", 1)
    assert (evidence.timestamp_age, evidence.status_age) == (HOUR, HOUR)


def test_an_empty_folder_is_an_empty_state(tmp_path: Path) -> None:
    """Nothing there is no error, and nothing is created by reading."""
    store = Store(tmp_path / "none")
    assert store.load() == ()
    assert list(tmp_path.iterdir()) == []


def test_an_anchor_alone_is_not_enough(tmp_path: Path) -> None:
    """After init and before any sync, nothing is VALID and the reason is what is missing."""
    store = Store(tmp_path)
    store.create(ANCHOR, name="cn", now=NOW)
    verdict = verify(store)
    assert (verdict.outcome, verdict.reason) == ("INDETERMINATE", "timestamp_missing")
    assert "status_missing" in verdict.also


@pytest.mark.parametrize(
    ("anchor", "code"),
    [
        (b"not one", "cose.wrong_tag"),
        (status(NOW), "cose.wrong_tag"),
        (published(1, by=[ROOTS[0]]), "trust.threshold_own"),
        (published(20), "trust.future"),
        (published(1, put(1, THRESHOLD), by=[ROOTS[0]]), "trust.single_root"),
    ],
    ids=["text", "status list", "one signature", "future", "single root"],
)
def test_an_anchor_that_is_not_one(tmp_path: Path, anchor: bytes, code: str) -> None:
    """It is refused by its own reason, and no domain is there afterwards."""
    store = Store(tmp_path)
    with pytest.raises(DecodeError) as caught:
        store.create(anchor, name="cn", now=NOW)
    assert caught.value.code == code
    assert store.names() == ()


def test_a_single_root_is_taken_by_name_only(tmp_path: Path) -> None:
    """Once allowed, it stays allowed for this domain, and shows in the evidence."""
    store = Store(tmp_path)
    anchor = published(1, put(1, THRESHOLD), by=[ROOTS[0]])
    store.create(anchor, name="cn", now=NOW, unsafe_single_root=True)
    store.apply("cn", Update(trust_lists=(published(2, put(1, THRESHOLD), by=[ROOTS[0]]),)), NOW)
    facts = store.load()[0].trust_list
    assert facts is not None
    assert (facts.version, facts.threshold) == (2, 1)


def test_a_domain_is_made_once(store: Store) -> None:
    """A second one of the name is refused, and the first is as it was."""
    with pytest.raises(StateError) as caught:
        store.create(published(2), name="cn", now=NOW)
    assert (caught.value.code, caught.value.path) == ("store.exists", "cn")
    assert verify(store).outcome == "VALID"


@pytest.mark.parametrize("name", ["", "..", "a/b", "CN", ".cn", "a" * 64])
def test_names_are_folder_names(tmp_path: Path, name: str) -> None:
    """A name that could lead out of the folder is no name."""
    with pytest.raises(StateError) as caught:
        Store(tmp_path).create(ANCHOR, name=name, now=NOW)
    assert caught.value.code == "store.name"
    with pytest.raises(StateError) as caught:
        Store(tmp_path).apply(name, Update(), NOW)
    assert caught.value.code == "store.no_such_domain"


# 1: trust lists


def test_a_chain_is_followed(store: Store) -> None:
    """Newer lists are taken in one step; the chain from the anchor is kept for others."""
    assert outcomes(store, Update(trust_lists=(ANCHOR, published(2), published(3)))) == [
        ("trust_list", "taken", ""),
        ("trust_list", "taken", ""),
    ]
    assert store.bundle("cn").trust_lists == (ANCHOR, published(2), published(3))
    assert outcomes(store, Update(trust_lists=(ANCHOR, published(2), published(3)))) == [("trust_list", "known", "")]


def test_of_a_bad_chain_nothing_is_taken(store: Store) -> None:
    """One bad list: neither the good lists before it, nor the tokens beside it, are looked at."""
    before = (store.folder / "cn" / "manifest").read_bytes()
    stranger = published(3, by=[STRANGER, ROOTS[0]])
    offered = bundle(status(NOW), lists=[published(2), stranger], stamp=timestamp(NOW))
    assert outcomes(store, offered) == [
        ("trust_list", "refused", "trust.threshold_current"),
        ("timestamp", "skipped", ""),
        ("status_list", "skipped", ""),
    ]
    assert (store.folder / "cn" / "manifest").read_bytes() == before


def test_an_older_list_is_a_rollback(store: Store) -> None:
    """After version 2, version 1 is no step back."""
    store.apply("cn", Update(trust_lists=(published(2), published(3))), NOW)
    assert fault_of(store, Update(trust_lists=(published(2),))).code == "trust.rollback"
    assert store.load()[0].trust_list.version == 3  # type: ignore[union-attr]


def test_a_known_chain_that_is_over_keeps_no_revocation_out(store: Store) -> None:
    """A bundle with nothing but past trust lists still brings its status lists, after the current list has ended."""
    late = START + 302 * DAY
    assert outcomes(store, bundle(status(late, {INDEX: 1}), lists=[ANCHOR]), late) == [
        ("trust_list", "known", ""),
        ("status_list", "taken", ""),
    ]
    assert verify(store, now=late).reason == "revoked"
    assert fault_of(store, Update(trust_lists=(published(2, put(late - 1, EXP)),)), late).code == "trust.expired"


# 2: a stolen status key


def test_a_stolen_status_key_cannot_freeze_revocation(store: Store) -> None:
    """A thief's list reached a verifier whose clock was ahead. While the key stands, nothing newer can be had; once the
    roots mark it compromised, the tokens and marks of the key go, and a revocation is seen. Nobody touches the state.
    """
    ahead = NOW + 300 * DAY
    assert outcomes(store, bundle(status(ahead)), now=ahead) == [("status_list", "taken", "")]
    for second in range(3):
        assert outcomes(store, bundle(status(ahead + 1 + second)), now=ahead + 3)[0][1] == "taken"

    # The clock is right again. The honest issuer revokes; its own old key is frozen by the thief's mark.
    revoked = {INDEX: 1}
    fault = fault_of(store, bundle(status(NOW + 60, revoked)), NOW + 60)
    assert (fault.code, fault.expected, fault.found) == (
        "store.status_rollback",
        f"{ahead + 3} or later",
        str(NOW + 60),
    )
    assert verify(store, now=NOW + 60).reason != "revoked"

    # The roots meet: the key is compromised, another takes its place.
    second_list = published(2, with_status_key(NEW_STATUS_KEY), compromise(1, NOW))
    lists, stamp = [second_list], timestamp(NOW + 120, trust=second_list)
    told = outcomes(store, bundle(status(NOW + 120, revoked, key=NEW_STATUS_KEY), lists=lists, stamp=stamp), NOW + 120)
    assert [outcome for _, outcome, _ in told] == ["taken"] * 3
    verdict = verify(store, now=NOW + 120)
    assert (verdict.outcome, verdict.reason) == ("INVALID", "revoked")
    assert floor(store) == NOW + 120, "a status list never moved the floor"
    assert set(store.manifest("cn").marks[URI]) == {NEW_STATUS_KEY.verifying_key.thumbprint}

    # The thief goes on signing, and is told so.
    assert fault_of(store, bundle(status(NOW + 180)), NOW + 180).code == "status.key_compromised"


def test_a_denied_status_key_counts_no_more(store: Store) -> None:
    """Before the roots meet, the timestamp denies the key: its list counts no more, the other key's list does."""
    both = published(2, with_status_key(NEW_STATUS_KEY))
    older = status(NOW - 2 * HOUR, {INDEX: 1}, key=NEW_STATUS_KEY)
    store.apply("cn", bundle(older, lists=[both], stamp=timestamp(NOW - 60, trust=both)), NOW)
    assert verify(store).outcome == "VALID", "the newer list of the two counts"
    store.apply("cn", Update(timestamp=timestamp(NOW, trust=both, denied=[STATUS_KEY])), NOW)
    assert verify(store).reason == "revoked"
    fault = fault_of(store, bundle(status(NOW)))
    assert (fault.code, fault.found) == ("store.key_denied", f"kid {STATUS_KEY.verifying_key.kid.hex()}")


def test_of_two_keys_lists_the_newest_counts(store: Store) -> None:
    """Whatever order they come in."""
    both = published(2, with_status_key(NEW_STATUS_KEY))
    store.apply("cn", Update(trust_lists=(both,), timestamp=timestamp(NOW, trust=both)), NOW)
    store.apply("cn", bundle(status(NOW, {INDEX: 2}, key=NEW_STATUS_KEY)), NOW)
    assert verify(store).reason == "suspended"
    assert outcomes(store, bundle(status(NOW - 60, {INDEX: 1}))) == [("status_list", "taken", "")]
    assert verify(store).reason == "suspended"


def test_a_stolen_card_key(store: Store) -> None:
    """Denied by a timestamp it falls at once; compromised in the list it falls for good, backdated or not."""
    store.apply("cn", Update(timestamp=timestamp(NOW, denied=[CARD_KEY])), NOW)
    assert verify(store).reason == "key_revoked"
    listed = published(2, compromise(0, NOW))
    store.apply("cn", Update(trust_lists=(listed,), timestamp=timestamp(NOW + 1, trust=listed)), NOW + 1)
    assert verify(store, now=NOW + 1).reason == "key_revoked"
    (stone,) = store.manifest("cn").tombstones
    assert stone.thumbprint == CARD_KEY.verifying_key.thumbprint
    back = published(3)
    assert fault_of(store, Update(trust_lists=(back,)), NOW + 2).code == "trust.revoked_returns"


def test_retired_keys_marks_stay(store: Store) -> None:
    """Only a compromise takes marks away: a list of a retired key stays until something newer is there."""
    before = store.manifest("cn").marks
    retired = published(2, compromise(1, NOW, kind="retired"))
    store.apply("cn", Update(trust_lists=(retired,)), NOW)
    assert store.manifest("cn").marks == before
    assert fault_of(store, bundle(status(NOW + 1)), NOW + 1).code == "status.key_retired"


# 3, 4: timestamps


def test_timestamps_never_go_back(store: Store) -> None:
    """An older one, and another of the same time, are refused; the same again is known."""
    assert fault_of(store, Update(timestamp=timestamp(NOW - 2 * HOUR))).code == "timestamp.rollback"
    twin = timestamp(NOW - HOUR, denied=[CARD_KEY])
    assert fault_of(store, Update(timestamp=twin)).code == "timestamp.two_of_one_time"
    assert outcomes(store, Update(timestamp=timestamp(NOW - HOUR))) == [("timestamp", "known", "")]


def test_a_timestamp_of_a_key_that_left_goes(store: Store) -> None:
    """When the roots replace the timestamp key, the old one's timestamp is no mark for the new one's."""
    moved = published(2, put([cose_key(STRANGER)], TIMESTAMP_KEYS))
    store.apply("cn", Update(trust_lists=(moved,)), NOW)
    assert store.load()[0].timestamp is None
    assert store.faults == ()
    earlier = timestamp(NOW - 3 * HOUR, trust=moved, key=STRANGER)
    assert outcomes(store, Update(timestamp=earlier)) == [("timestamp", "taken", "")]
    assert floor(store) == NOW - 3 * HOUR, "what the key that went had raised it to went with it"


# 5: status tokens


def test_a_bad_token_spoils_no_other(store: Store) -> None:
    """Of a bundle with bad tokens the rest is taken; each bad one has its reason."""
    other = "https://sh.example/s/list-2"
    offered = bundle(
        b"nothing",
        spoiled(status(NOW)),
        status(NOW, key=CARD_KEY),
        status(NOW, key=STRANGER),
        status(NOW, key=OTHER_STATUS_KEY),
        status(NOW, uri=other),
        status(NOW, {INDEX: 1}),
    )
    assert [(outcome, code) for _, outcome, code in outcomes(store, offered)] == [
        ("refused", "cose.wrong_tag"),
        ("refused", "status.bad_signature"),
        ("refused", "status.wrong_usage"),
        ("refused", "status.unknown_key"),
        ("refused", "status.other_issuer"),
        ("taken", ""),
        ("taken", ""),
    ]
    assert verify(store).reason == "revoked"
    assert set(store.load()[0].status_lists) == {URI, other}


def test_status_lists_never_go_back(store: Store) -> None:
    """Under one key: older is a rollback, the same time with other bytes is two of one time, the same is known."""
    fault = fault_of(store, bundle(status(NOW - 2 * HOUR)))
    assert (fault.code, fault.found) == ("store.status_rollback", str(NOW - 2 * HOUR))
    assert fault.message() == "The status list is older than one that was accepted before."
    assert fault_of(store, bundle(status(NOW - HOUR, {INDEX: 1}))).code == "store.status_two_of_one_time"
    assert outcomes(store, bundle(status(NOW - HOUR))) == [("status_list", "known", "")]


# 7: a publication is no outage


def named(iat: int, lowest: int, **options: Any) -> bytes:
    """A timestamp that names the list with this lowest iat."""
    return timestamp(iat, lists={URI: lowest}, **options)


def learn(store: Store, now: int, *tokens: bytes, stamp: bytes | None = None, interval: int = 0) -> None:
    """Take in what a fetching agent brings."""
    store.apply("cn", Update((), tokens, stamp, interval=interval), now)


@pytest.fixture
def current(store: Store) -> Store:
    """The state, whose timestamp names the list that is there."""
    learn(store, NOW, stamp=named(NOW - 600, NOW - HOUR))
    return store


@pytest.mark.parametrize(("interval", "lag"), [(0, 120), (5, 130), (300, 720), (10**6, 7320)])
def test_a_list_may_be_on_its_way_for_a_while(current: Store, interval: int, lag: int) -> None:
    """A newer timestamp makes no card INDETERMINATE until the list that it names could have come; then it does."""
    learn(current, NOW, stamp=named(NOW, NOW), interval=interval)
    assert verify(current, now=NOW + lag - 1).outcome == "VALID"
    late = verify(current, now=NOW + lag)
    assert (late.outcome, late.reason, late.reason.variant) == ("INDETERMINATE", "status_stale", "superseded")
    learn(current, NOW + lag, status(NOW))
    assert verify(current, now=NOW + lag).outcome == "VALID"


@pytest.mark.parametrize("ahead", [HOUR, 300 * DAY])
def test_a_clock_that_was_ahead_once_hides_no_list_that_is_held_back(current: Store, ahead: int) -> None:
    """Neither until the next round, which knows the right time, nor after it."""
    learn(current, NOW + ahead, stamp=named(NOW, NOW), interval=5)
    late = verify(current, now=NOW + 200)
    assert (late.reason, late.reason.variant) == ("status_stale", "superseded")
    assert [each.why for each in freshness(current.load()[0], Policy.named("gate"), NOW + 200)][2] == "superseded"
    learn(current, NOW + 200, stamp=named(NOW + 200, NOW + 200), interval=5)
    assert current.manifest("cn").due[URI].since <= NOW + 200
    assert verify(current, now=NOW + 330).reason.variant == "superseded"


def test_what_a_newer_timestamp_denies_counts_at_once(current: Store) -> None:
    """Also while its lists are on their way."""
    learn(current, NOW, stamp=named(NOW, NOW, denied=[CARD_KEY]))
    assert verify(current).reason == "key_revoked"


def test_a_list_that_was_behind_already_gets_no_while(store: Store) -> None:
    """Neither under a first timestamp nor by one timestamp after another: only what was the newest may be late."""
    empty = Store(store.folder.parent / "empty")
    empty.create(ANCHOR, name="cn", now=NOW)
    learn(empty, NOW, stamp=named(NOW - 60, NOW - 60))
    learn(empty, NOW, status(NOW - HOUR))
    assert verify(empty).reason == "status_stale"
    learn(store, NOW, stamp=named(NOW - 600, NOW - HOUR))
    for later in range(0, 121, 30):
        learn(store, NOW + later, stamp=named(NOW + later, NOW + later))
    assert verify(store, now=NOW + 120).reason == "status_stale"


def test_publications_one_behind_another_are_no_outage(current: Store) -> None:
    """A timestamp every 4 s, whose list comes 6 s later, longer than a list may lag: none is INDETERMINATE."""
    for now in range(NOW, NOW + 160, 4):
        learn(current, now, stamp=named(now, now), interval=1)
        assert verify(current, now=now).outcome == "VALID"
        learn(current, now + 2, status(now - 4))
        assert verify(current, now=now + 2).outcome == "VALID"


def test_an_origin_that_lets_lists_through_late_gains_no_more_than_the_while(current: Store) -> None:
    """It holds back each list for as long as it can: none counts that is older than the while."""
    published_at = NOW
    for second in range(0, 800, 10):
        now = NOW + second
        learn(current, now, stamp=named(now, now))
        held = current.manifest("cn").marks[URI][STATUS_KEY.verifying_key.thumbprint].iat
        if verify(current, now=now).outcome != "VALID":
            published_at += 10
            learn(current, now, status(published_at))
        elif second >= 120:
            assert now - held <= 120 + 10, second


def test_marks_outlive_a_restart_and_the_lists_own_end(store: Store) -> None:
    """An old all-valid list stays refused after the newer one has ended."""
    late = NOW + 40 * DAY
    assert fault_of(Store(store.folder), bundle(status(NOW - 2 * HOUR)), late).code == "store.status_rollback"


# 6: the clock floor


def test_floor_rises_with_trust_lists_and_timestamps_only(store: Store) -> None:
    """One bad issuer's list, however far ahead, cannot raise it."""
    assert floor(store) == NOW - HOUR
    store.apply("cn", bundle(status(NOW + 250)), NOW)
    assert floor(store) == NOW - HOUR
    store.apply("cn", Update(timestamp=timestamp(NOW + 10)), NOW)
    assert floor(store) == NOW + 10


@pytest.mark.parametrize("back", [DAY, 365 * DAY], ids=["a day", "a year"])
def test_a_clock_set_back_is_noticed_after_a_restart(store: Store, back: int) -> None:
    """Below the floor nothing is VALID, and what is newer is not taken: it seems to come from the future."""
    verdict = verify(store, now=NOW - back)
    assert (verdict.outcome, verdict.reason) == ("INDETERMINATE", "clock_unreliable")
    told = outcomes(store, bundle(status(NOW), stamp=timestamp(NOW)), NOW - back)
    assert [code for _, _, code in told] == ["timestamp.future", "status.future"]
    assert floor(store) == NOW - HOUR


def ahead(store: Store, years: int = 20) -> int:
    """A time at which a clock was wrong, and a timestamp of that time by a stolen key that was taken then."""
    wrong = NOW + years * 365 * DAY
    stolen = timestamp(wrong)
    assert fault_of(store, Update(timestamp=stolen), wrong).code == "store.time_jump"
    assert floor(store) == NOW - HOUR
    assert outcomes(store, Update(timestamp=stolen, accept_time=True), wrong) == [("timestamp", "taken", "")]
    assert floor(store) == wrong
    return wrong


def test_a_floor_that_a_stolen_key_raised_falls_with_the_key(store: Store) -> None:
    """While the key is listed nothing is VALID; the roots take it away, a new one signs, and all is as before."""
    ahead(store)
    assert verify(store).outcome != "VALID"
    moved = published(2, put([cose_key(STRANGER)], TIMESTAMP_KEYS))
    store.apply("cn", Update(trust_lists=(moved,)), NOW)
    assert floor(store) == START + 2 * DAY
    fresh = bundle(status(NOW), stamp=timestamp(NOW, trust=moved, key=STRANGER))
    assert {outcome for _, outcome, _ in outcomes(store, fresh)} == {"taken"}
    assert (verify(store).outcome, floor(store)) == ("VALID", NOW)


def test_a_floor_of_an_older_state_falls_with_the_keys_that_were_listed(store: Store) -> None:
    """Its manifest does not say who raised the floor; it stands while one of those keys is listed, and no longer."""
    wrong = ahead(store)
    path = store.folder / "cn" / "manifest"
    older = json.loads(path.read_bytes())
    del older["floors"]
    path.write_text(json.dumps(older), "utf-8")
    both = published(2, add(cose_key(STRANGER), TIMESTAMP_KEYS))
    store.apply("cn", Update(trust_lists=(both,)), NOW)
    assert floor(store) == wrong
    store.apply("cn", Update(trust_lists=(published(3, put([cose_key(STRANGER)], TIMESTAMP_KEYS)),)), NOW)
    assert floor(store) == START + 3 * DAY


def test_a_timestamp_far_ahead_waits_for_a_person(store: Store) -> None:
    """400 days behind the trust list it is taken, and not a second more until somebody says that the time is right;
    what stands beside it is taken, and the old floor counts."""
    most = listed_at(store) + 400 * DAY
    offered = bundle(status(most, {INDEX: 1}), stamp=timestamp(most + 1))
    assert outcomes(store, offered, most + 1) == [
        ("timestamp", "refused", "store.time_jump"),
        ("status_list", "taken", ""),
    ]
    assert (floor(store), store.load()[0].timestamp.iat) == (NOW - HOUR, NOW - HOUR)  # type: ignore[union-attr]
    assert outcomes(store, Update(timestamp=timestamp(most)), most) == [("timestamp", "taken", "")]


def test_short_steps_of_a_stolen_timestamp_key_are_a_long_one(store: Store) -> None:
    """While a clock is years ahead, a thief shows one timestamp after another, each a year behind the next: beyond what
    any trust list lives, none is taken without a person."""
    before = floor(store)
    ahead = NOW + 20 * 365 * DAY
    taken = [
        not store.apply("cn", bundle(stamp=timestamp(NOW + step * 390 * DAY)), ahead).refused for step in range(1, 6)
    ]
    assert taken == [True, False, False, False, False]
    assert before < floor(store) <= listed_at(store) + 400 * DAY


def test_a_verifier_that_was_away_for_years_follows_the_trust_lists(store: Store) -> None:
    """They are signed by the roots and raise the floor; the timestamp beside them is no jump then."""
    later = START + 500 * DAY
    newer = published(2, put(later, IAT), put(later + 300 * DAY, EXP))
    assert outcomes(store, Update((newer,), (), timestamp(later + DAY, trust=newer)), later + DAY) == [
        ("trust_list", "taken", ""),
        ("timestamp", "taken", ""),
    ]


def test_what_is_over_at_the_floor_is_expired(store: Store) -> None:
    """With the clock back before the card's end, the floor still knows that it is over."""
    late = START + 300 * DAY
    store.apply("cn", Update(timestamp=timestamp(late)), late)
    shown = code(expires=NOW)
    verdict = Verifier(Store(store.folder).load(), Policy.named("gate")).verify(shown, now=NOW - DAY)
    assert (verdict.outcome, verdict.reason) == ("INVALID", "expired")


def test_a_clock_set_forward_makes_all_stale(store: Store) -> None:
    """Past every end nothing is VALID; when it is right again all is well, for a clock raises no floor."""
    verdict = verify(store, now=NOW + 350 * DAY, policy="offline")
    assert verdict.outcome != "VALID"
    assert "trust_list_stale" in {verdict.reason, *verdict.also}
    store.apply("cn", bundle(), NOW + 350 * DAY)
    assert verify(store).outcome == "VALID"


# The folder


def test_an_unchanged_state_is_shared(store: Store) -> None:
    """Loading twice gives the same objects; after a new timestamp the status list is still the same object."""
    first = store.load()
    assert store.load()[0] is first[0]
    store.apply("cn", Update(timestamp=timestamp(NOW)), NOW)
    second = store.load()
    assert second[0] is not first[0]
    assert second[0].status_lists[URI] is first[0].status_lists[URI]


def test_what_changes_nothing_writes_nothing(store: Store) -> None:
    """Offering what is known leaves the manifest's file as it is."""
    before = (store.folder / "cn" / "manifest").stat()
    store.apply("cn", GOOD, NOW)
    assert (store.folder / "cn" / "manifest").stat() == before


def test_one_writer(store: Store) -> None:
    """While one writes another fails with who holds the lock; a reader is not disturbed."""
    reached, go = threading.Event(), threading.Event()

    def hold() -> None:
        from verifier.store.folder import DomainFolder

        with DomainFolder(store.folder / "cn").writing():
            reached.set()
            go.wait(30)

    writer = threading.Thread(target=hold)
    writer.start()
    reached.wait(30)
    try:
        with pytest.raises(StateError) as caught:
            store.apply("cn", GOOD, NOW)
        assert verify(store).outcome == "VALID"
    finally:
        go.set()
        writer.join()
    assert (caught.value.code, caught.value.found) == ("store.locked", f"process {os.getpid()}")
    assert store.apply("cn", GOOD, NOW).refused == ()


def test_a_newer_state_is_refused(store: Store) -> None:
    """A format above what is known: neither read nor overwritten."""
    path = store.folder / "cn" / "manifest"
    newer = json.dumps({**json.loads(path.read_bytes()), "format": 2}).encode()
    path.write_bytes(newer)
    for attempt in (Store(store.folder).load, lambda: store.apply("cn", GOOD, NOW)):
        with pytest.raises(StateError) as caught:
            attempt()
        assert (caught.value.code, caught.value.expected, caught.value.found) == ("store.newer", "at most 1", "2")
    assert path.read_bytes() == newer


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"format": true}', b'{"format": 1}'])
def test_a_manifest_that_is_none(store: Store, content: bytes) -> None:
    """It is called damaged, by a typed error."""
    (store.folder / "cn" / "manifest").write_bytes(content)
    with pytest.raises(StateError) as caught:
        store.manifest("cn")
    assert caught.value.code == "store.damaged"
    assert [fault.error.code for fault in loaded_anew(store).faults] == ["store.damaged"]


def test_a_digest_in_the_manifest_is_no_path(store: Store) -> None:
    """A name that leads elsewhere is damage, not a file to read."""
    path = store.folder / "cn" / "manifest"
    path.write_text(json.dumps({**json.loads(path.read_bytes()), "timestamp": "../../secret"}))
    (fault,) = loaded_anew(store).faults
    assert (fault.part, fault.error.code, fault.error.path) == ("manifest", "store.damaged", "manifest.timestamp")


def loaded_anew(store: Store) -> Store:
    """The state as after a restart."""
    again = Store(store.folder)
    again.load()
    return again


def _damage(store: Store, digest: str | None) -> None:
    path = store.folder / "cn" / "objects" / str(digest)
    path.write_bytes(path.read_bytes()[:-1] + b"?")


def test_a_damaged_list_is_missed_and_comes_back(store: Store) -> None:
    """What is not what its name says does not count; the fault is told, and the next import heals it."""
    (mark,) = store.manifest("cn").marks[URI].values()
    _damage(store, mark.token)
    again = Store(store.folder)
    assert Verifier(again.load(), Policy.named("gate")).verify(code(), now=NOW).reason == "status_missing"
    (fault,) = again.faults
    assert (fault.domain, fault.part, fault.error.code) == ("cn", URI, "store.damaged")
    again.apply("cn", GOOD, NOW)
    again.load()
    assert again.faults == ()
    assert verify(store).outcome == "VALID"


def test_a_damaged_trust_list_stops_one_domain_only(store: Store) -> None:
    """The domain misses its list and keeps its floor; another domain verifies as before."""
    other = published(1, *another_domain("production"))
    store.create(other, name="zz", now=NOW)
    _damage(store, store.manifest("cn").chain[-1])
    again = Store(store.folder)
    first, second = again.load()
    assert (first.trust_list, first.clock_floor, first.environment) == (None, NOW - HOUR, "test")
    assert second.trust_list is not None
    assert [fault.error.code for fault in again.faults] == ["store.damaged"]


def test_a_folder_that_may_only_be_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Verification goes on; a change fails with the system's reason."""
    really = os.open

    def read_only(path: str, flags: int, *rest: int) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            raise OSError(errno.EROFS, "Read-only file system")
        return really(path, flags, *rest)

    monkeypatch.setattr("verifier.store.folder.os.open", read_only)
    assert verify(store).outcome == "VALID"
    with pytest.raises(StateError) as caught:
        store.apply("cn", bundle(status(NOW)), NOW)
    assert (caught.value.code, caught.value.found) == (
        "store.unwritable",
        f"{store.folder / 'cn'}: Read-only file system",
    )
    assert verify(store).outcome == "VALID"


def test_what_is_not_needed_goes(store: Store) -> None:
    """Replaced objects and remains of a killed writer are gone after the next change; never while a reader reads."""
    from verifier.store.folder import DomainFolder

    folder = store.folder / "cn"
    (folder / "manifest.0123456789ab.tmp").write_bytes(b"half")
    (folder / "objects" / f"{'0' * 64}.0123456789ab.tmp").write_bytes(b"half")
    before = set(os.listdir(folder / "objects"))
    with DomainFolder(folder).reading():
        store.apply("cn", Update(timestamp=timestamp(NOW)), NOW)
        assert before < set(os.listdir(folder / "objects"))
    store.apply("cn", Update(timestamp=timestamp(NOW + 1)), NOW)
    assert set(os.listdir(folder / "objects")) == store.manifest("cn").objects()
    assert not (folder / "manifest.0123456789ab.tmp").exists()


def test_a_bundle_goes_from_state_to_state(store: Store, tmp_path: Path) -> None:
    """What one exports another imports: then both say the same."""
    store.apply("cn", bundle(status(NOW, {INDEX: 1}), lists=[published(2)]), NOW)
    other = Store(tmp_path / "other")
    other.create(ANCHOR, name="cn", now=NOW)
    assert other.apply("cn", store.bundle("cn"), NOW).refused == ()
    assert verify(other).reason == verify(store).reason == "revoked"


def test_a_truncated_bundle_is_no_bundle(store: Store) -> None:
    """Each cut is refused as a whole, before anything is taken."""
    data = packed(status(NOW), lists=[ANCHOR], stamp=timestamp(NOW))
    for length in (0, 1, 20, len(data) // 2, len(data) - 1):
        with pytest.raises(DecodeError) as caught:
            decode_bundle(data[:length])
        assert caught.value.layer in ("bundle", "cbor")


def test_domains_are_apart(store: Store) -> None:
    """What one domain takes, another does not know."""
    store.create(published(1, *another_domain("production")), name="zz", now=NOW)
    domains: tuple[TrustDomain, ...] = store.load()
    assert [domain.name for domain in domains] == ["cn", "zz"]
    assert domains[1].timestamp is None
