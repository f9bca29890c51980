"""``icard serve`` abused: slow senders, endless bodies, pictures that unpack to gigabytes, batches full of faults.

Somebody else asks for a verdict all the time, and gets it.
"""

from __future__ import annotations

import io
import json
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path

import httpx
import pytest
from PIL import Image

from icard_crypto import qr
from tests.kit.deaf_clients import deaf_clients, percentile, waits
from tests.kit.load import MIB, Asking, connect, files, lowered, memory, unread
from tests.kit.verification_service import NDJSON, Domain, Server, asked, children, picture, serving, until
from verifier.service.limits import BATCH_LINES, PICTURE_BYTES, UPLOAD_BUDGET

Record = Callable[[str, object], None]
CHECKOUT = Path(__file__).parents[3]
JSON_HEAD = "POST /v1/verify HTTP/1.1\r\nContent-Type: application/json"
PICTURE_HEAD = "POST /v1/verify HTTP/1.1\r\nContent-Type: image/png"
BATCH_HEAD = "POST /v1/verify/batch HTTP/1.1\r\nContent-Type: application/x-ndjson"


@pytest.fixture(scope="module")
def domain(tmp_path_factory: pytest.TempPathFactory) -> Domain:
    """A domain that is fed by hand."""
    made = Domain(tmp_path_factory.mktemp("abuse") / "state")
    made.learn(made.now - 60)
    return made


@pytest.fixture(scope="module")
def server(domain: Domain) -> Iterator[Server]:
    """The service on that domain, for tests that leave it as it was."""
    with serving(domain.folder, "--no-sync") as running:
        yield running


def scarce() -> AbstractContextManager[None]:
    """What is started meanwhile may open as many files as most systems allow at first."""
    return lowered(resource.RLIMIT_NOFILE, 1024)


