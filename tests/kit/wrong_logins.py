"""Strangers who log in with wrong passwords without pause, each from a network of its own, in a process of their own.

Run as a program it floods until its input ends, and then prints how many answers had each status::

    python -m tests.kit.wrong_logins PORT COUNT
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.kit.issuing_api import raw

__all__ = ["wrong_logins"]

CHECKOUT = Path(__file__).parents[2]


@contextlib.contextmanager
def wrong_logins(port: int, count: int) -> Iterator[Counter[int]]:
    """So many strangers, while this is open; the server must take ``X-Forwarded-For`` from this machine.

    Yields:
        how many answers had each status: filled when this is closed.
    """
    answers: Counter[int] = Counter()
    command = [sys.executable, "-m", "tests.kit.wrong_logins", str(port), str(count)]
    with subprocess.Popen(command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "all were answered once\n"
            yield answers
            told, _ = process.communicate(timeout=60)
        finally:
            process.kill()
    answers.update({int(status): times for status, times in json.loads(told).items()})


async def _flood(port: int, count: int) -> Counter[int]:
    answers: Counter[int] = Counter()
    all_answered = asyncio.Event()

    async def stranger(number: int) -> None:
        address = {"X-Forwarded-For": f"198.{18 + number // 256}.{number % 256}.7"}
        request = raw("POST", "/v1/sessions", address, {"login": f"name.{number}", "password": "not this one"})
        while True:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            with contextlib.closing(writer), contextlib.suppress(asyncio.IncompleteReadError):
                while True:
                    writer.write(request)
                    head = (await reader.readuntil(b"\r\n\r\n")).lower()
                    length = head.partition(b"\r\ncontent-length: ")[2].partition(b"\r\n")[0]
                    await reader.readexactly(int(length))
                    answers[int(head[9:12])] += 1
                    if answers.total() >= count:
                        all_answered.set()

    strangers = [asyncio.create_task(stranger(number)) for number in range(count)]
    await all_answered.wait()
    print("all were answered once", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    for each in strangers:
        each.cancel()
    for found in await asyncio.gather(*strangers, return_exceptions=True):
        assert isinstance(found, asyncio.CancelledError), found
    return answers


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_flood(int(sys.argv[1]), int(sys.argv[2])))))
