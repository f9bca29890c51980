"""``icard-issuer serve`` as a process: it answers, and SIGTERM ends it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx

from issuer.cli.commands import app
from tests.issuer.conftest import new_database_url
from tests.kit.cli import run
from tests.kit.http_clients import PATIENCE
from tests.kit.signed_domain import published_core, write_settings


def wait_until_ready(client: httpx.Client) -> dict[str, str]:
    """The parts of a server, once it has published; until then it says what it waits for."""
    end = time.monotonic() + PATIENCE
    while (ready := client.get("/readyz")).status_code != 200 and time.monotonic() < end:
        assert ready.json()["parts"]["publication"] in ("publication.none", "ok"), ready.text
        time.sleep(0.1)
    parts: dict[str, str] = ready.json()["parts"]
    return parts


def test_the_server_answers_and_ends_with_0(tmp_path: Path) -> None:
    """A server on SQLite lives, has every part ready, its worker too, and ends with 0 on SIGTERM."""
    core = published_core(tmp_path, new_database_url("sqlite", tmp_path))
    write_settings(core, tmp_path)
    core.close()
    program = str(Path(sys.executable).parent / "icard-issuer")
    command = [program, "serve", "-C", str(tmp_path), "--port", "0", "--json"]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        assert process.stdout is not None
        address = json.loads(process.stdout.readline())["address"]
        with httpx.Client(base_url=address, timeout=PATIENCE, trust_env=False) as client:
            assert client.get("/healthz").json() == {"status": "ok"}
            parts = wait_until_ready(client)
            names = (
                *("server", "database", "signer", "trust_list", "publication", "master_key", "records", "writes"),
                *("clock", "copy", "mark", "worker"),
            )
            assert parts == dict.fromkeys(names, "ok")
        process.send_signal(signal.SIGTERM)
        assert process.wait(2 * PATIENCE) == 0
    finally:
        process.kill()
        process.communicate()


def test_a_certificate_needs_its_key() -> None:
    """A certificate without a key is wrong use, and --help says what serve does."""
    done = run(app, "serve", "--tls-certificate", "chain.pem")
    assert (done.status, "--tls-key" in done.err) == (64, True)
    assert "SIGTERM" in run(app, "serve", "--help").out
