"""deploy/prometheus: rules that promtool accepts and that fire, a dashboard, and names that the service exports."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from issuer.service.app import make_app
from tests.issuer.conftest import new_database_url
from tests.kit.http_clients import ask
from tests.kit.signed_domain import published_core, step
from verifier.runtime import http

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "deploy" / "prometheus"
RULES = FOLDER / "icard-issuer.rules.yml"
_NAME = re.compile(r"\bicard_issuer_[a-z_]+")
#: What a histogram or counter is called in a query.
_SUFFIX = re.compile(r"_(bucket|count|sum|total)$")

#: For each alert the series that make it fire, from the first minute on.
FIRES: dict[str, list[tuple[str, str]]] = {
    "IssuerDown": [('up{job="icard-issuer"}', "0x200")],
    "IssuerDatabaseAway": [("icard_issuer_database_up", "0x200")],
    "IssuerNotReady": [('icard_issuer_ready{part="master_key",code="at_rest.unknown_master"}', "0x200")],
    "IssuerKeyNotTrusted": [('icard_issuer_key_listed{usage="card"}', "0x200")],
    "IssuerSignerFails": [('icard_issuer_ready{part="signer",code="key.passphrase_wrong"}', "0x200")],
    "IssuerKeyFileGone": [('icard_issuer_warning{name="card_key_file",code="keystore.file_gone"}', "1x200")],
    "IssuerWorkerGone": [('icard_issuer_ready{part="worker",code="worker.missing"}', "0x200")],
    "IssuerRevocationsWait": [("icard_issuer_changes_oldest_seconds", "0+60x200")],
    "IssuerPublicationOld": [("icard_issuer_publication_age_seconds", "8641x200")],
    "IssuerTokensEnd": [('icard_issuer_end_timestamp_seconds{name="timestamp"}', "200000x200")],
    "IssuerTrustListEnds": [('icard_issuer_end_timestamp_seconds{name="trust_list"}', "5000000x200")],
    "IssuerTrustListEndsSoon": [('icard_issuer_end_timestamp_seconds{name="trust_list"}', "500000x200")],
    "IssuerKeyEnds": [('icard_issuer_end_timestamp_seconds{name="card_key"}', "5000000x200")],
    "IssuerKeyEndsSoon": [('icard_issuer_end_timestamp_seconds{name="status_key"}', "0x200")],
    "IssuerNoTrustList": [("icard_issuer_trust_list_version", "0x2000")],
    "IssuerCertificateEnds": [('icard_issuer_end_timestamp_seconds{name="certificate"}', "1000000x200")],
    "IssuerClockWrong": [('icard_issuer_ready{part="clock",code="clock.behind"}', "0x200")],
    "IssuerWritesFail": [('icard_issuer_ready{part="writes",code="database.full"}', "0x200")],
    "IssuerDiskLow": [
        ('icard_issuer_disk_free_bytes{place="database"}', "9x200"),
        ('icard_issuer_disk_size_bytes{place="database"}', "100x200"),
    ],
    "IssuerRecordsAltered": [('icard_issuer_ready{part="records",code="at_rest.altered"}', "0x200")],
    "IssuerJobHeldBack": [('icard_issuer_job_held_back{job="send-email",code="mail.unreachable"}', "1x200")],
    "IssuerNoStandbyList": [("icard_issuer_database_up", "1x200")],
    "IssuerBackupOld": [("icard_issuer_backup_timestamp_seconds", "-200000x200")],
    "IssuerNoticesDead": [('icard_issuer_outbox{channel="email",state="dead"}', "1x200")],
    "IssuerNoticesWait": [('icard_issuer_outbox_oldest_seconds{channel="email"}', "3601x200")],
    "IssuerErrors": [
        ('icard_issuer_http_requests_total{status="500"}', "0+10x200"),
        ('icard_issuer_http_requests_total{status="200"}', "0+100x200"),
    ],
    "IssuerShedsLoad": [('icard_issuer_http_shed_total{reason="busy"}', "0+120x200")],
    "IssuerVersionsDiffer": [
        ('icard_issuer_process_versions{version="0.1.0"}', "1x200"),
        ('icard_issuer_process_versions{version="0.2.0"}', "1x200"),
    ],
    "IssuerWarning": [('icard_issuer_warning{name="mark",code="epoch.beside"}', "1x200")],
}
#: A service that is well: none of the alerts fires.
WELL: list[tuple[str, str]] = [
    ('up{job="icard-issuer"}', "1x2000"),
    ("icard_issuer_database_up", "1x2000"),
    *((f'icard_issuer_ready{{part="{part}",code=""}}', "1x2000") for part in ("signer", "worker", "clock", "writes")),
    ('icard_issuer_key_listed{usage="card"}', "1x2000"),
    ("icard_issuer_trust_list_version", "3x2000"),
    ('icard_issuer_end_timestamp_seconds{name="trust_list"}', "20000000x2000"),
    ('icard_issuer_end_timestamp_seconds{name="card_key"}', "20000000x2000"),
    ("icard_issuer_changes_oldest_seconds", "3x2000"),
    ("icard_issuer_backup_timestamp_seconds", "0+60x2000"),
    ("icard_issuer_publication_age_seconds", "4000x2000"),
    ('icard_issuer_status_lists{state="standby"}', "1x2000"),
    ('icard_issuer_process_versions{version="0.1.0"}', "4x2000"),
    ('icard_issuer_http_requests_total{status="200"}', "0+100x2000"),
]


def promtool() -> str:
    """The program, of Debian's package prometheus; in CI it must be there."""
    found = shutil.which("promtool")
    if found is None:
        assert not os.environ.get("CI"), "promtool is missing"
        pytest.skip("no promtool")
    return found


