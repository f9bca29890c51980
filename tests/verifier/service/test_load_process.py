"""``icard serve`` under a mixed load for as long as it takes to see whether its memory grows."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kit.load import MIB, memory, resident
from tests.kit.verification_service import Domain, Server, serving

Record = Callable[[str, object], None]
CHECKOUT = Path(__file__).parents[3]


def load(
    server: Server, domain: Domain, marks: list[float], record: Record, measure: Callable[[int], int] = memory
) -> list[int]:
    """Two clients ask without pause, and the state changes every few seconds; the memory at each of these seconds."""
    seconds = marks[-1] + 2
    clients = []
    for _ in range(2):
        client = subprocess.Popen(
            [sys.executable, "-m", "tests.kit.load_clients", server.url, str(seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=CHECKOUT,
            text=True,
        )
        assert client.stdin is not None
        client.stdin.write(domain.code())
        client.stdin.close()
        clients.append(client)
    begun, found, iat = time.monotonic(), [], domain.now - 3600
    for mark in marks:
        while time.monotonic() - begun < mark:
            iat += 1
            domain.learn(iat)
            time.sleep(min(3.0, max(0.0, mark - (time.monotonic() - begun))))
        found.append(measure(server.process.pid))
    told: Counter[str] = Counter()
    for client in clients:
        assert client.stdout is not None
        told += Counter(json.loads(client.stdout.read()))
        assert client.wait() == 0
    record("requests", f"{told.total():,}")
    record("by status", ", ".join(f"{status}: {count:,}" for status, count in sorted(told.items())))
    record("memory, MiB", ", ".join(f"after {mark:g} s {each // MIB}" for mark, each in zip(marks, found, strict=True)))
    assert set(told) == {"200", "400", "415", "422", "left"}
    return found


@pytest.fixture
def domain(tmp_path: Path) -> Domain:
    """A domain whose lists are an hour old, so that newer ones can come."""
    made = Domain(tmp_path / "state")
    made.learn(made.now - 3600)
    return made


def test_memory_under_load(domain: Domain, record_property: Record) -> None:
    """Texts, pictures, batches, wrong use and clients that leave, with new state every few seconds: every request gets
    the status it should, and the memory of the process that answers stays where it was after the first seconds."""
    with serving(domain.folder, "--no-sync", "--rate", "0") as server:
        # Its children are started one by one, when there is work for them.
        first, last = load(server, domain, [3, 6], record_property, resident)
        assert last - first < 30 * MIB


@pytest.mark.soak
@pytest.mark.parametrize("workers", [1, 2])
def test_memory_is_flat_for_five_minutes(domain: Domain, record_property: Record, workers: int) -> None:
    """Texts, pictures, batches, wrong use and clients that leave, for five minutes without a pause, with new state
    every few seconds: all get the status they should, and memory after the fifth minute is that after the first."""
    with serving(domain.folder, "--no-sync", "--rate", "0", "--workers", str(workers)) as server:
        _start, first, last = load(server, domain, [1, 60, 300], record_property)
        assert last - first < 20 * MIB
