"""What balancers and monitors see: parts that are not ready, and figures without a person."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import update
from starlette.types import ASGIApp

from icard_crypto.errors import Unavailable
from issuer import cards
from issuer.cards import NewCard
from issuer.db.engine import Database
from issuer.db.meta import Meta
from issuer.jobs import JobState
from issuer.keys.signer import SignerBusy
from issuer.publication.publish import publish
from issuer.publication.tokens import TTL
from issuer.service import readiness
from issuer.service.app import make_app
from issuer.worker.states import record
from tests.kit.callers import by_session
from tests.kit.http_clients import CHECKOUT, ask
from tests.kit.issuing_service import FakeClock, Recording, person
from tests.kit.notified_service import add_account, tell
from tests.kit.people import CHEAP, HOST, ServiceUnderTest, acts, make, new_service_under_test
from tests.kit.signed_domain import published_core
from verifier.runtime import http

_PARTS = (
    "copy",
    "database",
    "signer",
    "trust_list",
    "publication",
    "master_key",
    "records",
    "clock",
    "writes",
    "mark",
)


@pytest.fixture
def issuing_service(tmp_path: Path, database_url: str) -> Iterator[ServiceUnderTest]:
    """A service that has published."""
    clock = FakeClock()
    core = published_core(tmp_path, database_url, clock, smtp_host="127.0.0.1", **CHEAP)
    publish(core)
    yield ServiceUnderTest(core, clock)
    core.close()


def test_each_part_by_itself(issuing_service: ServiceUnderTest) -> None:
    """All parts are ready; each that is harmed says what is wrong while the others are still ready; /readyz is 503."""
    core, clock = issuing_service.core, issuing_service.clock
    assert isinstance(core.signer, Recording)
    app = make_app(core, http.Drain())

    def harmed(part: str, code: str, **others: str) -> None:
        assert readiness.parts(core) == {**dict.fromkeys(_PARTS, "ok"), part: code, **others}
        answer = ask(app, "GET", "/readyz")
        assert (answer.status_code, answer.json()["ready"], answer.json()["parts"][part]) == (503, False, code)

    assert readiness.parts(core) == dict.fromkeys(_PARTS, "ok")
    core.signer.fault = SignerBusy("signer.unavailable")
    harmed("signer", "signer.unavailable")
    core.signer.fault = None
    clock.apart = 60
    harmed("clock", "clock.apart")
    clock.apart = 0
    clock.at -= 3600
    # An hour before, the keys' time had not begun.
    harmed("clock", "clock.behind", trust_list="listing.window")
    clock.at += 3600 + TTL + 1
    harmed("publication", "publication.old")
    publish(core)
    assert readiness.parts(core) == dict.fromkeys(_PARTS, "ok")
    core.database.transact(lambda session: session.execute(update(Meta).values(canary=b"\1" + 80 * b"0")) and None)
    harmed("master_key", "at_rest.damaged")


def test_nothing_published_and_no_keys(tmp_path: Path, database_url: str) -> None:
    """A service that has just begun says that it cannot sign and that nothing is published."""
    issuing_service = new_service_under_test(tmp_path, database_url)
    assert readiness.parts(issuing_service.core) == {
        **dict.fromkeys(_PARTS, "ok"),
        "signer": "keystore.none_active",
        "publication": "publication.none",
    }
    issuing_service.core.close()


def test_a_database_that_is_away(issuing_service: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every part that needs it says so, the figures say that it is away, and neither waits for it to come back."""
    app = make_app(issuing_service.core, http.Drain())

    def away(_: Database) -> None:
        raise Unavailable("database.unreachable")

    monkeypatch.setattr(Database, "check", away)
    monkeypatch.setattr(Database, "read", lambda *_: pytest.fail("asked a database that is away"))
    parts = ask(app, "GET", "/readyz").json()["parts"]
    assert {parts[name] for name in _PARTS} == {"database.unreachable"}
    assert [name for name in _figures(app) if name.startswith("icard_issuer_database")] == ["icard_issuer_database_up"]
    assert _figures(app)["icard_issuer_database_up"] == {(): 0}
    assert "icard_issuer_outbox" not in _figures(app)


