"""``icard sync`` as users start it: against a real origin, ended by SIGTERM, killed at random moments."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.kit.adversary import DAY, EXP, FROM, IAT, ISSUERS, KEYS, PREFIXES, UNTIL, published, put
from tests.kit.cli import Done, run, script
from tests.kit.origin import Authority, Origin
from tests.kit.publisher import INDEX, status, timestamp
from verifier.cli.commands import app
from verifier.store import Store

Record = Callable[[str, object], None]
HOUR = 3600
NETWORKS = ("--allow-network", "127.0.0.0/8", "--allow-network", "::1/128")


@dataclass
class Site:
    """A domain on ``localhost`` by the real clock, and a state that has its anchor."""

    origin: Origin
    folder: Path
    ca_file: Path
    anchor: bytes
    iat: int

    @property
    def uri(self) -> str:
        return f"https://localhost:{self.origin.port}/status/list-1"

    def publish(self, iat: int) -> None:
        """Status list, then timestamp, of this time."""
        self.origin.files["/status/list-1"] = status(iat, {INDEX: iat % 2}, uri=self.uri)
        self.origin.files["/timestamp.cbor"] = timestamp(iat, trust=self.anchor, lists={self.uri: iat})

    def arguments(self, *more: str) -> list[str]:
        return ["sync", "--state", str(self.folder), "--ca-file", str(self.ca_file), *NETWORKS, *more]

    def times(self) -> tuple[int, int]:
        """Of the timestamp and of the status list, as another process reads them; 0 where there is none."""
        store = Store(self.folder)
        (domain,) = store.load()
        assert store.faults == ()
        listed = domain.status_lists.get(self.uri)
        return (0 if domain.timestamp is None else domain.timestamp.iat, 0 if listed is None else listed.iat)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    authority = Authority(tmp_path)
    now = int(time.time())
    with Origin(authority.server_context("localhost")) as origin:
        edits = [
            put(now - DAY, IAT),
            put(now + 300 * DAY, EXP),
            put([f"https://localhost:{origin.port}/status/"], ISSUERS, 0, PREFIXES),
            put((now - DAY) // HOUR * HOUR, ISSUERS, 0, KEYS, 1, FROM),
            put(now + DAY, ISSUERS, 0, KEYS, 1, UNTIL),
        ]
        anchor = published(1, *edits)
        made = Site(origin, tmp_path / "state", authority.ca_file, anchor, now - 12 * HOUR)
        store = Store(made.folder)
        store.create(anchor, name="cn", now=now, url=f"https://localhost:{origin.port}/")
        made.publish(made.iat)
        yield made


def test_sync_once(site: Site) -> None:
    """From an anchor to a state that is all fresh: exit statuses 0 and 0, and icard status says when."""
    done = script("icard", *site.arguments("--once"))
    assert (done.status, done.err) == (0, "")
    assert done.out.splitlines() == ["cn  timestamp: taken", f"cn  status list {site.uri}: taken"]
    status_done = script("icard", "status", "--state", site.folder)
    assert status_done.status == 0
    assert "cn: last synchronised just now" in status_done.out
    again = script("icard", *site.arguments("--once"))
    assert (again.status, again.out) == (0, "cn  nothing new\n")


def test_sync_tells_what_failed_and_how_old_the_rest_is(site: Site) -> None:
    """Exit status 2; the fault stands in the output and, later, in icard status beside the age."""
    assert script("icard", *site.arguments()).status == 0
    site.origin.misdeeds["/status/list-1"] = "type text/html"
    done = script("icard", *site.arguments("--json"))
    assert done.status == 2
    (answer,) = done.lines
    assert [(fault["source"], fault["error"]["code"]) for fault in answer["faults"]] == [(site.uri, "sync.type")]
    shown = script("icard", "status", "--state", site.folder)
    assert "12 h old" in shown.out
    assert f"failing: {site.uri}: The answer is of another kind than was asked for" in shown.out


def test_loopback_is_refused_unless_allowed(site: Site) -> None:
    """Without --allow-network this machine's own address is not connected to."""
    done = script("icard", "sync", "--state", site.folder, "--ca-file", site.ca_file, "--json")
    assert done.status == 2
    assert {fault["error"]["code"] for fault in done.lines[0]["faults"]} == {"sync.address"}
    assert site.origin.connections == 0


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--once", "--watch"), "cli.option"),
        (("--allow-network", "home"), "sync.network"),
        (("--ca-file", "/nowhere.pem"), "sync.ca_file"),
        (("--interval", "0"), "cli.usage"),
    ],
)
def test_wrong_use(site: Site, options: tuple[str, ...], code: str) -> None:
    """Each is 64 with its own code."""
    done: Done = run(app, "sync", "--json", *options, ICARD_STATE=str(site.folder))
    assert (done.status, done.error["code"]) == (64, code)


