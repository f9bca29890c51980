"""docs/runbooks: the blocks of each page, run as they stand on a trial authority in that emergency, end it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from issuer.trial.build import build
from tests.docs.pages import ROOT, blocks, run_shell
from tests.docs.test_production_page import running
from tests.docs.test_running import free_port
from tests.issuer.conftest import new_database_url
from tests.kit import postgres

FOLDER = ROOT / "docs" / "runbooks"
PAGES = sorted(path.stem for path in FOLDER.glob("*.md") if path.stem != "README")
_EMERGENCY = ' --emergency --operator "Li Na" --reason "a test does not wait"'


@dataclass
class Walk:
    """A trial authority with a card, and a shell in its folder."""

    folder: Path
    sqlite: bool

    def shell(self, code: str) -> str:
        """What a block prints; it has to end well."""
        begin = "export ICARD_ISSUER_FOLDER=issuer ICARD_STATE=verifier ICARD_ISSUER_SCRYPT_LOG2=14\n"
        ended = run_shell(begin + code, self.folder)
        assert ended.returncode == 0, ended.stderr[-3000:] + ended.stdout[-1000:]
        return ended.stdout

    def page(self, name: str) -> str:
        """Run a page's blocks as one script. Who follows it waits 14 days; a test says why it does not."""
        code = "\n".join(blocks(f"docs/runbooks/{name}.md", "sh"))
        return self.shell(re.sub(r"(key activate \$key)$", rf"\1{_EMERGENCY}", code, flags=re.MULTILINE))

    def verdict(self, code: str) -> str:
        """What a verifier with the newest bundle says of a code: outcome and reason."""
        self.shell("icard-issuer export public > /dev/null\nicard bundle import public/bundle.cbor > /dev/null || true")
        said = json.loads(self.shell(f"icard verify {code} --json --policy gate || test $? -le 2"))
        return f"{said['outcome']} {said['reason']}"

    def findings(self) -> set[str]:
        """The codes that the doctor finds, beside what a service at rest always has."""
        said = json.loads(self.shell("icard-issuer doctor --offline --json || test $? -le 3"))
        return {each["code"] for each in said["findings"]} - {"worker.missing", "doctor.backup_none"}


@pytest.fixture(params=["sqlite", "postgresql"])
def walk(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Walk]:
    monkeypatch.setenv("ICARD_ISSUER_SCRYPT_LOG2", "14")
    sqlite = request.param == "sqlite"
    url = None if sqlite else new_database_url("postgresql", tmp_path, empty=True)
    folder = tmp_path / "trial"
    build(folder, database_url=url)
    made = Walk(folder, sqlite)
    made.shell("icard-issuer card issue card.json --out codes > /dev/null")
    yield made
    if url is not None:
        postgres.server().drop(url)


def rotation(walk: Walk) -> None:
    walk.page("rotation")
    assert walk.verdict("codes/public.txt").startswith("VALID")
    assert walk.findings() == set()


def stolen_card_key(walk: Walk) -> None:
    walk.page("stolen-card-key")
    assert walk.verdict("codes/public.txt") == "INVALID key_revoked"
    (line,) = (walk.folder / "codes.jsonl").read_text("ascii").splitlines()
    (walk.folder / "again.txt").write_text(json.loads(line)["codes"]["public"])
    assert walk.verdict("again.txt").startswith("VALID")
    assert (walk.folder / "cards.jsonl").read_text("ascii") == ""
    assert walk.findings() == set()


def stolen_status_key(walk: Walk) -> None:
    walk.page("stolen-status-key")
    assert walk.verdict("codes/public.txt").startswith("VALID")
    assert walk.findings() == set()


def stolen_timestamp_key(walk: Walk) -> None:
    walk.page("stolen-timestamp-key")
    assert walk.verdict("codes/public.txt").startswith("VALID")
    assert walk.findings() == set()


def stolen_root_key(walk: Walk) -> None:
    walk.page("stolen-root-key")
    assert walk.verdict("codes/public.txt").startswith("VALID")


def trust_list_over(walk: Walk) -> None:
    walk.page("trust-list-over")
    assert walk.verdict("codes/public.txt").startswith("VALID")
    assert walk.findings() == set()


