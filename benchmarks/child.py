"""The parent's side of a peer: a child process that stays, asked in JSON lines.

Promises:

1. An answer that says no, no answer within the time, or a dead child: a :class:`ChildFailed` with what it said.
2. ``close`` (or the end of the ``with`` block) ends the child; none is left behind.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from benchmarks.peers import ROOT, Role, ready

__all__ = ["Child", "ChildEnded", "ChildFailed", "start_icard", "start_peer"]

_SECONDS = 60


class ChildFailed(Exception):
    """A child said no, or ended."""


class ChildEnded(ChildFailed):
    """A child ended, or said nothing in time: no further question has an answer."""


class Child:
    """A running peer script.

    Args:
        python: the interpreter, which decides the environment.
        arguments: what it runs, such as ``-m benchmarks.peers.run_cwt``.
        environment: variables beside this process's own.
    """

    def __init__(self, python: Path, arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the child
        self._process = subprocess.Popen(
            [str(python), *arguments],
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    def ask(self, **request: Any) -> dict[str, Any]:
        """Send one request and give its answer.

        Raises:
            ChildFailed: see promise 1.
            ChildEnded: there is no answer and will be none.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise ChildEnded(self._last_words()) from None
        # One request is one line, so nothing waits in the text layer's buffer while the pipe looks empty.
        with selectors.DefaultSelector() as waiting:
            waiting.register(self._process.stdout, selectors.EVENT_READ)
            if not waiting.select(_SECONDS):
                raise ChildEnded(f"no answer in {_SECONDS} s")
        line = self._process.stdout.readline()
        if not line:
            raise ChildEnded(self._last_words())
        try:
            answer: dict[str, Any] = json.loads(line)
            good = answer["ok"]
        except (ValueError, LookupError, TypeError):
            raise ChildEnded(f"no answer but {line[:60]!r}") from None
        if not good:
            raise ChildFailed(answer["error"])
        return answer

    def close(self) -> None:
        """End the child."""
        self._process.kill()
        self._process.communicate()
        self._errors.close()

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _last_words(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_SECONDS)
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else f"ended with {self._process.returncode}"


def start_peer(name: str, role: Role = "run") -> Child:
    """A peer in its own environment.

    Raises:
        PeerMissing: the environment cannot be made.
    """
    return Child(ready(name), ["-m", f"benchmarks.peers.{role}_{name}"])


def start_icard(*arguments: str, role: Role = "run", engine: str = "") -> Child:
    """icard in this environment; to verify, ``arguments`` are a backend, and ``card`` or ``map``.

    Args:
        engine: of the native core; where nothing is said, the one that this process uses.
    """
    chosen = {"ICARD_NATIVE_ENGINE": engine} if engine else None
    return Child(Path(sys.executable), ["-m", f"benchmarks.peers.{role}_icard", *arguments], chosen)
