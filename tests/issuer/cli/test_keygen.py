"""``icard-issuer files keygen``: files that are never overwritten, and trusted keys that verifiers take."""

from __future__ import annotations

import json
import os
import pty
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from icard_crypto.errors import KeyFault
from icard_crypto.signing.keys import SigningKey, VerifyingKey
from issuer.cli.commands import app
from tests.kit.cli import Done, run
from verifier.knowledge.trusted_file import read_trusted_file

TRUSTED = (
    "--issuer",
    "cn.310000",
    "--region",
    "310000",
    "--name-en",
    "Shanghai",
    "--name-zh",
    "上海",
    "--status-prefix",
    "https://icard.example/s/",
)


def keygen(path: Path, *options: str | Path) -> Done:
    return run(app, "files", "keygen", "--out", path, *options)


def facts(done: Done) -> dict[str, Any]:
    assert (done.status, done.err) == (0, "")
    [found] = done.lines
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    ("name", "algorithm"), [("ed25519", "Ed25519"), ("es256", "ES256"), ("es384", "ES384"), ("ml-dsa-44", "ML-DSA-44")]
)
def test_key_pair_of_every_algorithm(tmp_path: Path, name: str, algorithm: str) -> None:
    """Both files hold one key pair of that algorithm; kid and thumbprint are told."""
    path, secret = tmp_path / "key.pem", tmp_path / "secret"
    secret.write_text("correct horse\nsecond line\n")
    told = facts(keygen(path, "--algorithm", name, "--passphrase-file", secret, "--json"))
    key = SigningKey.from_pem(path.read_bytes(), b"correct horse")
    public = VerifyingKey.from_pem((tmp_path / "key.pub.pem").read_bytes())
    assert key.verifying_key == public
    assert told == {
        "algorithm": algorithm,
        "kid": public.kid.hex(),
        "thumbprint": public.thumbprint.hex(),
        "files": [str(path), str(tmp_path / "key.pub.pem")],
    }


def test_private_key_is_encrypted_and_for_its_owner_alone(tmp_path: Path) -> None:
    """Encrypted PKCS#8, mode 0600 whatever the umask says, and no temporary file stays."""
    path, secret = tmp_path / "key.pem", tmp_path / "secret"
    secret.write_text("correct horse")
    before = os.umask(0)
    try:
        assert keygen(path, "--passphrase-file", secret).status == 0
    finally:
        os.umask(before)
    assert path.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(KeyFault) as wrong:
        SigningKey.from_pem(path.read_bytes(), b"wrong horse")
    assert wrong.value.code == "key.passphrase_wrong"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["key.pem", "key.pub.pem", "secret"]


def test_plain_key_only_when_asked_for(tmp_path: Path) -> None:
    """--no-passphrase leaves the key open."""
    assert keygen(tmp_path / "key.pem", "--no-passphrase").status == 0
    SigningKey.from_pem((tmp_path / "key.pem").read_bytes())


@pytest.mark.parametrize("taken", ["key.pem", "key.pub.pem"])
def test_nothing_is_overwritten(tmp_path: Path, taken: str) -> None:
    """Where one of the two files is there already, neither is written."""
    (tmp_path / taken).write_text("precious")
    done = keygen(tmp_path / "key.pem", "--no-passphrase", "--json")
    assert done.status == 64
    assert (done.error["code"], done.error["found"]) == ("file.exists", str(tmp_path / taken))
    assert [entry.name for entry in tmp_path.iterdir()] == [taken]
    assert (tmp_path / taken).read_text() == "precious"


@pytest.mark.parametrize("content", ["", "\n", "\r\nlater\n"])
def test_empty_passphrase_is_refused(tmp_path: Path, content: str) -> None:
    """An empty first line would leave the key as good as open."""
    (tmp_path / "secret").write_bytes(content.encode())
    done = keygen(tmp_path / "key.pem", "--passphrase-file", tmp_path / "secret", "--json")
    assert (done.status, done.error["code"]) == (64, "cli.passphrase_empty")
    assert not (tmp_path / "key.pem").exists()


def test_without_a_terminal_a_passphrase_file_is_needed(tmp_path: Path) -> None:
    """A script is told what to do instead of hanging."""
    done = keygen(tmp_path / "key.pem")
    assert done.status == 64
    assert done.err == (
        "error: A passphrase is needed and there is no terminal to ask on (cli.passphrase_missing)\n"
        "hint: Name a file with --passphrase-file.\n"
    )


