"""Requests behind one another on one connection, and chunked bodies: what comes beside what is asked takes nothing."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.kit.http_clients import ServerProcess, read_all, read_answer, read_head, serving

GET = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
WAIT = b"GET /things/wait HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /things/people/1 HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
WIRE: dict[str, Any] = {"head_seconds": 60, "keep_alive_seconds": 60, "connections": 8}
#: Far beyond every cap, as senders without end are.
MOST = 64 * 1024 * 1024
#: A server that looks at what has come takes some 4 MiB of buffers.
FLAT = 30_000_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with room for eight connections."""
    with serving(tmp_path_factory.mktemp("pipelined"), wire=WIRE) as running:
        yield running


def send_on(connection: socket.socket, begun: bytes, endless: bytes) -> bool:
    """Send a request's begin and then the same bytes again and again; whether the other side made an end of it."""
    connection.sendall(begun)
    with contextlib.suppress(ConnectionError):
        for _ in range(MOST // len(endless)):
            connection.sendall(endless)
        return False
    return True


def read_two(connection: socket.socket) -> list[bytes]:
    """The begin of two answers that may come together, from their statuses on."""
    got = b""
    while got.count(b"HTTP/1.1") < 2 and (part := connection.recv(65536)):
        got += part
    return got.split(b"HTTP/1.1")[1:]


@pytest.mark.parametrize(
    ("begun", "endless"),
    [
        (WAIT + b"GET / HTTP/1.1\r\n", b"a: b\r\n" * 4000),
        (WAIT + b"GET / HTTP/1.1\r\na: ", b"b" * 60_000),
        (WAIT + b"GET /", b"b" * 60_000),
        (CHUNKED + b"1\r\na\r\n0\r\n", b"a: b\r\n" * 10_000),
        (CHUNKED + b"1\r\na\r\n0\r\na: ", b"b" * 60_000),
        (CHUNKED + b"1;a=", b"b" * 60_000),
    ],
    ids=["fields ahead", "a field ahead", "an address ahead", "trailers", "a trailer", "an extension"],
)
def test_what_never_ends_beside_a_request_is_cut_off(server: ServerProcess, begun: bytes, endless: bytes) -> None:
    """A head behind a request that is being worked on, trailers and extensions of chunks have the bound of a head:
    whoever sends them without end is cut off, and their memory with them."""
    before = server.memory()
    with server.connect() as connection:
        assert send_on(connection, begun, endless)
        assert server.memory() - before < FLAT


@pytest.mark.parametrize("behind", [b"G", POST + b"Content-Length: 10\r\n\r\n"], ids=["half a head", "no body"])
def test_beyond_the_cap_half_a_request_behind_another_goes(server: ServerProcess, behind: bytes) -> None:
    """When as many as may be connected were answered and have sent half of the next request already, each new one is
    answered: those who wait longest are cut off."""
    held = [server.connect() for _ in range(WIRE["connections"])]
    try:
        for connection in held:
            connection.sendall(GET + behind)
            assert read_answer(connection).startswith(b"HTTP/1.1 200 ")
        for _ in range(3):
            with server.connect() as beyond:
                beyond.sendall(GET)
                assert read_head(beyond).startswith(b"HTTP/1.1 200 ")
    finally:
        for connection in held:
            connection.close()


def test_a_request_at_work_keeps_its_place_whatever_comes_behind_it(tmp_path: Path) -> None:
    """Who has half a request behind one that is being worked on is not cut off for a new one: who is idle is."""
    with serving(tmp_path, wire=WIRE) as server, contextlib.ExitStack() as stack:
        idle, *held = [stack.enter_context(server.connect()) for _ in range(WIRE["connections"])]
        for number, connection in enumerate(held):
            connection.sendall(WAIT + (b"G" if number % 2 else POST + b"Content-Length: 10\r\n\r\n"))
        # Behind a second answer the server has read what the others sent before.
        for _ in range(2):
            idle.sendall(GET)
            assert read_answer(idle).startswith(b"HTTP/1.1 200 ")
        assert httpx.post(server.base + "/things/release").status_code == 200
        assert read_all(idle) == b""
        for connection in held:
            assert b"released" in read_answer(connection)


def test_chunks_of_a_byte_are_refused_and_larger_ones_are_not(server: ServerProcess) -> None:
    """Thousands of chunks of one byte are 400 before they have all been read; a body in chunks of 64 bytes, and a small
    one in chunks of one, are taken."""
    body = b'{"name": "a", "kind": "A"}'
    with server.connect() as connection:
        connection.sendall(CHUNKED + b"1\r\n \r\n" * 20_000)
        assert read_head(connection).startswith(b"HTTP/1.1 400 ")
    for size, padding in ((1, 1000), (64, 50_000)):
        padded = b" " * padding + body
        parts = [padded[at : at + size] for at in range(0, len(padded), size)]
        with server.connect() as connection:
            connection.sendall(CHUNKED + b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n")
            assert read_head(connection).startswith(b"HTTP/1.1 200 ")


def test_trailers_are_no_fields_of_the_head(server: ServerProcess) -> None:
    """A field behind the body changes nothing of the request: Expect, a second Host, another language."""
    ends = b"Accept-Language: zh\r\nHost: b\r\nExpect: 100-continue\r\n\r\n"
    with server.connect() as connection:
        connection.sendall(CHUNKED + b"1\r\nx\r\n")
        connection.sendall(b"0\r\n" + ends + GET)
        first, second = read_two(connection)
        assert first.startswith(b" 400 ")
        assert b"content-language: en" in first.lower()
        assert second.startswith(b" 200 ")


def test_bytes_that_are_no_request_answer_none_before_them(server: ServerProcess) -> None:
    """What cannot be read behind a request that has no answer yet ends the connection without a byte, which would be
    taken for that answer; behind one that was answered it is 400."""
    with server.connect() as connection:
        connection.sendall(WAIT + b"\x16\x03no request\r\n\r\n")
        assert read_all(connection) == b""
    with server.connect() as connection:
        connection.sendall(GET)
        assert read_answer(connection).startswith(b"HTTP/1.1 200 ")
        connection.sendall(b"\x16\x03no request\r\n\r\n")
        assert read_head(connection).startswith(b"HTTP/1.1 400 ")


def test_a_hundred_fields_behind_another_request_are_taken_and_one_more_is_not(server: ServerProcess) -> None:
    """The cap on fields is that of every head."""
    fields = b"".join(b"X-%d: a\r\n" % number for number in range(98))
    with server.connect() as connection:
        connection.sendall(GET + GET[:-2] + fields + b"X-98: a\r\n\r\n")
        assert [answer[:5] for answer in read_two(connection)] == [b" 200 "] * 2
        connection.sendall(GET[:-2] + fields + b"X-98: a\r\nX-99: a\r\n\r\n")
        assert b" 431 " in read_head(connection)
