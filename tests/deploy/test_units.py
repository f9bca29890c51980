"""deploy/systemd: units that systemd accepts and rates as closed, and whose commands start and end as they say."""

from __future__ import annotations

import os
import queue
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import pytest

from issuer.settings import Settings
from tests.docs.test_running import free_port
from tests.issuer.conftest import new_database_url
from tests.kit.issuing_service import PASSPHRASE
from tests.kit.signed_domain import published_core, write_settings

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "deploy" / "systemd"
UNITS = ["icard.service", "icard-issuer.service", "icard-issuer-worker.service", "icard-issuer-backup.service"]
SERVERS = UNITS[:3]
#: systemd calls up to 2.0 OK; the network that a server needs is most of what is left.
MOST_EXPOSED = "16"


def settings(unit: str) -> dict[str, list[str]]:
    """What a unit's [Service] sets, in order."""
    found: dict[str, list[str]] = {}
    text = (FOLDER / unit).read_text("utf-8").partition("[Service]")[2].partition("[Install]")[0]
    for line in text.splitlines():
        if "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    """systemd-analyze; in CI it must be there."""
    program = shutil.which("systemd-analyze")
    if program is None:
        assert not os.environ.get("CI"), "systemd-analyze is missing"
        pytest.skip("no systemd-analyze")
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units with this environment's commands in the place of /opt/icard."""
    for unit in UNITS:
        text = (FOLDER / unit).read_text("utf-8").replace("/opt/icard/bin", str(Path(sys.executable).parent))
        (tmp_path / unit).write_text(text)
    return tmp_path


def test_systemd_accepts_the_units(installed: Path) -> None:
    """systemd-analyze verify has nothing to say of them, and does see a misspelt setting."""
    units = [str(installed / unit) for unit in UNITS]
    done = analyze("verify", "--man=no", *units)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")
    spoilt = installed / "spoilt.service"
    spoilt.write_text(Path(units[0]).read_text("utf-8").replace("ProtectSystem=", "ProtectSytem="))
    assert "ProtectSytem" in analyze("verify", "--man=no", str(spoilt)).stderr


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_rates_them_as_closed(installed: Path, unit: str) -> None:
    """Their exposure is what systemd calls OK; a unit that hardens nothing is far above."""
    security = ("security", "--offline=true", "--no-pager", f"--threshold={MOST_EXPOSED}")
    done = analyze(*security, str(installed / unit))
    assert done.returncode == 0, done.stdout[-300:]
    (installed / "open.service").write_text("[Service]\nExecStart=/bin/true\n")
    assert analyze(*security, str(installed / "open.service")).returncode != 0


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_is_what_the_page_says(unit: str) -> None:
    """A user of its own that sysusers makes, strict protection, secrets as credentials alone, SIGTERM with time enough,
    and no system call refused that the programs make."""
    found = settings(unit)
    (user,) = found["User"]
    assert re.search(rf"^u {user} ", (FOLDER / "icard.sysusers.conf").read_text("ascii"), re.MULTILINE)
    for name, value in (("ProtectSystem", "strict"), ("NoNewPrivileges", "yes"), ("KillSignal", "SIGTERM")):
        assert found[name] == [value]
    assert int(found["TimeoutStopSec"][0]) >= (120 if "issuer" in unit else 60)
    # Reading a picture sets limits for its process, a batch is nice to others: both are in @resources.
    assert not [value for value in found["SystemCallFilter"] if value.startswith("~") and "@resources" in value]
    secrets = [value for value in found["Environment"] if re.search("PASS|KEY", value)]
    assert all(re.search(r"=%d/[\w.-]+$", value) for value in secrets)
    handed = {value.partition(":")[0] for value in found.get("LoadCredential", [])}
    assert {value.rpartition("/")[2] for value in secrets} == handed


