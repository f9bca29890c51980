"""Damage and foreign hands: what stops only itself, what is repaired, what is never touched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from icard_crypto.errors import StateError
from tests.kit.adversary import (
    DAY,
    ENVIRONMENT,
    FORMAT,
    IAT,
    ROOTS,
    STATUS_KEY,
    STRANGER,
    THRESHOLD,
    Edit,
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


@pytest.mark.parametrize("name", ["manifest", "readers", "object"])
def test_a_pipe_in_the_place_of_a_file_holds_up_nobody(store: Store, name: str) -> None:
    """Whoever may write in the folder could otherwise stop every reader with it; alone, the lock's place is no harm."""
    path = store.folder / "cn" / ("objects/" + store.manifest("cn").chain[-1] if name == "object" else name)
    path.unlink()
    os.mkfifo(path)
    program = "import sys; from verifier.store import Store; print([each.fault for each in Store(sys.argv[1]).load()])"
    command = [sys.executable, "-c", program, str(store.folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == ("[None]" if name == "readers" else "['store.unreadable']")
    with pytest.raises(StateError, match=r"store\.un(writable|readable)"):
        store.apply("cn", bundle(status(NOW)), NOW)


@pytest.mark.parametrize("name", ["lock", "readers"])
@pytest.mark.parametrize("kind", ["second name", "link", "pipe"])
def test_what_stands_in_the_place_of_a_lock_is_left_alone(store: Store, name: str, kind: str) -> None:
    """Its content and its rights; nothing is written, and the state stays."""
    victim, path = store.folder / "victim", store.folder / "cn" / name
    path.unlink()
    victim.write_text("mine", "utf-8")
    victim.chmod(0o644)
    if kind == "second name":
        os.link(victim, path)
    elif kind == "link":
        path.symlink_to(victim)
    else:
        os.mkfifo(path)
    with pytest.raises(StateError, match=r"store\.unwritable"):
        store.apply("cn", bundle(status(NOW)), NOW)
    assert (victim.read_text("utf-8"), victim.stat().st_mode & 0o777) == ("mine", 0o644)
    assert verify(store).outcome == "VALID"


@pytest.mark.skipif(os.getuid() != 0, reason="another user is needed")
def test_a_lock_of_somebody_else_is_refused(store: Store) -> None:
    """Who owns it could hold it, or change its rights back."""
    os.chown(store.folder / "cn" / "lock", 65534, 65534)
    with pytest.raises(StateError, match=r"store\.unwritable"):
        store.apply("cn", bundle(status(NOW)), NOW)


def test_an_object_that_grew_is_not_read_whole(store: Store) -> None:
    """64 GiB that take no room on a disk would take all memory."""
    (mark,) = store.manifest("cn").marks[URI].values()
    os.truncate(store.folder / "cn" / "objects" / str(mark.token), 1 << 36)
    assert verify(store).reason == "status_missing"


@pytest.mark.parametrize("part", ["floor", "floors", "due", "marks"])
def test_a_time_that_no_calendar_has_is_damage(store: Store, part: str) -> None:
    """It would be one that nobody can print."""
    path = store.folder / "cn" / "manifest"
    key = STATUS_KEY.verifying_key.thumbprint.hex()
    for time, faults in ((253_402_300_799, []), (253_402_300_800, ["store.damaged"])):
        content = json.loads(path.read_text("utf-8"))
        content[part] = {
            "floor": time,
            "floors": {key: time},
            "due": {URI: [0, time]},
            "marks": {URI: {key: [time, None]}},
        }[part]
        path.write_text(json.dumps(content), "utf-8")
        again = Store(store.folder)
        again.load()
        assert [each.error.code for each in again.faults] == faults
