"""What keeps the service's knowledge up to date goes on, whatever one look or one round runs into."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from icard_crypto.errors import StateError
from tests.kit.verification_service import Domain, until
from verifier.decision.policy import Policy
from verifier.runtime.http import Drain, InPieces
from verifier.service import live_knowledge
from verifier.service.agent import SyncAgent, failed_sources
from verifier.service.live_knowledge import HotState
from verifier.service.service import VerificationService
from verifier.service.settings import ServiceSettings
from verifier.service.state_view import StateAnswer, state_view
from verifier.store import Item, Report, Store
from verifier.sync import Agent, Limits, Round
from verifier.sync.rounds import SourceFault


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


def test_a_round_of_thousands_of_faults_is_on_record(tmp_path: Path) -> None:
    """All are counted and the first are told: a record of all of them was too long to be read, and there was none."""
    store = Store(tmp_path)
    agent = SyncAgent(tmp_path, Agent(store, Limits()), 60)
    fault = StateError("sync.connection", expected="an answer", found="no route to host")
    faults = [SourceFault(f"https://status.example/{number:0130d}", fault) for number in range(6000)]
    taken = [Item("status_list", f"https://status.example/{number:0130d}", "taken") for number in range(9000)]
    agent._record(1.0, [Round("cn", 1, [Report("cn", tuple(taken))], faults)], None)
    last = agent.last()
    assert last is not None
    assert (last["domains"][0]["taken"], failed_sources(last), len(last["domains"][0]["faults"])) == (9000, 6000, 100)


@pytest.mark.parametrize(
    "record",
    [
        "[]",
        '{"ended": 1}',
        '{"started": 1, "ended": 2, "domains": [{"domain": "cn", "taken": [], "faults": []}]}',
        '{"started": 1, "ended": 2, "domains": [null]}',
        '{"started": 1, "ended": 2, "domains"',
    ],
)
def test_a_record_of_another_version_is_none(tmp_path: Path, record: str) -> None:
    """Nothing of it is told, and nothing fails."""
    service = VerificationService(ServiceSettings(tmp_path, sync=Limits()), Drain())
    (tmp_path / "sync.round").write_text(record, "utf-8")
    assert state_view(service, "en")["sync"]["last_round"] is None
    assert service.metrics_text()


def test_a_long_answer_is_handed_over_piece_by_piece() -> None:
    """The next piece waits until the client has read: a connection that nobody reads keeps one of them."""
    body = bytes(range(256)) * 1024
    sent: list[dict[str, object]] = []

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    asyncio.run(InPieces(body, media_type="application/json")(scope, None, send))  # type: ignore[arg-type]
    pieces = [message["body"] for message in sent[1:]]
    assert b"".join(pieces) == body  # type: ignore[arg-type]
    assert max(map(len, pieces)) <= 65536  # type: ignore[arg-type]
    assert [message["more_body"] for message in sent[1:]] == [True, True, True, False]


def test_the_state_is_written_once_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many ask; at once where something is new."""
    service = VerificationService(ServiceSettings(tmp_path), Drain())
    monkeypatch.setattr(service, "now", lambda: 1000)
    answer = StateAnswer(service)
    first = answer.answer("en")
    assert answer.answer("en") is first
    assert answer.answer("zh") is not first
    asyncio.run(service.state.refresh())
    Domain(tmp_path)
    asyncio.run(service.state.refresh())
    assert answer.answer("en") != first
