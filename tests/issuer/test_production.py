"""What a production service must have: each rule refused by itself, before anything is made or signed."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from icard_crypto.errors import StateError
from icard_crypto.lists.trust_list import decode_trust_list
from icard_crypto.signing import cose
from icard_crypto.signing.algorithms import ED25519
from icard_crypto.signing.keys import SigningKey
from issuer import production
from issuer.cli.commands import app
from issuer.offline import trust_draft
from issuer.settings import Settings
from tests.kit.cli import run

EVERYWHERE = "0.0.0.0"  # noqa: S104
STRONG = "b" * 32
GOOD = {
    "environment": "production",
    "issuer": "cn.310000",
    "regions": "310000",
    "status_prefix": "https://icard.shanghai.cn/status/",
    "public_url": "https://cards.shanghai.cn/",
    "database_url": "postgresql://icard@/icard?host=/var/run/postgresql",
}


def settings(folder: Path, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> Settings:
    (folder / "passphrase").write_text(STRONG)
    for name, value in {**GOOD, "passphrase_file": str(folder / "passphrase"), **changes}.items():
        if value is not None:
            monkeypatch.setenv(f"ICARD_ISSUER_{name.upper()}", str(value))
    return Settings.load(folder)


def codes(found: Settings) -> list[tuple[str, str | None]]:
    return [(fault.code, fault.path) for fault in production.faults(found)]


def test_settings_of_a_real_authority_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL by its socket, a long passphrase, own names: nothing is refused."""
    assert codes(settings(tmp_path, monkeypatch)) == []


@pytest.mark.parametrize(
    ("changes", "code", "path"),
    [
        ({"passphrase_file": None, "passphrase": STRONG}, "passphrase_in_settings", "passphrase"),
        ({"status_prefix": "https://icard.example/status/"}, "reserved_name", "status_prefix"),
        ({"public_url": "https://cards.example.com/"}, "reserved_name", "public_url"),
        ({"database_url": None}, "sqlite", "sqlite_in_production"),
        ({"database_url": "postgresql://icard@db.shanghai.cn/icard"}, "database_plain", "database_url"),
        ({"database_url": "postgresql://icard@db/icard?sslmode=prefer"}, "database_plain", "database_url"),
        ({"database_url": "postgresql:///icard?host=db&user=icard"}, "database_plain", "database_url"),
        ({"scrypt_log2": 14}, "cost", "scrypt_log2"),
        ({"argon2_memory_kib": 7168}, "cost", "argon2_memory_kib"),
        ({"argon2_passes": 1}, "cost", "argon2_passes"),
    ],
)
def test_what_only_a_trial_may_have_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], code: str, path: str
) -> None:
    """Each by its own code and setting in production, and by none in a trial."""
    assert codes(settings(tmp_path, monkeypatch, **changes)) == [(f"production.{code}", path)]
    assert codes(settings(tmp_path, monkeypatch, **changes, environment="test")) == []


