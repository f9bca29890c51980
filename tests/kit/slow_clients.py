"""``python -m tests.kit.slow_clients SCHEME PORT SOURCE COUNT SECONDS``: a byte now and then.

So many connections from one address of this machine, each with the head of a request that never ends; where the scheme
is ``https``, with the first message of a handshake that never ends. Whoever is cut
off comes again after a pause, until the seconds are over; the last line says in JSON how each connection ended:
``told`` (an answer came: 408), ``closed``, ``cut`` (reset), ``refused`` (no connection was made), and how many were
made (``made``).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import sys
from collections import Counter

__all__ = ["GAP"]

_BEGINNINGS = {
    "http": b"POST /v1/verify HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
    # A ClientHello of 512 bytes (RFC 8446, 4 and 5.1).
    "https": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}
GAP = 2.0
"""Seconds between two bytes."""
_PAUSE = 5.0


async def _client(beginning: bytes, port: int, source: str, end: float, delay: float, ended: Counter[str]) -> None:
    clock = asyncio.get_running_loop().time
    await asyncio.sleep(delay)
    while clock() < end:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
        except ConnectionRefusedError:
            ended["refused"] += 1
        except OSError:
            # Made, and reset before this process saw it.
            ended["made"] += 1
            ended["cut"] += 1
        else:
            ended["made"] += 1
            ended[await _drip(beginning, reader, writer)] += 1
            writer.transport.abort()
        if clock() + _PAUSE >= end:
            return
        await asyncio.sleep(_PAUSE)


async def _drip(beginning: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
    """Send bytes until the server ends it; how it did."""
    writer.write(beginning)
    while True:
        try:
            answer = await asyncio.wait_for(reader.read(100), GAP)
        except TimeoutError:
            with contextlib.suppress(OSError):
                writer.write(b"a")
        except OSError:
            return "cut"
        else:
            return "told" if answer.startswith(b"HTTP/1.1 408 ") else "closed"


async def _main(scheme: str, port: int, source: str, count: int, seconds: float) -> None:
    ended: Counter[str] = Counter()
    end = asyncio.get_running_loop().time() + seconds
    # Not all in one instant: within the first two seconds.
    delays = [2 * number / count for number in range(count)]
    beginning = _BEGINNINGS[scheme]
    await asyncio.gather(*(_client(beginning, port, source, end, delay, ended) for delay in delays))
    print(json.dumps(ended), flush=True)


if __name__ == "__main__":
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(_main(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), float(sys.argv[5])))
