"""A batch has an end: nobody holds its place for ever by a byte now and then, whether he sends or reads."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Message

from verifier import Policy
from verifier.runtime.http import Problem
from verifier.service import batch
from verifier.service.batch import Batches


def run(folder: Path, receive: Callable[[], Awaitable[Message]], reads: bool) -> list[Any]:
    """The lines that a batch is answered with; afterwards its place is free."""
    sent: list[bytes] = []

    async def main() -> None:
        batches = Batches(folder, 1)

        async def send(message: Message) -> None:
            if not reads:
                await asyncio.Event().wait()
            sent.append(message.get("body", b""))

        answers = [batches.answer(Policy.named("gate"), "en") for _ in range(batches.most_batches)]
        with pytest.raises(Problem) as caught:
            batches.answer(Policy.named("gate"), "en")
        assert caught.value.code == "serve.batches_busy"
        await answers[0]({"type": "http", "headers": []}, receive, send)
        batches.answer(Policy.named("gate"), "en")
        await batches.pool.close()

    asyncio.run(main())
    return [json.loads(line) for line in b"".join(sent).splitlines()]


async def drip() -> Message:
    """A byte of a line that never ends."""
    await asyncio.sleep(0.01)
    return {"type": "http.request", "body": b" ", "more_body": True}


async def silence() -> Message:
    """Nothing at all."""
    await asyncio.Event().wait()
    raise AssertionError


def test_a_batch_that_drips_is_told_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What brings a byte now and then is not waited for beyond its time; the last line says so."""
    monkeypatch.setattr(batch, "BATCH_SECONDS", 0.1)
    (line,) = run(tmp_path, drip, reads=True)
    assert (line["line"], line["error"]["code"]) == (1, "serve.batch_late")


def test_a_batch_that_brings_nothing_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What brings nothing is not waited for at all beyond the gap."""
    monkeypatch.setattr(batch, "BATCH_GAP_SECONDS", 0.1)
    (line,) = run(tmp_path, silence, reads=True)
    assert (line["line"], line["error"]["code"]) == (1, "serve.batch_stalled")


def test_who_takes_the_answer_too_slowly_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that is not taken in its time is given up, and the place is free."""
    monkeypatch.setattr(batch, "BATCH_SECONDS", 0.1)
    assert run(tmp_path, drip, reads=False) == []