def alerts() -> dict[str, str]:
    """Each alert's rule, as text."""
    parts = re.split(r"^ +- alert: ", RULES.read_text("utf-8"), flags=re.MULTILINE)[1:]
    return {part.split("\n", 1)[0]: part for part in parts}


def checked(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([promtool(), *words], capture_output=True, text=True, check=False)


def test_promtool_accepts_the_rules() -> None:
    """And refuses a file with a wrong expression, so that its silence means something."""
    done = checked("check", "rules", str(RULES))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"SUCCESS: {len(alerts())} rules found" in done.stdout


def test_promtool_refuses_a_wrong_expression(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(RULES.read_text("utf-8").replace("== 0", "== = 0", 1))
    assert checked("check", "rules", str(wrong)).returncode != 0


def test_each_alert_fires_on_its_emergency_and_none_on_a_service_that_is_well(tmp_path: Path) -> None:
    """Every rule of the file has a case."""
    assert set(FIRES) == set(alerts())
    cases = [case(WELL, dict.fromkeys(FIRES, False), 1900)]
    cases += [
        case(series, {name: True}, 1900 if name == "IssuerNoTrustList" else 190) for name, series in FIRES.items()
    ]
    path = tmp_path / "cases.json"
    # JSON is YAML.
    path.write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": cases}))
    done = checked("test", "rules", str(path))
    assert done.returncode == 0, done.stdout + done.stderr


def case(series: list[tuple[str, str]], fires: dict[str, bool], minute: int) -> dict[str, object]:
    """A case of promtool: which alerts fire at that minute; of one that fires only how it begins is compared."""
    tests = [
        {
            "expr": f'clamp_max(count(ALERTS{{alertname="{name}",alertstate="firing"}}), 1) or vector(0)',
            "eval_time": f"{minute}m",
            "exp_samples": [{"labels": "{}", "value": 1 if firing else 0}],
        }
        for name, firing in fires.items()
    ]
    given = [{"series": name, "values": values} for name, values in series]
    return {"interval": "1m", "input_series": given, "promql_expr_test": tests}


def test_rules_and_dashboard_name_metrics_that_there_are(tmp_path: Path) -> None:
    """Every name in a query is one that the service exports, and the page lists each of them."""
    core = published_core(tmp_path, new_database_url("sqlite", tmp_path))
    step(core)
    text = ask(make_app(core, http.Drain()), "GET", "/metrics").text
    core.close()
    exported = {_SUFFIX.sub("", name) for name in re.findall(r"^# HELP (\S+) ", text, re.MULTILINE)}
    board = json.loads((FOLDER / "icard-issuer.dashboard.json").read_text("utf-8"))
    queries = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    used = {_SUFFIX.sub("", name) for name in _NAME.findall("\n".join(queries) + RULES.read_text("utf-8"))}
    assert used - exported == set()
    page = (ROOT / "docs" / "metrics.md").read_text("utf-8")
    listed = {_SUFFIX.sub("", name) for name in re.findall(r"`(icard_issuer_[a-z_]+)`", page)}
    assert listed == {name for name in exported if not name.endswith("_created")}


def test_runbooks_that_alerts_name_are_there() -> None:
    """Each is a page of docs/runbooks."""
    named = set(re.findall(r"runbook: ([a-z-]+)", RULES.read_text("utf-8")))
    assert [name for name in sorted(named) if not (ROOT / "docs" / "runbooks" / f"{name}.md").is_file()] == []
