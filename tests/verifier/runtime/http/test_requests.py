"""What a request must be: numbered, small, whole in time, of the right type, not too frequent, not too many at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.kit.http_clients import ask
from tests.kit.small_app import SECRET, made
from verifier.runtime import http as edge
from verifier.runtime.http.bodies import Bodies
from verifier.runtime.http.overload import BOUNDED, ShedLoad, stand_aside
from verifier.runtime.http.rates import RateLimits


def test_ids_are_taken_over_or_made() -> None:
    """A well-formed X-Request-Id comes back; anything that could be words is replaced by a UUID."""
    app = made(edge.Drain())
    own = "0af7651916cd43dd8448eb211c80319c"
    assert ask(app, "GET", "/healthz", headers={"X-Request-Id": own}).headers["x-request-id"] == own
    for bad in (SECRET, "", "a" * 65, "short", "0af7651916cd43dd8448eb211c80319c; x"):
        given = ask(app, "GET", "/healthz", headers={"X-Request-Id": bad}).headers["x-request-id"]
        assert given != bad
        assert len(given) == 36


async def _reached(scope: Scope, receive: Receive, send: Send) -> None:
    message = await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(len(message["body"])).encode()})


def limited(**options: Any) -> edge.EdgeLimits:
    """Limits for one class of addresses."""
    return edge.EdgeLimits(bodies=[edge.BodyClass("/", **options)])


def test_a_body_up_to_its_cap_and_not_a_byte_more() -> None:
    """The cap holds for a stated length and for a chunked body, and the application never sees what is above it."""
    app = edge.wrap(_reached, limited(cap=1000), edge.Metrics("test"))
    headers = {"Content-Type": "application/json"}

    async def chunks(count: int) -> AsyncIterator[bytes]:
        for _ in range(count):
            yield b"x" * 100

    assert ask(app, "POST", "/", content=b"x" * 1000, headers=headers).text == "1000"
    assert ask(app, "POST", "/", content=chunks(10), headers=headers).text == "1000"
    for content in (b"x" * 1001, chunks(11)):
        answer = ask(app, "POST", "/", content=content, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (413, "http.too_large")
        assert answer.json()["expected"] == "at most 1000 bytes"


@pytest.mark.parametrize("length", ["99999999999999999999", "1" * 5000])
def test_a_length_of_many_digits_is_too_large(length: str) -> None:
    """A Content-Length is not turned into a number whatever its size."""
    app = edge.wrap(_reached, limited(cap=1000), edge.Metrics("test"))
    assert status_of(app, [(b"content-length", length.encode())])[0] == 413


def status_of(app: ASGIApp, headers: list[tuple[bytes, bytes]], messages: list[Message] | None = None) -> list[int]:
    """The statuses that an application sends to a request whose body arrives as these messages, and then never ends."""
    sent: list[int] = []

    async def run() -> None:
        waiting = list(messages or [])

        async def receive() -> Message:
            if waiting:
                return waiting.pop(0)
            await asyncio.Event().wait()
            raise AssertionError

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                sent.append(message["status"])

        named = [(b"host", b"service.test"), *headers]
        scope = {"type": "http", "method": "POST", "path": "/", "headers": named, "scheme": "http", "client": None}
        await app(scope, receive, send)

    asyncio.run(run())
    return sent


def test_a_body_that_does_not_end_is_timed_out() -> None:
    """A body that is not whole at its deadline is 408, though it keeps coming."""
    app = edge.wrap(_reached, limited(seconds=0.05), edge.Metrics("test"))
    headers = [(b"content-type", b"application/json"), (b"transfer-encoding", b"chunked")]
    parts: list[Message] = [{"type": "http.request", "body": b"x", "more_body": True}] * 3
    assert status_of(app, headers, parts) == [408]


def test_a_client_that_leaves_frees_what_it_held() -> None:
    """A body that breaks off is no request; its bytes are given back to the budget, as those of a refused one."""
    bodies = Bodies(_reached, [edge.BodyClass("/", cap=100, budget=150)])
    headers = [(b"content-type", b"application/json"), (b"transfer-encoding", b"chunked")]
    part: Message = {"type": "http.request", "body": b"x" * 90, "more_body": True}
    assert status_of(bodies, headers, [part, {"type": "http.disconnect"}]) == []
    assert bodies.held == 0
    assert status_of(bodies, headers, [part, part]) == [413]
    assert bodies.held == 0


def test_large_bodies_take_no_room_from_small_ones() -> None:
    """What does not fit into the budget of its class is 503 with Retry-After; another class, of the same address or of
    another one, has room all the same, and once the large one is over there is room again."""
    classes = [
        edge.BodyClass("/", cap=100, types=["image/png"], budget=150),
        edge.BodyClass("/", cap=60),
        edge.BodyClass("/other", cap=100, types=["image/png"]),
    ]
    picture, json = ({"Content-Type": kind} for kind in ("image/png", "application/json"))

    async def run() -> None:
        begun, release = asyncio.Event(), asyncio.Event()

        async def slow(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["path"] == "/slow":
                begun.set()
                await release.wait()
            await _reached(scope, receive, send)

        bodies = Bodies(slow, classes)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(bodies), base_url="http://service.test") as http:
            first = asyncio.create_task(http.post("/slow", content=b"x" * 100, headers=picture))
            await begun.wait()
            refused = await http.post("/", content=b"x" * 51, headers=picture)
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
            assert (await http.post("/", content=b"x" * 50, headers=picture)).text == "50"
            assert (await http.post("/", content=b"x" * 60, headers=json)).text == "60"
            release.set()
            assert (await first).text == "100"
            assert (await http.post("/", content=b"x" * 51, headers=picture)).text == "51"
            assert bodies.held == 0

    asyncio.run(run())


def test_who_is_not_let_in_has_no_byte_read() -> None:
    """A gate decides by the head alone: behind it nothing of a body was asked for, and the application saw nothing."""

    def gate(behind: ASGIApp) -> ASGIApp:
        async def decide(scope: Scope, receive: Receive, send: Send) -> None:
            if (b"x-key", b"good") in scope["headers"]:
                await behind(scope, receive, send)
            else:
                await edge.problem_response(edge.Problem("http.unauthenticated"), scope)(scope, receive, send)

        return decide

    app = edge.wrap(_reached, limited(cap=1000, seconds=0.05), edge.Metrics("test"), gate)
    headers = [(b"content-type", b"application/json"), (b"transfer-encoding", b"chunked")]
    assert status_of(app, headers) == [401]
    assert status_of(app, [*headers, (b"x-key", b"good")]) == [408]


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 200),
        ("Application/JSON; charset=UTF-8", 200),
        ('application/json; charset="utf-8"', 200),
        ("application/json; charset=utf-16", 415),
        ("application/json;charset=UTF-8;", 200),
        ("application/json; ; version=2;charset=utf-8", 200),
        ("application/json; charset=utf-8; charset=latin-1", 415),
        ("text/plain", 415),
        ("application/jsonx", 415),
        ("application/x-www-form-urlencoded", 415),
        ("application/json, text/plain", 415),
        (None, 415),
    ],
)
def test_content_types_are_strict(content_type: str | None, status: int) -> None:
    """Only a type that the address names is read; a browser's form, which needs no preflight, never is JSON."""
    app = edge.wrap(_reached, edge.EdgeLimits(), edge.Metrics("test"))
    headers = {} if content_type is None else {"Content-Type": content_type}
    answer = ask(app, "POST", "/", content=b"{}", headers=headers)
    assert answer.status_code == status
    if status == 415:
        assert (answer.json()["code"], answer.headers["accept"]) == ("http.content_type", "application/json")


