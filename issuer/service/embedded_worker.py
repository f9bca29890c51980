"""The work beside the requests: on SQLite, which one process has to itself, the worker runs in the server.

Promises:

1. On SQLite publication, recovery and notices run in a thread of the server; on PostgreSQL ``icard-issuer worker`` does
   it, and the server does not.
2. A worker whose keys cannot be opened shows at start, before anything listens for long.
3. A worker that ended by itself is a part that is not ready.
4. The end of the server waits for the worker's turn to end.
"""

from __future__ import annotations

import threading
from typing import Any, Final

import structlog

from issuer.core import Core
from issuer.publication.publish import check_signers
from issuer.worker.loop import Worker

__all__ = ["Upkeep"]

_log: structlog.stdlib.BoundLogger = structlog.get_logger("icard.worker")
#: Seconds for a turn to end; one takes a few.
_PATIENCE: Final = 60.0


class Upkeep:
    """The worker of a server, where it has one."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def runs_here(self) -> bool:
        """Whether this process does the work."""
        return self._core.database.is_sqlite

    @property
    def alive(self) -> bool:
        """Whether the work is done, here or elsewhere."""
        return not self.runs_here or (self._thread is not None and self._thread.is_alive())

    def start(self) -> None:
        """Begin.

        Raises:
            KeyFault, StateError: a key cannot be opened (promise 2).
        """
        if self.runs_here:
            check_signers(self._core)
            worker = Worker(self._core, self._core.settings.published, _tell)
            self._thread = threading.Thread(target=self._run, args=(worker,), name="worker", daemon=True)
            self._thread.start()

    def end(self) -> None:
        """Stop, and wait for the turn that is under way."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_PATIENCE)

    def _run(self, worker: Worker) -> None:
        try:
            worker.run(self._stop)
        except Exception as fault:
            _log.error("worker ended", fault=type(fault).__qualname__)


def _tell(event: str, facts: dict[str, Any]) -> None:
    _log.info(event, **{("what" if name == "event" else name): value for name, value in facts.items()})
