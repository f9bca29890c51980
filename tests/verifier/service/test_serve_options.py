"""What operators tell ``icard serve``: policies of their own, other sites' pages, several processes; headers."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from icard_crypto.card.card import Profile
from tests.kit.cli import run
from tests.kit.http_clients import ask
from tests.kit.verification_service import Domain, Server, children, picture, serving, until
from verifier.cli.commands import app as icard
from verifier.runtime.http import Drain
from verifier.service.app import make_app
from verifier.service.settings import ServiceSettings

PICTURES = "verifier.service.picture_child"
PORTAL = "https://portal.example"
KEY = "0123456789abcdef" * 2
CLINIC = {"name": "clinic", "insurance": "live", "schemes": ["medical"]}
NIGHT = {"name": "night", "status_max_age": 3600}
PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type",
}


@pytest.fixture(scope="module")
def domain(tmp_path_factory: pytest.TempPathFactory) -> Domain:
    """A domain that is fed by hand."""
    made = Domain(tmp_path_factory.mktemp("options") / "state")
    made.learn(made.now - 60)
    return made


@pytest.fixture(scope="module")
def server(domain: Domain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service with policies of its own, a key, and one site whose pages may call."""
    folder = tmp_path_factory.mktemp("operator")
    for policy in (CLINIC, NIGHT):
        (folder / f"{policy['name']}.json").write_text(json.dumps(policy))
    (folder / "keys").write_text(f"portal {hashlib.sha256(KEY.encode()).hexdigest()}\n")
    files = ("--policy-file", str(folder / "clinic.json"), "--policy-file", str(folder / "night.json"))
    options = ("--no-sync", "--policy", "clinic", "--origin", PORTAL, "--api-keys", str(folder / "keys"))
    with serving(domain.folder, *files, *options, log=folder / "log") as running:
        running.client.headers["Authorization"] = f"Bearer {KEY}"
        yield running


