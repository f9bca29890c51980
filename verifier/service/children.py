"""A bounded pool of child processes that answer one request at a time, over pipes.

Promises:

1. Never more than ``count`` children work, and never more than ``waiting`` requests wait for one: the next is
   :class:`Busy`, at once.
2. A child that dies, answers too late or too much, or whose asker went away is killed: that request alone is
   :class:`Lost`, or :class:`Late`; the next one gets a new child.
3. Children end with this process: their input ends. Neither Ctrl-C nor a SIGTERM that a supervisor sends to every
   process of the service ends them, so that a drain can use them.
4. What a child says is bytes with a length, never an object: one that was taken over has nothing to give but bytes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

from .child_side import HEAD, command, environment

__all__ = ["Busy", "ChildPool", "Late", "Lost"]


class Busy(Exception):
    """All children work and as many requests wait as may."""


class Lost(Exception):
    """The child died, or broke the protocol."""


class Late(Exception):
    """The child took too long and was killed."""


class ChildPool:
    """Children by a Python module that calls :func:`.child_side.serve`.

    Args:
        module: its name; run with ``python -m``.
        arguments: its command line.
        count: how many work at once.
        waiting: how many requests may wait.
        seconds: for one answer.
        most: bytes that an answer may have.
    """

    def __init__(
        self, module: str, arguments: Sequence[str] = (), *, count: int, waiting: int, seconds: float, most: int
    ) -> None:
        self._command = (*command(module), *arguments)
        self._slots = asyncio.Semaphore(count)
        self._free = self.most_requests = count + waiting
        self._seconds = seconds
        self._most = most
        self._idle: list[asyncio.subprocess.Process] = []
        self._closed = False
        self.count = count

    @property
    def children(self) -> list[int]:
        """The process ids of the children that are waiting for work."""
        return [child.pid for child in self._idle]

    async def ask(self, request: bytes) -> bytes:
        """The answer of a child.

        Raises:
            Busy, Lost, Late: promises 1 and 2.
        """
        if self._free == 0:
            raise Busy
        self._free -= 1
        try:
            async with self._slots:
                child = await self._child()
                try:
                    async with asyncio.timeout(self._seconds):
                        answer = await self._exchange(child, request)
                except BaseException as fault:
                    await _end(child)
                    if isinstance(fault, TimeoutError):
                        raise Late from None
                    if isinstance(fault, OSError | EOFError | asyncio.IncompleteReadError):
                        raise Lost from None
                    raise
                if self._closed:
                    await _end(child)
                else:
                    self._idle.append(child)
                return answer
        finally:
            self._free += 1

    async def close(self) -> None:
        """End the children that wait; those that work end when they are done."""
        self._closed = True
        while self._idle:
            await _end(self._idle.pop())

    async def _child(self) -> asyncio.subprocess.Process:
        while self._idle:
            child = self._idle.pop()
            if child.returncode is None:
                return child
        return await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
            env=environment(),
        )

    async def _exchange(self, child: asyncio.subprocess.Process, request: bytes) -> bytes:
        if child.stdin is None or child.stdout is None:
            raise EOFError
        child.stdin.write(HEAD.pack(len(request)))
        child.stdin.write(request)
        await child.stdin.drain()
        (length,) = HEAD.unpack(await child.stdout.readexactly(HEAD.size))
        if length > self._most:
            raise EOFError
        return await child.stdout.readexactly(length)


async def _end(child: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        child.kill()
    # The transport of a killed child is closed by its end, which asyncio.shield waits for even when we are cancelled.
    await asyncio.shield(child.wait())
