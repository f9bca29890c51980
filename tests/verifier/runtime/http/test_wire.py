"""What only a real server on a real socket can show: slow, endless and silent clients, an end that drops nothing."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import os
import shutil
import signal
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from icard_crypto.errors import StateError
from tests.kit.http_clients import PATIENCE, ServerProcess, read_all, read_answer, read_head, serving
from verifier.runtime import http
from verifier.runtime.http.server import bind

GET = b"GET /healthz HTTP/1.1\r\nHost: a\r\n"
WIRE: dict[str, Any] = {
    "head_seconds": 0.5,
    "write_seconds": 0.5,
    "keep_alive_seconds": 1,
    "connections": 8,
    "notice_seconds": 0.2,
}
_CLOSED = 7
"""TCP_CLOSE of Linux: the state of a connection that was reset."""
POST = b"POST /things/people/1 HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with short ends, for tests that leave it as it was."""
    bodies = [{"prefix": "/", "cap": 100_000, "seconds": 0.5}]
    with serving(tmp_path_factory.mktemp("edge"), wire=WIRE, bodies=bodies) as running:
        yield running


@pytest.mark.parametrize("sent", [GET, b"G", b"\r\n" * 3 + b"GET / HT"], ids=["no end", "a letter", "line ends first"])
def test_a_head_that_does_not_end_is_cut_off(server: ServerProcess, sent: bytes) -> None:
    """Who begins a head and does not end it is told 408 and is rid of the connection."""
    with server.connect() as connection:
        connection.sendall(sent)
        assert read_all(connection).startswith(b"HTTP/1.1 408 ")


def test_a_head_that_drips_gains_nothing(server: ServerProcess) -> None:
    """A byte now and then does not put the end off: the time runs from the first byte."""
    with server.connect() as connection:
        stop = threading.Event()

        def drip() -> None:
            try:
                connection.sendall(GET + b"X: ")
                while not stop.wait(0.05):
                    connection.sendall(b"a")
            except OSError:
                return

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            assert b" 408 " in read_head(connection)
        finally:
            stop.set()
            dripping.join()


def test_a_second_head_has_the_same_end(server: ServerProcess) -> None:
    """On a connection that has been answered once, a head that does not end is cut off all the same."""
    with server.connect() as connection:
        connection.sendall(GET + b"\r\n")
        assert read_head(connection).startswith(b"HTTP/1.1 200 ")
        connection.sendall(GET)
        assert b"HTTP/1.1 408 " in read_all(connection)


def test_who_says_nothing_is_closed(server: ServerProcess) -> None:
    """A connection without a byte is closed without an answer, as is one that is idle behind its answer."""
    with server.connect() as silent, server.connect() as idle:
        idle.sendall(GET + b"\r\n")
        assert read_all(idle).startswith(b"HTTP/1.1 200 ")
        assert read_all(silent) == b""


@pytest.mark.parametrize(
    "fields",
    [
        *(b"X-Filler: 0123456789\r\n" * 1500, b"X: " + b"a" * 33_000, b"a:\r\n" * 101),
        *(b"X: " + b"a" * 33_000 + b"\r\n\r\n", b"a:\r\n" * 101 + b"\r\n"),
    ],
    ids=["many fields", "a long one", "small ones", "a long one that ends", "small ones that end"],
)
def test_a_huge_head_is_refused(server: ServerProcess, fields: bytes) -> None:
    """A head beyond 32 KiB is 431, though every field of it may be small, and so is one of more than a hundred fields;
    whether it has come whole or not."""
    with server.connect() as connection:
        connection.sendall(GET + fields)
        assert b" 431 " in read_all(connection)


def test_a_large_body_behind_a_head_is_no_large_head(server: ServerProcess) -> None:
    """A hundred fields and a body that comes with them are taken."""
    with server.connect() as connection:
        fields = b"".join(b"X-%d: a\r\n" % number for number in range(96))
        connection.sendall(POST + fields + b"Content-Length: 60000\r\n\r\n" + b"x" * 60_000)
        assert b" 400 " in read_head(connection)


def test_what_is_no_http_is_a_problem(server: ServerProcess) -> None:
    """Bytes that are no request get a 400 of the same form as every refusal."""
    with server.connect() as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n")
        head, _, body = read_all(connection).partition(b"\r\n\r\n")
        assert b" 400 " in head
        assert b"application/problem+json" in head
        assert b'"code": "http.bad_request"' in body


def send_for_ever(connection: socket.socket, head: bytes) -> None:
    """A head and an endless chunked body behind it."""
    connection.sendall(head)
    while True:
        connection.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")