@pytest.fixture(scope="module")
def plain(domain: Domain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service that nobody told anything."""
    with serving(domain.folder, "--no-sync", log=tmp_path_factory.mktemp("plain") / "log") as running:
        yield running


def test_policies_of_the_operator(server: Server, domain: Domain) -> None:
    """They stand beside the shipped ones, count by name, and the one that is named at the start is the default."""
    told = server.client.get("/v1/policies").json()["policies"]
    rules = {each["name"]: each["rules"] for each in told}
    assert {"gate", "inspection", "benefit", "offline", "unsafe_no_status", "clinic", "night"} == rules.keys()
    assert (rules["clinic"]["insurance"], rules["night"]["status_max_age"]) == ("live", 3600)
    assert [each["name"] for each in told if each["default"]] == ["clinic"]
    verdict = server.verify(domain.code())
    assert (verdict["policy"], verdict["reason"]) == ("clinic", "not_disclosed")
    assert server.verify(domain.code(profile=Profile.WORK))["outcome"] == "VALID"
    assert server.verify(domain.code(), policy="night")["outcome"] == "VALID"
    assert server.client.get("/v1/state").json()["default_policy"] == "clinic"


@pytest.mark.parametrize(
    ("contents", "named", "code"),
    [
        ([None], "gate", "file.no_such_file"),
        (["{"], "gate", "policy.json"),
        (['{"name": "clinic", "status_max_aeg": 1}'], "gate", "policy.field"),
        (['{"name": "clinic", "schemes": ["dental"]}'], "gate", "policy.value"),
        (['{"name": "Clinic"}'], "gate", "policy.value"),
        (['{"name": "gate"}'], "gate", "policy.taken"),
        (['{"name": "clinic"}', '{"name": "clinic"}'], "gate", "policy.taken"),
        (['{"name": "clinic"}'], "ward", "policy.name"),
    ],
)
def test_a_policy_that_cannot_be_used_does_not_start(
    tmp_path: Path, contents: list[str | None], named: str, code: str
) -> None:
    """A file that is missing or not read, a shipped name, a name twice, no such default: one line and 64."""
    options = ["--policy", named]
    for number, content in enumerate(contents):
        path = tmp_path / f"{number}.json"
        if content is not None:
            path.write_text(content)
        options += ["--policy-file", str(path)]
    done = run(icard, "serve", "--state", tmp_path, "--port", "0", "--no-sync", *options)
    assert (done.status, done.out) == (64, "")
    assert f"({code})" in done.err


def test_the_environment_gives_several_files(tmp_path: Path) -> None:
    """ICARD_SERVE_POLICY_FILE takes files with colons between them: both are read."""
    for name in "ab":
        (tmp_path / name).write_text(json.dumps(CLINIC))
    files = f"{tmp_path}/a:{tmp_path}/b"
    done = run(icard, "serve", "--state", tmp_path, "--port", "0", "--no-sync", ICARD_SERVE_POLICY_FILE=files)
    assert done.status == 64
    assert "(policy.taken)" in done.err


@pytest.mark.parametrize(
    ("option", "value", "code"),
    [
        ("--origin", "*", "cli.option"),
        ("--origin", "https://portal.example/", "cli.option"),
        ("--origin", "portal.example", "cli.option"),
        ("--trusted-proxy", "proxy.example", "sync.network"),
        ("--trusted-proxy", "10.0.0.1/8", "sync.network"),
    ],
)
def test_who_is_believed_must_be_an_address(tmp_path: Path, option: str, value: str, code: str) -> None:
    """An origin or a proxy that would stand for everybody, or nobody, is one line and 64, with several workers too."""
    for workers in ("1", "2"):
        done = run(icard, "serve", "--state", tmp_path, "--port", "0", "--workers", workers, option, value)
        assert (done.status, done.out) == (64, "")
        assert f"({code})" in done.err


def cross_origin(answer: httpx.Response) -> dict[str, str]:
    """What an answer says to a browser of other sites."""
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


def test_without_being_told_no_other_site_may_call(plain: Server, domain: Domain) -> None:
    """No answer speaks of other origins, and a preflight is a method that is not taken."""
    answer = plain.client.options("/v1/verify", headers={"Origin": PORTAL, **PREFLIGHT})
    assert (answer.status_code, cross_origin(answer)) == (405, {})
    answer = plain.client.post("/v1/verify", json={"code": domain.code()}, headers={"Origin": PORTAL})
    assert (answer.status_code, cross_origin(answer)) == (200, {})


def test_the_pages_of_one_site_may_call(server: Server, domain: Domain) -> None:
    """Its preflight is answered without a key, its requests and its refusals can be read; never with cookies."""
    ask = {"Origin": PORTAL, **PREFLIGHT}
    preflight = httpx.options(f"{server.url}/v1/verify", headers=ask, trust_env=False)
    allowed = cross_origin(preflight)
    assert (preflight.status_code, allowed["access-control-allow-origin"]) == (200, PORTAL)
    assert "POST" in allowed["access-control-allow-methods"]
    assert {"authorization", "content-type"} <= set(allowed["access-control-allow-headers"].lower().split(","))
    assert "access-control-allow-credentials" not in allowed
    for headers, status in (({}, 200), ({"Authorization": "Bearer wrong"}, 401)):
        answer = server.client.post("/v1/verify", json={"code": domain.code()}, headers={"Origin": PORTAL, **headers})
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (status, PORTAL)
        assert "Origin" in answer.headers["vary"]
        assert answer.headers["access-control-expose-headers"] == "Retry-After, X-Request-Id"


@pytest.mark.parametrize("other", ["https://evil.example", f"{PORTAL}.evil.example", "http://portal.example", "null"])
def test_the_pages_of_another_site_may_not(server: Server, domain: Domain, other: str) -> None:
    """Neither is a preflight allowed, nor can an answer be read."""
    preflight = server.client.options("/v1/verify", headers={"Origin": other, **PREFLIGHT})
    assert preflight.status_code == 400
    assert "access-control-allow-origin" not in preflight.headers
    answer = server.client.post("/v1/verify", json={"code": domain.code()}, headers={"Origin": other})
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    ("method", "path", "more", "status"),
    [
        ("POST", "/v1/verify", {"json": {"code": ""}}, 200),
        ("POST", "/v1/verify", {"json": {"kode": ""}}, 422),
        ("POST", "/v1/verify", {"content": b"<a/>", "headers": {"Content-Type": "text/xml"}}, 415),
        ("POST", "/v1/verify/batch", {"content": b"{}\n", "headers": {"Content-Type": "application/x-ndjson"}}, 200),
        ("GET", "/v1/state", {}, 200),
        ("GET", "/openapi.json", {}, 200),
        ("GET", "/metrics", {}, 200),
        ("GET", "/nowhere", {}, 404),
        ("DELETE", "/v1/state", {}, 405),
        ("GET", "/v1/state", {"headers": {"Authorization": ""}}, 401),
    ],
)
def test_every_answer_is_guarded(server: Server, method: str, path: str, more: dict[str, Any], status: int) -> None:
    """Verdicts, streams and problems: nothing is framed, sniffed, cached, or lets a page of it do anything."""
    answer = server.client.request(method, path, **more)
    assert answer.status_code == status
    wanted = {
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
        "cross-origin-resource-policy": "same-origin",
    }
    assert {name: answer.headers.get(name) for name in wanted} == wanted
    assert "server" not in answer.headers


def test_the_description_says_where_a_key_is_needed(server: Server, plain: Server) -> None:
    """Everywhere but where the service is watched; and nowhere where none is asked for."""
    described = server.client.get("/openapi.json").json()
    assert described["components"]["securitySchemes"] == {"key": {"type": "http", "scheme": "bearer"}}
    assert described["security"] == [{"key": []}]
    open_ = {path for path, methods in described["paths"].items() if methods.get("get", {}).get("security") == []}
    assert open_ == {path for path in described["paths"] if httpx.get(server.url + path).status_code != 401}
    assert "security" not in plain.client.get("/openapi.json").json()


def figures(url: str) -> dict[str, float]:
    """The figures that whichever process is asked tells."""
    text = httpx.get(f"{url}/metrics", trust_env=False).text
    lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


def workers(server: Server) -> set[int]:
    """The workers."""
    return set(children(server.process.pid, "serve")) - {server.process.pid}


@pytest.mark.slow
def test_figures_are_those_of_all_workers(domain: Domain, tmp_path: Path) -> None:
    """Whichever is asked tells the sum; of a worker that died the answers stay counted, its work in hand does not."""
    counted = 'icard_verifier_verdicts_total{outcome="VALID",reason="valid"}'
    in_flight = "icard_verifier_http_in_flight"
    with serving(domain.folder, "--no-sync", "--rate", "0", "--workers", "2", log=tmp_path / "log") as server:
        for _ in range(40):
            # A connection each: the kernel gives them to either worker.
            httpx.post(f"{server.url}/v1/verify", json={"code": domain.code()}, trust_env=False).raise_for_status()
        told = [figures(server.url) for _ in range(20)]
        assert [each[counted] for each in told] == [40] * 20
        assert told[0]['icard_verifier_age_seconds{domain="cn",part="timestamp"}'] >= 60
        # One worker is killed while it holds a request, by a reader of pictures that is stopped; the other one is
        # stopped meanwhile, so that the request is given to this one.
        headers = {"Content-Type": "image/png"}
        httpx.post(f"{server.url}/v1/verify", content=picture(), headers=headers, trust_env=False)
        worker, reader = next((pid, found[0]) for pid in workers(server) if (found := children(pid, PICTURES)))
        (other,) = workers(server) - {worker}
        os.kill(other, signal.SIGSTOP)
        os.kill(reader, signal.SIGSTOP)
        asking = threading.Thread(target=_broken_off, args=(f"{server.url}/v1/verify", headers))
        asking.start()
        until(lambda: figures(server.url)[in_flight] == 2)
        os.kill(worker, signal.SIGKILL)
        os.kill(reader, signal.SIGKILL)
        os.kill(other, signal.SIGCONT)
        asking.join()
        until(lambda: len(workers(server) - {worker}) == 2)
        until(lambda: figures(server.url)[in_flight] == 1)
        assert figures(server.url)[counted] == 40
        assert '"event": "worker died"' in server.lines()
        assert server.end() == 0


def _broken_off(url: str, headers: dict[str, str]) -> None:
    with contextlib.suppress(httpx.HTTPError):
        httpx.post(url, content=picture(), headers=headers, trust_env=False, timeout=60)


@pytest.mark.parametrize("path", ["/", "/age", "/openapi.json", "/metrics", "/healthz", "/nowhere", "/v1/state"])
def test_every_address_has_a_rate(tmp_path: Path, path: str) -> None:
    """Pages, figures and what is not there too: a client beyond its share is 429, another is not."""
    app = make_app(ServiceSettings(tmp_path, rate=1.0), Drain())
    told = [ask(app, "GET", path).status_code for _ in range(12)]
    assert told[-1] == 429
    assert told.count(429) >= 5
    assert ask(app, "GET", path, client="192.0.2.77").status_code != 429
