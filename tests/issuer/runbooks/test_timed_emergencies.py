"""Emergencies of a running service, timed: when each shows, and that its runbook ends it.

A server, and with PostgreSQL a worker, run as processes of a trial authority, and something happens to them. The
figures of docs/soak.md are seconds from then on: until ``/readyz`` and ``/metrics`` say so, until ``icard-issuer
doctor`` does, and until the service is well after the page was followed. The metrics of that moment have to fire the
alert.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from issuer.db.engine import connect
from issuer.offline import trust_draft
from issuer.trial.build import build
from tests.docs.pages import blocks
from tests.docs.test_running import free_port
from tests.issuer.doctor.test_emergencies import firing
from tests.issuer.runbooks.test_runbooks import Walk
from tests.kit import postgres

pytestmark = pytest.mark.soak

BY = '--operator "Li Na" --reason "a test"'
DAY = 86_400
#: Seconds after which something that did not show is not expected any more; a change may wait for two minutes.
LONGEST = 240.0
_PAUSE = 0.1


@dataclass
class Service:
    """The processes of a trial authority, and their emergency."""

    walk: Walk
    server: postgres.Server | None
    url: str
    port: int = field(default_factory=free_port)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, *options: str) -> None:
        """Start ``serve`` or ``worker``."""
        program = str(Path(sys.executable).parent / "icard-issuer")
        where = ("--port", str(self.port)) if name == "serve" else ()
        with (self.walk.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [program, name, *where, *options, "-C", str(self.walk.folder / "issuer")], stdout=log, stderr=log
            )

    def begin(self, *options: str) -> None:
        """Start everything, and wait until it is well."""
        self.start("serve", *options)
        if not self.walk.sqlite:
            self.start("worker")
        assert self.until(lambda: self.ready().get("ready") is True) is not None, self.ready()

    def kill(self, name: str) -> None:
        """End a process as a crash would."""
        process = self.running.pop(name)
        process.kill()
        process.wait()

    def end(self) -> None:
        """End what runs."""
        for name in list(self.running):
            self.kill(name)

    def get(self, path: str) -> httpx.Response:
        scheme = "https" if (self.walk.folder / "tls.pem").exists() else "http"
        return httpx.get(f"{scheme}://127.0.0.1:{self.port}{path}", verify=False, timeout=60)  # noqa: S501 (its own)

    def ready(self) -> dict[str, Any]:
        """What /readyz says; nothing where nobody answers."""
        with contextlib.suppress(httpx.TransportError):
            return dict(self.get("/readyz").json())
        return {}

    def codes(self) -> set[str]:
        """What is wrong by /readyz; ``down`` where nobody answers."""
        said = self.ready()
        return {*said.get("parts", {"server": "down"}).values(), *said.get("warnings", {}).values()} - {"ok"}

    def until(self, there: Callable[[], bool]) -> float | None:
        """Seconds until something is so; None: it never was."""
        begun = time.monotonic()
        while time.monotonic() < begun + LONGEST:
            if there():
                return time.monotonic() - begun
            time.sleep(_PAUSE)
        return None

    def found(self) -> dict[str, str]:
        """The doctor's findings and their fixes."""
        said = json.loads(self.walk.shell("icard-issuer doctor --offline --json || test $? -le 3"))
        return {each["code"]: each["fix"] or "" for each in said["findings"]}

    def execute(self, statement: str, **values: object) -> None:
        """Change the database behind the service's back."""
        database = connect(self.url)
        with database.engine.begin() as connection:
            connection.execute(text(statement), values)
        database.close()

    def sign_list(self, *edits: str, lifetime: int | None = None) -> None:
        """The roots sign a next list, which is taken in and is the one to go on from."""
        walk = self.walk
        if lifetime is None:
            walk.shell("\n".join(["icard-issuer files trust draft v1.cbor --out v2.draft", *edits]))
        else:
            now = int(time.time())
            draft = trust_draft.follow((walk.folder / "v1.cbor").read_bytes(), now=now, lifetime=lifetime)
            (walk.folder / "v2.draft").write_bytes(draft)
        walk.shell(
            "for root in root1 root2; do\n"
            "icard-issuer files trust sign v2.draft --current v1.cbor --key roots/$root.pem --out v2.$root --yes\n"
            "done\n"
            "icard-issuer files trust assemble v2.root1 v2.root2 --current v1.cbor --out v2.cbor\n"
            "icard-issuer trust-list import v2.cbor\n"
            "mv v2.cbor v1.cbor; rm v2.*"
        )

    def active(self, usage: str) -> str:
        """The thumbprint of the active key."""
        return self.walk.shell(
            f'icard-issuer key list | awk \'$2 == "{usage}" && $4 == "active" {{print $1}}\''
        ).strip()


