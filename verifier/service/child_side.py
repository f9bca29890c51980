"""The protocol between a child process and its parent: requests and answers over pipes, each prefixed by its length."""

from __future__ import annotations

import os
import signal
import struct
import sys
from collections.abc import Callable
from typing import IO, Final

__all__ = ["HEAD", "command", "environment", "serve", "whole"]

HEAD: Final = struct.Struct(">I")
"""The length of what follows, in bytes."""


def command(module: str) -> tuple[str, ...]:
    """The command line of a child, by a module that calls :func:`serve`."""
    # -P: the working folder is nobody's library.
    return (sys.executable, "-P", "-m", module)


def environment() -> dict[str, str]:
    """A child's environment: without icard's own variables, such as passphrases."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ICARD_")}


def serve(work: Callable[[bytes], bytes]) -> None:
    """The child's side: answer requests until the input ends."""
    # A supervisor may send SIGTERM to every process of a service, which needs its children until it has drained.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    asks, answers = sys.stdin.buffer, sys.stdout.buffer
    while head := whole(asks, HEAD.size):
        answer = work(whole(asks, *HEAD.unpack(head)))
        answers.write(HEAD.pack(len(answer)) + answer)
        answers.flush()


def whole(stream: IO[bytes], length: int) -> bytes:
    """So many bytes of a stream; none where it ends before."""
    data = stream.read(length)
    return data if len(data) == length else b""
