"""docs/running.md: from the first start to restored backups on both databases, as it stands."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, blocks, run_shell
from tests.issuer.conftest import postgres_server

PAGE = "docs/running.md"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.mark.slow
def test_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Init, keys, servers on both databases that are ready and end with 0 on SIGTERM, backups, drills whose audit is
    whole; no log has the administrator's name or an invitation."""
    for tool in ("curl", "pg_dump"):
        if shutil.which(tool) is None and not list(Path("/usr/lib/postgresql").glob(f"*/bin/{tool}")):
            assert not os.environ.get("CI"), f"{tool} is missing"
            pytest.skip(f"no {tool}")
    server = postgres_server()
    places = (server.new_database(empty=True), server.new_database(empty=True))
    script = "\n".join(blocks(PAGE, "sh"))
    for port in ("8080", "8081"):
        script = script.replace(port, str(free_port()))
    settings = {"ICARD_ISSUER_SCRYPT_LOG2": "14", "DATABASE_URL": places[0], "DRILL_URL": places[1]}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PATH", f"{server._bin}:{os.environ['PATH']}")
    ended = run_shell("trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n" + script, tmp_path)
    logs = "".join(path.read_text("utf-8") for path in tmp_path.glob("*.log"))
    for url in places:
        server.drop(url)
    assert ended.returncode == 0, ended.stderr[-3000:] + ended.stdout[-2000:] + logs[-3000:]
    for name in ("ready0.json", "ready.json", "ready2.json"):
        assert json.loads((tmp_path / name).read_bytes()), name
    assert (tmp_path / "timestamp.cbor").stat().st_size > 100
    assert logs.count("\n") > 4
    invitation = re.search(r"^invitation *(\S{43})$", (tmp_path / "li.na.invitation").read_text("utf-8"), re.MULTILINE)
    assert invitation is not None
    for secret in (invitation[1], "wang.wei", "Zhao Min"):
        assert secret not in logs
    # The trial prints the log-ins of its accounts, one of which is that of the page.
    for secret in (invitation[1], "Zhao Min"):
        assert secret not in ended.stdout
    assert not (tmp_path / "drill").exists()


def test_what_the_page_names_is_there() -> None:
    """Files of ``deploy`` and options that the page shows exist."""
    text = (ROOT / PAGE).read_text("utf-8")
    named = set(re.findall(r"deploy/[\w./-]*\w", text))
    assert {"deploy/Containerfile", "deploy/nginx/icard.conf", "deploy/systemd"} <= named
    assert [name for name in named if not (ROOT / name).exists()] == []
