"""The worker inside the server, for SQLite, where only one process may use the database.

Promises:

1. On SQLite the jobs of the worker run in threads of the server; on PostgreSQL ``icard-issuer worker`` runs them, and
   the server does not.
2. A worker whose keys cannot be opened shows at start, before anything listens for long.
3. No fault of a job ends the worker; how each job is, readiness says.
4. The end of the server waits for what the jobs have in hand.
"""

from __future__ import annotations

import threading
from typing import Any, Final

import structlog

from issuer.core import Core
from issuer.publication.publish import check_signers
from issuer.worker.loop import Worker

__all__ = ["EmbeddedWorker"]

_log: structlog.stdlib.BoundLogger = structlog.get_logger("icard.worker")
#: Seconds for a turn to end; one takes a few.
_PATIENCE: Final = 60.0


class EmbeddedWorker:
    """The worker of a server, where it has one."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def runs_here(self) -> bool:
        """Whether this process does the work."""
        return self._core.database.is_sqlite

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
    # What is held back needs a person.
    tell = _log.warning if event == "held_back" else _log.info
    tell(event, **{("what" if name == "event" else name): value for name, value in facts.items()})
