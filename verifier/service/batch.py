"""Batches: lines of codes in, lines of verdicts out, on all cores, while both are on their way.

Promises:

1. Each line gets one answer, in order. A faulty line gets an error as its answer and doesn't affect the others. What
   ends a batch early (too many lines or bytes, a timeout, a full disk) is reported in its last line.
2. Memory is bounded whatever is sent: what comes is kept in a file (:mod:`.spool`), groups of lines
   (:mod:`.lines`) are worked on by child processes, a few ahead of what has been sent.
3. A child that dies costs the lines that it was working on: each is answered with ``serve.line_lost``.
4. A batch that says how long it is gets its answers when all of it has come, for most clients read nothing before they
   have sent everything; one that is sent in chunks gets answers at once.
5. A batch has a deadline: a client that sends or reads too slowly is cut off, so that nobody occupies a slot by sending
   a byte now and then.
6. The children are not this process and work at a lower priority: single requests do not wait for batches.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from icard_crypto.errors import DecodeError, Language
from verifier.decision.policy import Policy
from verifier.runtime.http.problems import Problem

from .batch_child import fault_line
from .children import Busy, ChildPool, Late, Lost
from .limits import BATCH_BYTES, BATCH_GAP_SECONDS, BATCH_LINES, BATCH_SECONDS
from .line_groups import Group, groups
from .spool import Spool

__all__ = ["BatchAnswer", "Batches"]

_MOST_ANSWER: Final = 64 * 1024 * 1024
_SECONDS: Final = 60.0


class Batches:
    """Works on batches in ``count`` children, each of which reads the state folder itself.

    Args:
        folder: the state folder.
        count: children; twice as many batches may be in work.
    """

    def __init__(self, folder: Path, count: int) -> None:
        self._ahead = 2 * count
        self._free = self.most_batches = 2 * count
        self.pool = ChildPool(
            "verifier.service.batch_child",
            [str(folder)],
            count=count,
            waiting=self._free * (self._ahead + 1),
            seconds=_SECONDS,
            most=_MOST_ANSWER,
        )

    def answer(self, policy: Policy, language: Language, *, brief: bool = False) -> BatchAnswer:
        """The answer to a batch whose body has not been read yet.

        Args:
            brief: verdicts without words and cards.

        Raises:
            Problem: ``serve.batches_busy``.
        """
        if self._free == 0:
            raise Problem("serve.batches_busy", status=503, headers={"Retry-After": "5"})
        self._free -= 1
        return BatchAnswer(self, policy, language, brief)

    def done(self) -> None:
        """A batch is over."""
        self._free += 1

    async def answers(self, spool: Spool, policy: Policy, language: Language, brief: bool) -> AsyncGenerator[bytes]:
        """The answers to what comes out of a spool, in order, some groups at a time."""
        asked = {"policy": policy.to_dict(), "language": language, "brief": brief}
        waiting: asyncio.Queue[asyncio.Task[bytes] | None] = asyncio.Queue(self._ahead)

        async def begin() -> None:
            async for group in groups(spool, BATCH_LINES):
                head = json.dumps(asked | {"first": group.first}).encode()
                await waiting.put(asyncio.create_task(self._work(head, group, language)))
            await waiting.put(None)

        begun = asyncio.create_task(begin())
        try:
            while (task := await waiting.get()) is not None:
                yield await task
        finally:
            begun.cancel()
            while not waiting.empty():
                if (left := waiting.get_nowait()) is not None:
                    left.cancel()

    async def _work(self, head: bytes, group: Group, language: Language) -> bytes:
        if group.fault is not None:
            return fault_line(DecodeError(group.fault), group.first, language).encode()
        try:
            return await self.pool.ask(head + b"\n" + group.lines)
        except (Busy, Lost, Late):
            # 3
            fault = DecodeError("serve.line_lost")
            numbers = range(group.first, group.first + group.count)
            return "".join(fault_line(fault, number, language) for number in numbers).encode()


class BatchAnswer(Response):
    """An answer that reads the request's body itself."""

    media_type = "application/x-ndjson"

    def __init__(self, batches: Batches, policy: Policy, language: Language, brief: bool) -> None:
        super().__init__(headers={"Content-Language": language})
        del self.headers["Content-Length"]
        self._batches = batches
        self._policy = policy
        self._language: Language = language
        self._brief = brief

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sized = any(name == b"content-length" for name, _ in scope["headers"])
        try:
            with Spool(whole=sized) as spool:
                reading = asyncio.create_task(_read(receive, spool))
                try:
                    # 5: the answer has as long again. An answer that breaks off says by itself that it is not whole.
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(2 * BATCH_SECONDS):
                            await self._send(spool, reading, send)
                finally:
                    reading.cancel()
        finally:
            self._batches.done()

    async def _send(self, spool: Spool, reading: asyncio.Task[None], send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        asked = self._batches.answers(spool, self._policy, self._language, self._brief)
        async with contextlib.aclosing(asked) as answers:
            async for lines in answers:
                await send({"type": "http.response.body", "body": lines, "more_body": True})
                # A client that went away takes nothing more, and nobody else says so.
                if reading.done():
                    return
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _read(receive: Receive, spool: Spool) -> None:
    """The body into the spool, then on until the client goes away."""
    size = 0
    clock = asyncio.get_running_loop().time
    end = clock() + BATCH_SECONDS
    while True:
        try:
            async with asyncio.timeout(None if spool.ended else min(BATCH_GAP_SECONDS, end - clock())):
                message = await receive()
        except TimeoutError:
            spool.end("serve.batch_late" if clock() >= end else "serve.batch_stalled")
            continue
        if message["type"] == "http.disconnect":
            spool.end(None)
            return
        if spool.ended:
            # What comes behind an end is taken and dropped, so that the answer can arrive.
            continue
        data = message.get("body", b"")
        size += len(data)
        if size > BATCH_BYTES:
            spool.end("serve.batch_too_large")
            continue
        try:
            spool.put(data)
        except OSError:
            spool.end("serve.batch_no_room")
            continue
        if not message.get("more_body", False):
            spool.end(None)
