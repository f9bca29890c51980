"""Walking the audit's chain on request.

Promise: one walk at a time in a process, so that an auditor cannot keep the service from its work.
"""

from __future__ import annotations

import threading
from typing import Final

from issuer.audit.checkpoints import checkpoint_files, read_file
from issuer.audit.verify import AuditReport, verify
from issuer.core import Core
from issuer.publication import checkpoints
from verifier.runtime import http

__all__ = ["walk_chain"]

_walking: Final = threading.Lock()


def walk_chain(core: Core) -> AuditReport:
    """Walk the whole chain and check it against its checkpoints, those on the host too.

    Raises:
        Problem: ``http.overloaded``: another walk goes on.
    """
    if not _walking.acquire(blocking=False):
        raise http.Problem("http.overloaded", headers={"Retry-After": "30"})
    try:
        paths = checkpoint_files(checkpoints.default_folder(core))
        return verify(core, {path.name: read_file(path) for path in paths})
    finally:
        _walking.release()
