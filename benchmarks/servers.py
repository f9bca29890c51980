"""The worker beside the servers that issuing is measured on; servers themselves are those of the tests."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

__all__ = ["worker"]


@contextlib.contextmanager
def worker(folder: Path) -> Iterator[None]:
    """``icard-issuer worker`` on the service in ``folder``, as a process; it logs into ``worker.log`` there."""
    program = str(Path(sys.executable).parent / "icard-issuer")
    with (folder / "worker.log").open("wb") as log:
        process = subprocess.Popen([program, "worker", "-C", str(folder)], stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)
