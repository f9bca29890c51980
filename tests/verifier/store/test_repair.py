"""Damage and foreign hands: what stops only itself, what is repaired, what is never touched."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from icard_crypto.errors import StateError
from tests.kit.adversary import DAY, ENVIRONMENT, FORMAT, IAT, ROOTS, STRANGER, THRESHOLD, Edit, published, put
from tests.kit.publisher import (
    ANCHOR,
    INDEX,
    NOW,
    URI,
    another_domain,
    bundle,
    code,
    compromise,
    status,
    timestamp,
    with_status_key,
)
from verifier import Policy, Verdict, Verifier
from verifier.store import Store, Update
from verifier.store.manifest import LONGEST
from verifier.sync import Agent, Limits, Round


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A state with the domain ``cn`` and all that a verdict needs."""
    made = Store(tmp_path / "state")
    made.create(ANCHOR, name="cn", now=NOW)
    made.apply("cn", bundle(status(NOW - 60), stamp=timestamp(NOW - 60)), NOW)
    return made


def verify(store: Store) -> Verdict:
    return Verifier(Store(store.folder).load(), Policy.named("gate")).verify(code(), now=NOW)


def test_a_damaged_manifest_stops_its_own_domain_only(tmp_path: Path) -> None:
    """Others of production verify, and the fault says which is damaged; it comes back knowing nobody."""
    store, anchor = Store(tmp_path), published(1, put("production", ENVIRONMENT))
    store.create(anchor, name="cn", now=NOW)
    store.apply("cn", bundle(status(NOW - 60), stamp=timestamp(NOW - 60, trust=anchor)), NOW)
    store.create(published(1, *another_domain()), name="b", now=NOW)
    path = store.folder / "b" / "manifest"
    path.write_bytes(path.read_bytes()[:-5])
    again = Store(store.folder)
    assert [(each.name, each.fault, bool(each.keys)) for each in again.load()] == [
        ("b", "store.damaged", False),
        ("cn", None, True),
    ]
    assert [(fault.domain, fault.part, fault.error.code) for fault in again.faults] == [
        ("b", "manifest", "store.damaged")
    ]
    assert verify(store).outcome == "VALID"
    assert again.apply("cn", bundle(status(NOW)), NOW).refused == ()


def test_a_damaged_trust_list_is_repaired_by_handing_it_in_again(store: Store) -> None:
    """With the floor, the marks and the tombstones of the state as they were."""
    path = store.folder / "cn" / "objects" / store.manifest("cn").chain[-1]
    path.write_bytes(ANCHOR[:-1])
    with pytest.raises(StateError, match=r"store\.damaged"):
        store.apply("cn", Update(), NOW)
    before = store.manifest("cn")
    store.apply("cn", Update(trust_lists=(ANCHOR,)), NOW)
    assert verify(store).outcome == "VALID"
    assert store.manifest("cn").marks == before.marks


def test_a_damaged_list_leads_back_to_no_older_one(store: Store) -> None:
    """The newest list, by another key, revokes; without its file no list counts."""
    second = published(2, with_status_key(STRANGER))
    store.apply("cn", Update(trust_lists=(second,)), NOW)
    store.apply("cn", bundle(status(NOW - 30, {INDEX: 1}, key=STRANGER), stamp=timestamp(NOW - 50, trust=second)), NOW)
    assert verify(store).reason == "revoked"
    mark = store.manifest("cn").marks[URI][STRANGER.verifying_key.thumbprint]
    (store.folder / "cn" / "objects" / str(mark.token)).write_bytes(b"")
    assert verify(store).reason == "status_missing"


def test_locks_are_the_owners_and_objects_everybodys(store: Store) -> None:
    """Nobody else can hold up the writer; whoever may read the folder reads the state."""
    folder = store.folder / "cn"
    (folder / "lock").chmod(0o644)
    store.apply("cn", bundle(status(NOW)), NOW)
    assert [(folder / name).stat().st_mode & 0o777 for name in ("lock", "readers")] == [0o600, 0o600]
    assert (folder / "objects").stat().st_mode & 0o055 == 0o055