def test_figures(issuing_service: ServiceUnderTest) -> None:
    """Codes given, lists, keys, acts, the age of what is published, letters that wait, requests by route; no name,
    and no id of a card or an account."""
    holder = add_account(issuing_service.core)
    (issued,) = cards.issue(issuing_service.core, [NewCard(person(1), holder=holder.person_id)], HOST)
    tell(issuing_service.core, holder, "card.renewed", {"card": issued.card_id})
    issuing_service.later(60)
    app = make_app(issuing_service.core, http.Drain())
    asks = by_session(app, make(issuing_service, "inspector", "an.quan").enter())
    assert asks("GET", f"/v1/cards/{issued.card_id}").status_code == 200
    answer = ask(app, "GET", "/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    record(issuing_service.core, "a" * 32, "host", [JobState("publish", 60.0, succeeded_at=time.time())], time.time())
    figures = _figures(app)
    assert figures["icard_issuer_job_ok"] == figures["icard_issuer_job_workers"] == {("publish",): 1}
    assert figures["icard_issuer_indexes_given"] == {(): 3}
    assert figures["icard_issuer_status_lists"] == {("open",): 1, ("standby",): 1}
    assert figures["icard_issuer_keys"] == {("active", usage): 1 for usage in ("card", "status", "timestamp")}
    assert figures["icard_issuer_audit_rows"] == {(): len(acts(issuing_service.core))}
    assert 60 <= figures["icard_issuer_publication_age_seconds"][()] < 600
    # The holder was told of the issue, of the renewal and of the look.
    assert figures["icard_issuer_outbox"] == {
        ("email", "waiting"): 3,
        ("email", "dead"): 0,
        ("webhook", "waiting"): 0,
        ("webhook", "dead"): 0,
    }
    assert figures["icard_issuer_outbox_oldest_seconds"]["email",] >= 60
    assert figures["icard_issuer_http_requests_total"]["GET", "/v1/cards/{card_id}", "200"] == 1
    page = (CHECKOUT / "docs/running.md").read_text("utf-8")
    assert set(re.findall(r"icard_issuer_[a-z_]+", page)) <= figures.keys()
    parts = re.findall(r"^\| `([a-z_]+)` \| ", page.partition("| part |")[2].partition("\n\n")[0], re.MULTILINE)
    assert parts == list(ask(app, "GET", "/readyz").json()["parts"])
    for marked in ("MUSTERMANN", issued.card_id, holder.id, "an.quan", "R3101"):
        assert marked not in answer.text, marked


def test_one_client_cannot_ask_for_ever(tmp_path: Path, database_url: str) -> None:
    """Public files have a rate of their own, far above that of an account: then 429 with Retry-After."""
    issuing_service = new_service_under_test(tmp_path, database_url, published_per_second=0.001, published_burst=3)
    app = make_app(issuing_service.core, http.Drain())
    answers = [ask(app, "GET", path) for path in ("/bundle.cbor", "/status/x", "/metrics", "/trust/1.cbor")]
    assert [answer.status_code for answer in answers] == [404, 404, 200, 429]
    assert int(answers[-1].headers["retry-after"]) > 1
    assert ask(app, "GET", "/v1/cards").status_code == 401
    assert ask(app, "GET", "/bundle.cbor", client="192.0.2.99").status_code == 404
    issuing_service.core.close()


@pytest.mark.slow
def test_several_workers_answer_for_all(tmp_path: Path) -> None:
    """With PROMETHEUS_MULTIPROC_DIR one of two processes tells the requests of both, and the core's figures once."""
    shared = tmp_path / "shared"
    shared.mkdir()
    script = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from issuer.service.app import make_app\n"
        "from tests.kit.issuing_service import new_core\n"
        "from tests.kit.http_clients import ask\n"
        "from verifier.runtime import http\n"
        "first = os.fork()\n"
        "folder = Path(sys.argv[1]) / ('one' if first else 'two')\n"
        "folder.mkdir()\n"
        "app = make_app(new_core(folder, f\"sqlite:///{folder / 'issuer.db'}\", keys=False), http.Drain())\n"
        "for _ in range(2 if first else 3):\n"
        "    ask(app, 'GET', '/healthz')\n"
        "if first:\n"
        "    os.waitpid(first, 0)\n"
        "    Path(sys.argv[1], 'figures').write_text(ask(app, 'GET', '/metrics').text)\n"
    )
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(shared)}
    command = [sys.executable, "-c", script, str(tmp_path)]
    ended = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    figures = _parsed((tmp_path / "figures").read_text("utf-8"))
    assert figures["icard_issuer_http_requests_total"]["GET", "/healthz", "200"] == 5
    assert figures["icard_issuer_audit_rows"] == {(): 1}


def _figures(app: ASGIApp) -> dict[str, dict[tuple[str, ...], float]]:
    return _parsed(ask(app, "GET", "/metrics").text)


def _parsed(text: str) -> dict[str, dict[tuple[str, ...], float]]:
    """Figures by name and the values of their labels, in the order of these."""
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(value for _, value in sorted(sample.labels.items()))] = sample.value
    return found