def besiege(server: Server, code: str, count: int, seconds: float, record: Record) -> Counter[str]:
    """So many slow connections from four processes and addresses, and what must hold meanwhile and afterwards; how the
    connections ended."""
    pid, url = server.process.pid, httpx.URL(server.url)
    open_before, memory_before = files(pid), memory(pid)
    ended: Counter[str] = Counter()
    with Asking(server, code) as asking:
        clients = [
            subprocess.Popen(
                [
                    *(sys.executable, "-m", "tests.kit.slow_clients", url.scheme),
                    *(str(url.port), f"127.0.0.{number}", str(count // 4), str(seconds)),
                ],
                stdout=subprocess.PIPE,
                cwd=CHECKOUT,
                text=True,
            )
            for number in range(2, 6)
        ]
        for client in clients:
            ended += Counter(json.loads(client.communicate()[0]))
    until(lambda: files(pid) <= open_before)
    record("connections", f"{ended['made']:,}")
    record("told 408", f"{ended['told']:,}")
    record("cut", f"{ended['cut'] + ended['closed']:,}")
    record("verdicts meanwhile", asking.answered)
    record("slowest", f"{asking.worst:.2f} s")
    record("memory before, most, MiB", f"{memory_before // MIB}, {asking.most // MIB}")
    assert asking.failed == []
    assert asking.answered > seconds
    assert ended["made"] >= count
    assert ended["refused"] == 0
    assert asking.most - memory_before < (100 if url.scheme == "http" else 400) * MIB
    return ended


def test_slow_connections(domain: Domain, record_property: Record) -> None:
    """Three hundred connections that send a byte now and then are told 408 in time; everybody else gets verdicts, and
    every file is closed again."""
    with scarce(), serving(domain.folder, "--no-sync") as server:
        ended = besiege(server, domain.code(), 300, 3, record_property)
        assert ended["told"] == ended["made"] >= 300


@pytest.mark.soak
def test_ten_thousand_slow_connections(domain: Domain, record_property: Record) -> None:
    """Ten thousand connections that send a byte now and then, and come again when they are cut off: a thousand are open
    at one time, every verdict asked for meanwhile is given, memory is bounded and every file is closed again."""
    with scarce(), serving(domain.folder, "--no-sync") as server:
        besiege(server, domain.code(), 10_000, 60, record_property)


@pytest.mark.soak
def test_ten_thousand_slow_connections_over_tls(domain: Domain, record_property: Record) -> None:
    """Ten thousand TLS handshakes that never end, begun again when they are cut off: every verdict asked for meanwhile
    is given, memory is bounded and every file is closed again."""
    with scarce(), serving(domain.folder, "--no-sync", "--tls-self-signed") as server:
        besiege(server, domain.code(), 10_000, 60, record_property)


def read_all(connection: socket.socket) -> bytes:
    """Everything until the other side closes or cuts the connection."""
    parts = []
    try:
        while part := connection.recv(65536):
            parts.append(part)
    except ConnectionError:
        pass
    return b"".join(parts)


def send_for_ever(connection: socket.socket, data: bytes) -> None:
    """The same chunk of a body again and again, until the connection is cut."""
    while True:
        connection.sendall(f"{len(data):x}\r\n".encode() + data + b"\r\n")


def test_bodies_without_end(server: Server, domain: Domain) -> None:
    """A chunked body that does not end is 413; one that stops before its length, or brings a byte now and then, is 408;
    a length beyond the cap is 413 before a byte is sent. Verdicts are given meanwhile."""
    chunked = connect(server, JSON_HEAD)
    short = connect(server, JSON_HEAD)
    drip = connect(server, JSON_HEAD)
    huge = connect(server, PICTURE_HEAD)
    with Asking(server, domain.code()) as asking, chunked, short, drip, huge:
        huge.sendall(f"Content-Length: {1 << 40}\r\nExpect: 100-continue\r\n\r\n".encode())
        assert read_all(huge).startswith(b"HTTP/1.1 413 ")
        short.sendall(b'Content-Length: 500\r\n\r\n{"code": ')
        drip.sendall(b"Content-Length: 500\r\n\r\n")
        chunked.sendall(b"Transfer-Encoding: chunked\r\n\r\n")
        with pytest.raises(OSError, match=r"reset|Broken pipe"):
            send_for_ever(chunked, bytes(32768))
        stop = threading.Event()

        def send_drops() -> None:
            while not stop.wait(0.5):
                try:
                    drip.sendall(b" ")
                except OSError:
                    return

        dripping = threading.Thread(target=send_drops)
        dripping.start()
        for slow in (short, drip):
            assert read_all(slow).startswith(b"HTTP/1.1 408 ")
        stop.set()
        dripping.join()
    assert asking.failed == []


def test_slow_uploads_take_no_room_from_texts(server: Server, domain: Domain) -> None:
    """As many large pictures as there is room for, each short of its last byte: the next is 503 with Retry-After, texts
    are answered, memory is what the budget says, and all of it is given back when the senders go."""
    before = memory(server.process.pid)
    size = PICTURE_BYTES - 1
    uploads = []
    try:
        with Asking(server, domain.code()) as asking:
            for _ in range(UPLOAD_BUDGET // PICTURE_BYTES):
                upload = connect(server, PICTURE_HEAD)
                uploads.append(upload)
                upload.sendall(f"Content-Length: {PICTURE_BYTES}\r\n\r\n".encode() + bytes(size))
            until(lambda: unread(server) == 0)
            answer = server.client.post("/v1/verify", content=picture(), headers={"Content-Type": "image/png"})
            assert (answer.status_code, answer.json()["code"]) == (503, "http.overloaded")
            assert int(answer.headers["retry-after"]) >= 1
            told = server.client.post("/v1/verify", content=domain.code(), headers={"Content-Type": "text/plain"})
            assert told.json()["outcome"] == "VALID"
        assert asking.failed == []
        assert asking.most - before < 2 * UPLOAD_BUDGET
    finally:
        for upload in uploads:
            upload.close()
    seen = server.client.post("/v1/verify", content=qr.draw_png(domain.code()), headers={"Content-Type": "image/png"})
    assert [verdict["outcome"] for verdict in seen.json()["verdicts"]] == ["VALID"]


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *chunks: bytes) -> bytes:
    """A PNG in grey with these chunks."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + chunk(b"IEND", b"")


def packed(size: int) -> bytes:
    """So many zeros as a zlib stream (RFC 1950), a thousandth of that: the same block again and again."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    return b"\x78\xda" + block * (size // MIB) + b"\x03\0" + struct.pack(">HH", size % 65521, 1)


def jpeg_of_scans(scans: int) -> bytes:
    """A progressive JPEG whose last scan stands there this often; decoding each passes over all pixels."""
    buffer = io.BytesIO()
    Image.new("L", (4000, 4000), 255).save(buffer, "JPEG", progressive=True)
    data = buffer.getvalue()
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * scans + b"\xff\xd9"


def moving_webp(frames: int) -> bytes:
    """A WebP of many frames."""
    buffer = io.BytesIO()
    shades = [Image.new("L", (500, 500), shade) for shade in range(frames)]
    shades[0].save(buffer, "WEBP", save_all=True, append_images=shades[1:], quality=1)
    return buffer.getvalue()


def test_pictures_that_unpack_to_more_than_they_are(server: Server, domain: Domain, record_property: Record) -> None:
    """Zlib streams of a gigabyte as pixels, text and colour profile, sizes that no memory has, thousands of scans, many
    frames: each is a problem or a picture without a code, no reader takes more memory than it may, and verdicts are
    given meanwhile."""
    bomb = packed(1024 * MIB)
    pictures = {
        "pixels": ("png", png(100, 100, chunk(b"IDAT", bomb))),
        "text": ("png", png(100, 100, chunk(b"zTXt", b"a\0\0" + bomb), chunk(b"IDAT", packed(MIB)))),
        "profile": ("png", png(100, 100, chunk(b"iCCP", b"a\0\0" + bomb), chunk(b"IDAT", packed(MIB)))),
        "as large as can be said": ("png", png(2**31 - 1, 2**31 - 1, chunk(b"IDAT", bomb))),
        "large and short": ("png", png(4000, 4000, chunk(b"IDAT", zlib.compress(b"")))),
        "thousands of scans": ("jpeg", jpeg_of_scans(5000)),
        "scans that are allowed": ("jpeg", jpeg_of_scans(50)),
        "many frames": ("webp", moving_webp(50)),
    }
    answers = {}
    with Asking(server, domain.code()) as asking:
        for name, (kind, data) in pictures.items():
            assert len(data) < PICTURE_BYTES
            answer = server.client.post("/v1/verify", content=data, headers={"Content-Type": f"image/{kind}"})
            answers[name] = answer.json().get("code", "no code in it")
            assert answer.status_code in (200, 422, 500), (name, answer.text)
    assert set(answers.values()) <= {
        *("no code in it", "picture.broken", "picture.too_large", "serve.picture_late"),
    }, answers
    assert {answers[name] for name in ("as large as can be said", "thousands of scans")} == {"picture.too_large"}
    assert asking.failed == []
    record_property("memory of all processes at most, MiB", asking.most // MIB)
    assert asking.most < 700 * MIB


def faulty_lines(good: bytes, count: int) -> bytes:
    """Lines of a batch of which most are at fault."""
    faults = [
        *(b"{", b"", b'{"code": 5}', b"[" * 500, b"\xff\xfe\0", b'{"code": "IC1:%%%"}', b'{"code": null, "a": {}}'),
        *(b"null", b'"IC1:"', b'{"code": ""}', b"[]", b'{"code": "https://example.com/"}', b'{"code": "IC1:0"', b"  "),
        *(b'{"kode": "IC1:0"}', b"0"),
    ]
    block = good * 4 + b"\n".join(faults) + b"\n"
    lines = 4 + len(faults)
    overlong = b"x" * 100_000 + b"\n"
    thousands = (block * (1000 // lines))[:-2] + overlong
    return b"".join(thousands if number % 10 == 0 else block * (1000 // lines) for number in range(count // 1000))


def send_batch(server: Server, body: Iterator[bytes] | bytes) -> Counter[str]:
    """What a batch was told, counted by outcome and code; its lines are in order and none is missing."""
    told: Counter[str] = Counter()
    with server.client.stream("POST", "/v1/verify/batch", content=body, headers=NDJSON, timeout=600) as answer:
        assert answer.status_code == 200
        for number, line in enumerate(answer.iter_lines(), 1):
            one = json.loads(line)
            assert one["line"] == number
            told[one["error"]["code"] if "error" in one else one["verdict"]["outcome"]] += 1
    return told


def besiege_by_batch(server: Server, domain: Domain, count: int, record: Record) -> Counter[str]:
    """A batch full of faults that says how long it is, and what must hold meanwhile."""
    before = memory(server.process.pid)
    body = faulty_lines(asked(domain.code()), count)
    assert body.count(b"\n") == count
    with Asking(server, domain.code()) as asking:
        begun = time.monotonic()
        told = send_batch(server, body)
        took = time.monotonic() - begun
    assert asking.failed == []
    record("lines sent", f"{count:,}")
    record("answers", f"{told.total():,} in {took:.0f} s")
    record("verdicts meanwhile", asking.answered)
    record("slowest", f"{asking.worst:.2f} s")
    record("memory before, most, MiB", f"{before // MIB}, {asking.most // MIB}")
    assert asking.most - before < 250 * MIB
    return told


def test_a_batch_full_of_faults(server: Server, domain: Domain, record_property: Record) -> None:
    """Three thousand lines, most of them no JSON, no object, empty, overlong, of a wrong type or a bad code: each is
    answered in its place, and single verdicts are given meanwhile."""
    told = besiege_by_batch(server, domain, 3000, record_property)
    assert told.total() == 3000
    assert min(told[each] for each in ("VALID", "INVALID", "serve.line_json", "serve.line_too_long")) > 0


@pytest.mark.soak
def test_a_batch_of_a_million_lines(server: Server, domain: Domain, record_property: Record) -> None:
    """A million lines, most of them at fault: the first hundred thousand are answered in order, the next one says
    that there are too many, the rest is taken and dropped; memory is flat and single verdicts are given meanwhile."""
    told = besiege_by_batch(server, domain, 1_000_000, record_property)
    assert told.total() == BATCH_LINES + 1
    assert told["serve.too_many_lines"] == 1


def test_who_does_not_read_the_answer_is_cut_off(server: Server, domain: Domain) -> None:
    """A batch whose answer nobody reads ends with its connection, and its place is free for the next."""
    assert send_batch(server, asked(domain.code()) * 1000)["VALID"] == 1000
    connection = connect(server, BATCH_HEAD, receive=4096)
    before, done = memory(server.process.pid), '"route": "/v1/verify/batch"'
    count = server.lines().count(done)
    with Asking(server, domain.code()) as asking, connection:
        body = b"0\n" * 60_000
        connection.sendall(f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        until(lambda: server.lines().count(done) > count, seconds=60)
    assert asking.failed == []
    assert asking.most - before < 30 * MIB
    assert send_batch(server, asked(domain.code()))["VALID"] == 1


@pytest.mark.parametrize(
    ("clients", "addresses", "asked_for"),
    [
        pytest.param(60, 1, 50, id="a few"),
        pytest.param(500, 1, 2000, id="one address", marks=pytest.mark.soak),
        pytest.param(500, 100, 2000, id="a hundred addresses", marks=pytest.mark.soak),
    ],
)
def test_answers_that_nobody_reads_hold_up_nobody(
    domain: Domain, clients: int, addresses: int, asked_for: int, record_property: Record
) -> None:
    """Connections that ask for the description of the service again and again and never read it: each verdict that
    somebody else asks for meanwhile is given, none is 503, and memory is bounded."""
    code = domain.code()
    with serving(domain.folder, "--no-sync", "--rate", "0") as server:

        def ask() -> None:
            answer = server.client.post("/v1/verify", json={"code": code})
            assert (answer.status_code, answer.json()["outcome"]) == (200, "VALID")

        before, alone = memory(server.process.pid), waits(ask, asked_for)
        with deaf_clients(server.url, "/openapi.json", clients, addresses):
            beside = waits(ask, asked_for)
            grown = memory(server.process.pid) - before
    alone_99, beside_99 = percentile(alone, 99), percentile(beside, 99)
    record_property("connections, addresses", f"{clients}, {addresses}")
    record_property("verdicts meanwhile", f"{asked_for:,}, no 503")
    record_property("p99 without and with", f"{1000 * alone_99:.1f} ms, {1000 * beside_99:.1f} ms")
    record_property("ratio", f"{beside_99 / alone_99:.2f}")
    record_property("memory grown", f"{grown / MIB:.0f} MiB")
    assert grown < 150 * MIB


def send_until_cut(connection: socket.socket, data: bytes) -> None:
    """As :func:`send_for_ever`, without a word at the end."""
    with suppress(OSError):
        send_for_ever(connection, data)


def test_a_batch_without_end(server: Server, domain: Domain) -> None:
    """A chunked batch that goes on for ever is told at the last line that counts, and cut off behind its answer."""
    connection = connect(server, BATCH_HEAD)
    with Asking(server, domain.code()) as asking, connection:
        connection.sendall(b"Transfer-Encoding: chunked\r\n\r\n")
        sending = threading.Thread(target=send_until_cut, args=(connection, b"0\n" * 16384))
        sending.start()
        answer = read_all(connection)
        connection.close()
        sending.join()
    assert b"serve.too_many_lines" in answer[-2000:]
    assert asking.failed == []


def test_a_killed_batch_child_costs_its_lines_alone(domain: Domain) -> None:
    """A child killed in the middle of a batch: the lines that it had are told so, all others have their verdict, the
    next batch has no fault at all."""
    count, module = 6000, "verifier.service.batch_child"
    result: list[Counter[str]] = []
    body = asked(domain.code()) * count
    with serving(domain.folder, "--no-sync") as server, Asking(server, domain.code()) as asking:
        sending = threading.Thread(target=lambda: result.append(send_batch(server, body)))
        sending.start()
        # A child is started for lines that wait for it.
        until(lambda: bool(children(server.process.pid, module)))
        child = children(server.process.pid, module)[0]
        os.kill(child, signal.SIGSTOP)
        time.sleep(0.5)
        os.kill(child, signal.SIGKILL)
        sending.join()
        (told,) = result
        assert told["VALID"] + told["serve.line_lost"] == count
        assert told["VALID"] > told["serve.line_lost"] > 0
        assert send_batch(server, body[: len(body) // 10])["VALID"] == count // 10
        assert child not in children(server.process.pid, module)
    assert asking.failed == []


def test_no_room_for_a_batch(domain: Domain) -> None:
    """Where there is no room for all of a batch, the lines for which there was are answered, the next line says why no
    more are, and the service goes on."""
    with ExitStack() as stack:
        # A write beyond this size fails as one on a full disk does.
        with lowered(resource.RLIMIT_FSIZE, 2 * MIB):
            server = stack.enter_context(serving(domain.folder, "--no-sync"))
        line = b'{"c": "' + b"x" * 100 + b'"}\n'
        told = send_batch(server, line * (3 * MIB // len(line)))
        assert 0 < told["serve.line_json"] <= 2 * MIB // len(line)
        assert told.total() == told["serve.line_json"] + told["serve.batch_no_room"]
        assert server.verify(domain.code())["outcome"] == "VALID"
