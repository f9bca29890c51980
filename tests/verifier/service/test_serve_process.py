"""``icard serve`` as a whole: state swapped in, sync inside, batches, pictures that kill, keys, TLS, the end."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from icard_crypto import qr
from tests.kit.load import connect
from tests.kit.origin import Authority, Origin
from tests.kit.verification_service import NDJSON, Domain, Server, asked, children, picture, serving, until
from verifier import Policy, Verifier

INDEX = 5


@pytest.fixture
def domain(tmp_path: Path) -> Domain:
    """A domain that is fed by hand."""
    made = Domain(tmp_path / "state")
    made.learn(made.now - 60)
    return made


@pytest.fixture
def server(domain: Domain) -> Iterator[Server]:
    """The service on that domain, without syncing."""
    with serving(domain.folder, "--no-sync", "--rate", "0") as running:
        yield running


def lines(server: Server, body: bytes | Iterator[bytes]) -> list[Any]:
    """The lines of a batch's answer."""
    answer = server.client.post("/v1/verify/batch", content=body, headers=NDJSON)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson"), answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def test_new_state_is_swapped_in_while_requests_go_on(domain: Domain) -> None:
    """Two workers on one folder: a card revoked in it is refused by both, and no request failed meanwhile."""
    code, reasons, stop = domain.code(INDEX), [], threading.Event()
    with serving(domain.folder, "--no-sync", "--rate", "0", "--workers", "2") as server:

        def ask() -> None:
            while not stop.is_set():
                # A connection each: the kernel gives them to either worker.
                with httpx.Client(base_url=server.url, trust_env=False) as client:
                    answer = client.post("/v1/verify", json={"code": code})
                assert answer.status_code == 200
                reasons.append(answer.json()["reason"])

        asking = threading.Thread(target=ask)
        asking.start()
        try:
            until(lambda: len(reasons) > 20)
            domain.learn(domain.now - 30, {INDEX: 1})
            until(lambda: reasons[-20:] == ["revoked"] * 20)
        finally:
            stop.set()
            asking.join()
        assert set(reasons) == {"valid", "revoked"}
        assert server.end() == 0


def test_a_revoked_card_is_refused_through_the_sync_inside(tmp_path: Path) -> None:
    """From an anchor alone, over HTTPS, as often as ``icard serve`` fetches by itself: valid after the first round,
    revoked within 10 s of its publication without a request, and at once by ``POST /v1/sync``, for many at once."""
    authority = Authority(tmp_path)
    with Origin(authority.server_context("localhost")) as origin:
        base = f"https://localhost:{origin.port}/"
        domain = Domain(tmp_path / "state", prefix=f"{base}status/", url=base)

        def publish(iat: int, entries: dict[int, int]) -> None:
            origin.files["/status/list-1"], origin.files["/timestamp.cbor"] = domain.tokens(iat, entries)

        publish(domain.now - 60, {})
        options = ("--ca-file", str(authority.ca_file), "--rate", "0")
        networks = ("--allow-network", "127.0.0.0/8", "--allow-network", "::1/128")
        with serving(domain.folder, *options, *networks) as server:
            code = domain.code(INDEX)
            until(lambda: server.verify(code)["reason"] == "valid")
            publish(domain.now - 50, {INDEX: 1})
            until(lambda: server.verify(code)["reason"] == "revoked", seconds=10)
            publish(domain.now - 40, {INDEX: 0})
            answers: list[httpx.Response] = []
            threads = [threading.Thread(target=lambda: answers.append(server.client.post("/v1/sync"))) for _ in "123"]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert {answer.status_code for answer in answers} <= {200, 202}
            until(lambda: server.verify(code)["reason"] == "valid")
            state = server.client.get("/v1/state").json()
            assert (state["sync"]["agent"], state["environment"], state["ready"]) == ("inside", "test", True)
            assert {each["source"] for each in state["domains"][0]["sources"]} >= {f"{base}timestamp.cbor", domain.uri}
            (listed,) = state["domains"][0]["status_lists"]
            assert (listed["uri"], listed["limits"]["gate"]["health"]) == (domain.uri, "fresh")