@pytest.mark.parametrize("unit", SERVERS)
def test_a_restart_waits_until_the_next_one_is_ready(unit: str) -> None:
    """systemd is notified, checks whether the process lives, and stops trying what fails again and again."""
    found = settings(unit)
    assert (found["Type"], found["RestartPreventExitStatus"]) == (["notify"], ["64"])
    assert int(found["WatchdogSec"][0]) >= 30
    text = (FOLDER / unit).read_text("utf-8")
    tries = int(re.search(r"^StartLimitBurst=(\d+)$", text, re.MULTILINE)[1])  # type: ignore[index]
    within = int(re.search(r"^StartLimitIntervalSec=(\d+)$", text, re.MULTILINE)[1])  # type: ignore[index]
    # A start takes a few seconds beside the pause: otherwise the limit would never be met.
    assert tries * (int(found["RestartSec"][0]) + 10) < within


def test_a_backup_is_made_each_night(installed: Path) -> None:
    """The timer starts the unit of its name, and systemd reads its calendar."""
    timer = FOLDER / "icard-issuer-backup.timer"
    (calendar,) = re.findall(r"^OnCalendar=(.+)$", timer.read_text("ascii"), re.MULTILINE)
    done = analyze("calendar", calendar)
    assert (done.returncode, "Next elapse" in done.stdout) == (0, True)
    assert (FOLDER / f"{timer.stem}.service").is_file()


def test_the_databases_address_is_a_credential_too() -> None:
    """The drop-in for PostgreSQL hands over the file that its setting names, one that the service has."""
    lines = [line for line in (FOLDER / "postgresql.conf").read_text("ascii").splitlines() if not line.startswith("#")]
    assert lines[0] == "[Service]"
    given = dict(line.split("=", 1) for line in lines[1:])
    name, _, place = given["LoadCredential"].partition(":")
    assert given["Environment"] == f"ICARD_ISSUER_DATABASE_URL_FILE=%d/{name}"
    assert "database_url_file" in Settings.model_fields
    assert Path(place).parent == Path("/etc/icard-issuer")


@pytest.mark.parametrize("unit", ["icard-issuer.service", "icard-issuer-worker.service", "icard-issuer-backup.service"])
def test_what_outlives_a_restore_lies_apart(unit: str) -> None:
    """Mark and checkpoints are in no folder that is backed up, in one that the unit has; the proxy on the machine is
    trusted, or all requests would count as one address."""
    found = settings(unit)
    environment = dict(pair.partition("=")[::2] for line in found["Environment"] for pair in shlex.split(line))
    folders = found["StateDirectory"][0].split()
    assert environment["ICARD_ISSUER_FOLDER"] == f"/var/lib/{folders[0]}"
    for name in ("EPOCH_FILE", "CHECKPOINTS"):
        assert Path(environment[f"ICARD_ISSUER_{name}"]).parent == Path(f"/var/lib/{folders[1]}")
    proxy = (ROOT / "deploy" / "nginx" / "icard.conf").read_text("utf-8")
    if "serve" in found["ExecStart"][0]:
        assert "server 127.0.0.1:8081" in proxy
        assert environment["ICARD_ISSUER_TRUSTED_PROXIES"] == "127.0.0.1/32"


def environment_of(unit: str, folder: Path, credentials: Path) -> dict[str, str]:
    """What the unit's command finds in its environment."""
    pairs = [pair for line in settings(unit)["Environment"] for pair in shlex.split(line)]
    found = dict(pair.partition("=")[::2] for pair in pairs)
    return {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        **{
            name: re.sub(r"^/var/lib/[a-z-]+", str(folder), value.replace("%d", str(credentials)))
            for name, value in found.items()
        },
    }