def test_an_endless_body_is_refused_and_cut_off(server: ServerProcess) -> None:
    """A chunked body beyond its cap is 413 that the sender can read; it cannot go on sending for ever."""
    with server.connect() as connection, pytest.raises(OSError, match=r"reset|Broken pipe"):
        send_for_ever(connection, CHUNKED)
    with server.connect() as connection:
        connection.sendall(CHUNKED + b"20000\r\n" + b"x" * 131_072)
        assert read_head(connection).startswith(b"HTTP/1.1 413 ")


def test_behind_a_refused_body_the_connection_goes_on(tmp_path: Path) -> None:
    """Where the rest of a body that was refused comes after all, the next request on its connection is answered however
    long it takes; behind it a head has its usual end."""
    bodies = [{"prefix": "/", "cap": 100_000}]
    with serving(tmp_path, wire=WIRE, bodies=bodies) as server, server.connect() as connection:
        connection.sendall(CHUNKED + b"20000\r\n" + b"x" * 131_000)
        assert read_answer(connection).startswith(b"HTTP/1.1 413 ")
        connection.sendall(b"x" * 72 + b"\r\n0\r\n\r\nGET /things/wait HTTP/1.1\r\nHost: a\r\n\r\n")
        # Longer than the rest of a body is waited for.
        threading.Event().wait(2.5)
        httpx.post(server.base + "/things/release")
        assert b"released" in read_answer(connection)
        connection.sendall(b"G")
        assert b" 408 " in read_all(connection)


def test_a_body_that_stalls_is_timed_out(server: ServerProcess) -> None:
    """A body that is promised and does not come is 408, and its connection ends."""
    with server.connect() as connection:
        connection.sendall(CHUNKED + b"5\r\nab")
        assert read_all(connection).startswith(b"HTTP/1.1 408 ")


def test_a_large_length_is_refused_before_it_is_sent(server: ServerProcess) -> None:
    """A client that asks first (Expect: 100-continue) is told 413 and never 100."""
    with server.connect() as connection:
        connection.sendall(POST + b"Content-Length: 100001\r\nExpect: 100-continue\r\n\r\n")
        assert read_head(connection).startswith(b"HTTP/1.1 413 ")


