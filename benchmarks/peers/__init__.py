"""Peers: what else reads these codes, each in an environment of its own.

Promises:

1. ``ready(name)`` gives the Python of an environment that holds exactly ``<name>.txt``, made when it is not there
   or when that file or this Python changed. Nothing is installed beside icard.
2. An environment is ready only when the mark inside says so, and that is written last: an interrupted one is made
   again. A lock keeps two test workers from making the same one.
3. The engines of ``docs/data.md`` have their environments in the same way, as ``ready("engines/<name>")``.
4. What cannot be made is a :class:`PeerMissing` that says whether the package registry could not be reached
   (a reason to skip, visibly) or something else failed (a reason to look).
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

__all__ = ["ENVIRONMENTS", "ROOT", "PeerMissing", "Role", "names", "pinned", "ready"]

#: What a peer's script does: verify codes (``run_<peer>.py``), read pictures of them, draw them.
Role = Literal["run", "read", "draw"]

_REQUIREMENTS = Path(__file__).parent
ROOT = _REQUIREMENTS.parent.parent
ENVIRONMENTS = ROOT / ".peers"

# What pip writes when it got no answer, as against an answer that it did not like.
_UNREACHABLE = re.compile(
    r"Max retries exceeded|connection broken|Failed to establish a new connection|name resolution|"
    r"Network is unreachable|Connection (refused|reset|timed out)|ConnectTimeout|ReadTimeout|ProxyError|SSLError",
    re.IGNORECASE,
)
_SECONDS = 300


class PeerMissing(Exception):
    """A peer's environment cannot be had.

    Args:
        name: the peer.
        reason: one line for people.
        unreachable: whether the cause is a package registry that gives no answer.
    """

    def __init__(self, name: str, reason: str, *, unreachable: bool) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason
        self.unreachable = unreachable


def names(role: Role | None = None) -> list[str]:
    """The peers, sorted: one for each requirement file; with a role, those that have a script for it."""
    every = sorted(path.stem for path in _REQUIREMENTS.glob("*.txt"))
    return [name for name in every if role is None or (_REQUIREMENTS / f"{role}_{name}.py").exists()]


def pinned(name: str) -> list[str]:
    """What a peer's environment holds: ``package==version``, in the file's order."""
    lines = (_REQUIREMENTS / f"{name}.txt").read_text("utf-8").splitlines()
    return [line for line in lines if not line.startswith(("#", "-"))]


def ready(name: str) -> Path:
    """The Python of the peer's environment, made first where needed.

    Raises:
        PeerMissing: it is not there and cannot be made.
    """
    folder = ENVIRONMENTS / name
    python = folder / "bin" / "python"
    mark = folder / ".ready"
    wanted = _digest(name)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _lock(name):
        if mark.is_file() and mark.read_text("ascii") == wanted:
            return python
        shutil.rmtree(folder, ignore_errors=True)
        _run(name, [sys.executable, "-m", "venv", str(folder)])
        _run(name, [str(python), "-m", "pip", *_PIP, str(_REQUIREMENTS / f"{name}.txt")])
        mark.write_text(wanted, "ascii")
    return python


# No dependency is resolved: the file names every package, so what is measured does not drift.
_PIP = (
    "install",
    "--quiet",
    "--disable-pip-version-check",
    "--no-deps",
    "--only-binary=:all:",
    "--retries=1",
    "--timeout=20",
    "--requirement",
)


def _digest(name: str) -> str:
    requirements = (_REQUIREMENTS / f"{name}.txt").read_bytes()
    return hashlib.sha256(requirements + f"{sys.version}{platform.machine()}{_PIP}".encode()).hexdigest()


@contextlib.contextmanager
def _lock(name: str) -> Iterator[None]:
    with (ENVIRONMENTS / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _run(name: str, command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise PeerMissing(name, f"no end after {_SECONDS} s", unreachable=True) from error
    if done.returncode != 0:
        said = done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}"
        raise PeerMissing(name, said.splitlines()[-1], unreachable=_UNREACHABLE.search(said) is not None)
