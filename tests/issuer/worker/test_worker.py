"""The worker as a process: on both databases, several at once, killed at points while others change cards."""

from __future__ import annotations

import itertools
import json
import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from icard_crypto.errors import StateError
from icard_crypto.lists import tree
from issuer import cards
from issuer.acts import Actor
from issuer.cards import NewCard, codes
from issuer.core import Core
from issuer.db.meta import Publisher
from issuer.jobs import Job
from issuer.keys.signer import SignerBusy
from issuer.worker.loop import Worker
from tests.issuer.conftest import postgres_server
from tests.kit.issuing_service import PASSPHRASE, person
from tests.kit.postgres import Server
from tests.kit.signed_domain import bundle_domain, file_of, published_core, verdicts, versions, write_settings
from verifier import Policy, Verifier

BY = Actor("officer:1")
KILLS = int(os.environ.get("ICARD_KILL_POINTS", "6"))
_RUN = "from issuer.cli import main; import sys; sys.argv[0] = 'icard-issuer'; main()"


@pytest.fixture
def core(tmp_path: Path, database_url: str) -> Core:
    core = published_core(tmp_path, database_url)
    write_settings(core, tmp_path)
    return core


def start(folder: Path, www: Path | None) -> subprocess.Popen[str]:
    export = [] if www is None else ["--export", str(www)]
    command = ["worker", "-C", str(folder), "--json", "--interval", "0.2", *export]
    return subprocess.Popen(
        [sys.executable, "-c", _RUN, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@contextmanager
def running(folder: Path, www: Path | None = None) -> Iterator[subprocess.Popen[str]]:
    process = start(folder, www)
    try:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["event"] == "started"
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_until(true: Callable[[], bool]) -> None:
    """Wait half a minute at most: whether it comes to pass is the question, not how soon."""
    for _ in range(300):
        if true():
            return
        time.sleep(0.1)
    raise AssertionError("it did not come to pass")


def events(process: subprocess.Popen[str]) -> list[dict[str, Any]]:
    """End a worker by SIGTERM: what it told, after a clean end."""
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    return [json.loads(line) for line in out.splitlines()]


def reasons_of(www: Path, texts: list[str], policy: str = "gate") -> list[str]:
    now = int(time.time())
    verifier = Verifier(bundle_domain((www / tree.BUNDLE).read_bytes(), now), Policy.named(policy))
    return [str(verifier.verify(text, now=now).reason) for text in texts]


@pytest.mark.slow
def test_a_change_reaches_the_origin(core: Core, tmp_path: Path) -> None:
    """Each change while a worker runs: the exported bundle says so, of a lapse nothing for a public code; SIGTERM ends
    the worker cleanly, nothing of the holder is in what it told."""
    www = tmp_path / "www"
    with running(tmp_path, www) as process:
        (issued,) = cards.issue(core, [NewCard(person(1))], BY)
        texts = [code.text for code in issued.codes]
        wait_until(lambda: (www / tree.TIMESTAMP).exists() and reasons_of(www, texts) == ["valid"] * 3)
        cards.suspend(core, issued.card_id, BY)
        wait_until(lambda: reasons_of(www, texts) == ["suspended"] * 3)
        cards.resume(core, issued.card_id, BY)
        wait_until(lambda: reasons_of(www, texts) == ["valid"] * 3)
        public, *others = reasons_of(www, texts, "benefit")
        cards.set_insurance(core, issued.card_id, "lapsed", BY)
        wait_until(lambda: reasons_of(www, texts, "benefit") == [public, "insurance_lapsed", "insurance_lapsed"])
        cards.set_insurance(core, issued.card_id, "good", BY)
        wait_until(lambda: reasons_of(www, texts, "benefit") == [public, *others])
        cards.revoke(core, issued.card_id, BY)
        wait_until(lambda: reasons_of(www, texts) == ["revoked"] * 3)
        told = events(process)
    assert {event["event"] for event in told} >= {"published", "exported", "ended"}
    assert told[-1]["event"] == "ended"
    name = person(1).holder.name
    assert name
    assert name not in json.dumps(told)


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_two_workers_publish_no_version_twice(core: Core, tmp_path: Path) -> None:
    """Two workers on one PostgreSQL: every version is told by one of them, versions and iat rise together."""
    with running(tmp_path, tmp_path / "www") as one, running(tmp_path, tmp_path / "www") as two:
        for number in range(12):
            (issued,) = cards.issue(core, [NewCard(person(number))], BY)
            cards.suspend(core, issued.card_id, BY)
            time.sleep(0.3)
        told = events(one) + events(two)
    published = sorted((event["version"], event["iat"]) for event in told if event["event"] == "published")
    numbers, iats = [version for version, _ in published], [iat for _, iat in published]
    assert len(numbers) >= 4
    assert len(set(numbers)) == len(numbers)
    assert all(later > earlier for earlier, later in itertools.pairwise(iats))
    assert [event for event in told if event["event"] == "held_back"] == []


@pytest.mark.slow
def test_killed_workers_leave_whole_publications(core: Core, tmp_path: Path) -> None:
    """Workers are killed at random points while cards change: after each kill the rows are one whole publication, lists
    only go forward, and at the end rows and files say what stands."""
    www = tmp_path / "www"
    chance = random.Random(5)
    stop = threading.Event()
    states: dict[str, bool] = {}
    texts: dict[str, str] = {}

    def change() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            (issued,) = cards.issue(core, [NewCard(person(number))], BY)
            texts[issued.card_id] = issued.codes[0].text
            states[issued.card_id] = chance.random() < 0.5
            if states[issued.card_id]:
                cards.revoke(core, issued.card_id, BY)
            time.sleep(0.02)

    clerk = threading.Thread(target=change)
    clerk.start()
    try:
        before: dict[str, int] = {}
        for _ in range(KILLS):
            with running(tmp_path, www) as process:
                time.sleep(chance.uniform(0.05, 1.2))
                process.kill()
            newest = {path: iat for path, _, iat in versions(core)}
            assert all(newest[path] >= iat for path, iat in before.items())
            before = newest
            if tree.BUNDLE in newest:
                bundle_domain(file_of(core, tree.BUNDLE), int(time.time()))
    finally:
        stop.set()
        clerk.join()
    with running(tmp_path, www) as process:
        wanted = ["revoked" if gone else "valid" for gone in states.values()]
        wait_until(lambda: reasons_of(www, [texts[card] for card in states]) == wanted)
        events(process)
    assert [str(verdict.reason) for verdict in verdicts(core, [texts[card] for card in states])] == wanted
    assert list(www.rglob("*.tmp")) == []


@pytest.fixture
def server() -> Iterator[Server]:
    """A server of this test's own, to be stopped."""
    postgres_server()
    made = Server()
    yield made
    made.remove()


def job(worker: Worker, name: str) -> Job:
    """One of a worker's jobs."""
    (found,) = [one for one in worker.jobs() if one.name == name]
    return found


def heard(process: subprocess.Popen[str], event: str) -> dict[str, Any]:
    """The next event of this name that a worker tells."""
    assert process.stdout is not None
    told: dict[str, Any] = {}
    while told.get("event") != event:
        told = json.loads(process.stdout.readline())
    return told


@pytest.mark.slow
def test_a_database_that_goes_away_and_comes_back(server: Server, tmp_path: Path) -> None:
    """The same worker says so, says when it is back, and publishes what changed; while it is away SIGTERM ends it, with
    nothing but its last words, and without waiting for the database."""
    url = server.new_database()
    core = published_core(tmp_path, url)
    write_settings(core, tmp_path)
    with running(tmp_path, tmp_path / "www") as process:
        # The first export may be of the trust list alone.
        wait_until((tmp_path / "www" / tree.BUNDLE).exists)
        server.stop()
        assert heard(process, "held_back")["code"] == "database.unreachable"
        server.start()
        heard(process, "recovered")
        (issued,) = cards.issue(core, [NewCard(person(1))], BY)
        cards.revoke(core, issued.card_id, BY)
        wait_until(lambda: reasons_of(tmp_path / "www", [issued.codes[0].text]) == ["revoked"])
        server.stop()
        heard(process, "held_back")
        # It is in the midst of trying again, for twenty seconds if nobody stopped it.
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (0, "")
    assert json.loads(out.splitlines()[-1])["event"] == "ended"


@pytest.mark.slow
def test_a_full_disk_holds_the_tree_back_until_there_is_room(server: Server, tmp_path: Path) -> None:
    """The tree stays as it was, whole; the worker says so and completes it once there is room again."""
    core = published_core(tmp_path, server.new_database())
    write_settings(core, tmp_path)
    www = tmp_path / "www"
    with running(tmp_path, www) as process:
        wait_until((www / tree.TIMESTAMP).exists)
        (issued,) = cards.issue(core, [NewCard(person(1))], BY)
        before = {path: path.read_bytes() for path in www.rglob("*.cbor")}
        # A write beyond the cap fails with EFBIG, as it does with ENOSPC on a full disk.
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
        cards.revoke(core, issued.card_id, BY)
        assert heard(process, "held_back")["code"] == "file.unwritable"
        assert {path: path.read_bytes() for path in www.rglob("*.cbor")} == before
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        wait_until(lambda: reasons_of(www, [issued.codes[0].text]) == ["revoked"])
        assert events(process)[-1]["event"] == "ended"
    assert list(www.rglob("*.tmp")) == []


def test_a_worker_goes_on_after_faults(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signer that is away for three turns is told once; then the worker publishes and says that it is well again."""
    told: list[str] = []
    stop = threading.Event()
    sign = core.signer.sign
    failures = iter(range(3))

    def flaky(key: Any, messages: Any) -> Any:
        # The check at the start signs nothing, and passes.
        if messages and next(failures, None) is not None:
            raise SignerBusy("signer.unavailable")
        return sign(key, messages)

    def tell(event: str, facts: dict[str, Any]) -> None:
        # The checkpoint meets the same fault, by itself.
        if event != "checkpoint" and facts.get("job") != "checkpoint":
            told.append(f"{event} {facts.get('code', '')}".strip())
        if event == "recovered" and facts["job"] == "publish":
            stop.set()

    monkeypatch.setattr(core.signer, "sign", flaky)
    Worker(core, None, tell, 0.01).run(stop)
    assert told == [
        "started",
        "held_back signer.unavailable",
        "published",
        "recovered",
        "ended",
    ]


def test_a_worker_finishes_what_others_left(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    """Intents that a process left behind are signed by the worker's next round."""
    core.signer.fault = SignerBusy("signer.unavailable")  # type: ignore[attr-defined]
    with pytest.raises(SignerBusy):
        cards.issue(core, [NewCard(person(1))], BY)
    core.signer.fault = None  # type: ignore[attr-defined]
    monkeypatch.setattr(codes, "LEFT_BEHIND", 0)
    told: dict[str, dict[str, Any]] = {}
    job(Worker(core, None, lambda event, facts: told.update({event: facts})), "recover").run(threading.Event())
    assert told["recovered"] == {"codes": 3}
    assert codes.recover(core) == 0


def test_a_wrong_passphrase_shows_at_start(core: Core, tmp_path: Path) -> None:
    """One line and a status, before anything is published."""
    path = tmp_path / "icard-issuer.toml"
    path.write_text(path.read_text("utf-8").replace(PASSPHRASE, "wrong"), "utf-8")
    process = start(tmp_path, None)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err.count("\n")) == (1, "", 1)
    assert "passphrase" in err
    assert core.database.read(lambda session: session.get_one(Publisher, 1).iat) == 0


def test_a_service_that_is_behind_its_files_says_so(core: Core, tmp_path: Path) -> None:
    """An export that may not go back is an error of its job."""
    worker = Worker(core, tmp_path / "www", lambda event, facts: None)
    job(worker, "publish").run(threading.Event())
    job(worker, "export").run(threading.Event())
    (tmp_path / "www" / "trust" / "1.cbor").write_bytes(b"another")
    with pytest.raises(StateError) as caught:
        job(Worker(core, tmp_path / "www", lambda event, facts: None), "export").run(threading.Event())
    assert caught.value.code == "export.differs"
