"""The service's commands from ``init`` to a revoked card, as a person would type them."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from icard_crypto import qr
from icard_crypto.signing.keys import VerifyingKey
from issuer.cli.commands import app
from issuer.db import schema
from tests.kit.cli import Done, run
from tests.kit.issuing_service import person

PASSPHRASE = "correct horse"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new service, its scrypt as cheap as it gets."""
    monkeypatch.setenv("ICARD_ISSUER_SCRYPT_LOG2", "14")
    (tmp_path / "secret").write_text(PASSPHRASE + "\n")
    done = run(
        app,
        *("init", tmp_path / "svc", "--issuer", "cn.310000", "--region", "310000"),
        *("--status-prefix", "https://icard.example/s/", "--name-zh", "上海"),
        *("--passphrase-file", tmp_path / "secret", "--direct-issuing"),
    )
    assert (done.status, done.err) == (0, "")
    return tmp_path / "svc"


def told(folder: Path, *words: str | Path) -> Any:
    """What a command of the service says with ``--json``; it must succeed."""
    done = run(app, *words, "--folder", folder, "--json")
    assert (done.status, done.err) == (0, "")
    return json.loads(done.out)


def refused(folder: Path, *words: str | Path) -> Done:
    done = run(app, *words, "--folder", folder)
    assert done.status != 0
    return done


def active_key(folder: Path, usage: str = "card") -> str:
    name: str = told(folder, "key", "generate", usage)["thumbprint"]
    told(folder, "key", "publish", name)
    told(folder, "key", "activate", name, "--emergency", "--operator", "Li", "--reason", "the first")
    return name


def card_file(folder: Path, number: int = 1) -> Path:
    path = folder / f"card{number}.json"
    path.write_text(json.dumps(person(number).to_json(), ensure_ascii=False), "utf-8")
    return path


def issued(folder: Path, number: int = 1) -> str:
    card: str = told(folder, "card", "issue", card_file(folder, number))["card"]
    return card


def entries(folder: Path, card: str) -> str:
    shown: str = told(folder, "card", "state", card)["entries"]
    return shown


def test_init_writes_secret_files(folder: Path) -> None:
    """Settings and master key are the owner's alone, as is the database."""
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes == {"icard-issuer.toml": 0o600, "master.key": 0o600, "issuer.db": 0o600, "epoch": 0o600}
    assert told(folder, "settings")["name_zh"] == "上海"


def test_init_is_not_repeated(folder: Path) -> None:
    """Neither with options, which would change the settings, nor without."""
    again = run(app, "init", folder, "--issuer", "cn.440000")
    assert (again.status, "file.exists" in again.err) == (64, True)
    again = run(app, "init", folder)
    assert (again.status, "database.initialised" in again.err) == (14, True)


def test_a_wrong_option_leaves_no_settings_behind(tmp_path: Path) -> None:
    """So that the next attempt is not refused."""
    done = run(app, "init", tmp_path / "svc", "--issuer", "CN 1")
    assert (done.status, "settings.value" in done.err) == (14, True)
    assert not (tmp_path / "svc" / "icard-issuer.toml").exists()


def test_from_key_to_code(folder: Path) -> None:
    """Issue with a key that was activated, and read the pictures that were written."""
    name = active_key(folder)
    assert [(key["thumbprint"], key["state"]) for key in told(folder, "key", "list")] == [(name, "active")]
    made = told(folder, "card", "issue", card_file(folder), "--out", folder / "codes")
    assert [code["profile"] for code in made["codes"]] == ["public", "work", "authority"]
    for code in made["codes"]:
        picture = folder / "codes" / f"{code['profile']}.png"
        assert [found.content for found in qr.read(picture)] == [code["text"]]
        assert stat.S_IMODE(picture.stat().st_mode) == 0o600


def test_a_public_key_is_written_for_the_trust_list(folder: Path) -> None:
    """The key's own thumbprint, and nothing private; a file that is there stays as it is."""
    name = active_key(folder, "timestamp")
    out = folder / "timestamp.pub.pem"
    assert told(folder, "key", "export", name[:8], "--out", out)["thumbprint"] == name
    assert VerifyingKey.from_pem(out.read_bytes()).thumbprint.hex() == name
    assert b"PRIVATE" not in out.read_bytes()
    assert "file.exists" in refused(folder, "key", "export", name, "--out", out).err