def test_who_does_not_read_is_cut_off_and_memory_stays_flat(server: ServerProcess) -> None:
    """An endless answer to a client that reads nothing fills no memory, and ends."""
    before = server.memory()
    with server.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(b"GET /things/endless HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_for(lambda: any(line.get("route") == "/things/endless" for line in server.lines()))
        assert server.memory() - before < 30_000_000


def wait_for(happened: Any) -> None:
    """Wait until something has happened; it is looked at ten times a second."""
    end = threading.Event()
    for _ in range(int(PATIENCE * 10)):
        if happened():
            return
        end.wait(0.1)
    raise AssertionError("it did not happen")


def test_beyond_the_cap_who_waits_longest_goes(server: ServerProcess) -> None:
    """When as many as may be connected say nothing, or begin a head or a body and do not end it, each new one is
    answered: it is the oldest of them that is cut off, and the others are not."""
    held = [server.connect() for _ in range(WIRE["connections"])]
    try:
        held[1].sendall(CHUNKED + b"5\r\nab")
        for connection in held[2:]:
            connection.sendall(b"G")
        with server.connect() as one, server.connect() as another:
            for beyond in (one, another):
                beyond.sendall(GET + b"\r\n")
                assert read_head(beyond).startswith(b"HTTP/1.1 200 ")
        for connection in held[:2]:
            assert read_all(connection) == b""
        for connection in held[2:]:
            assert b" 408 " in read_all(connection)
    finally:
        for connection in held:
            connection.close()


def test_beyond_the_cap_nobody_at_work_goes(tmp_path: Path) -> None:
    """When every connection has a request at work, the new one is told 503 with Retry-After; an idle one that was
    answered before goes for a new one; who is at work gets the answer."""
    with serving(tmp_path, wire={**WIRE, "keep_alive_seconds": 60}) as server:
        held = [server.connect() for _ in range(WIRE["connections"])]
        try:
            for connection in held[1:]:
                connection.sendall(b"GET /things/wait HTTP/1.1\r\nHost: a\r\n\r\n")
            held[0].sendall(GET + b"\r\n")
            assert read_answer(held[0]).startswith(b"HTTP/1.1 200 ")
            with server.connect() as ninth:
                ninth.sendall(b"GET /things/wait HTTP/1.1\r\nHost: a\r\n\r\n")
                assert read_all(held[0]) == b""
                with server.connect() as tenth:
                    answer = read_all(tenth)
                assert answer.startswith(b"HTTP/1.1 503 ")
                assert b"retry-after: 1\r\n" in answer
            # The ninth is gone, which leaves room for who releases the others.
            wait_for(lambda: httpx.post(server.base + "/things/release").status_code == 200)
            for connection in held[1:]:
                assert b"released" in read_answer(connection)
        finally:
            for connection in held:
                connection.close()


def test_few_requests_wait_for_one_of_their_own_connection(server: ServerProcess) -> None:
    """Some requests that are sent at once are answered in order; thousands behind one that waits are cut off, and their
    memory with them."""
    with server.connect() as connection:
        connection.sendall((GET + b"\r\n") * 4 + GET + b"Connection: close\r\n\r\n")
        assert read_all(connection).count(b"HTTP/1.1 200 OK") == 5
    before, ahead = server.memory(), [server.connect() for _ in range(WIRE["connections"])]
    try:
        for connection in ahead:
            connection.sendall(b"GET /things/wait HTTP/1.1\r\nHost: a\r\n\r\n")
            with contextlib.suppress(OSError):
                connection.sendall((GET + b"\r\n") * 5000)
        for connection in ahead:
            assert read_all(connection) == b""
        assert server.memory() - before < 10_000_000
    finally:
        for connection in ahead:
            connection.close()


@pytest.mark.parametrize("hosts", [b"", b"Host: a\r\nHost: a\r\n", b"Host: a\r\nHost: b\r\n"])
def test_no_host_and_two_are_a_bad_request(server: ServerProcess, hosts: bytes) -> None:
    """RFC 9112, section 3.2."""
    with server.connect() as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\n" + hosts + b"\r\n")
        assert read_head(connection).startswith(b"HTTP/1.1 400 ")


@contextlib.contextmanager
def unread(server: ServerProcess, count: int, address: str, asked: int = 4) -> Iterator[list[socket.socket]]:
    """Connections from an address that ask for large answers, one behind another, and read none."""
    held = []
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            made = stack.enter_context(socket.socket())
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            made.settimeout(PATIENCE)
            made.bind((address, 0))
            made.connect(("127.0.0.1", server.port))
            with contextlib.suppress(OSError):
                made.sendall(b"GET /things/large HTTP/1.1\r\nHost: a\r\n\r\n" * asked)
            held.append(made)
        yield held


@pytest.mark.parametrize("addresses", [1, 5], ids=["one address", "many"])
def test_answers_that_nobody_reads_take_no_place(tmp_path: Path, addresses: int) -> None:
    """With more clients that do not read than requests may be in hand, everybody else is answered all the time."""
    wire = {**WIRE, "write_seconds": 60, "connections": 200}
    with serving(tmp_path, wire=wire, edge={"most_in_flight": 4}) as server, contextlib.ExitStack() as stack:
        for number in range(addresses):
            stack.enter_context(unread(server, 40 // addresses, f"127.0.0.{number + 1}"))
        with httpx.Client(base_url=server.base) as client:
            for _ in range(100):
                assert client.post("/things/release").status_code == 200


def test_the_kernel_keeps_little_for_a_client_that_reads_nothing(tmp_path: Path) -> None:
    """Of one answer without an end a quarter of a mebibyte and what the client's own side takes; by itself the kernel
    would take megabytes."""
    with bind(http.Listen("127.0.0.1", 0)) as listener, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(listener.getsockname())
        accepted, _ = listener.accept()
        with accepted:
            accepted.setblocking(False)
            taken = 0
            with contextlib.suppress(BlockingIOError):
                while taken < 16 << 20:
                    taken += accepted.send(bytes(1 << 16))
    assert taken < 1 << 19


def test_answers_asked_for_ahead_come_when_the_client_reads_at_last(tmp_path: Path) -> None:
    """Four large ones behind each other, of which none is read for a while: all of them arrive."""
    asks = b"GET /things/large HTTP/1.1\r\nHost: a\r\n\r\n" * 3
    with serving(tmp_path, wire={**WIRE, "write_seconds": 60}) as server, socket.socket() as late:
        late.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        late.settimeout(PATIENCE)
        late.connect(("127.0.0.1", server.port))
        late.sendall(asks + b"GET /things/large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        with server.connect() as other:
            other.sendall(GET + b"\r\n")
            assert read_head(other).startswith(b"HTTP/1.1 200 ")
        answers = read_all(late).split(b"HTTP/1.1 200 ")[1:]
    assert len(answers) == 4
    assert len({len(each.partition(b"\r\n\r\n")[2]) for each in answers}) == 1


def test_who_has_not_read_for_the_longest_is_cut_off_first(tmp_path: Path) -> None:
    """Beyond the bound for one address its own oldest goes, beyond that for all the oldest of all; at once, so that the
    kernel keeps nothing for them either."""
    wire = {**WIRE, "write_seconds": 60, "connections": 200, "unread": 6, "unread_of_one": 4}
    with serving(tmp_path, wire=wire) as server, server.connect() as reading:
        with unread(server, 2, "127.0.0.2") as others, unread(server, 6, "127.0.0.3", 1) as held:
            wait_for(lambda: [_cut(each) for each in held] == [True, True, False, False, False, False])
            assert [_cut(each) for each in others] == [False, False]
            with unread(server, 2, "127.0.0.4", 1) as later:
                wait_for(lambda: [_cut(each) for each in others] == [True, True])
                assert [_cut(each) for each in (*held[2:], *later)] == [False] * 6
        reading.sendall(GET + b"\r\n")
        assert read_head(reading).startswith(b"HTTP/1.1 200 ")


def _cut(connection: socket.socket) -> bool:
    """Whether the server has cut a connection off; nothing is read from it."""
    return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == _CLOSED


def test_upgrades_are_not_taken(server: ServerProcess) -> None:
    """A request that asks for WebSocket or HTTP/2 is answered as plain HTTP."""
    for protocol in (b"websocket", b"h2c"):
        with server.connect() as connection:
            connection.sendall(GET + b"Connection: Upgrade\r\nUpgrade: " + protocol + b"\r\n\r\n")
            assert read_head(connection).startswith(b"HTTP/1.1 200 ")


class Load:
    """Clients that ask without pause, over connections they keep, until the server refuses a new one."""

    def __init__(self, server: ServerProcess, clients: int) -> None:
        self.answered = 0
        self.dropped: list[str] = []
        self.underway = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._client, args=(server,)) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def _client(self, server: ServerProcess) -> None:
        while True:
            try:
                connection = server.connect()
            except OSError:
                return
            with connection:
                while True:
                    try:
                        connection.sendall(GET + b"\r\n")
                        answer = read_answer(connection)
                    except OSError as error:
                        answer = repr(error).encode()
                    if not answer.startswith(b"HTTP/1.1 200 "):
                        with self._lock:
                            self.dropped.append(repr(answer[:80]))
                        break
                    with self._lock:
                        self.answered += 1
                        if self.answered > 200:
                            self.underway.set()
                    if b"connection: close" in answer.lower():
                        break

    def finished(self) -> None:
        """Wait until every client has seen the end."""
        for thread in self._threads:
            thread.join(PATIENCE)


@pytest.mark.parametrize("workers", [1, 2])
def test_sigterm_under_load_drops_nothing(tmp_path: Path, workers: int) -> None:
    """Every request whose connection was made is answered, until none is made any more; the process ends with 0."""
    with serving(tmp_path, workers=workers, wire={"notice_seconds": 0.5}) as server:
        load = Load(server, clients=6)
        assert load.underway.wait(PATIENCE)
        server.terminate()
        code = server.ended()
        load.finished()
        assert load.dropped == []
        assert load.answered > 200
        assert code == 0


def test_sigterm_lets_work_in_hand_finish_and_readiness_tells(tmp_path: Path) -> None:
    """While it drains /readyz is 503 and a request that was at work is answered, its connection closed behind it."""
    with serving(tmp_path, wire={"notice_seconds": 3}) as server:
        with server.connect() as working:
            working.sendall(b"GET /things/wait HTTP/1.1\r\nHost: a\r\n\r\n")
            assert httpx.get(server.base + "/readyz").status_code == 200
            server.terminate()
            wait_for(lambda: httpx.get(server.base + "/readyz").status_code == 503)
            assert httpx.post(server.base + "/things/release").headers["connection"] == "close"
            answer = read_all(working)
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"released" in answer
        assert server.ended() == 0


def test_what_does_not_finish_is_cut_at_the_end_of_the_drain(tmp_path: Path) -> None:
    """A request that never ends does not keep the process alive beyond its drain time."""
    with serving(tmp_path, wire={"notice_seconds": 0, "drain_seconds": 1}) as server, server.connect() as working:
        working.sendall(b"GET /things/wait HTTP/1.1\r\nHost: a\r\n\r\n")
        assert httpx.get(server.base + "/readyz").status_code == 200
        server.terminate()
        assert server.ended() == 0
        assert not read_all(working).startswith(b"HTTP/1.1 200 ")


def test_a_worker_that_dies_is_replaced(tmp_path: Path) -> None:
    """After one worker was killed the service answers, and there are as many as before."""
    with serving(tmp_path, workers=2) as server:
        children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
        wait_for(lambda: len(children.read_text().split()) == 2)
        first = int(children.read_text().split()[0])
        httpx.get(server.base + "/healthz")
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: str(first) not in children.read_text().split() and len(children.read_text().split()) == 2)
        assert httpx.get(server.base + "/healthz").status_code == 200
        server.terminate()
        assert server.ended() == 0


def test_an_address_in_use_is_a_typed_error() -> None:
    """A port that somebody else has is named, before anything else of the service is started."""
    listener = bind(http.Listen(port=0))
    with listener, pytest.raises(StateError) as caught:
        bind(http.Listen(port=listener.getsockname()[1]))
    assert (caught.value.code, caught.value.found) == ("server.address", "EADDRINUSE")


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    return folder / "cert.pem", folder / "key.pem"


def test_tls_and_its_header(tmp_path: Path) -> None:
    """With a certificate the server speaks TLS and says so for a year; a file that is no key does not start."""
    cert, key = certificate(tmp_path)
    with serving(tmp_path, certificate=str(cert), key=str(key)) as server:
        context = ssl.create_default_context(cafile=str(cert))
        answer = httpx.get(f"https://127.0.0.1:{server.port}/healthz", verify=context)
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
    key.write_text("no key")
    with serving(tmp_path, certificate=str(cert), key=str(key)) as broken:
        assert broken.ended() != 0
    assert "server.failed" in (tmp_path / "log").read_text()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_hangup_reads_the_certificate_again(tmp_path: Path, workers: int) -> None:
    """New connections get the new certificate, of every worker; open ones go on; a pair that does not fit changes
    nothing; and no hangup ends a server."""
    first = tmp_path / "first"
    second = tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
        certificate(folder)
    used = tmp_path / "used"
    shutil.copytree(first, used)
    old, new = ((folder / "cert.pem").read_text() for folder in (first, second))

    def shown(server: ServerProcess) -> set[str]:
        return {ssl.get_server_certificate(("127.0.0.1", server.port)) for _ in range(8)}

    with serving(tmp_path, certificate=str(used / "cert.pem"), key=str(used / "key.pem"), workers=workers) as server:
        context = ssl.create_default_context(cafile=str(first / "cert.pem"))
        with httpx.Client(base_url=f"https://127.0.0.1:{server.port}", verify=context) as client:
            assert client.get("/healthz").status_code == 200
            started = "Application startup complete."
            wait_for(lambda: [line["event"] for line in server.lines()].count(started) == workers)
            shutil.copy(second / "cert.pem", used)
            server.process.send_signal(signal.SIGHUP)
            wait_for(lambda: [line.get("code") for line in server.lines()].count("server.certificate") == workers)
            assert shown(server) == {old}
            shutil.copy(second / "key.pem", used)
            server.process.send_signal(signal.SIGHUP)
            wait_for(lambda: shown(server) == {new})
            assert client.get("/healthz").status_code == 200
        server.terminate()
        assert server.ended() == 0


def test_a_hangup_without_a_certificate_ends_nothing(tmp_path: Path) -> None:
    """A server behind a proxy goes on."""
    with serving(tmp_path) as server:
        assert httpx.get(f"http://127.0.0.1:{server.port}/healthz").status_code == 200
        server.process.send_signal(signal.SIGHUP)
        assert httpx.get(f"http://127.0.0.1:{server.port}/healthz").status_code == 200
        server.terminate()
        assert server.ended() == 0


def test_handshakes_that_do_not_come_take_no_place(tmp_path: Path) -> None:
    """With TLS, more silent connections than may be open keep nobody from being answered, and all are cut off: the
    first ones to make room, the others at the end of the time for a head. Every file is closed again."""
    cert, key = certificate(tmp_path)
    with serving(tmp_path, certificate=str(cert), key=str(key), wire=WIRE) as server:
        context = ssl.create_default_context(cafile=str(cert))
        assert httpx.get(f"https://127.0.0.1:{server.port}/healthz", verify=context).status_code == 200
        files = Path(f"/proc/{server.process.pid}/fd")
        wait_for(lambda: len(list(files.iterdir())) <= 20)
        before = len(list(files.iterdir()))
        silent = [server.connect() for _ in range(5 * WIRE["connections"])]
        try:
            assert httpx.get(f"https://127.0.0.1:{server.port}/healthz", verify=context).status_code == 200
            assert len(list(files.iterdir())) <= before + 2 * WIRE["connections"]
            for connection in silent:
                assert read_all(connection) == b""
        finally:
            for connection in silent:
                connection.close()
        wait_for(lambda: len(list(files.iterdir())) <= before)
        server.terminate()
        assert server.ended() == 0
