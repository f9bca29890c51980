"""A state that cannot be read, in whole or in part: what is said of it, and what goes on all the same."""

from __future__ import annotations

import asyncio
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.kit.adversary import published
from tests.kit.cli import run
from tests.kit.publisher import ANCHOR, NOW, URI, another_domain, bundle, code, status, timestamp
from verifier import Policy, TrustDomain, Verdict, Verifier
from verifier.cli.commands import app
from verifier.service import live_knowledge
from verifier.service.live_knowledge import HotState
from verifier.store import Store
from verifier.sync import Agent, Limits

GATE = Policy.named("gate")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Two domains, each with all that a verdict needs."""
    made = Store(tmp_path / "state")
    made.create(ANCHOR, name="cn", now=NOW)
    made.apply("cn", bundle(status(NOW - 60), stamp=timestamp(NOW - 60)), NOW)
    made.create(published(1, *another_domain()), name="other", now=NOW)
    return made


def unreadable(path: Path) -> None:
    """Make a file that no rights, and no root, can read."""
    path.unlink(missing_ok=True)
    path.mkdir()


def verify(domains: tuple[TrustDomain, ...]) -> Verdict:
    return Verifier(domains, GATE).verify(code(), now=NOW)


@pytest.mark.parametrize("fault", ["store.unreadable", "store.damaged"])
def test_a_domain_that_cannot_be_read_is_said_to_be_so(store: Store, fault: str) -> None:
    """In the verdict's reason and evidence: not that there is no list yet, nor that the key is a stranger's, which the
    other domain's fresh list would say."""
    manifest = store.folder / "cn" / "manifest"
    if fault == "store.unreadable":
        unreadable(manifest)
    else:
        manifest.write_bytes(b"{")
    again = Store(store.folder)
    domains = again.load()
    assert [(each.name, each.fault) for each in domains] == [("cn", fault), ("other", None)]
    assert [(each.domain, each.part, each.error.code) for each in again.faults] == [("cn", "manifest", fault)]
    for verdict in (verify(domains), verify(pickle.loads(pickle.dumps(domains)))):  # noqa: S301
        assert (verdict.outcome, verdict.reason, verdict.detail) == ("INDETERMINATE", "trust_list_missing", "unread")
        assert verdict.evidence.state_fault == fault
        assert verdict.to_dict()["evidence"]["state_fault"] == fault
        assert "cannot be read" in verdict.message("en")
        assert verdict.last_known == "untrusted_key"


def test_what_was_read_before_stands(store: Store) -> None:
    """A service goes on with what it knows, and says that there is a fault."""
    assert verify(store.load()).outcome == "VALID"
    unreadable(store.folder / "cn" / "manifest")
    assert verify(store.load()).outcome == "VALID"
    assert [each.error.code for each in store.faults] == ["store.unreadable"]


def test_a_list_that_cannot_be_read_leads_back_to_no_older_one(store: Store) -> None:
    """It is a fault, and no answer; handed in again it counts again."""
    (mark,) = store.manifest("cn").marks[URI].values()
    path = store.folder / "cn" / "objects" / str(mark.token)
    token = path.read_bytes()
    unreadable(path)
    again = Store(store.folder)
    verdict = verify(again.load())
    assert (verdict.reason, verdict.evidence.state_fault) == ("status_missing", "store.unreadable")
    assert [(each.part, each.error.code) for each in again.faults] == [(URI, "store.unreadable")]
    path.rmdir()
    store.apply("cn", bundle(token), NOW)
    assert verify(Store(store.folder).load()).outcome == "VALID"


def test_what_can_be_read_again_counts_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A right that was given back changes no manifest: a service looks again all the same."""
    (mark,) = store.manifest("cn").marks[URI].values()
    path = store.folder / "cn" / "objects" / str(mark.token)
    token = path.read_bytes()
    unreadable(path)
    state = HotState(store.folder, {"gate": GATE})
    asyncio.run(state.refresh())
    assert state.current.verifier(GATE).verify(code(), now=NOW).reason == "status_missing"
    path.rmdir()
    path.write_bytes(token)
    asyncio.run(state.refresh())
    assert state.current.faults, "not at every look"
    monkeypatch.setattr(live_knowledge, "FAULTY", 0.0)
    state._again = 0.0
    asyncio.run(state.refresh())
    assert state.current.verifier(GATE).verify(code(), now=NOW).outcome == "VALID"
    assert not state.current.faults


def test_a_round_leaves_a_broken_domain_and_does_the_others(store: Store) -> None:
    """Each has its own fault, and none of them ends the round."""
    unreadable(store.folder / "cn" / "manifest")
    rounds = Agent(store, Limits()).once()
    found = {each.domain: [fault.error.code for fault in each.faults] for each in rounds}
    assert found == {"other": ["sync.no_url"], "cn": ["store.unreadable"]}


def test_a_service_that_begins_on_an_unreadable_folder_says_so(store: Store, tmp_path: Path) -> None:
    """And reads it as soon as it can."""
    folder = tmp_path / "later"
    folder.symlink_to(folder)
    state = HotState(folder, {"gate": GATE})
    asyncio.run(state.refresh())
    verdict = state.current.verifier(GATE).verify(code(), now=NOW)
    assert (verdict.detail, verdict.evidence.state_fault) == ("unread", "store.unreadable")
    assert [each.error.code for each in state.current.faults] == ["store.unreadable"]
    folder.unlink()
    folder.symlink_to(store.folder)
    asyncio.run(state.refresh())
    assert state.current.verifier(GATE).verify(code(), now=NOW).outcome == "VALID"


def test_the_commands_say_so(store: Store) -> None:
    """``icard status`` beside the other domain, with 2; ``icard verify`` as a warning beside a verdict."""
    unreadable(store.folder / "cn" / "manifest")
    done = run(app, "status", "--state", str(store.folder))
    assert done.status == 2
    assert "store.unreadable" in done.err
    assert "the state cannot be read" in " ".join(done.out.split())
    done = run(app, "verify", code(), "--state", str(store.folder))
    assert (done.status, "store.unreadable" in done.err) == (2, True)


@pytest.mark.skipif(os.getuid() != 0, reason="another user is needed")
def test_a_folder_of_somebody_else_is_not_an_empty_one(store: Store) -> None:
    """Its domains cannot be seen into: that was "no trust list yet" on one Python and a traceback on another."""
    (store.folder / "cn").chmod(0o700)
    program = (
        "import os, sys; from verifier.store import Store; store = Store(sys.argv[1]); os.setuid(65534);"
        "print([(each.name, each.fault) for each in store.load()])"
    )
    # Not below pytest's own folder, which is its owner's alone.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        moved = shutil.copytree(store.folder, Path(folder) / "state")
        done = subprocess.run([sys.executable, "-c", program, str(moved)], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[('cn', 'store.unreadable'), ('other', None)]", done.stderr
