"""Many codes: the same verdicts, in order, whichever way they are made, and nothing left behind."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from icard_crypto.card.card import Profile
from icard_crypto.card.claims import StatusRef
from tests.kit.native import needed, reference_alone
from tests.kit.trust_domain import NOW, OTHER_KEY, PREFIX, World, code
from verifier import Verdict, Verifier
from verifier.decision import batch

VARIETY: list[str | bytes] = [
    code(),
    code(Profile.AUTHORITY),
    code(key=OTHER_KEY),
    code(expires=NOW),
    code(permit={"region": "440300"}),
    "https://example.com/",
    "IC1:a",
    b"\xd2",
    code().encode(),
    code(issuer="cn.1"),
    code(status=StatusRef(PREFIX + "none", 1)),
    code(not_before=NOW + 1),
]
CODES = [VARIETY[number % len(VARIETY)] for number in range(3 * batch.FEWEST + 7)]


def one_by_one(verifier: Verifier) -> list[Verdict]:
    """What verify() says of each."""
    return [verifier.verify(shown, now=NOW) for shown in CODES]


@pytest.mark.parametrize("way", ["usual", "reference alone"])
@pytest.mark.parametrize("workers", [None, 1, 2, 3, 50])
def test_same_verdicts_in_order(workers: int | None, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read by the native core, forked or not, the verdicts are those of verify(), with card, states and evidence."""
    if way == "reference alone":
        reference_alone(monkeypatch)
    verifier = World(policy="inspection").verifier()
    many = verifier.verify_many(iter(CODES), now=NOW, workers=workers)
    assert many == one_by_one(verifier)
    assert [verdict.evidence for verdict in many] == [verdict.evidence for verdict in one_by_one(verifier)]
    assert [verdict.claims for verdict in many] == [verdict.claims for verdict in one_by_one(verifier)]
    assert many[0].policy is verifier.policy


def test_forks_where_it_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one thread and several workers children are forked, and none is left."""
    forked = []
    fork = os.fork

    def counting() -> int:
        child = fork()
        forked.append(child)
        return child

    monkeypatch.setattr(os, "fork", counting)
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    reference_alone(monkeypatch)
    World().verifier().verify_many(CODES, now=NOW, workers=3)
    assert len(forked) == 2
    for child in forked:
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)


def test_what_the_native_core_cannot_read_is_shared_between_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where most of a slice is left to the reference, the slices behind it are forked for; where it is not, none is."""
    needed(in_use=True)
    forked = []
    fork = os.fork
    monkeypatch.setattr(os, "fork", lambda: forked.append(1) or fork())  # type: ignore[func-returns-value]
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    monkeypatch.setattr(batch, "_SLICE", 128)
    verifier = World().verifier()
    for shown, count in ((code(), 0), (code(key=OTHER_KEY), 1)):
        many = verifier.verify_many([shown] * 600, now=NOW, workers=2)
        assert many == [verifier.verify(shown, now=NOW)] * 600
        assert len(forked) == count


def test_from_a_thread_nothing_is_forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside other threads a fork could inherit a lock that is held: threads are used, with the same verdicts."""
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("forked beside another thread"))
    verifier = World().verifier()
    answers: list[list[Verdict]] = []
    threads = [
        threading.Thread(target=lambda: answers.append(verifier.verify_many(CODES, now=NOW, workers=2)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [one_by_one(verifier)] * 3
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("icard-verify")]


def test_a_child_that_dies_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A killed child's share is verified by the parent."""
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    reference_alone(monkeypatch)
    parent, pack = os.getpid(), batch._pack

    def dying(*arguments: object) -> object:
        if os.getpid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
        return pack(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(batch, "_pack", dying)
    verifier = World().verifier()
    assert verifier.verify_many(CODES, now=NOW, workers=2) == one_by_one(verifier)


def test_a_child_that_cannot_start_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system grants no process, this one does all the work, and no pipe is left open."""

    def refused() -> int:
        raise BlockingIOError

    monkeypatch.setattr(threading, "active_count", lambda: 1)
    monkeypatch.setattr(os, "fork", refused)
    reference_alone(monkeypatch)
    verifier = World().verifier()
    before = len(os.listdir("/proc/self/fd"))
    assert verifier.verify_many(CODES, now=NOW, workers=3) == one_by_one(verifier)
    assert len(os.listdir("/proc/self/fd")) == before


def test_small_batches_stay_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Below what a worker is worth nothing is started."""
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("forked for a small batch"))
    verifier = World().verifier()
    assert verifier.verify_many([], now=NOW) == []
    few = CODES[: 2 * batch.FEWEST - 1]
    assert verifier.verify_many(few, now=NOW, workers=8) == one_by_one(verifier)[: len(few)]
