"""The service without HTTP: everything that a request, or the scan page, can ask for.

Promises:

1. A verdict is the library's, on what is known at that moment, by this machine's clock read once a request.
2. What was shown is neither kept nor logged; metrics count outcomes and reasons, which are closed lists.
3. No address is ever contacted because of what was shown or sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, generate_latest

from verifier.decision.policy import Policy
from verifier.decision.verdict import Verdict
from verifier.knowledge.trust import TrustDomain
from verifier.runtime.http import Drain, Metrics, Problem
from verifier.store import Store
from verifier.sync import Agent

from .agent import SyncAgent
from .batch import Batches
from .live_knowledge import HotState
from .metrics import Ages
from .pictures import PictureReader
from .policies import Policies
from .settings import ServiceSettings

__all__ = ["Seen", "VerificationService"]

#: From best to worst.
_RANK: Final = ("VALID", "INDETERMINATE", "INVALID")
_PATIENCE: Final = 8.0
_MOST_WAITING: Final = 8
_KEY_LENGTH: Final = 16


@dataclass(frozen=True, slots=True)
class Seen:
    """A code that was found in a picture, or a text, and the verdict on it.

    Args:
        key: a short name of the content, from which the content cannot be had: a signature is in what is hashed.
    """

    key: str
    verdict: Verdict


class VerificationService:
    """What is behind the routes and the page; one for each process."""

    def __init__(self, settings: ServiceSettings, drain: Drain) -> None:
        self.settings = settings
        self.drain = drain
        self.policies_by_name = Policies(settings.policies, settings.default_policy)
        self.metrics = Metrics("icard_verifier")
        self.state = HotState(settings.folder, self.policies_by_name.by_name)
        self.pictures = PictureReader(settings.children)
        self.batches = Batches(settings.folder, settings.children)
        self.agent = None
        if settings.sync is not None:
            # A store of its own: the agent's thread and the watch over the folder do not wait for each other.
            agent = Agent(Store(settings.folder), settings.sync, interval=settings.interval)
            self.agent = SyncAgent(settings.folder, agent, settings.interval)
        self._waiting = 0
        self._verdicts = Counter(
            "verdicts",
            "Verdicts on single codes and pictures",
            ["outcome", "reason"],
            namespace="icard_verifier",
            registry=self.metrics.registry,
        )
        self._counted: dict[str, Counter] = {}
        self._ages = CollectorRegistry()
        self._ages.register(Ages(self.state, self.agent))

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Read the state, keep it up to date and do the rounds, for as long as this is open."""
        await self.state.refresh()
        watching = asyncio.create_task(self.state.watch())
        if self.agent is not None:
            self.agent.start()
        try:
            yield
        finally:
            if self.agent is not None:
                self.agent.stop()
            watching.cancel()
            await self.pictures.pool.close()
            await self.batches.pool.close()

    def metrics_text(self) -> bytes:
        """All metrics in Prometheus' text format; of several processes on one port the counters are those of all."""
        # Ages are the same in every process, and are not kept where the counters of all are added up.
        return bytes(self.metrics.response().body) + generate_latest(self._ages)

    @property
    def policies(self) -> Sequence[Policy]:
        """The policies that have a name, the default one first."""
        default = self.policies_by_name.default
        return (default, *(each for each in self.policies_by_name.by_name.values() if each is not default))

    @property
    def contact(self) -> str | None:
        """Whom to call when only the operator can help."""
        return self.settings.contact

    @property
    def can_update(self) -> bool:
        """Whether :meth:`update` can bring anything."""
        return self.agent is not None

    def domains(self) -> tuple[TrustDomain, ...]:
        """What is known at this moment."""
        return self.state.current.domains

    def now(self) -> int:
        """This machine's clock, Unix time."""
        return int(time.time())

    def verify(self, code: str | bytes, policy: Policy) -> Verdict:
        """The verdict on a code."""
        verdict = self.state.current.verifier(policy).verify(code, now=self.now())
        counted = self._counted.get(verdict.reason)
        if counted is None:
            counted = self._counted[str(verdict.reason)] = self._verdicts.labels(verdict.outcome, str(verdict.reason))
        counted.inc()
        return verdict

    async def check_text(self, code: str, policy: Policy) -> Seen:
        """The verdict on a code's text, for a page."""
        return _seen(code, self.verify(code, policy))

    async def check_picture(self, data: bytes, policy: Policy, *, thorough: bool = True) -> Sequence[Seen]:
        """The verdicts on the codes in a picture, worst first; none where it has no code.

        Raises:
            DecodeError: ``picture.*``: it cannot be opened.
            Problem: ``serve.pictures_busy``, ``serve.picture_late``, ``serve.picture_lost``.
        """
        codes = await self.pictures.codes(data, thorough=thorough)
        seen = [_seen(code, self.verify(code, policy)) for code in codes]
        return sorted(seen, key=lambda each: _RANK.index(each.verdict.outcome), reverse=True)

    async def update(self) -> dict[str, Any] | None:
        """Ask the published lists now; the round when it is done and in use, None when it is still under way.

        Raises:
            Problem: ``serve.sync_apart``, ``store.unwritable``.
        """
        if self.agent is None:
            raise Problem("serve.sync_apart", status=409)
        self._waiting += 1
        try:
            done = await self.agent.round_now(_PATIENCE if self._waiting <= _MOST_WAITING else 0)
        except OSError:
            raise Problem("store.unwritable", status=409) from None
        finally:
            self._waiting -= 1
        await self.state.refresh()
        return done


def _seen(code: str | bytes, verdict: Verdict) -> Seen:
    data = code.encode("utf-8", "surrogatepass") if isinstance(code, str) else code
    return Seen(hashlib.sha256(data).hexdigest()[:_KEY_LENGTH], verdict)
