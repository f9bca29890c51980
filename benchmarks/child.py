"""The parent's side of a peer: a child process that stays, asked in JSON lines.

Promises:

1. An answer that says no, no answer within the time, or a dead child: a :class:`ChildFailed` with what it said.
2. ``close`` (or the end of the ``with`` block) ends the child; none is left behind.
"""

from __future__ import annotations

import json
import selectors
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from benchmarks.peers import ROOT, ready

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
        script: module name under ``benchmarks.peers``, with its arguments.
    """

    def __init__(self, python: Path, script: Sequence[str]) -> None:
        module, *arguments = script
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the child
        self._process = subprocess.Popen(
            [str(python), "-m", f"benchmarks.peers.{module}", *arguments],
            cwd=ROOT,
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
        answer: dict[str, Any] = json.loads(line)
        if not answer["ok"]:
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
        self._process.wait(_SECONDS)
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else f"ended with {self._process.returncode}"


def start_peer(name: str) -> Child:
    """A peer in its own environment.

    Raises:
        PeerMissing: the environment cannot be made.
    """
    return Child(ready(name), [f"run_{name}"])


def start_icard(backend: str, result: str = "card") -> Child:
    """icard in this environment; ``backend`` is ``libsodium`` or ``openssl``, ``result`` is ``card`` or ``map``."""
    return Child(Path(sys.executable), ["run_icard", backend, result])
