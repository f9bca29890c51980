"""What one issuer can make a verifier keep: memory, room on disk, marks, and the time of a restart."""

from __future__ import annotations

import dataclasses
import os
import pickle
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from icard_crypto import limits
from icard_crypto.errors import DecodeError
from icard_crypto.lists import status_list
from icard_crypto.lists.open_lists import BETWEEN, OpenLists
from icard_crypto.lists.status_list import StatusList, measured
from icard_crypto.signing.keys import Thumbprint
from tests.kit.adversary import CAPACITY, ISSUERS, STRANGER, published, put
from tests.kit.load import MIB, resident
from tests.kit.publisher import ANCHOR, INDEX, NOW, URI, bundle, code, compromise, status, timestamp
from verifier import Policy, TrustDomain, Verdict, Verifier
from verifier.store import Store, Update, status_tokens
from verifier.store.manifest import LONGEST, Manifest, Mark, Size, read_manifest, write_manifest
from verifier.store.status_tokens import MOST_UNNAMED

Record = Callable[[str, object], None]
PREFIX = URI.removesuffix("list-1")
_KEY = STRANGER.verifying_key.thumbprint


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A state with the domain ``cn`` and all that a verdict needs."""
    made = Store(tmp_path / "state")
    made.create(ANCHOR, name="cn", now=NOW)
    made.apply("cn", bundle(status(NOW - 60), stamp=timestamp(NOW - 60, lists={URI: NOW - 60})), NOW)
    return made


def verify(domains: tuple[TrustDomain, ...]) -> Verdict:
    return Verifier(domains, Policy.named("gate")).verify(code(), now=NOW)


def list_of(domain: TrustDomain, uri: str = URI) -> StatusList:
    found = domain.status_lists[uri]
    assert isinstance(found, StatusList)
    return found


def refused(store: Store, *tokens: bytes) -> list[str]:
    """The code of each token's refusal, or what became of it."""
    report = store.apply("cn", bundle(*tokens), NOW)
    return [item.error.code if item.error else item.outcome for item in report.items]


def test_a_list_is_inflated_when_it_is_first_asked(store: Store) -> None:
    """Not when it is taken, loaded or copied to another process; its size is known all the same."""
    (domain,) = Store(store.folder).load()
    found = list_of(domain)
    assert (found.is_open, found.size) == (False, 1000)
    assert verify((domain,)).outcome == "VALID"
    assert found.is_open
    again = pickle.loads(pickle.dumps(domain))  # noqa: S301 - made a moment ago
    assert dict(again.status_due) == dict(domain.status_due)
    copied = list_of(again)
    assert (copied, copied.is_open) == (found, False)
    assert [copied.get(INDEX), copied.is_open] == [0, True]


def test_a_copied_domain_keeps_since_when_lists_are_behind_and_its_fault() -> None:
    """In another process a list that may lag behind the timestamp would count as too old at once."""
    due = {URI: (NOW - 60, NOW + 60)}
    domain = TrustDomain(name="cn", environment="test", keys=(), status_due=due, fault="store.damaged")
    copied = pickle.loads(pickle.dumps(domain))  # noqa: S301 - made a moment ago
    assert (dict(copied.status_due), copied.fault) == (due, "store.damaged")


def test_a_restart_inflates_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What loading costs is bounded by the tokens' bytes: they were inflated when they were taken."""

    def inflated(*_: object) -> int:
        raise AssertionError("inflated again")

    monkeypatch.setattr(status_list, "measured", inflated)
    monkeypatch.setattr(StatusList, "open", inflated)
    (domain,) = Store(store.folder).load()
    assert list_of(domain).size == 1000


def test_a_list_inflates_to_what_was_measured_and_no_further() -> None:
    """A state that somebody else wrote may say a small size for a stream that is none."""
    stream = zlib.compress(bytes(64 * MIB), 9)
    found = StatusList(URI, NOW, NOW + 1, 60, 4, Thumbprint(bytes(32)), stream, 500)
    tracemalloc.start()
    try:
        with pytest.raises(DecodeError, match=r"status\.corrupt"):
            found.open()
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < MIB