def mounted(folder: Path) -> bool:
    """Whether a folder is a file system of 48 MiB now."""
    command = ["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(folder)]
    return os.geteuid() == 0 and subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture
def service(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setenv("ICARD_ISSUER_SCRYPT_LOG2", "14")
    monkeypatch.setenv("ICARD_ISSUER_COMPARE_PUBLISHED", "false")
    sqlite = request.param == "sqlite"
    # A server of its own, which may be ended.
    server = None if sqlite else postgres.Server()
    url = None if server is None else server.new_database(empty=True)
    folder = tmp_path / "trial"
    folder.mkdir()
    small = request.node.name.partition("-")[2].startswith("disk_full")
    if small and not mounted(folder):
        pytest.skip("no small file system can be mounted")
    build(folder, database_url=url)
    made = Service(Walk(folder, sqlite), server, url or f"sqlite:///{folder / 'issuer' / 'issuer.db'}")
    made.walk.shell("icard-issuer card issue card.json --out codes > /dev/null")
    try:
        yield made
    finally:
        made.end()
        if server is not None:
            server.remove()
        if small:
            subprocess.run(["umount", str(folder)], check=True)


class Emergency:
    """What happens, where it shows, and what ends it.

    Args:
        code: in /readyz, ``doctor`` in the doctor's findings.
        alert: fires on the metrics of that moment; None: they cannot be asked for, Prometheus has ``up`` at 0.
        page: of docs/runbooks, to which the doctor leads.
    """

    code: str
    doctor: str
    alert: str | None
    page: str

    def begin(self, service: Service) -> None:
        service.begin()

    def provoke(self, service: Service) -> None:
        raise NotImplementedError

    def fix(self, service: Service) -> None:
        service.walk.page(self.page)


class KeyFileGone(Emergency):
    code, doctor, alert, page = (
        "keystore.file_gone",
        "keystore.not_in_keystore",
        "IssuerKeyFileGone",
        "server-without-key",
    )

    def provoke(self, service: Service) -> None:
        keys = service.walk.folder / "issuer" / "keys"
        shutil.copytree(keys, service.walk.folder / "healthy" / "keys")
        (keys / f"{service.active('card')}.json").unlink()

    def fix(self, service: Service) -> None:
        """The page's block, as the host that has the key runs it."""
        (code,) = blocks("docs/runbooks/server-without-key.md", "sh")
        code = code.replace("issuer/keys/", "healthy/keys/").replace("other-host", "issuer")
        service.walk.shell(code)


class ListEnds(Emergency):
    code, doctor, alert, page = "listing.list_ends", "listing.list_ends", "IssuerTrustListEnds", "trust-list-over"

    def provoke(self, service: Service) -> None:
        service.sign_list(lifetime=30 * DAY)


class ListOver(Emergency):
    code, doctor, alert, page = "listing.list_over", "listing.list_over", "IssuerKeyNotTrusted", "trust-list-over"

    def provoke(self, service: Service) -> None:
        service.sign_list(lifetime=60)
        ends = trust_draft.open_list((service.walk.folder / "v1.cbor").read_bytes()).exp
        time.sleep(max(0.0, ends - time.time()))


class CardKeyStolen(Emergency):
    """After the first step of its page, which cannot wait for the roots, nobody can be issued a card."""

    code, doctor, alert, page = "keystore.none_active", "keystore.none_active", "IssuerSignerFails", "stolen-card-key"

    def provoke(self, service: Service) -> None:
        service.walk.shell("\n".join(blocks("docs/runbooks/stolen-card-key.md", "sh")[:1]) + "\necho $stolen > stolen")

    def fix(self, service: Service) -> None:
        rest = "\n".join(blocks("docs/runbooks/stolen-card-key.md", "sh")[1:])
        service.walk.shell(f"stolen=$(cat stolen)\n{rest}")


class RevocationWaits(Emergency):
    """The status key was revoked, so what is revoked then does not go out. The page that the doctor leads to names the
    one of the key."""

    code, doctor, alert, page = (
        "publication.waiting",
        "publication.waiting",
        "IssuerRevocationsWait",
        "worker-gone",
    )

    def provoke(self, service: Service) -> None:
        code = blocks("docs/runbooks/stolen-status-key.md", "sh")[0].partition("key=$(")[0]
        card = json.loads(service.walk.shell("icard-issuer card list --json"))[0]["card_id"]
        service.walk.shell(f"{code}\necho $stolen > stolen\nicard-issuer card revoke {card} {BY}")

    def fix(self, service: Service) -> None:
        code = blocks("docs/runbooks/stolen-status-key.md", "sh")[0]
        service.walk.shell("stolen=$(cat stolen)\nkey=$(" + code.partition("key=$(")[2])


class WorkerGone(Emergency):
    """On SQLite the worker is the server: it is gone with it, and Prometheus has no answer."""

    code, doctor, page = "worker.missing", "worker.missing", "worker-gone"
    alert: str | None = "IssuerWorkerGone"

    def provoke(self, service: Service) -> None:
        if service.walk.sqlite:
            self.code, self.alert = "down", None
        service.kill("serve" if service.walk.sqlite else "worker")

    def fix(self, service: Service) -> None:
        service.walk.page(self.page)
        service.start("serve" if service.walk.sqlite else "worker")


class ClockFarAhead(Emergency):
    """The newest time at which something was signed is four days ago."""

    code, doctor, alert, page = "clock.far_ahead", "clock.far_ahead", "IssuerClockWrong", "clock-was-wrong"

    def provoke(self, service: Service) -> None:
        service.execute("UPDATE meta SET newest_iat = newest_iat - :gap", gap=4 * DAY)


class DiskFull(Emergency):
    """The disk of the service's folder; with PostgreSQL the database has another one, and the mark alone is on it."""

    code, doctor, alert, page = "database.full", "disk.low", "IssuerDiskLow", "disk-full"

    def provoke(self, service: Service) -> None:
        if not service.walk.sqlite:
            self.code = "disk.low"
        with contextlib.suppress(OSError), (service.walk.folder / "old-logs").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))

    def fix(self, service: Service) -> None:
        """Make room; the page's first block writes its report where there is none."""
        (service.walk.folder / "old-logs").unlink()
        service.walk.page(self.page)