def worker_gone(walk: Walk) -> None:
    card = walk.shell("icard-issuer card list --json")
    walk.shell(
        f'icard-issuer card revoke {json.loads(card)[0]["card_id"]} --operator "Li Na" --reason "left" > /dev/null'
    )
    walk.page("worker-gone")
    assert walk.verdict("codes/public.txt") == "INVALID revoked"


def disk_full(walk: Walk) -> None:
    walk.page("disk-full")
    assert "findings" in json.loads((walk.folder / "before.json").read_text("utf-8"))


def server_without_key(walk: Walk) -> None:
    walk.page("server-without-key")
    (key,) = (walk.folder / "other-host" / "keys").iterdir()
    assert key.read_bytes() == (walk.folder / "issuer" / "keys" / key.name).read_bytes()


def clock_was_wrong(walk: Walk) -> None:
    walk.page("clock-was-wrong")
    assert "clock.accept" in walk.shell("icard-issuer audit show --json || true") or walk.findings() == set()


def database_lost(walk: Walk) -> None:
    walk.page("database-lost")
    assert "lost_acts" in json.loads((walk.folder / "lost.json").read_text("utf-8"))
    walk.shell("icard-issuer worker --once > /dev/null")
    assert walk.verdict("codes/public.txt").startswith("VALID")


def leaving_a_host(walk: Walk) -> None:
    if walk.sqlite:
        walk.page("leaving-a-host")
        assert (walk.folder / "moved" / "issuer.db").is_file()


def several_servers(walk: Walk) -> None:
    """The other host's server runs all the while; on SQLite, which has one host, this one's does."""
    issuer, other = walk.folder / "issuer", walk.folder / "other-host"
    if walk.sqlite:
        other.mkdir()
    else:
        shutil.copytree(issuer, other)
    before, port = (issuer / "master.key").read_bytes(), free_port()
    with running(issuer if walk.sqlite else other, "serve", "--port", str(port)):
        server = httpx.Client(
            base_url=f"http://127.0.0.1:{port}", transport=httpx.HTTPTransport(retries=60), timeout=60
        )
        asked = server.get("/readyz").json()["parts"]
        assert asked["master_key"] == "ok"
        walk.page("several-servers")
        now = json.loads((other / "master.key").read_bytes())["keys"]
        assert (len(now), now == json.loads(before)["keys"]) == (1, False)
        status = json.loads(walk.shell("icard-issuer rewrap status --json"))
        assert {each["encrypts_under"] for each in status} == {now[0]["id"]}
        assert server.get("/readyz").json()["parts"]["master_key"] == "ok"
    walk.shell("icard-issuer audit verify > /dev/null; icard-issuer card list > /dev/null")


def passphrase_change(walk: Walk) -> None:
    walk.page("passphrase-change")
    assert walk.findings() == set()


def certificate_renewal(walk: Walk) -> None:
    assert blocks("docs/runbooks/certificate-renewal.md", "sh") == []


def data_breach(walk: Walk) -> None:
    walk.page("data-breach")
    assert (walk.folder / "keys.txt").read_text("utf-8").count("active") == 3


WALKS: list[Callable[[Walk], None]] = [
    certificate_renewal,
    clock_was_wrong,
    data_breach,
    database_lost,
    disk_full,
    leaving_a_host,
    passphrase_change,
    rotation,
    server_without_key,
    several_servers,
    stolen_card_key,
    stolen_root_key,
    stolen_status_key,
    stolen_timestamp_key,
    trust_list_over,
    worker_gone,
]


def test_every_page_is_walked_and_listed() -> None:
    """No page without a walk, and the front page names them all."""
    assert [walk.__name__.replace("_", "-") for walk in WALKS] == PAGES
    front = (FOLDER / "README.md").read_text("utf-8")
    assert [name for name in PAGES if f"({name}.md)" not in front] == []


@pytest.mark.slow
@pytest.mark.parametrize("step", WALKS, ids=lambda step: step.__name__)
def test_the_page_ends_the_emergency(walk: Walk, step: Callable[[Walk], None]) -> None:
    step(walk)