def test_a_coded_body_is_refused_by_name() -> None:
    """Neither unpacked nor taken for what it is not."""
    app = edge.wrap(_reached, edge.EdgeLimits(), edge.Metrics("test"))
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = ask(app, "POST", "/", content=b"{}", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "http.content_encoding")
    assert ask(app, "POST", "/", content=b"{}", headers={**headers, "Content-Encoding": "identity"}).status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8080", 200),
        ("[::1]:8080", 200),
        ("192.0.2.7", 200),
        ("localhost:8080", 200),
        ("Gate.Example.", 200),
        ("gate.example:443", 200),
        ("evil.example", 400),
        ("evil.example:127.0.0.1", 400),
        ("gate.example.evil.example", 400),
        ("a b", 400),
        ("", 400),
    ],
)
def test_a_host_is_a_name_of_the_service(host: str, status: int) -> None:
    """A page whose name was pointed here reads nothing; addresses and localhost work without any configuration."""
    app = edge.wrap(_reached, edge.EdgeLimits(hosts=["gate.example"]), edge.Metrics("test"))
    assert ask(app, "GET", "/", headers={"Host": host}).status_code == status
    if status == 400:
        assert ask(app, "GET", "/", headers={"Host": host}).json()["path"] == "Host"


def test_a_proxy_answers_for_its_own_names() -> None:
    """What a trusted proxy hands on is taken; what its client says of itself changes nothing for others."""
    limits = edge.EdgeLimits(hosts=[], trusted_proxies=["192.0.2.0/24"])
    app = edge.wrap(_reached, limits, edge.Metrics("test"))
    headers = {"Host": "portal.example", "X-Forwarded-For": "198.51.100.7"}
    assert ask(app, "GET", "/", client="192.0.2.9", headers=headers).status_code == 200
    assert ask(app, "GET", "/", client="::ffff:192.0.2.9", headers=headers).status_code == 200
    assert ask(app, "GET", "/", client="198.51.100.9", headers=headers).status_code == 400