def test_terminal_is_asked_twice_without_echo(tmp_path: Path) -> None:
    """On a terminal the passphrase is typed twice and shown never."""
    path = tmp_path / "key.pem"
    child, terminal = pty.fork()
    if child == 0:
        command = str(Path(sys.executable).parent / "icard-issuer")
        os.execv(command, [command, "files", "keygen", "--out", str(path), "--lang", "en"])  # noqa: S606
    shown = b""
    for prompt in (b"Passphrase: ", b"The same again: "):
        while prompt not in shown:
            shown += os.read(terminal, 1024)
        os.write(terminal, b"correct horse\n")
    while True:
        try:
            more = os.read(terminal, 1024)
        except OSError:
            break
        if not more:
            break
        shown += more
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0
    assert b"correct horse" not in shown
    SigningKey.from_pem(path.read_bytes(), b"correct horse")


def test_trusted_file_is_written_and_extended(tmp_path: Path) -> None:
    """Two runs give one file with two keys that verifiers take, each with its usage and window."""
    trusted = tmp_path / "trusted.json"
    first = facts(keygen(tmp_path / "a.pem", "--no-passphrase", "--trusted-out", trusted, *TRUSTED, "--json"))
    window = ("--from", "2026-01-01T08:00:00+08:00", "--until", "2027-01-01T00:00:00Z", "--usage", "status")
    keygen(tmp_path / "b.pem", "--no-passphrase", "--trusted-out", trusted, *TRUSTED, *window)
    environment, keys = read_trusted_file(trusted.read_bytes())
    assert environment == "test"
    assert [key.usage for key in keys] == ["card", "status"]
    assert keys[0].key.thumbprint.hex() == first["thumbprint"]
    assert keys[0].valid_from % 3600 == 0
    assert (keys[1].valid_from, keys[1].valid_until) == (1_767_225_600, 1_798_761_600)
    issuer = keys[0].issuer
    assert issuer is not None
    assert (issuer.iss, dict(issuer.names)) == ("cn.310000", {"en": "Shanghai", "zh": "上海"})


@pytest.mark.parametrize(
    ("options", "error", "path"),
    [
        (("--region", "31"), "cli.option", "--region"),
        (("--issuer", "CN 31"), "cli.option", "--issuer"),
        (("--status-prefix", "http://x.example/"), "cli.option", "--status-prefix"),
        (("--from", "2026-01-01"), "cli.option", "--from"),
        (("--from", "2026-01-02T00:00:00Z", "--until", "2026-01-01T00:00:00Z"), "cli.option", "--until"),
        (("--passphrase-file", "secret"), "cli.option", "--no-passphrase"),
        (("--algorithm", "rsa"), "cli.usage", None),
    ],
)
def test_wrong_option_is_named_and_nothing_is_written(
    tmp_path: Path, options: tuple[str, ...], error: str, path: str | None
) -> None:
    """An entry that no verifier would take is refused before a key is written."""
    done = keygen(
        tmp_path / "a.pem", "--no-passphrase", "--trusted-out", tmp_path / "t.json", *TRUSTED, *options, "--json"
    )
    assert (done.status, done.error["code"], done.error.get("path")) == (64, error, path)
    assert list(tmp_path.iterdir()) == []


def test_trusted_file_needs_an_issuer(tmp_path: Path) -> None:
    """--trusted-out alone says what is missing."""
    done = keygen(tmp_path / "a.pem", "--no-passphrase", "--trusted-out", tmp_path / "t.json", "--json")
    assert (done.status, done.error["path"]) == (64, "--issuer")


def test_environments_are_not_mixed(tmp_path: Path) -> None:
    """A production key does not enter a file of test keys; the file stays as it was, and no key is made."""
    trusted = tmp_path / "trusted.json"
    keygen(tmp_path / "a.pem", "--no-passphrase", "--trusted-out", trusted, *TRUSTED)
    before = trusted.read_bytes()
    more = ("--trusted-out", trusted, *TRUSTED, "--environment", "production", "--json")
    done = keygen(tmp_path / "b.pem", "--no-passphrase", *more)
    assert (done.status, done.error["code"]) == (1, "signing.environment")
    assert (done.error["expected"], done.error["found"]) == ("production", "test")
    assert trusted.read_bytes() == before
    assert not (tmp_path / "b.pem").exists()


def test_broken_trusted_file_is_not_extended(tmp_path: Path) -> None:
    """A file that no verifier would take is not touched."""
    trusted = tmp_path / "trusted.json"
    trusted.write_text(json.dumps({"environment": "test", "keys": [], "more": 1}))
    done = keygen(tmp_path / "a.pem", "--no-passphrase", "--trusted-out", trusted, *TRUSTED, "--json")
    assert (done.status, done.error["code"], done.error["path"]) == (1, "trusted.field", "more")
    assert not (tmp_path / "a.pem").exists()