def test_no_foreign_file_is_removed(store: Store) -> None:
    """Only what the state wrote and needs no more."""
    objects = store.folder / "cn" / "objects"
    foreign = [objects / "letter.txt", objects / "x.tmp", store.folder / "cn" / "notes.tmp", objects / ("A" * 64)]
    for path in foreign:
        path.write_text("mine", "utf-8")
    mine = [objects / ("0" * 64), objects / f"{'0' * 64}.0123456789ab.tmp"]
    for path in mine:
        path.write_text("", "utf-8")
    store.apply("cn", bundle(status(NOW)), NOW)
    assert [path.exists() for path in (*foreign, *mine)] == [True] * 4 + [False] * 2


def test_a_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    """Somebody prepared it: nothing is written, nothing removed."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "letter.txt").write_text("mine", "utf-8")
    (tmp_path / "state" / "cn").mkdir(parents=True)
    (tmp_path / "state" / "cn" / "objects").symlink_to(other)
    with pytest.raises(StateError, match=r"store\.unwritable"):
        Store(tmp_path / "state").create(ANCHOR, name="cn", now=NOW)
    assert [path.name for path in other.iterdir()] == ["letter.txt"]


def test_no_manifest_is_written_that_cannot_be_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond what is read the state before stays, and works."""
    monkeypatch.setattr("verifier.store.folder.write_manifest", lambda _: bytes(LONGEST + 1))
    with pytest.raises(StateError, match=r"store\.unwritable"):
        store.apply("cn", bundle(status(NOW)), NOW)
    monkeypatch.undo()
    assert verify(store).outcome == "VALID"


def test_watching_survives_a_state_that_cannot_be_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each round has the fault, and the next one comes all the same."""
    stop, heard = threading.Event(), []

    def unreadable(_: Store) -> None:
        raise StateError("store.unreadable", found="Input/output error")

    def listen(rounds: list[Round]) -> None:
        heard.append([error.code for each in rounds for _, error in each.faults])
        if len(heard) == 2:
            stop.set()

    monkeypatch.setattr(Store, "load", unreadable)
    agent = Agent(store, Limits())
    monkeypatch.setattr(agent, "pause", lambda *_: 0.0)
    agent.watch(1, listen, stop)
    assert heard == [["store.unreadable"]] * 2


@pytest.mark.parametrize(
    ("edit", "code"),
    [(put(2, FORMAT), "trust.format_newer"), (put(NOW + DAY, IAT), "trust.future")],
    ids=["format", "future"],
)
def test_what_stands_before_a_list_of_a_newer_format_is_taken(store: Store, edit: Edit, code: str) -> None:
    """The emergency list denies the stolen key on old software too; the one behind it is told by its reason."""
    emergency = published(2, compromise(0, NOW - 60))
    report = store.apply("cn", bundle(lists=[ANCHOR, emergency, published(3, compromise(0, NOW - 60), edit)]), NOW)
    assert [(item.kind, item.outcome) for item in report.items] == [("trust_list", "taken"), ("trust_list", "refused")]
    assert report.refused[0].error is not None
    assert report.refused[0].error.code == code
    assert verify(store).reason == "key_revoked"


def test_a_single_root_is_allowed_until_the_list_asks_for_two(tmp_path: Path) -> None:
    """Whoever allowed one root at the start did not allow going back to it."""
    store = Store(tmp_path)
    single = put(1, THRESHOLD)
    store.create(published(1, single, by=[ROOTS[0]]), name="cn", now=NOW, unsafe_single_root=True)
    assert store.apply("cn", Update(trust_lists=(published(2, single, by=[ROOTS[0]]),)), NOW).refused == ()
    assert store.manifest("cn").single_root
    assert store.apply("cn", Update(trust_lists=(published(3),)), NOW).refused == ()
    assert not store.manifest("cn").single_root
    (refused,) = store.apply("cn", Update(trust_lists=(published(4, single),)), NOW).refused
    assert refused.error is not None
    assert refused.error.code == "trust.single_root"