def test_without_httpx_the_extra_is_named(site: Site) -> None:
    """One line that says what to install."""
    program = "import sys; sys.modules['httpx'] = None; from verifier.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, *site.arguments()], capture_output=True, text=True, check=False
    )
    assert done.returncode == 64
    assert "whl[cli,sync]'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("misdeed", [None, "silent"])
def test_sigterm_ends_watching_cleanly(site: Site, misdeed: str | None) -> None:
    """Between rounds and in the middle of a wait for a server: exit status 0, and a whole state."""
    if misdeed:
        site.origin.misdeeds["/status/list-1"] = misdeed
    command = [str(Path(sys.executable).parent / "icard"), *site.arguments("--watch", "--interval", "60")]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for _ in range(600):
        if "/status/list-1" in site.origin.paths():
            break
        time.sleep(0.05)
    time.sleep(0.3)
    child.send_signal(signal.SIGTERM)
    _, err = child.communicate(timeout=20)
    assert (child.returncode, err) == (0, "")
    assert site.times()[0] == site.iat


def kill_agents(site: Site, kills: int) -> int:
    """Kill a watching agent ``kills`` times while a publisher publishes twenty times a second; the last time seen.

    After each kill: the state is whole, and neither the timestamp nor the list ever went back. Each publication is a
    second newer than the one before; the site begins half a day ago, so that none is from the future.
    """
    chance, done = random.Random(3), threading.Event()

    def publish() -> None:
        iat = site.iat
        while not done.is_set():
            iat += 1
            site.publish(iat)
            done.wait(0.05)

    publisher = threading.Thread(target=publish, daemon=True)
    publisher.start()
    before = (0, 0)
    # In a process of our own, so that rounds follow each other without a pause.
    program = (
        "import sys, pathlib\n"
        "from verifier.store import Store\n"
        "from verifier.sync import Agent, Limits\n"
        "from verifier.runtime.outbound.addresses import networks\n"
        "limits = Limits(allowed=networks(['127.0.0.0/8', '::1/128']), ca_file=pathlib.Path(sys.argv[2]))\n"
        "agent = Agent(Store(sys.argv[1]), limits)\n"
        "while True:\n"
        "    agent.once()\n"
        "    print('round', flush=True)\n"
    )
    try:
        for _ in range(kills):
            child = subprocess.Popen(
                [sys.executable, "-c", program, str(site.folder), str(site.ca_file)], stdout=subprocess.PIPE, text=True
            )
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(chance.uniform(0, 0.2))
            child.kill()
            child.stdout.close()
            child.wait(30)
            after = site.times()
            assert after[0] >= before[0]
            assert after[1] >= before[1]
            assert after > before
            floor = json.loads((site.folder / "cn" / "manifest").read_bytes())["floor"]
            assert floor == after[0]
            before = after
    finally:
        done.set()
        publisher.join()
    return before[0]


@pytest.mark.slow
def test_killed_agents_leave_a_whole_state(site: Site) -> None:
    """Twenty agents die by SIGKILL at random moments of their rounds: never half a state, and nothing goes back."""
    assert kill_agents(site, int(os.environ.get("ICARD_SYNC_KILLS", "20"))) > site.iat


@pytest.mark.soak
def test_two_hundred_killed_agents(site: Site, record_property: Record) -> None:
    """Two hundred agents die by SIGKILL at random moments of their rounds: nothing is half, nothing goes back."""
    record_property("published", kill_agents(site, 200) - site.iat)