def test_a_proxy_on_a_socket_for_both_kinds_of_address_is_trusted() -> None:
    """It is ``::ffff:127.0.0.1`` there: each of its clients has a rate of its own, as over IPv4."""
    limits = edge.EdgeLimits(rates=[edge.RateClass("/", 0.001, 1)], trusted_proxies=["127.0.0.1/32"])
    app = edge.wrap(_reached, limits, edge.Metrics("test"))
    told = [
        ask(app, "GET", "/", client="::ffff:127.0.0.1", headers={"X-Forwarded-For": f"198.51.100.{number}"}).status_code
        for number in (1, 2, 3, 1)
    ]
    assert told == [200, 200, 200, 429]


def test_each_prefix_and_type_has_its_own_class() -> None:
    """The first prefix that fits decides, and of its classes the one with the type; elsewhere it is 64 KiB of JSON."""
    classes = [
        edge.BodyClass("/photos", cap=10, types=["image/png"]),
        edge.BodyClass("/photos", cap=5, types=["text/plain"]),
        edge.BodyClass("/big", cap=100_000),
    ]
    app = edge.wrap(_reached, edge.EdgeLimits(bodies=classes), edge.Metrics("test"))
    assert ask(app, "POST", "/photos", content=b"x" * 10, headers={"Content-Type": "image/png"}).status_code == 200
    text, json = {"Content-Type": "text/plain"}, {"Content-Type": "application/json"}
    assert [ask(app, "POST", "/photos", content=b"x" * size, headers=text).status_code for size in (5, 6)] == [200, 413]
    refused = ask(app, "POST", "/photos", content=b"x", headers=json)
    assert (refused.status_code, refused.headers["accept"]) == (415, "image/png, text/plain")
    assert ask(app, "POST", "/photos", content=b"x" * 11, headers=json).status_code == 413
    assert ask(app, "POST", "/big", content=b"x" * 100_000, headers=json).status_code == 200
    assert ask(app, "POST", "/", content=b"x" * 65_537, headers=json).status_code == 413


def test_a_streamed_body_comes_piece_by_piece() -> None:
    """A class that reads for itself gets the first piece while the rest is yet to come; never a wrong type."""

    async def first(scope: Scope, receive: Receive, send: Send) -> None:
        message = await receive()
        await send({"type": "http.response.start", "status": 200 + len(message["body"]), "headers": []})

    app = edge.wrap(first, limited(streamed=True), edge.Metrics("test"))
    chunked = (b"transfer-encoding", b"chunked")
    part: Message = {"type": "http.request", "body": b"abcd", "more_body": True}
    assert status_of(app, [chunked, (b"content-type", b"application/json")], [part]) == [204]
    assert status_of(app, [chunked], [part]) == [415]


def test_too_many_requests_of_one_client() -> None:
    """A client beyond its burst is 429 with the seconds to wait; another is not; then it may again."""
    now = [0.0]
    limits = RateLimits(_reached, [edge.RateClass("/", per_second=0.5, burst=2)])
    limits.buckets = edge.Buckets(clock=lambda: now[0])
    assert [ask(limits, "GET", "/").status_code for _ in range(3)] == [200, 200, 429]
    refused = ask(limits, "GET", "/")
    assert (refused.headers["retry-after"], refused.json()["code"]) == ("2", "http.too_many")
    assert ask(limits, "GET", "/", client="192.0.2.2").status_code == 200
    now[0] = 2.0
    assert [ask(limits, "GET", "/").status_code for _ in range(2)] == [200, 429]


