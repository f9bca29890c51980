"""The sync agent inside the service: one process per folder does the rounds, and any process can request one.

Promises:

1. One process on a folder is the leader, by a lock that the kernel frees when its holder dies; another takes over.
2. A requested round starts at once, but never sooner than :data:`GAP` seconds after the last one ended. All requests,
   in whatever process, share that round; within the gap they get the result of the last one.
3. A request passes nothing to the agent but the fact that it was made: addresses come from the state only.
4. A failure leaves the current knowledge unchanged and is reported by :meth:`SyncAgent.last`. An unexpected exception
   in a round is logged, and the next round runs anyway.

Next to the domains' folders are ``sync.lock`` (the leader's), ``sync.request`` (touched to request a round) and
``sync.round`` (the last round, as JSON).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from icard_crypto.errors import IcardError
from verifier.runtime.http import log_fault
from verifier.runtime.locks import lock
from verifier.sync import Agent, Round

__all__ = ["GAP", "SyncAgent", "failed_sources"]

GAP: Final = 3.0
"""Seconds between the end of one round and a round that is asked for."""
_LOOK: Final = 0.2
_RETRY: Final = 1.0
_LONGEST_RECORD: Final = 1024 * 1024
#: Faults of a domain that are in a record.
_MOST_TOLD: Final = 100


class SyncAgent:
    """Rounds in a thread of this process, while it leads.

    Args:
        folder: the state folder.
        agent: does the rounds.
        interval: seconds between rounds.
    """

    def __init__(self, folder: Path, agent: Agent, interval: float) -> None:
        self._folder = folder
        self._agent = agent
        self._interval = interval
        self._stop = threading.Event()
        self._failed = 0
        self._thread = threading.Thread(target=self._work, name="icard-sync", daemon=True)

    def start(self) -> None:
        """Begin; the thread is a daemon: a state is whole at every moment, so nobody has to wait for a round."""
        self._thread.start()

    def stop(self) -> None:
        """Begin no further round."""
        self._stop.set()

    def last(self) -> dict[str, Any] | None:
        """The last round that any process on the folder did: ``started``, ``ended`` (Unix time, with a fraction),
        ``domains`` with how much was taken, how many sources failed and the first of them; None: there was none."""
        with contextlib.suppress(OSError, ValueError, RecursionError):
            with (self._folder / "sync.round").open("rb") as file:
                record = json.loads(file.read(_LONGEST_RECORD))
            if _is_record(record):
                return dict(record)
        return None

    async def round_now(self, patience: float) -> dict[str, Any] | None:
        """A round that began after this call, or one that ended less than a gap ago; None: not within the patience.

        Args:
            patience: seconds.

        Raises:
            OSError: the folder takes no wish.
        """
        asked = time.time()
        record = self.last()
        if record is not None and 0 <= asked - record["ended"] < GAP:
            return record
        (self._folder / "sync.request").touch()
        end = time.monotonic() + patience
        while time.monotonic() < end:
            await asyncio.sleep(_LOOK / 2)
            record = self.last()
            if record is not None and record["started"] >= asked:
                return record
        return None

    def _work(self) -> None:
        while not self._stop.is_set():
            with self._leading() as leads:
                while leads and not self._stop.is_set():
                    self._wait(time.time(), self._round())
            self._stop.wait(_RETRY)

    @contextlib.contextmanager
    def _leading(self) -> Iterator[bool]:
        """Whether this process leads, for as long as this is open."""
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(lock(self._folder / "sync.lock", wait=False))
            except OSError:
                leads = False
            else:
                leads = True
            yield leads

    def _round(self) -> float:
        """One round, recorded; when the next is due, by the monotonic clock."""
        started = time.time()
        rounds: list[Round] = []
        fault: IcardError | None = None
        try:
            rounds = self._agent.once()
        except IcardError as error:
            # 4
            fault = error
        except Exception as error:
            # Nobody would begin the next round if this thread ended; that there was none shows in the age of the last.
            log_fault(error)
            self._failed += 1
            return time.monotonic() + self._agent.pause(self._interval, self._failed)
        self._failed = self._failed + 1 if fault or any(each.faults for each in rounds) else 0
        with contextlib.suppress(OSError):
            self._record(started, rounds, fault)
        return time.monotonic() + self._agent.pause(self._interval, self._failed)

    def _wait(self, started: float, due: float) -> None:
        """Until the next round is due, or one was asked for since the last one started."""
        ended = time.monotonic()
        while time.monotonic() < due and not self._stop.wait(_LOOK):
            if self._asked() > started and time.monotonic() - ended >= GAP:
                return

    def _asked(self) -> float:
        try:
            return (self._folder / "sync.request").stat().st_mtime
        except OSError:
            return 0.0

    def _record(self, started: float, rounds: list[Round], fault: IcardError | None) -> None:
        domains = [
            {
                "domain": each.domain,
                "taken": len(each.taken),
                "failed": len(each.faults),
                # The journal has all of them; thousands would make a record that is too long to be read.
                "faults": [{"source": source, "error": error.to_dict()} for source, error in each.faults[:_MOST_TOLD]],
            }
            for each in rounds
        ]
        record: dict[str, Any] = {"started": started, "ended": time.time(), "domains": domains}
        if fault is not None:
            record["fault"] = fault.to_dict()
        temporary = self._folder / "sync.round.tmp"
        temporary.write_text(json.dumps(record), "utf-8")
        temporary.replace(self._folder / "sync.round")


def _is_record(record: Any) -> bool:
    """Whether this version wrote it: another one's says nothing here."""
    return (
        isinstance(record, dict)
        and all(isinstance(record.get(name), int | float) for name in ("started", "ended"))
        and isinstance(record.get("domains"), list)
        and all(
            isinstance(each, dict) and all(type(each.get(name)) is int for name in ("taken", "failed"))
            for each in record["domains"]
        )
    )


def failed_sources(record: dict[str, Any]) -> int:
    """How many sources failed in a round, by its record."""
    failed: int = sum(each["failed"] for each in record["domains"])
    return failed + ("fault" in record)