def test_a_card_is_changed_and_revoked(folder: Path) -> None:
    """Lapse, suspension, replacement, renewal, revocation: what its entries read after each."""
    active_key(folder)
    card = issued(folder)
    assert told(folder, "card", "find", "--permit", person(1).permit.number or "") == {"cards": [card]}
    told(folder, "card", "state", card, "--insurance", "lapsed")
    assert entries(folder, card) == "public:0 work:13 authority:13"
    told(folder, "card", "suspend", card)
    assert entries(folder, card) == "public:2 work:2 authority:2"
    told(folder, "card", "resume", card)
    told(folder, "card", "state", card, "--insurance", "good", "--permit", "suspended")
    assert entries(folder, card) == "public:12 work:12 authority:12"
    told(folder, "card", "replace", card, "--card", card_file(folder, 2), "--operator", "Li", "--reason", "mixed up")
    assert entries(folder, card).startswith("public:3 work:3 authority:3 public:12")
    told(folder, "card", "renew", card)
    told(folder, "card", "revoke", card, "--operator", "Li", "--reason", "left")
    assert set(entries(folder, card).split()) == {"public:1", "work:1", "authority:1"}
    shown = told(folder, "card", "show", card)
    assert (shown["standing"], shown["record"]) == ("revoked", person(2).to_json())


@pytest.mark.parametrize(
    "words", [("card", "revoke", "0" * 32), ("key", "revoke", "0" * 16), ("clock", "accept")], ids=lambda w: w[0]
)
@pytest.mark.parametrize("missing", ["--operator", "--reason"])
def test_break_glass_needs_operator_and_reason(folder: Path, words: tuple[str, ...], missing: str) -> None:
    """What passes the rule of two people by says who and why, and not with blanks."""
    options = {"--operator": "Li", "--reason": "lost"}
    rest = [part for option, value in options.items() if option != missing for part in (option, value)]
    done = refused(folder, *words, *rest)
    assert (done.status, f"Missing option '{missing}'" in done.err) == (64, True)
    done = refused(folder, *words, *rest, missing, " ")
    assert (done.status, f"at {missing}" in done.err) == (64, True)


def test_an_emergency_needs_a_reason(folder: Path) -> None:
    """Who wants a key before its time says why."""
    name = told(folder, "key", "generate", "card")["thumbprint"]
    told(folder, "key", "publish", name)
    done = refused(folder, "key", "activate", name, "--emergency")
    assert (done.status, "--operator and --reason" in done.err) == (64, True)
    done = refused(folder, "key", "activate", name)
    assert (done.status, "keystore.too_early" in done.err) == (1, True)


def test_a_wrong_passphrase_is_one_line_and_writes_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found before an intent is written."""
    active_key(folder)
    monkeypatch.setenv("ICARD_ISSUER_PASSPHRASE", "wrong")
    done = refused(folder, "card", "issue", card_file(folder))
    assert (done.status, done.err.count("\n"), "key.passphrase_wrong" in done.err) == (1, 2, True)
    assert told(folder, "card", "find", "--permit", person(1).permit.number or "") == {"cards": []}


def test_a_wrong_master_key_is_one_line(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another service's master key, and a file that is none."""
    from issuer.vault.at_rest import MasterKeys

    MasterKeys.create(tmp_path / "other.key")
    monkeypatch.setenv("ICARD_ISSUER_MASTER_KEY_FILE", str(tmp_path / "other.key"))
    done = refused(folder, "key", "list")
    assert (done.status, "at_rest.unknown_master" in done.err) == (14, True)
    monkeypatch.setenv("ICARD_ISSUER_MASTER_KEY_FILE", str(tmp_path / "secret"))
    done = refused(folder, "key", "list")
    assert (done.status, "at_rest.file" in done.err) == (14, True)


def test_a_new_master_key_step_by_step(folder: Path) -> None:
    """Prepare, switch, finish; the card opens afterwards."""
    active_key(folder)
    card = issued(folder)
    name = told(folder, "rewrap", "prepare")["prepared"]
    assert told(folder, "rewrap", "switch")["rewrapped"] > 10
    assert "at_rest.unfinished" in refused(folder, "rewrap", "prepare").err
    assert told(folder, "rewrap", "finish")["old_key"] == "dropped"
    assert [each["id"] for each in json.loads((folder / "master.key").read_text())["keys"]] == [name]
    assert told(folder, "rewrap", "status") == []
    assert told(folder, "card", "show", card)["record"] == person(1).to_json()


def test_migrate_says_what_was_and_what_is(folder: Path) -> None:
    """Nothing to do is no error; nobody deletes every card by a word."""
    assert told(folder, "migrate") == {"before": schema.newest(), "now": schema.newest(), "bound": 0}
    assert "would delete every card" in refused(folder, "migrate", "--to", "base").err


def test_words_for_people(folder: Path) -> None:
    """Without --json: columns and lines; errors in Chinese where asked."""
    active_key(folder)
    assert run(app, "key", "list", "-C", folder).out.split()[:4] == ["thumbprint", "usage", "algorithm", "state"]
    done = run(app, "card", "show", "0" * 32, "-C", folder, "--lang", "zh")
    assert (done.status, "没有此卡" in done.err) == (10, True)
