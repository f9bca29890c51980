"""One server or worker at a time on a SQLite file.

Promises:

1. Only one process at a time is within :func:`alone` for a file, by whatever path; a second one is refused at once. On
   PostgreSQL, where several may run, it does nothing.
2. The kernel frees the lock of a process that is killed. It is on a file next to the database, whose content and
   presence mean nothing: on the database itself SQLite would release it with the first connection that it closes.
3. Commands that do one thing and exit (``card issue``, ``worker --once``) don't need it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from icard_crypto.errors import StateError, Unavailable
from verifier.runtime.locks import lock

from .engine import Database

__all__ = ["process_lock"]

_SUFFIX: Final = ".lock"


@contextmanager
def process_lock(database: Database) -> Iterator[None]:
    """Be the one server or worker of a SQLite file.

    Raises:
        Unavailable: ``database.unreachable``: no file can be made beside the database.
        StateError: ``database.in_use``.
    """
    path = database.engine.url.database
    if not database.is_sqlite or path is None:
        yield
        return
    with ExitStack() as stack:
        try:
            stack.enter_context(lock(Path(os.path.realpath(path) + _SUFFIX), wait=False))
        except BlockingIOError:
            raise StateError("database.in_use") from None
        except OSError as fault:
            raise Unavailable("database.unreachable", found=fault.strerror) from None
        yield