def test_a_list_of_older_software_is_measured_when_it_is_loaded(store: Store) -> None:
    """Its manifest says no sizes."""
    path = store.folder / "cn" / "manifest"
    path.write_bytes(write_manifest(dataclasses.replace(store.manifest("cn"), sizes={})))
    assert verify(Store(store.folder).load()).outcome == "VALID"


def test_the_successor_of_a_list_in_use_is_open_before_a_verdict_asks(store: Store) -> None:
    """So that no request waits for what the loading thread can do."""
    assert verify(store.load()).outcome == "VALID"
    store.apply("cn", bundle(status(NOW - 30)), NOW)
    (domain,) = store.load()
    assert (list_of(domain).iat, list_of(domain).is_open) == (NOW - 30, True)


def test_the_lists_of_an_issuer_have_a_bound_together(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list that goes beyond it is refused by name, by its inflated size; a newer one of the same size is taken."""
    monkeypatch.setattr(limits, "STATUS_BYTES_OF_ISSUER", 3000)
    large = [status(NOW - 50, uri=f"{PREFIX}{number}", size=2000) for number in range(3)]
    assert refused(store, *large) == ["taken", "taken", "store.issuer_full"]
    assert refused(store, status(NOW - 40, uri=f"{PREFIX}0", size=2000)) == ["taken"]
    assert refused(store, status(NOW - 35, uri=f"{PREFIX}0", size=3000)) == ["taken"]
    assert refused(store, status(NOW - 30, uri=f"{PREFIX}0", size=3100)) == ["store.issuer_full"]
    assert verify(store.load()).outcome == "VALID"


def test_a_list_that_the_timestamp_names_takes_the_room_of_others(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thief of a status key fills the room with lists that nobody published; the published one is taken, the marks
    stay, and what is there of other named lists too."""
    monkeypatch.setattr(limits, "STATUS_BYTES_OF_ISSUER", 3000)
    unnamed = (status(NOW - 50, uri=f"{PREFIX}{number}", size=2000) for number in range(2))
    assert refused(store, *unnamed) == ["taken", "taken"]
    second = f"{PREFIX}second"
    update = bundle(status(NOW - 20, uri=second, size=2000), stamp=timestamp(NOW - 20, lists={URI: 1, second: 1}))
    assert store.apply("cn", update, NOW).refused == ()
    marks = store.manifest("cn").marks
    names = (URI, f"{PREFIX}0", f"{PREFIX}1", second)
    assert [mark.token is None for uri in names for mark in marks[uri].values()] == [False, True, False, False]
    assert refused(store, status(NOW - 60, uri=f"{PREFIX}0")) == ["store.status_rollback"]


def test_a_list_that_does_not_fit_drops_none(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The named one is refused, and the others stay."""
    monkeypatch.setattr(limits, "STATUS_BYTES_OF_ISSUER", 3000)
    unnamed = [status(NOW - 50, uri=f"{PREFIX}{number}", size=2000) for number in range(2)]
    assert refused(store, *unnamed) == ["taken", "taken"]
    before = store.manifest("cn")
    assert refused(store, status(NOW - 20, size=7000)) == ["store.issuer_full"]
    assert store.manifest("cn") == before
    assert refused(store, *unnamed) == ["known", "known"]


def test_a_list_that_made_room_may_come_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once there is room for it: its mark keeps out what is older, and not the list itself."""
    monkeypatch.setattr(limits, "STATUS_BYTES_OF_ISSUER", 3000)
    unnamed = [status(NOW - 50, uri=f"{PREFIX}{number}", size=2000) for number in range(2)]
    assert refused(store, *unnamed) == ["taken", "taken"]
    assert refused(store, status(NOW - 20, size=4000)) == ["taken"]
    assert refused(store, unnamed[0]) == ["store.issuer_full"]
    monkeypatch.setattr(limits, "STATUS_BYTES_OF_ISSUER", 4000)
    assert refused(store, unnamed[0]) == ["taken"]
    assert refused(store, status(NOW - 51, uri=f"{PREFIX}0")) == ["store.status_rollback"]


def test_a_token_counts_by_its_own_bytes_where_they_are_more(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream of empty blocks inflates to nothing and takes megabytes all the same."""
    monkeypatch.setattr(limits, "STATUS_BYTES_OF_ISSUER", 700)
    assert refused(store, status(NOW - 50, uri=f"{PREFIX}0", size=2)) == ["taken"]
    assert refused(store, status(NOW - 50, uri=f"{PREFIX}1", size=2)) == ["store.issuer_full"]


def test_what_is_old_or_has_no_room_is_not_inflated(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list is inflated last, and no further than there is room; so a thief of a status key who sends thousands of
    small tokens of huge lists keeps nobody busy."""
    inflated: list[int] = []

    def noted(stream: bytes, most: int) -> int:
        inflated.append(most)
        return measured(stream, most)

    monkeypatch.setattr(status_tokens, "measured", noted)
    monkeypatch.setattr(limits, "STATUS_BYTES_OF_ISSUER", 3000)
    older, same = status(NOW - 70), status(NOW - 60, size=900)
    assert refused(store, older, same, status(NOW - 60)) == [
        "store.status_rollback",
        "store.status_two_of_one_time",
        "known",
    ]
    assert inflated == []
    assert refused(store, status(NOW - 50, uri=f"{PREFIX}0", size=6000)) == ["store.issuer_full"]
    assert inflated == [2500]


def test_what_one_update_inflates_of_an_issuer_has_a_bound(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often the same list comes anew, each time a second younger; the next update takes the rest."""
    monkeypatch.setattr(limits, "STATUS_BYTES_OF_ISSUER", 3000)
    tokens = [status(NOW - 50 + second, size=4000) for second in range(5)]
    assert refused(store, *tokens) == ["taken", "taken", "taken", "store.issuer_full", "store.issuer_full"]
    assert refused(store, tokens[4]) == ["taken"]


def test_room_comes_back_when_the_roots_take_the_key_away(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A compromised key's lists go, with their marks."""
    monkeypatch.setattr(limits, "STATUS_BYTES_OF_ISSUER", 2500)
    refused(store, *(status(NOW - 50, uri=f"{PREFIX}{number}", size=2000) for number in range(2)))
    store.apply("cn", Update(trust_lists=(published(2, compromise(1, NOW - 55)),)), NOW)
    assert not store.manifest("cn").sizes
    assert not any(store.manifest("cn").marks.values())


def test_lists_that_no_timestamp_names_are_counted(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound only lists that it names are taken: marks stay for good, and so their number has an end."""
    monkeypatch.setattr(limits, "UNNAMED_LISTS_OF_ISSUER", 2)
    tokens = [status(NOW - 50, uri=f"{PREFIX}{number}") for number in range(3)]
    assert refused(store, *tokens) == ["taken", "taken", "store.too_many_lists"]
    assert refused(store, status(NOW - 40, uri=f"{PREFIX}1")) == ["taken"]
    named = bundle(tokens[2], stamp=timestamp(NOW - 30, lists={URI: 1, f"{PREFIX}2": 1}))
    assert store.apply("cn", named, NOW).refused == ()


def test_a_manifest_full_of_lists_can_be_read() -> None:
    """With as many marks as are ever taken, each under the longest address, it is well below what is read."""
    keys = [Thumbprint(bytes(32)), Thumbprint(bytes(31) + b"1")]
    count = 2000
    marks: dict[str, dict[Thumbprint, Mark]] = {}
    sizes: dict[str, Size] = {}
    for number in range(count):
        names = [f"{2 * number + place:064x}" for place in range(2)]
        marks[f"https://{number:0150d}"] = {key: Mark(NOW, name) for key, name in zip(keys, names, strict=True)}
        sizes |= dict.fromkeys(names, Size(8 * MIB, 16 * MIB))
    manifest = Manifest("cn", "test", ("0" * 64,), marks=marks, sizes=sizes)
    written = write_manifest(manifest)
    assert read_manifest(written) == manifest
    named = 10_000
    assert len(written) / count * (MOST_UNNAMED + named) < LONGEST


def test_what_is_inflated_at_one_time_has_a_bound() -> None:
    """The list that was inflated first is closed, and answers again when it is asked."""
    lists = [
        StatusList(f"{PREFIX}{number}", NOW, NOW + 60, 60, 8, _KEY, stream, 1000)
        for number, stream in enumerate(zlib.compress(bytes([number]) * 1000) for number in range(4))
    ]
    kept = OpenLists(2500)
    for each in lists:
        each.open()
        kept.opened(each)
    assert [each.is_open for each in lists] == [False, False, True, True]
    assert [each.get(999) for each in lists] == [0, 1, 2, 3]


def test_who_asks_many_lists_in_turn_inflates_none_of_them_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no room for all, a closed list answers from a piece, until it has been asked so often that it
    takes the place of another."""
    monkeypatch.setattr(status_list, "_open_lists", OpenLists(2500))
    streams = [zlib.compress(bytes([number]) * 1000) for number in range(4)]
    lists = [StatusList(f"{PREFIX}{at}", NOW, NOW + 60, 60, 8, _KEY, each, 1000) for at, each in enumerate(streams)]
    opened: list[str] = []
    whole = StatusList.open

    def noted(found: StatusList) -> bytes:
        opened.append(found.uri)
        return whole(found)

    monkeypatch.setattr(StatusList, "open", noted)
    for _ in range(BETWEEN):
        assert [each.get(999) for each in lists] == [0, 1, 2, 3]
    assert len(opened) == 4
    assert [each.get(999) for each in lists for _ in range(2)] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert [each.is_open for each in lists] == [True, True, False, False]
    assert len(opened) == 6


def test_where_there_is_room_again_a_closed_list_is_inflated(monkeypatch: pytest.MonkeyPatch) -> None:
    """As before it was closed."""
    monkeypatch.setattr(status_list, "_open_lists", OpenLists(2500))
    found = StatusList(URI, NOW, NOW + 60, 60, 8, _KEY, zlib.compress(bytes(1000)), 1000)
    assert found.get(1) == 0
    found.close()
    assert (found.get(1), found.is_open) == (0, True)


def test_a_stream_that_is_not_the_measured_one_is_no_answer() -> None:
    """Whoever changes the state gets a doubt, never a value or an exception."""
    broken = StatusList(URI, NOW - 60, NOW + 9999, 60, 4, Thumbprint(bytes(32)), zlib.compress(bytes(10)), 500)
    with pytest.raises(DecodeError) as caught:
        broken.get(INDEX)
    assert caught.value.code == "status.corrupt"


def _sixty(tmp_path: Path, size: int, count: int) -> tuple[Store, int]:
    """A state after ``count`` lists of zeros were handed in; how many were taken."""
    store = Store(tmp_path / "state")
    store.create(published(1, put(size, ISSUERS, 0, CAPACITY)), name="cn", now=NOW)
    taken = sum(
        len(store.apply("cn", bundle(status(NOW - 60, uri=f"{PREFIX}{number}", size=size)), NOW).taken)
        for number in range(count)
    )
    return store, taken


def test_sixty_lists_of_zeros_take_no_memory(tmp_path: Path, record_property: Record) -> None:
    """A bundle of a megabyte took a gigabyte in every process: now as many lists are taken as have room, and what is
    loaded of them is their tokens."""
    store, taken = _sixty(tmp_path, 8_000_000, 60)
    assert taken == limits.STATUS_BYTES_OF_ISSUER // 4_000_000
    before = resident(os.getpid())
    (domain,) = Store(store.folder).load()
    grown = resident(os.getpid()) - before
    record_property("taken, grown MiB", f"{taken}, {grown / MIB:.1f}")
    assert len(domain.status_lists) == taken
    assert grown < 32 * MIB
