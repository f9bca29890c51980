"""Emergencies, provoked: each is on /readyz, in a metric, fires its alert, and is in the doctor with its page."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from icard_crypto.errors import StateError, Unavailable
from icard_crypto.lists.authority import Revocation
from issuer import cards
from issuer.acts import Actor
from issuer.cards import NewCard
from issuer.core import Core
from issuer.db.engine import Database
from issuer.doctor.examine import examine_core
from issuer.doctor.findings import exit_status, ranked
from issuer.jobs import JobState
from issuer.keys.keystore import Keystore
from issuer.keys.models import KeyRow
from issuer.keys.signer import KeystoreSigner
from issuer.keys.states import active_key
from issuer.published.trust_lists import import_trust_lists
from issuer.service.app import make_app
from issuer.worker.models import JobRow
from issuer.worker.states import record
from tests.deploy.test_prometheus import RULES, promtool
from tests.kit.http_clients import ask
from tests.kit.issuing_service import FakeClock, new_key, person
from tests.kit.signed_domain import DAY, published_core, step, trust_list
from verifier.runtime import http

ROOT = Path(__file__).parent.parent.parent.parent
BY = Actor("host:Li Na", "a test", break_glass=True)


class Emergency:
    """A service that is well, and how one of its troubles comes about."""

    def __init__(self, core: Core, clock: FakeClock) -> None:
        self.core = core
        self.clock = clock

    def well(self) -> None:
        """Published, and a worker that does its work."""
        step(self.core, self.clock)
        self.heard()

    def heard(self) -> None:
        """A worker has just been heard of."""
        jobs = [JobState(name, 60.0, succeeded_at=time.time()) for name in ("publish", "recover")]
        record(self.core, "a" * 32, "host", jobs, time.time())

    def key_not_listed(self) -> None:
        new_key(self.core, "card")

    def list_over(self) -> None:
        self._list(ends=int(self.clock.at) + DAY)
        self.clock.at += DAY + 60

    def list_ends(self) -> None:
        self._list(ends=int(self.clock.at) + 30 * DAY)
        step(self.core, self.clock)

    def key_compromised(self) -> None:
        key = self.core.database.read(lambda session: active_key(session, "status"))
        assert key is not None
        self._list(revoked={key.thumbprint: Revocation(int(self.clock.at) - 60, "compromised")})

    def worker_gone(self) -> None:
        record(self.core, "a" * 32, "host", [], time.time())
        self.core.database.transact(lambda session: session.execute(_JOBS.delete()) and None)

    def revocation_waits(self) -> None:
        (card,) = cards.issue(self.core, [NewCard(person(1))], BY)
        cards.revoke(self.core, card.card_id, BY)
        self.clock.at += 150

    def clock_behind(self) -> None:
        self.clock.at -= 3600

    def disk_full(self) -> None:
        def full(*_: object) -> None:
            raise Unavailable("database.full")

        self.core.database._transact = full  # type: ignore[method-assign, assignment]
        with pytest.raises(StateError):
            cards.issue(self.core, [NewCard(person(1))], BY)

    def mark_unwritable(self) -> None:
        path = self.core.settings.epoch_path
        path.rename(path.with_name("kept"))
        path.mkdir()

    def server_without_key(self) -> None:
        empty = Keystore(self.core.settings.folder / "empty")
        self.core = replace(self.core, keystore=empty, signer=KeystoreSigner(empty, self.core.passphrase))

    def key_file_gone(self) -> None:
        # The process has opened it before.
        cards.issue(self.core, [NewCard(person(1))], BY)
        key = self.core.database.read(lambda session: active_key(session, "card"))
        assert key is not None
        (self.core.keystore.folder / f"{key.thumbprint}.json").unlink()

    def master_key_gone(self) -> None:
        self.core.master_key_path.unlink()

    def wrong_passphrase(self) -> None:
        self.core = replace(self.core, signer=KeystoreSigner(self.core.keystore, lambda: b"another"))

    def record_altered(self) -> None:
        change = update(KeyRow).where(KeyRow.usage == "card").values(emergency=False)
        self.core.database.transact(lambda session: session.execute(change) and None)

    def database_away(self) -> None:
        def away() -> None:
            raise Unavailable("database.unreachable")

        self.core.database.check = away  # type: ignore[method-assign]

    def _list(self, **changes: Any) -> None:
        import_trust_lists(self.core, [trust_list(self.core, 2, **changes)], "host:test")


_JOBS: Any = JobRow.__table__

#: What happens; the part of /readyz, or the warning; the code; the alert; the page that ends it.
CASES: list[tuple[Callable[[Emergency], None], str, str, str, str]] = [
    (Emergency.key_not_listed, "trust_list", "listing.not_listed", "IssuerKeyNotTrusted", "icard-issuer key list"),
    (Emergency.list_over, "trust_list", "listing.list_over", "IssuerKeyNotTrusted", "trust-list-over"),
    (Emergency.list_ends, "warning", "listing.list_ends", "IssuerTrustListEnds", "trust-list-over"),
    (Emergency.key_compromised, "trust_list", "listing.compromised", "IssuerKeyNotTrusted", "stolen-card-key"),
    (Emergency.worker_gone, "worker", "worker.missing", "IssuerWorkerGone", "worker-gone"),
    (Emergency.revocation_waits, "publication", "publication.waiting", "IssuerRevocationsWait", "worker-gone"),
    (Emergency.clock_behind, "clock", "clock.behind", "IssuerClockWrong", "clock-was-wrong"),
    (Emergency.disk_full, "writes", "database.full", "IssuerWritesFail", "disk-full"),
    (Emergency.mark_unwritable, "mark", "epoch.unwritable", "IssuerWritesFail", "database-lost"),
    (Emergency.server_without_key, "signer", "keystore.not_in_keystore", "IssuerSignerFails", "server-without-key"),
    (Emergency.key_file_gone, "warning", "keystore.file_gone", "IssuerKeyFileGone", "server-without-key"),
    (Emergency.master_key_gone, "warning", "keystore.file_gone", "IssuerKeyFileGone", "server-without-key"),
    (Emergency.wrong_passphrase, "signer", "key.passphrase_wrong", "IssuerSignerFails", "passphrase-change"),
    (Emergency.record_altered, "records", "at_rest.altered", "IssuerRecordsAltered", "data-breach"),
    (Emergency.database_away, "database", "database.unreachable", "IssuerDatabaseAway", "database-lost"),
]


@pytest.fixture
def service(tmp_path: Path, database_url: str) -> Emergency:
    clock = FakeClock()
    found = Emergency(published_core(tmp_path, database_url, clock), clock)
    found.well()
    return found


def test_a_service_that_is_well_has_warnings_alone(service: Emergency) -> None:
    """No backup, and a mark beside the database: a person is needed, and nothing is wrong yet."""
    found = examine_core(service.core, offline=True)
    assert {each.fault.code for each in found} == {"doctor.backup_none", "epoch.beside"}
    assert exit_status(found) == 1
    assert ask(make_app(service.core, http.Drain()), "GET", "/readyz").status_code == 200


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0].__name__)
def test_an_emergency_shows_everywhere(service: Emergency, tmp_path: Path, case: Any) -> None:
    """On /readyz by part and code, in a metric that fires the alert, and in the doctor with its page."""
    provoke, part, code, alert, page = case
    provoke(service)
    app = make_app(service.core, http.Drain())
    ready = ask(app, "GET", "/readyz").json()
    if part == "warning":
        assert code in ready["warnings"].values()
    else:
        assert (ready["parts"][part], ready["ready"]) == (code, False)
    metrics = ask(app, "GET", "/metrics").text
    assert f'code="{code}"' in metrics
    assert alert in firing(metrics, service.clock.at, tmp_path)
    found = [each for each in ranked(examine_core(service.core, offline=True)) if each.fault.code == code]
    assert found
    fix = found[0].fix or ""
    assert page in fix
    if fix.startswith("docs/"):
        assert (ROOT / fix).is_file()


def firing(metrics: str, now: float, folder: Path) -> set[str]:
    """The alerts that fire on these samples after two hours, by promtool."""
    series = []
    for line in re.findall(r"^(icard_issuer_\S+(?:\{.*\})?) (\S+)$", metrics, re.MULTILINE):
        # The clock of promtool's tests begins at 0.
        value = float(line[1]) - (now if "_timestamp_seconds" in line[0] and float(line[1]) else 0)
        series.append({"series": line[0], "values": f"{value}x150"})
    case = {
        "interval": "1m",
        "input_series": series,
        "promql_expr_test": [
            {"expr": 'ALERTS{alertstate="firing"}', "eval_time": "120m", "exp_samples": [{"labels": "{}", "value": -1}]}
        ],
    }
    path = folder / "case.json"
    path.write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [case]}))
    done = subprocess.run([promtool(), "test", "rules", str(path)], capture_output=True, text=True, check=False)
    return set(re.findall(r'alertname=\\?"(\w+)\\?"', done.stdout + done.stderr))


def test_a_database_that_is_away_keeps_the_doctor_from_nothing_else(service: Emergency) -> None:
    """Disks, rights and the mark are looked at all the same."""
    service.database_away()
    codes = {each.fault.code for each in examine_core(service.core, offline=True)}
    assert {"database.unreachable", "epoch.beside"} <= codes
    assert isinstance(service.core.database, Database)
