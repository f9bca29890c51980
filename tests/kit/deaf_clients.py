"""Clients that ask for large answers and read none of them, and how long others wait meanwhile.

Run as a program it holds so many of them open, and opens new ones for those that are cut off, fifty a second::

    python -m tests.kit.deaf_clients PORT PATH COUNT ADDRESSES
"""

from __future__ import annotations

import contextlib
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

__all__ = ["compared", "deaf_clients", "percentile", "waits"]

CHECKOUT = Path(__file__).parents[2]
#: Requests on one connection: their answers exceed what kernel and server keep for it.
_AHEAD = 8
#: Connections that are opened anew in a fifth of a second: more would be a flood of requests, which has its own tests.
_AGAIN = 10
_CLOSED = 7
#: Opened side by side: a server that is slow to take connections holds up a few of them at a time.
_SIDE_BY_SIDE = 32
_FEWEST = 2


@contextlib.contextmanager
def deaf_clients(url: str, path: str, count: int, addresses: int) -> Iterator[None]:
    """Hold so many connections from so many addresses of this machine, while this is open."""
    port = str(httpx.URL(url).port)
    command = [sys.executable, "-m", "tests.kit.deaf_clients", port, path, str(count), str(addresses)]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "open\n"
            yield
        finally:
            process.kill()


def waits(ask: Callable[[], object], count: int, longest: float = 45.0) -> list[float]:
    """Seconds that each of so many requests takes, one after the other.

    Args:
        longest: seconds after which no more are asked, so that a machine with other work takes no hour; two are always.
    """
    taken: list[float] = []
    end = time.monotonic() + longest
    while len(taken) < count and (len(taken) < _FEWEST or time.monotonic() < end):
        begun = time.monotonic()
        ask()
        taken.append(time.monotonic() - begun)
    return taken


def compared(
    before: list[float], beside: list[float], after: list[float], record: Callable[[str, object], None]
) -> None:
    """Put the waits beside some load into a test's record, with those of the same requests without it.

    Of those before and after the slower ones count: what others do on the machine meanwhile falls on all three.
    """
    record("asked before, beside, after", f"{len(before):,}, {len(beside):,}, {len(after):,}")
    for part in (50, 99):
        alone, with_them = max(percentile(before, part), percentile(after, part)), percentile(beside, part)
        record(f"p{part} without and with", f"{1000 * alone:.1f} ms, {1000 * with_them:.1f} ms")
        record(f"p{part} ratio", f"{with_them / alone:.2f}")


def percentile(taken: list[float], part: int) -> float:
    """Such as the 99th."""
    return statistics.quantiles(taken, n=100)[part - 1]


def _open(port: int, path: str, address: str) -> socket.socket:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.settimeout(5)
    with contextlib.suppress(OSError):
        made.bind((address, 0))
        made.connect(("127.0.0.1", port))
        made.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() * _AHEAD)
    return made


def _is_cut(connection: socket.socket) -> bool:
    state: int = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
    return state in (_CLOSED, 8)


def main(port: str, path: str, count: str, addresses: str) -> None:
    """Hold the connections until this process is ended."""
    places = [f"127.0.{1 + number // 250}.{1 + number % 250}" for number in range(int(addresses))]
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        held = list(pool.map(lambda number: _open(int(port), path, places[number % len(places)]), range(int(count))))
    print("open", flush=True)
    while True:
        cut = [place for place, connection in enumerate(held) if _is_cut(connection)]
        for place in cut[:_AGAIN]:
            held[place].close()
            held[place] = _open(int(port), path, places[place % len(places)])
        time.sleep(0.2)


if __name__ == "__main__":
    main(*sys.argv[1:])