class RecordAltered(Emergency):
    code, doctor, alert, page = "at_rest.altered", "at_rest.altered", "IssuerRecordsAltered", "data-breach"

    def provoke(self, service: Service) -> None:
        service.execute("UPDATE keys SET emergency = NOT emergency WHERE usage = 'card'")

    def fix(self, service: Service) -> None:
        """The page keeps what is known; the record is put right as the backup has it."""
        service.walk.page(self.page)
        service.execute("UPDATE keys SET emergency = NOT emergency WHERE usage = 'card'")


class DatabaseAway(Emergency):
    code, doctor, alert, page = "database.unreachable", "database.unreachable", "IssuerDatabaseAway", "database-lost"

    def provoke(self, service: Service) -> None:
        assert service.server is not None
        service.server.stop()

    def fix(self, service: Service) -> None:
        """Only away: it is brought back, and everything goes on by itself."""
        assert service.server is not None
        service.server.start()


class CertificateEnds(Emergency):
    """The server that began with a certificate of five days; SIGHUP is what ``systemctl reload`` sends."""

    code, doctor, alert, page = (
        *("serve.certificate_ends", "serve.certificate_ends"),
        *("IssuerCertificateEnds", "certificate-renewal"),
    )

    def begin(self, service: Service) -> None:
        self.certify(service, 300)
        place = str(service.walk.folder / "tls")
        service.begin("--tls-certificate", f"{place}.pem", "--tls-key", f"{place}.key")

    def certify(self, service: Service, days: int) -> None:
        service.walk.shell(
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=127.0.0.1 "
            f"-days {days} -keyout new.key -out new.pem 2> openssl.log; mv new.key tls.key; mv new.pem tls.pem"
        )

    def provoke(self, service: Service) -> None:
        self.certify(service, 5)
        service.running["serve"].send_signal(signal.SIGHUP)

    def fix(self, service: Service) -> None:
        self.certify(service, 300)
        service.running["serve"].send_signal(signal.SIGHUP)


EMERGENCIES: list[type[Emergency]] = [
    CardKeyStolen,
    CertificateEnds,
    ClockFarAhead,
    DatabaseAway,
    DiskFull,
    KeyFileGone,
    ListEnds,
    ListOver,
    RecordAltered,
    RevocationWaits,
    WorkerGone,
]


def name_of(emergency: type[Emergency]) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", emergency.__name__).lower()


#: A SQLite file is not away while its server is there.
CASES = [
    pytest.param(database, each, id=f"{database}-{name_of(each)}")
    for database in ("sqlite", "postgresql")
    for each in EMERGENCIES
    if (database, each) != ("sqlite", DatabaseAway)
]


@pytest.mark.parametrize(("service", "emergency"), CASES, indirect=["service"])
def test_a_running_service_shows_an_emergency_and_its_page_ends_it(
    service: Service, emergency: type[Emergency], tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """On a server and a worker that run: shown by /readyz and a metric, fires its alert, named by the doctor with its
    runbook, and over once that was followed."""
    happened = emergency()
    happened.begin(service)
    assert happened.code not in service.codes()
    happened.provoke(service)
    begun = time.monotonic()
    shown = service.until(lambda: happened.code in service.codes())
    assert shown is not None, service.codes()
    record_property("on /readyz after", f"{shown:.1f} s")
    if happened.alert is not None:
        metrics = service.get("/metrics").text
        record_property("in a metric after", f"{time.monotonic() - begun:.1f} s")
        assert happened.alert in firing(metrics, time.time(), tmp_path)
    found: dict[str, str] = {}

    def told() -> bool:
        found.update(service.found())
        return happened.doctor in found

    assert service.until(told) is not None, found
    record_property("in the doctor after", f"{time.monotonic() - begun:.1f} s")
    assert happened.page in found[happened.doctor] or found[happened.doctor].startswith("icard-issuer ")
    begun = time.monotonic()
    happened.fix(service)
    well = service.until(lambda: service.ready().get("ready") is True and happened.code not in service.codes())
    assert well is not None, service.codes()
    record_property("page followed, and well, after", f"{time.monotonic() - begun:.1f} s")
