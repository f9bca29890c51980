"""The service over HTTP, by a real load generator (wrk), and batches against ``verify_many`` in process.

Promises:

1. in one server process there are, side by side: ``does nothing``, a FastAPI POST that parses the same body and does
   nothing; the ``usual route``, FastAPI's of /v1/verify; and the ``lean route`` in front of it. Ends, caps, headers,
   figures and the log are around all three alike; what is logged goes to a file.
2. Each request carries another code of a hundred; every one of them is VALID, which is looked at before the first
   round.
3. p50 and p99 are of the same turns as the time for one request, which is one by the requests a second.
4. A batch is sent, answered and read whole: verdicts as JSON, in all their length and in brief, against verdicts as
   objects.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from pydantic import BaseModel

from tests.kit.verification_service import Domain
from verifier import Policy, Verifier
from verifier.bench.measure import Contender, Run, interleave, timed

__all__ = ["batch", "over_http"]

_ROOT = Path(__file__).parent.parent
_CODES = 100
_BATCH = 4000
_CONNECTIONS = 8
_SECONDS = 1
_WAYS = {"does nothing": "/v1/nothing", "usual route": "/usual/v1/verify", "lean route": "/v1/verify"}
_SCRIPT = """
local bodies = {}
for line in io.lines("%s") do bodies[#bodies + 1] = line end
local at = 0
request = function()
  at = at %% #bodies + 1
  return wrk.format("POST", nil, {["Content-Type"] = "application/json"}, bodies[at])
end
done = function(summary, latency)
  local failed = summary.errors.status + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.write(string.format("{\\"requests\\": %%d, \\"us\\": %%d, \\"p50\\": %%d, \\"p99\\": %%d, \\"failed\\": %%d}\\n",
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), failed))
end
"""


class Asked(BaseModel):
    """The body of ``/v1/verify``, as FastAPI parses one."""

    code: str


@dataclass
class _Load:
    """wrk on one address; remembers the latencies of its last turn, in microseconds."""

    script: Path
    url: str
    connections: int
    latencies: dict[str, float] = field(default_factory=dict)

    def __call__(self) -> float:
        command = ["wrk", "-t1", f"-c{self.connections}", f"-d{_SECONDS}s", "-s", str(self.script), self.url]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        told = json.loads(output.splitlines()[-1])
        if told["failed"]:
            raise ValueError(f"{told['failed']} requests failed")
        self.latencies = {name: told[name] for name in ("p50", "p99")}
        taken: float = told["us"] / told["requests"]
        return taken

    def latency(self, name: str) -> float:
        """A latency of the last turn."""
        if name not in self.latencies:
            raise ValueError("its load gave no figures")
        return self.latencies[name]


def over_http(workers: int, rounds: int) -> Run:
    """Interleave the three ways of :data:`_WAYS` on a server of so many worker processes.

    Without wrk every way has failed with that reason, and no server is started.
    """
    if shutil.which("wrk") is None:
        reason = "no wrk; on Debian: apt-get install wrk"
        return Run(failed={f"{name}{more}": reason for name in _WAYS for more in ("", ", p50", ", p99")})
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        bodies = [json.dumps({"code": code}) for code in _codes(folder / "state", _CODES)[1]]
        (folder / "bodies").write_text("\n".join(bodies) + "\n", "ascii")
        script = folder / "load.lua"
        script.write_text(_SCRIPT % (folder / "bodies"), "ascii")
        with _server(folder / "state", workers) as port:
            contenders: dict[str, Contender] = {}
            for name, path in _WAYS.items():
                _look(port, path, bodies, "" if name == "does nothing" else "VALID")
                load = _Load(script, f"http://127.0.0.1:{port}{path}", _CONNECTIONS * workers)
                contenders[name] = load
                contenders[f"{name}, p50"] = partial(load.latency, "p50")
                contenders[f"{name}, p99"] = partial(load.latency, "p99")
            return interleave(contenders, rounds)


def batch(rounds: int) -> Run:
    """Interleave ``verify_many`` on all cores, a ``batch`` over HTTP and a ``brief batch``, a code."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        domain, codes = _codes(folder / "state", _BATCH)
        verifier = Verifier(domain.store.load(), Policy.named("gate"))
        sent = "".join(json.dumps({"code": code}) + "\n" for code in codes).encode()

        def in_process() -> None:
            if any(verdict.outcome != "VALID" for verdict in verifier.verify_many(codes, now=domain.now)):
                raise ValueError("a good code is not VALID")

        with _server(folder / "state", 1) as port:

            def sent_over(query: str) -> None:
                answer = _post(port, f"/v1/verify/batch{query}", sent, "application/x-ndjson")
                if answer.count(b'"outcome":"VALID"') != _BATCH:
                    raise ValueError("a good code is not VALID")

            return interleave(
                {
                    "verify_many": timed(in_process, _BATCH),
                    "batch": timed(partial(sent_over, ""), _BATCH),
                    "brief batch": timed(partial(sent_over, "?brief=true"), _BATCH),
                },
                rounds,
            )


def _codes(folder: Path, count: int) -> tuple[Domain, list[str]]:
    domain = Domain(folder, size=2 * count)
    domain.learn(domain.now - 60)
    return domain, [domain.code(number, cti=number) for number in range(count)]


def _look(port: int, path: str, bodies: list[str], outcome: str) -> None:
    for body in bodies:
        if outcome.encode() not in _post(port, path, body.encode(), "application/json"):
            raise ValueError(f"{path}: a good code is not {outcome}")


def _post(port: int, path: str, body: bytes, kind: str) -> bytes:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("POST", path, body, {"Content-Type": kind})
        answer = connection.getresponse()
        if answer.status != 200:
            raise ValueError(f"{path}: status {answer.status}")
        return answer.read()


@contextlib.contextmanager
def _server(folder: Path, workers: int) -> Iterator[int]:
    """A server of :func:`_serve` in a process of its own; its port."""
    command = [sys.executable, "-m", "benchmarks.service", str(folder), str(workers)]
    with (folder.parent / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, stderr=log)
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(60)
        process.stdout.close()


def _serve(folder: Path, workers: int) -> None:
    from fastapi.routing import APIRoute
    from starlette.types import ASGIApp, Receive, Scope, Send

    from verifier.runtime.http import Drain, Listen, serve
    from verifier.service.api import api
    from verifier.service.app import around, make_service_app
    from verifier.service.lean import LeanVerify
    from verifier.service.service import VerificationService
    from verifier.service.settings import ServiceSettings

    async def nothing(asked: Asked) -> dict[str, str]:
        return {}

    api.add_api_route("/nothing", nothing, methods=["POST"], route_class_override=APIRoute)
    # Right behind /v1/verify, which is found as soon as it is in the service.
    api.routes.insert(1, api.routes.pop())

    def make(drain: Drain) -> ASGIApp:
        service = VerificationService(ServiceSettings(folder, children=2), drain)
        app = make_service_app(service)
        lean = LeanVerify(app, service)

        async def ways(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http" and scope["path"].startswith("/usual"):
                scope["path"] = scope["path"].removeprefix("/usual")
                await app(scope, receive, send)
            else:
                await lean(scope, receive, send)

        return around(ways, service)

    def told(port: int) -> None:
        print(port, flush=True)

    serve(make, Listen(port=0, workers=workers), told)


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), int(sys.argv[2]))