def test_a_household_is_one_client() -> None:
    """Addresses of one IPv6 /64 share a bucket, neighbours do not; IPv4 in IPv6's clothes is IPv4."""
    key = edge.client_key
    assert key("2001:db8:1:2::1") == key("2001:db8:1:2:ffff::9%eth0") == "2001:db8:1:2::/64"
    assert key("2001:db8:1:3::1") != key("2001:db8:1:2::1")
    assert key("::ffff:192.0.2.1") == key("192.0.2.1") == "192.0.2.1"
    assert key("no address") == key("") == "other"


def test_buckets_stay_few() -> None:
    """However many clients come, so many buckets are kept and the latest ones at that."""
    buckets = edge.Buckets(most=100)
    for number in range(10_000):
        buckets.take(("/", str(number)), 1, 1)
    assert len(buckets) == 100
    assert buckets.take(("/", "9999"), 1, 1) > 0
    assert buckets.take(("/", "1"), 1, 1) == 0


def test_only_trusted_proxies_say_who_asks() -> None:
    """X-Forwarded-For counts from a trusted proxy, up to the first address that is none; else it says nothing."""

    async def who(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": f"{scope['client'][0]} {scope['scheme']}".encode()})

    app = edge.wrap(who, edge.EdgeLimits(trusted_proxies=["10.0.0.0/8", "::1"]), edge.Metrics("test"))
    headers = {"X-Forwarded-For": "203.0.113.9, 198.51.100.7, 10.0.0.2", "X-Forwarded-Proto": "https"}
    assert ask(app, "GET", "/", client="10.1.2.3", headers=headers).text == "198.51.100.7 https"
    assert ask(app, "GET", "/", client="203.0.113.1", headers=headers).text == "203.0.113.1 http"
    with pytest.raises(ValueError, match="does not appear to be"):
        edge.wrap(who, edge.EdgeLimits(trusted_proxies=["*"]), edge.Metrics("test"))


def test_overload_is_told_at_once_and_the_watched_are_answered() -> None:
    """Beyond so many requests at work the next is 503 with Retry-After without waiting; health is still answered."""

    async def run() -> None:
        begun, release = asyncio.Event(), asyncio.Event()

        async def slow(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["path"] == "/slow":
                begun.set()
                await release.wait()
            await _reached(scope, receive, send)

        metrics = edge.Metrics("test")
        shed = ShedLoad(slow, 1, metrics)
        transport = httpx.ASGITransport(shed)
        async with httpx.AsyncClient(transport=transport, base_url="http://service.test") as http:
            first = asyncio.create_task(http.get("/slow"))
            await begun.wait()
            refused = await http.get("/other")
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
            assert refused.json()["code"] == "http.overloaded"
            assert (await http.get("/healthz")).status_code == 200
            release.set()
            assert (await first).status_code == 200
            assert (await http.get("/other")).status_code == 200
        assert b'test_http_shed_total{reason="overload"} 1.0' in metrics.response().body

    asyncio.run(run())


def test_what_has_a_bound_of_its_own_takes_no_place() -> None:
    """One place: ten requests that are counted elsewhere, before or from some moment on, leave it to others; while
    these are at work the next ordinary one is 503, and afterwards nothing is missing."""

    async def run() -> None:
        inside, release = asyncio.Semaphore(0), asyncio.Event()

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["path"] == "/apart":
                stand_aside()
                stand_aside()
            if scope["path"] != "/quick":
                inside.release()
                await release.wait()
            await _reached(scope, receive, send)

        shed = ShedLoad(app, 1)

        async def marked(scope: Scope, receive: Receive, send: Send) -> None:
            await shed({**scope, BOUNDED: True} if scope["path"] == "/known" else scope, receive, send)

        transport = httpx.ASGITransport(marked)
        async with httpx.AsyncClient(transport=transport, base_url="http://service.test") as http:
            apart = [asyncio.create_task(http.get(path)) for path in ("/apart", "/known") * 5]
            for _ in apart:
                await inside.acquire()
            assert (await http.get("/quick")).status_code == 200
            slow = asyncio.create_task(http.get("/slow"))
            await inside.acquire()
            assert (await http.get("/quick")).status_code == 503
            release.set()
            answers = [await one for one in (*apart, slow)]
            assert {answer.status_code for answer in answers} == {200}
            assert shed.in_flight == 0
            assert (await http.get("/quick")).status_code == 200

    asyncio.run(run())