def test_a_short_passphrase_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its length alone, and it is not shown."""
    found = settings(tmp_path, monkeypatch)
    (tmp_path / "passphrase").write_text("short-secret\n")
    (fault,) = production.faults(found)
    assert fault.code == "production.passphrase"
    assert "short-secret" not in f"{fault.message()}{fault.hint()}{fault.to_dict()}"


@pytest.mark.parametrize(
    "changes",
    [
        {"database_url": None, "sqlite_in_production": "true"},
        {"database_url": "postgresql://icard@db.shanghai.cn/icard?sslmode=verify-full"},
        {"database_url": "postgresql://icard@127.0.0.1/icard"},
    ],
)
def test_what_was_said_or_secured_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    """SQLite by name, TLS to the database, or a database on this machine."""
    assert codes(settings(tmp_path, monkeypatch, **changes)) == []


@pytest.mark.parametrize(
    ("host", "secured", "proxies", "refused"),
    [
        (EVERYWHERE, False, "", True),
        ("::", False, "", True),
        ("10.0.0.5", False, "", True),
        ("127.0.0.1", False, "", False),
        (EVERYWHERE, True, "", False),
        (EVERYWHERE, False, "10.0.0.1/32", False),
    ],
)
def test_plain_http_for_other_machines_needs_a_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, secured: bool, proxies: str, refused: bool
) -> None:
    """Log-ins travel under TLS, ended here or by a proxy that the settings name."""
    found = settings(tmp_path, monkeypatch, trusted_proxies=proxies)
    if not refused:
        production.require_listening(found, host, secured=secured)
        return
    with pytest.raises(StateError) as caught:
        production.require_listening(found, host, secured=secured)
    assert caught.value.code == "production.plain_http"


@pytest.mark.parametrize(("roots", "threshold", "refused"), [(1, 1, True), (2, 2, True), (3, 1, True), (3, 2, False)])
def test_one_root_alone_or_without_a_spare_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, roots: int, threshold: int, refused: bool
) -> None:
    """Two sign at least, and one may be lost."""
    draft = trust_draft.begin(
        [SigningKey.generate(ED25519).verifying_key for _ in range(roots)],
        [SigningKey.generate(ED25519).verifying_key],
        environment="production",
        threshold=threshold,
        iat=int(time.time()),
        exp=int(time.time()) + 86_400,
        unsafe_single_root=True,
    )
    listed = trust_draft.open_list(draft)
    found = settings(tmp_path, monkeypatch)
    if not refused:
        production.require_roots(found, listed)
        return
    with pytest.raises(StateError) as caught:
        production.require_roots(found, listed)
    assert caught.value.code == "production.roots"


def test_init_refuses_before_anything_is_made(tmp_path: Path) -> None:
    """No settings file is left, so the command that is right runs afterwards; then SQLite is what was said."""
    (tmp_path / "passphrase").write_text(STRONG)
    command = (
        *("init", tmp_path / "issuer", "--issuer", "cn.310000", "--region", "310000", "--environment", "production"),
        *(
            "--status-prefix",
            "https://icard.shanghai.cn/status/",
            "--passphrase-file",
            tmp_path / "passphrase",
            "--json",
        ),
    )
    refused = run(app, *command)
    assert (refused.status, refused.error["code"]) == (14, "production.sqlite")
    assert list((tmp_path / "issuer").iterdir()) == []
    made = run(app, *command, "--sqlite-in-production")
    assert made.status == 0, made.err
    shown = json.loads(run(app, "settings", "-C", tmp_path / "issuer", "--json").out)
    assert (shown["environment"], shown["sqlite_in_production"]) == ("production", "True")


def test_a_service_that_lost_what_it_must_have_signs_nothing(tmp_path: Path) -> None:
    """A setting that was changed afterwards is refused by what signs and named by the doctor; the rest still runs."""
    (tmp_path / "passphrase").write_text(STRONG)
    folder = tmp_path / "issuer"
    made = run(
        app,
        *("init", folder, "--issuer", "cn.310000", "--region", "310000", "--environment", "production"),
        *("--status-prefix", "https://icard.shanghai.cn/status/", "--passphrase-file", tmp_path / "passphrase"),
        "--sqlite-in-production",
    )
    assert made.status == 0, made.err
    path = folder / "icard-issuer.toml"
    path.write_text(path.read_text().replace("sqlite_in_production = true", "sqlite_in_production = false"))
    for command in (("worker", "--once"), ("serve", "--port", "0")):
        done = run(app, *command, "-C", folder, "--json")
        assert (done.status, done.error["code"]) == (14, "production.sqlite")
    assert run(app, "audit", "verify", "-C", folder).status == 0
    found = json.loads(run(app, "doctor", "-C", folder, "--offline", "--json").out)
    assert "production.sqlite" in {each["code"] for each in found["findings"]}


def test_a_root_key_without_a_passphrase_signs_no_production_list(tmp_path: Path) -> None:
    """The copy is not made; a test domain's list is signed by it."""
    root = SigningKey.generate(ED25519)
    (tmp_path / "root.pem").write_bytes(root.to_pem())
    (tmp_path / "sealed.pem").write_bytes(root.to_pem(STRONG.encode()))
    (tmp_path / "passphrase").write_text(STRONG)
    now = int(time.time())
    for environment in ("production", "test"):
        draft = trust_draft.begin(
            [root.verifying_key, *(SigningKey.generate(ED25519).verifying_key for _ in range(2))],
            [SigningKey.generate(ED25519).verifying_key],
            environment=environment,
            threshold=2,
            iat=now,
            exp=now + 86_400,
        )
        (tmp_path / environment).write_bytes(draft)
    sign = ("files", "trust", "sign")
    out = tmp_path / "copy"
    refused = run(app, *sign, tmp_path / "production", "--key", tmp_path / "root.pem", "--out", out, "--yes", "--json")
    assert (refused.status, refused.error["code"]) == (14, "production.root_unprotected")
    assert not out.exists()
    unlocked = ("--passphrase-file", tmp_path / "passphrase")
    assert (
        run(
            app, *sign, tmp_path / "production", "--key", tmp_path / "sealed.pem", "--out", out, "--yes", *unlocked
        ).status
        == 0
    )
    assert decode_trust_list(cose.parse_sign(out.read_bytes()).payload).environment == "production"
    other = tmp_path / "other"
    assert run(app, *sign, tmp_path / "test", "--key", tmp_path / "root.pem", "--out", other, "--yes").status == 0


def test_the_databases_address_comes_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its first line; the password never shows; both at once, or an empty file, are refused."""
    url = tmp_path / "database-url"
    url.write_text("postgresql://icard:geheim@127.0.0.1/icard\n# a remark\n")
    found = settings(tmp_path, monkeypatch, database_url=None, database_url_file=url)
    assert found.database == "postgresql://icard:geheim@127.0.0.1/icard"
    assert "geheim" not in str(found.shown())
    url.write_text("")
    with pytest.raises(StateError) as caught:
        _ = found.database
    assert (caught.value.code, caught.value.path) == ("settings.value", "database_url_file")
    both = settings(tmp_path, monkeypatch)
    with pytest.raises(StateError) as caught:
        _ = both.database
    assert (caught.value.code, caught.value.expected) == ("settings.value", "only one of the two")
