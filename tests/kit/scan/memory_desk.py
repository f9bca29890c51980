"""A desk whose knowledge is a world in memory, behind a real server on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import uvicorn
from fastapi import FastAPI

from tests.kit.scan.scenes import policies
from tests.kit.trust_domain import NOW, World
from verifier import Policy, TrustDomain, Verdict, Verifier
from verifier.runtime.http import EdgeLimits, Metrics, Problem, new_app, wrap
from verifier.service.picture_contents import Way, contents
from verifier.service.scan import BODIES, page_router

__all__ = ["MemoryDesk", "SeenCode", "running"]


@dataclass(frozen=True)
class SeenCode:
    """A code and its verdict."""

    key: str
    verdict: Verdict


@dataclass
class MemoryDesk:
    """A desk in memory; every field can be changed while it runs.

    Args:
        world: what it knows, or None where nothing has come yet; ``after_update``: what an update brings.
        delay: an event that every answer waits for, where there is one.
        broken: the problem that every answer is.
        asked: how often a text or a picture was asked about.
    """

    world: World | None = field(default_factory=lambda: World(environment="production"))
    after_update: World | None = None
    can_update: bool = True
    contact: str | None = None
    gate: threading.Event | None = None
    broken: Problem | None = None
    policies: Sequence[Policy] = field(default_factory=policies)
    asked: list[str] = field(default_factory=list)

    def domains(self) -> tuple[TrustDomain, ...]:
        return () if self.world is None else (self.world.domain(),)

    def now(self) -> int:
        return NOW

    async def check_text(self, code: str, policy: Policy) -> SeenCode:
        await self._wait("text")
        return self._seen(code, policy)

    async def check_picture(self, data: bytes, policy: Policy, *, thorough: bool = True) -> Sequence[SeenCode]:
        await self._wait("picture" if thorough else "frame")
        found = await asyncio.to_thread(contents, data, Way.SERVICE if thorough else Way.QUICK)
        return [self._seen(each, policy) for each in found.codes]

    async def update(self) -> object:
        await self._wait("update")
        if not self.can_update:
            raise Problem("serve.sync_apart", status=409)
        self.world = self.after_update or self.world
        return self.world

    def _seen(self, content: str | bytes, policy: Policy) -> SeenCode:
        data = content.encode() if isinstance(content, str) else content
        verdict = Verifier(self.domains(), policy).verify(content, now=NOW)
        return SeenCode(hashlib.sha256(data).hexdigest()[:16], verdict)

    async def _wait(self, what: str) -> None:
        self.asked.append(what)
        if self.broken is not None:
            raise self.broken
        if self.gate is not None:
            await asyncio.to_thread(self.gate.wait, 20)


@contextlib.contextmanager
def running(desk: MemoryDesk) -> Iterator[str]:
    """The page's address while a server serves it, with everything that the service puts around it."""
    app = new_app(title="scan")
    app.include_router(page_router(desk))
    wrapped = wrap(app, EdgeLimits(bodies=BODIES), Metrics("icard_test"))
    server = uvicorn.Server(
        uvicorn.Config(wrapped, port=0, log_config=None, log_level="error", lifespan="off", interface="asgi3")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://localhost:{port}/"
    finally:
        server.should_exit = True
        thread.join()


def plain_app(desk: MemoryDesk) -> FastAPI:
    """The routes alone, for tests without a server."""
    app = new_app(title="scan")
    app.include_router(page_router(desk))
    return app
