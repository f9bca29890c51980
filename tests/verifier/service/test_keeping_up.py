"""What keeps the service's knowledge up to date goes on, whatever one look or one round runs into."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from icard_crypto.errors import StateError
from tests.kit.verification_service import Domain, until
from verifier.decision.policy import Policy
from verifier.runtime.http import Drain
from verifier.service import live_knowledge
from verifier.service.agent import SyncAgent
from verifier.service.live_knowledge import HotState
from verifier.service.service import VerificationService
from verifier.service.settings import ServiceSettings
from verifier.service.state_view import state_view
from verifier.store import Store
from verifier.sync import Agent, Limits, Round


class Moody(Agent):
    """An agent whose rounds come to these ends, one by one, and then bring nothing."""

    def __init__(self, store: Store, *ends: Exception) -> None:
        super().__init__(store, Limits())
        self.ends = list(ends)
        self.rounds = 0

    def once(self) -> list[Round]:
        self.rounds += 1
        if self.ends:
            raise self.ends.pop(0)
        return []

    def pause(self, interval: float, failed: int) -> float:
        return 0.0


def test_a_round_that_nobody_foresaw_is_not_the_last(tmp_path: Path) -> None:
    """After an exception of any kind the next round comes, and it is that one which is on record."""
    moody = Moody(Store(tmp_path), MemoryError(), RuntimeError("can't start new thread"))
    agent = SyncAgent(tmp_path, moody, 60)
    agent.start()
    try:
        until(lambda: agent.last() is not None)
    finally:
        agent.stop()
    assert moody.rounds >= 3
    assert "fault" not in (agent.last() or {})


def test_a_look_that_nobody_foresaw_is_not_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a look that failed the next one takes over what is new."""
    monkeypatch.setattr(live_knowledge, "EVERY", 0.01)
    state = HotState(tmp_path, {"gate": Policy.named("gate")})
    read = state._read
    failed: list[bool] = []

    def failing() -> live_knowledge.Knowledge:
        if len(failed) < 2:
            failed.append(True)
            raise RuntimeError("can't start new thread")
        return read()

    monkeypatch.setattr(state, "_read", failing)

    async def watched() -> None:
        watching = asyncio.create_task(state.watch())
        Domain(tmp_path)
        async with asyncio.timeout(30):
            while not state.current.domains:
                await asyncio.sleep(0.01)
        watching.cancel()

    asyncio.run(watched())
    assert len(failed) == 2


def test_a_round_that_found_no_state_says_why(tmp_path: Path) -> None:
    """What kept a round from every source stands among its faults, as the figure counts it."""
    service = VerificationService(ServiceSettings(tmp_path, sync=Limits()), Drain())
    assert service.agent is not None
    fault = StateError("store.unreadable").to_dict()
    record = {"started": 1, "ended": 2, "domains": [], "fault": fault}
    (tmp_path / "sync.round").write_text(json.dumps(record), "utf-8")
    last = state_view(service, "en")["sync"]["last_round"]
    assert [(each["source"], each["error"]["code"]) for each in last["faults"]] == [("", "store.unreadable")]