def test_ready_only_with_a_trust_list(tmp_path: Path) -> None:
    """Without a state /readyz is 503 and names the part, verdicts say why, /healthz is 200; init makes it ready."""
    folder = tmp_path / "state"
    with serving(folder, "--no-sync", "--rate", "0") as server:
        answer = server.client.get("/readyz")
        assert (answer.status_code, answer.json()["code"], answer.json()["path"]) == (
            *(503, "serve.no_trust_list"),
            "trust_list",
        )
        made = Domain(folder)
        until(lambda: server.client.get("/readyz").status_code == 200)
        assert server.verify(made.code())["outcome"] == "INDETERMINATE"
        answer = server.client.post("/v1/sync")
        assert (answer.status_code, answer.json()["code"]) == (409, "serve.sync_apart")


def test_a_wish_that_the_folder_does_not_take_is_told(tmp_path: Path) -> None:
    """A state folder that is not there cannot be fetched into: a conflict that names it, on the API and on the page."""
    with serving(tmp_path / "state", "--rate", "0") as server:
        for path in ("/v1/sync", "/update"):
            answer = server.client.post(path)
            assert (answer.status_code, answer.json()["code"]) == (409, "store.unwritable")


def test_a_batch_gives_the_library_s_verdicts_in_order(server: Server, domain: Domain) -> None:
    """Two thousand codes, good and bad mixed: the verdicts of verify_many, each with its line."""
    codes = [domain.code(number % 100) if number % 3 else f"IC1:{number}" for number in range(2000)]
    told = lines(server, b"".join(map(asked, codes)))
    verifier = Verifier(domain.store.load(), Policy.named("gate"))
    wanted = verifier.verify_many(codes, now=domain.now)
    assert [each["line"] for each in told] == list(range(1, 2001))
    assert [each["verdict"]["reason"] for each in told] == [str(verdict.reason) for verdict in wanted]


def test_lines_at_fault_are_lines(server: Server, domain: Domain) -> None:
    """No JSON, no object, no code, an empty line, an overlong one: each is answered in its place, the rest goes on."""
    good = asked(domain.code())
    faults = [b"{\n", b"[]\n", b'{"cod": 1}\n', b'{"code": 1}\n', b"\n", b"\xff\n", b"A" * 300_000 + b"\n"]
    told = lines(server, good + good.join(faults) + good.rstrip())
    assert [each["line"] for each in told] == list(range(1, len(told) + 1))
    assert [each["error"]["code"] for each in told if "error" in each] == ["serve.line_json"] * 6 + [
        "serve.line_too_long"
    ]
    assert [each["verdict"]["outcome"] for each in told if "verdict" in each] == ["VALID"] * (len(faults) + 1)


def test_a_batch_in_chunks_is_answered_while_it_comes(server: Server, domain: Domain) -> None:
    """Sent in pieces that split lines, it is one answer for each line, the last one without a line feed too."""
    whole = b"".join(asked(domain.code(number)) for number in range(50)).rstrip()
    told = lines(server, (whole[at : at + 777] for at in range(0, len(whole), 777)))
    assert [each["verdict"]["outcome"] for each in told] == ["VALID"] * 50


def test_a_batch_ends_behind_its_last_line(server: Server) -> None:
    """A line beyond 100,000 is answered with the reason, and nothing behind it."""
    told = server.client.post("/v1/verify/batch", content=b"0\n" * 100_005, headers=NDJSON, timeout=120).text
    last = told.splitlines()[-2:]
    assert [json.loads(line)["line"] for line in last] == [100_000, 100_001]
    assert json.loads(last[1])["error"]["code"] == "serve.too_many_lines"


