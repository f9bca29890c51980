"""docs/production.md and docs/ceremony.md: a production authority from nothing to a card that verifiers take."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.deploy.test_proxy import configured, nginx
from tests.docs.pages import ROOT, blocks, need, run_shell
from tests.docs.test_running import free_port
from tests.issuer.conftest import postgres_server
from tests.kit.origin import Authority

PRODUCTION, CEREMONY = "docs/production.md", "docs/ceremony.md"
#: What is typed at a terminal: the keepers' passphrases, and the answer to the question before a signature.
KEEPERS = """
icard-issuer() {
  case "$1 $2 ${3-}" in
    "files keygen "*) command icard-issuer "$@" --passphrase-file ../keeper ;;
    "files trust sign") command icard-issuer "$@" --passphrase-file ../keeper --yes ;;
    *) command icard-issuer "$@" ;;
  esac
}
"""
#: A name that can be had; nothing asks it here.
HOST = "icard.authority-of-shanghai.cn"
_COMMAND = re.compile(r"^(?!\s*(?:for|do|done|export|#)\b)\s*\S", re.MULTILINE)


def walk(block: str, folder: Path, medium: Path, **more: str) -> str:
    """Run one block in a folder that stands for a machine."""
    names = "".join(f"export {name}={value}\n" for name, value in {"MEDIUM": str(medium), **more}.items())
    ended = run_shell(names + KEEPERS + block.replace("icard.example", HOST), folder)
    assert ended.returncode == 0, f"{block}\n{ended.stderr[-2000:]}{ended.stdout[-1000:]}"
    return ended.stdout


@contextlib.contextmanager
def running(folder: Path, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """A command of the service beside the test."""
    program = str(Path(sys.executable).parent / "icard-issuer")
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen([program, *command, "-C", str(folder)], stdout=log, stderr=log)
        try:
            yield process
            process.terminate()
            assert process.wait(60) == 0, (folder / "log").read_text()
        finally:
            process.kill()


def wait_ready(port: int, log: Path) -> None:
    """Ask until the server is ready; a minute at most."""
    with httpx.Client(transport=httpx.HTTPTransport(retries=60), base_url=f"http://127.0.0.1:{port}") as client:
        for _ in range(600):
            with contextlib.suppress(httpx.TransportError):
                if client.get("/readyz").status_code == 200:
                    return
    raise AssertionError(log.read_text())


@contextlib.contextmanager
def proxied(folder: Path, ports: tuple[int, int]) -> Iterator[Callable[[str, str], httpx.Response]]:
    """nginx with the file of ``deploy`` in front of both servers; gives how a path of a host is fetched through it."""
    folder.mkdir()
    authority, port = Authority(folder), free_port()
    conf = configured(folder, authority, port, free_port(), ports[0])
    text = (folder / "icard.conf").read_text("utf-8").replace("icard.example", HOST)
    one = f"server 127.0.0.1:{ports[0]} max_fails=2 fail_timeout=2s;"
    assert one in text
    (folder / "icard.conf").write_text(text.replace(one, one + one.replace(str(ports[0]), str(ports[1]))), "utf-8")
    context = ssl.create_default_context(cafile=str(authority.ca_file))
    context.check_hostname = False
    command = [nginx(), "-e", str(folder / "error.log"), "-p", str(folder), "-c", str(conf)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    base = f"https://127.0.0.1:{port}"
    try:
        with httpx.Client(verify=context, base_url=base, timeout=60) as client:

            def get(host: str, path: str) -> httpx.Response:
                for _ in range(100):
                    with contextlib.suppress(httpx.ConnectError):
                        return client.get(path, headers={"Host": host}, extensions={"sni_hostname": host})
                    assert process.poll() is None, (folder / "error.log").read_text()
                    time.sleep(0.05)
                raise AssertionError("nginx does not answer")

            yield get
    finally:
        process.terminate()
        process.wait(30)


def test_the_page_has_few_commands_and_words() -> None:
    """At most 25 commands beside the ceremony, each line one, and at most 15 words to know."""
    text = "\n".join((*blocks(PRODUCTION, "sh"), *blocks(PRODUCTION, "text")))
    commands = _COMMAND.findall(re.sub(r"\\\n", "", text))
    words = re.search(
        r"^## The words\n\n\| word .*\n\| --- .*\n((?:\|.*\n)+)", (ROOT / PRODUCTION).read_text("utf-8"), re.M
    )
    assert words is not None
    assert 15 <= len(commands) <= 25, commands
    assert 10 <= words[1].count("\n") <= 15


@pytest.mark.slow
def test_the_pages_make_a_production_authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks of both pages, each on the machine that it names: two servers on one database are ready, each with
    keys that open, behind nginx, and a card that one of them issues is VALID at a verifier that trusts the ceremony's
    list and has fetched the bundle through nginx, which goes on when one server ends."""
    need("pg_dump")
    server = postgres_server()
    url = server.new_database(empty=True)
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("ICARD_ISSUER_COMPARE_PUBLISHED", "false")
    # As the units say.
    monkeypatch.setenv("ICARD_ISSUER_TRUSTED_PROXIES", "127.0.0.1/32")
    medium, host = tmp_path / "medium", tmp_path / "host"
    for folder in (medium, host, tmp_path / "root1", tmp_path / "root2", tmp_path / "root3"):
        folder.mkdir()
    (tmp_path / "keeper").write_text("correct horse battery staple six words\n")
    begin, listed, administrators, look = blocks(PRODUCTION, "sh")
    keygen, take, draft, sign, assemble, bring = blocks(CEREMONY, "sh")
    try:
        walk(begin, host, medium)
        for name in ("root1", "root2", "root3"):
            walk(keygen, tmp_path / name, medium, NAME=name)
        assert not [path for path in medium.iterdir() if b"PRIVATE" in path.read_bytes()]
        walk(take, host, medium)
        walk(draft, medium, medium)
        said = [walk(sign, tmp_path / name, medium, NAME=name) for name in ("root1", "root2")]
        hashes = {re.search(r"^payload_hash +(\w{64})$", each, re.M)[1] for each in said}  # type: ignore[index]
        assert len(hashes) == 1
        walk(assemble, medium, medium)
        service = {"ICARD_ISSUER_FOLDER": "issuer"}
        walk(bring, host, medium, **service)
        shutil.copy(medium / "v1.cbor", host)
        walk(f"{listed}{administrators}", host, medium, **service)
        shutil.copytree(host / "issuer", host / "second")
        ports = (free_port(), free_port())
        with (
            running(host / "issuer", "worker"),
            running(host / "issuer", "serve", "--port", str(ports[0])) as first,
            running(host / "second", "serve", "--port", str(ports[1])),
            proxied(tmp_path / "nginx", ports) as get,
        ):
            wait_ready(ports[0], host / "issuer" / "log")
            wait_ready(ports[1], host / "second" / "log")
            shutil.copy(ROOT / "tests" / "vectors" / "cards" / "reference.json", host / "card.json")
            by = '--operator "Li Na" --reason "the first card"'
            walk(f"icard-issuer card issue card.json -C second --out codes {by}", host, medium)
            (host / "bundle.cbor").write_bytes(get(HOST, "/bundle.cbor").raise_for_status().content)
            state = "export ICARD_STATE=gate; icard init --anchor v1.cbor --yes; icard bundle import bundle.cbor;"
            verdict = json.loads(walk(f"{state} icard verify codes/public.txt --json", host, medium).splitlines()[-1])
            assert verdict["outcome"] == "VALID"
            assert verdict["environment"] == "production"
            # A host that ends takes nothing along.
            first.terminate()
            first.wait(60)
            assert get("cards.example", "/readyz").json()["ready"] is True
            assert get(HOST, "/timestamp.cbor").status_code == 200
            doctor = run_shell(f"export ICARD_ISSUER_FOLDER=issuer\n{look}", host)
            assert doctor.returncode == 1, doctor.stdout
            assert "doctor.backup_none" in doctor.stdout
    finally:
        server.drop(url)
    assert os.stat(host / "passphrase").st_mode & 0o077 == 0
