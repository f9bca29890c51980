"""The service's knowledge in memory: read from the state folder, and replaced as a whole when the folder changes.

Promises:

1. A request sees one :class:`Knowledge` from its beginning to its end; a newer one is put in its place by one
   assignment, and no request waits for it: it is read and verified in a thread.
2. Whether the folder changed is asked every :data:`EVERY` seconds, by the state of the manifests' files alone: that
   works on any file system, and however many processes read and write the folder.
3. A folder that cannot be read leaves what is known as it is, which ages as it must; the fault is reported.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from icard_crypto.errors import StateError
from verifier.decision.policy import Policy
from verifier.decision.verifier import Verifier
from verifier.knowledge.trust import Environment, TrustDomain
from verifier.runtime.http import log_fault
from verifier.store import Fault, Store

__all__ = ["EVERY", "FAULTY", "HotState", "Knowledge"]

EVERY: Final = 0.25
"""Seconds between two looks at the folder."""
FAULTY: Final = 5.0
"""Seconds after which a folder with faults is read again, though nothing in it changed: a right may have been given."""

_Mark = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What is known at one moment.

    Args:
        domains: in the order of their names.
        faults: what is damaged or could not be read.
        loaded_at: Unix time.
        verifiers: one for each policy that has a name.
    """

    domains: tuple[TrustDomain, ...] = ()
    faults: tuple[Fault, ...] = ()
    loaded_at: int = 0
    verifiers: Mapping[str, Verifier] = field(default_factory=dict)

    def verifier(self, policy: Policy) -> Verifier:
        """The verifier for a policy; one that came with the request gets its own."""
        found = self.verifiers.get(policy.name)
        return found if found is not None and found.policy is policy else Verifier(self.domains, policy)

    @property
    def environment(self) -> Environment | str | None:
        """``test``, ``production``, ``mixed``, or None where nothing is trusted yet."""
        kinds = {domain.environment for domain in self.domains}
        return "mixed" if len(kinds) > 1 else next(iter(kinds), None)


class HotState:
    """The knowledge of one folder, kept up to date.

    Args:
        folder: the state folder; it need not exist yet.
        policies: those that have a name.
    """

    def __init__(self, folder: Path, policies: Mapping[str, Policy]) -> None:
        self._store = Store(folder)
        self._policies = policies
        self._mark: _Mark | None = None
        #: When a state with faults is read again, by the monotonic clock.
        self._again = math.inf
        self._reading = asyncio.Lock()
        self.current = Knowledge((), (), 0, self._verifiers(()))

    @property
    def folder(self) -> Path:
        """The state folder."""
        return self._store.folder

    async def refresh(self) -> None:
        """Look at the folder, and read it in a thread if it changed."""
        async with self._reading:
            mark = self._look()
            if mark == self._mark and not self._unread and time.monotonic() < self._again:
                return
            knowledge = await asyncio.to_thread(self._read)
            # What was written while it was read shows in the next look.
            self._mark = mark
            self._again = time.monotonic() + FAULTY if knowledge.faults else math.inf
            self.current = knowledge

    async def watch(self) -> None:
        """Refresh until cancelled."""
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self.refresh()
            except Exception as error:
                # 3: nobody would look again if this ended, and the next look may go well.
                log_fault(error)

    @property
    def _unread(self) -> bool:
        return any(fault.part == "state" for fault in self.current.faults)

    def _look(self) -> _Mark:
        found = []
        with contextlib.suppress(OSError):
            for entry in sorted(os.scandir(self.folder), key=lambda each: each.name):
                with contextlib.suppress(OSError):
                    seen = os.stat(f"{entry.path}/manifest")
                    found.append((entry.name, seen.st_ino, seen.st_mtime_ns, seen.st_size))
        return tuple(found)

    def _read(self) -> Knowledge:
        try:
            domains = self._store.load()
            faults = self._store.faults
        except StateError as error:
            # 3
            domains = self.current.domains or (TrustDomain.unread("", error.code),)
            faults = (Fault("", "state", error),)
        return Knowledge(domains, faults, int(time.time()), self._verifiers(domains))

    def _verifiers(self, domains: tuple[TrustDomain, ...]) -> dict[str, Verifier]:
        return {name: Verifier(domains, policy) for name, policy in self._policies.items()}