def test_a_killed_decoder_costs_its_own_request_alone(server: Server, domain: Domain) -> None:
    """A reader of pictures killed by SIGKILL at work: a problem for its picture; texts and the next picture go on."""
    found = server.client.post("/v1/verify", content=picture(), headers={"Content-Type": "image/png"})
    assert found.json() == {"verdicts": [], "codes": 0}
    (reader,) = children(server.process.pid, "verifier.service.picture_child")
    # Stopped, it holds the request for as long as this test needs.
    os.kill(reader, signal.SIGSTOP)
    answers: list[httpx.Response] = []
    headers = {"Content-Type": "image/png"}
    waiting = threading.Thread(
        target=lambda: answers.append(server.client.post("/v1/verify", content=picture(), headers=headers))
    )
    waiting.start()
    until(lambda: "icard_verifier_http_in_flight 2.0" in server.client.get("/metrics").text)
    assert server.verify(domain.code())["outcome"] == "VALID"
    os.kill(reader, signal.SIGKILL)
    waiting.join()
    assert (answers[0].status_code, answers[0].json()["code"]) == (500, "serve.picture_lost")
    seen = server.client.post("/v1/verify", content=qr.draw_png(domain.code()), headers=headers).json()
    assert [verdict["outcome"] for verdict in seen["verdicts"]] == ["VALID"]


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG"])
def test_pictures_that_unpack_to_gigabytes_are_refused(server: Server, domain: Domain, kind: str) -> None:
    """A few kilobytes that unpack to 25 million pixels, or 250: a problem, and the service goes on."""
    buffer = io.BytesIO()
    side = 5_000 if kind == "WEBP" else 16_000
    Image.new("1" if kind == "PNG" else "L", (side, side)).save(buffer, kind)
    headers = {"Content-Type": f"image/{kind.lower()}"}
    answer = server.client.post("/v1/verify", content=buffer.getvalue(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "picture.too_large")
    assert server.verify(domain.code())["outcome"] == "VALID"


def test_only_who_has_a_key_may_ask(domain: Domain, tmp_path: Path) -> None:
    """Without a key 401 in every form; with it the answer; health is open; there is no scan page."""
    key = "0123456789abcdef" * 2
    keys = tmp_path / "keys"
    keys.write_text(f"# who has which\nclinic {hashlib.sha256(key.encode()).hexdigest()}\n")
    with serving(domain.folder, "--no-sync", "--api-keys", str(keys)) as server:
        for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": f"Basic {key}"}):
            answer = server.client.get("/v1/policies", headers=headers)
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        # By the head: nobody is asked for a body that is then thrown away.
        with connect(server, "POST /v1/verify HTTP/1.1\r\nContent-Type: image/png") as connection:
            connection.sendall(b"Content-Length: 16000000\r\nExpect: 100-continue\r\n\r\n")
            assert connection.recv(1000).startswith(b"HTTP/1.1 401 ")
        server.client.headers["Authorization"] = f"Bearer {key}"
        assert server.verify(domain.code())["outcome"] == "VALID"
        assert server.client.get("/").status_code == 404
        assert key not in server.lines()


def test_a_certificate_of_its_own(domain: Domain) -> None:
    """HTTPS by the certificate that it made; a second start uses the same one; its key is the owner's alone."""
    made = []
    for _ in "12":
        with serving(domain.folder, "--no-sync", "--tls-self-signed") as server:
            assert server.url.startswith("https://")
            assert "strict-transport-security" in server.client.get("/healthz").headers
        made.append((domain.folder / "tls" / "certificate.pem").read_bytes())
    assert made[0] == made[1]
    assert (domain.folder / "tls" / "key.pem").stat().st_mode & 0o077 == 0
    with serving(domain.folder, "--no-sync", "--tls-self-signed") as server:
        context = ssl.create_default_context(cafile=domain.folder / "tls" / "certificate.pem")
        trusting = httpx.Client(verify=context, trust_env=False)
        assert trusting.get(f"{server.url}/healthz").status_code == 200