def start(unit: str, folder: Path, credentials: Path, port: int, notify: Path) -> subprocess.Popen[str]:
    """The unit's command, on another port, with this environment's program.

    Args:
        notify: the socket on which the command says how it is.
    """
    (line,) = settings(unit)["ExecStart"]
    words = [re.sub(r"^80\d\d$", str(port), word) for word in shlex.split(line)]
    words[0] = str(Path(sys.executable).parent / Path(words[0]).name)
    return subprocess.Popen(
        words,
        env=environment_of(unit, folder, credentials) | {"NOTIFY_SOCKET": str(notify), "WATCHDOG_USEC": "400000"},
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        umask=int(settings(unit)["UMask"][0], 8),
    )


def wait_for(process: subprocess.Popen[str], port: int, path: str) -> None:
    """Ask until it answers 200; a minute at most."""
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=4) as answer:
                assert answer.status == 200
                return
        except OSError:
            assert process.poll() is None, process.communicate()[0][-2000:]
            time.sleep(0.1)
    raise AssertionError("no answer for a minute")


@pytest.mark.slow
def test_what_the_units_start(tmp_path: Path) -> None:
    """Each unit's command starts with the unit's environment, secrets coming from the folder of credentials and not
    from the service's own, answers where it listens, and ends with 0 on SIGTERM."""
    folder, credentials = tmp_path / "state", tmp_path / "credentials"
    folder.mkdir()
    credentials.mkdir()
    core = published_core(folder, new_database_url("sqlite", folder))
    write_settings(core, folder)
    core.close()
    (folder / "master.key").rename(credentials / "master.key")
    (credentials / "passphrase").write_text(PASSPHRASE)
    path = folder / "icard-issuer.toml"
    path.write_text(re.sub(r"^passphrase = .*\n", "", path.read_text("utf-8"), flags=re.MULTILINE))
    for unit, asked in (("icard.service", "/healthz"), ("icard-issuer.service", "/readyz")):
        port = free_port()
        with Told(tmp_path / f"{unit}.socket") as told:
            process = start(unit, folder, credentials, port, told.path)
            try:
                assert told.next(process) == "READY=1"
                wait_for(process, port, asked)
                # Each of several workers says that it is ready.
                while (said := told.next(process)) == "READY=1":
                    pass
                assert said == "WATCHDOG=1"
                process.terminate()
                out, _ = process.communicate(timeout=90)
            finally:
                process.kill()
            assert process.returncode == 0, out
            assert "STOPPING=1" in told.rest()
    with Told(tmp_path / "worker.socket") as told:
        worker = start("icard-issuer-worker.service", folder, credentials, 0, told.path)
        try:
            assert worker.stdout is not None
            assert "started" in worker.stdout.readline()
            assert [told.next(worker), told.next(worker), told.next(worker)] == ["READY=1", "WATCHDOG=1", "WATCHDOG=1"]
            worker.terminate()
            out, _ = worker.communicate(timeout=90)
        finally:
            worker.kill()
        assert (worker.returncode, PASSPHRASE in out) == (0, False)
        assert told.rest()[-1] == "STOPPING=1"


class Told:
    """A socket as systemd's, which is read at once: what a process says of itself."""

    def __init__(self, path: Path) -> None:
        # A path of a socket has at most 107 bytes (unix(7)).
        self._folder = tempfile.TemporaryDirectory(prefix="icard-")
        self.path = Path(self._folder.name) / path.name
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))
        self._messages: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read)

    def __enter__(self) -> Told:
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        self._socket.close()
        self._folder.cleanup()

    def _read(self) -> None:
        while message := self._socket.recv(100).decode():
            self._messages.put(message)

    def _end(self) -> None:
        if self._reader.is_alive():
            # What was sent before is read before.
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.sendto(b"", str(self.path))
            self._reader.join()

    def next(self, process: subprocess.Popen[str]) -> str:
        """The next message; a minute at most."""
        for _ in range(300):
            try:
                return self._messages.get(timeout=0.2)
            except queue.Empty:
                assert process.poll() is None, process.communicate()[0][-2000:]
        raise AssertionError("nothing was said for a minute")

    def rest(self) -> list[str]:
        """What was said since, by a process that has ended."""
        self._end()
        return list(self._messages.queue)
