"""The codes in a picture or in the pages of a PDF, read in a process of its own.

Promises:

1. A decoder that hangs is killed after :data:`COMMAND_SECONDS`; one that crashes gives a verdict that says so. Neither
   ends this process.
2. An attacker who takes over a decoder has that process only (:mod:`verifier.service.picture_child`).
3. One process reads all pictures of a command, until one of them ends it.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Final

from icard_crypto.errors import DecodeError
from verifier.service.child_side import HEAD, command, environment, whole
from verifier.service.picture_contents import COMMAND_SECONDS, Contents, Way, contents, read_answer

__all__ = ["PictureProcess"]

_MOST_ANSWER: Final = 4 * 1024 * 1024


class PictureProcess:
    """Reads pictures, one after the other, while it is open; the process begins with the first of them.

    Args:
        seconds: for one picture or PDF, until its reader is ended.
    """

    def __init__(self, seconds: float = COMMAND_SECONDS) -> None:
        self._seconds = seconds
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> PictureProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def codes(self, content: bytes) -> Iterator[str | bytes]:
        """All codes, in reading order, page by page, each once.

        Raises:
            DecodeError: ``picture.*``, behind the codes that were found all the same; ``picture.no_code`` for none.
            MissingPart: a reader is not installed.
        """
        # Without POSIX there are no limits to give up, so a process of its own would be one like this.
        found = self._asked(content) if os.name == "posix" else contents(content, Way.COMMAND)
        yield from found.codes
        if found.error is not None:
            raise found.error
        if not found.codes:
            raise DecodeError("picture.no_code", expected="a QR code", found="none")

    def _asked(self, content: bytes) -> Contents:
        child = self._child or self._begun()
        late = threading.Event()

        def end() -> None:
            late.set()
            child.kill()

        timer = threading.Timer(self._seconds, end)
        timer.start()
        try:
            return read_answer(_exchange(child, Way.COMMAND.value + content))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            self._end()
            if late.is_set():
                expected = f"codes within {self._seconds:g} s"
                raise DecodeError("picture.late", expected=expected, found="its reader was ended") from None
            raise DecodeError("picture.broken", found="its reader ended") from None
        except BaseException:
            self._end()
            raise
        finally:
            timer.cancel()

    def _begun(self) -> subprocess.Popen[bytes]:
        self._child = subprocess.Popen(  # noqa: S603 - this Python and a module of ours
            command("verifier.service.picture_child"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=environment(),
        )
        return self._child

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            for stream in (child.stdin, child.stdout):
                with contextlib.suppress(OSError):
                    if stream is not None:
                        stream.close()
            child.wait()


def _exchange(child: subprocess.Popen[bytes], request: bytes) -> bytes:
    assert child.stdin is not None and child.stdout is not None  # noqa: S101, PT018 - pipes, as it was begun
    child.stdin.write(HEAD.pack(len(request)))
    child.stdin.write(request)
    child.stdin.flush()
    head = whole(child.stdout, HEAD.size)
    length = HEAD.unpack(head)[0] if head else 0
    return whole(child.stdout, length) if length <= _MOST_ANSWER else b""
