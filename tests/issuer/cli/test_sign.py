"""``icard-issuer files sign``: codes that verify, files of every kind, and faults in one line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from icard_crypto import qr
from icard_crypto.card.card import Profile
from icard_crypto.encoding import envelope
from icard_crypto.errors import EncodeError
from icard_crypto.signing.algorithms import ALGORITHMS, ML_DSA_44, Algorithm
from icard_crypto.signing.keys import SigningKey
from issuer.cli.commands import app
from issuer.offline import signing
from tests.kit.cli import NOW, Done, run, script, trusted_file
from tests.kit.pictures import encoded, portrait
from tests.kit.reference import ISSUER, STATUS
from tests.kit.trust_domain import CARD_KEY, key_of
from verifier import Policy, TrustDomain, Verdict, Verifier

CARD = Path(__file__).parents[2] / "vectors" / "cards" / "reference.json"
ISSUED = "2026-10-08T02:10:00Z"


def key_file(folder: Path, key: SigningKey = CARD_KEY, passphrase: bytes | None = None) -> Path:
    path = folder / "key.pem"
    path.write_bytes(key.to_pem(passphrase))
    return path


def arguments(key: Path, *more: str | Path, card: Path = CARD) -> list[str | Path]:
    status = ("--status-uri", STATUS.uri, "--status-index", str(STATUS.index))
    return ["files", "sign", card, "--key", key, "--issuer", ISSUER, *status, "--issued-at", ISSUED, *more]


def sign(key: Path, *more: str | Path, card: Path = CARD) -> Done:
    return run(app, *arguments(key, *more, card=card))


def verdict_on(shown: str | bytes, folder: Path, key: SigningKey = CARD_KEY) -> Verdict:
    domain = TrustDomain.from_trusted_file(trusted_file(folder, key).read_bytes())
    return Verifier(domain, Policy.named("unsafe_no_status")).verify(shown, now=1_794_016_800)


def card_with(folder: Path, **changes: Any) -> Path:
    """The reference card with changes, as a file."""
    card = json.loads(CARD.read_text("utf-8"))
    for place, value in changes.items():
        part, _, name = place.partition("__")
        if value is None:
            del card[part][name]
        else:
            card[part][name] = value
    path = folder / "card.json"
    path.write_text(json.dumps(card))
    return path


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda algorithm: algorithm.name)
def test_text_on_standard_output_verifies(tmp_path: Path, algorithm: Algorithm) -> None:
    """The text alone is printed, and a verifier with the public key calls it VALID."""
    key = key_of(algorithm)
    done = sign(key_file(tmp_path, key))
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith("IC1:")
    assert done.out.count("\n") == 1
    verdict = verdict_on(done.out, tmp_path, key)
    assert verdict.outcome == "VALID"


@pytest.mark.parametrize("profile", ["public", "work", "authority"])
def test_profile_decides_what_is_disclosed(tmp_path: Path, profile: str) -> None:
    """The claims are those of the profile, with the index and the hour of issue asked for."""
    verdict = verdict_on(sign(key_file(tmp_path), "--profile", profile).out, tmp_path)
    claims = verdict.claims
    assert claims is not None
    assert verdict.profile == profile
    assert (claims.card.permit.employer is None) == (profile == "public")
    assert (claims.card.permit.number is None) == (profile != "authority")
    assert (claims.status, claims.issued_at) == (STATUS, 1_791_424_800)


def test_each_code_has_an_identity_of_its_own(tmp_path: Path) -> None:
    """Two runs never share a cti."""
    key = key_file(tmp_path)
    [first], [second] = (sign(key, "--json").lines for _ in range(2))
    assert first["cti"] != second["cti"]
    assert len(first["cti"]) == 16


def test_files_of_every_kind_hold_the_code(tmp_path: Path) -> None:
    """Text, PNG, SVG and COSE of one run are one code."""
    paths = [tmp_path / f"a.{end}" for end in ("txt", "png", "svg", "cose")]
    done = sign(key_file(tmp_path), "--json", *(option for path in paths for option in ("--out", path)))
    [facts] = done.lines
    text = facts["text"]
    assert paths[0].read_text() == text + "\n"
    assert [found.content for found in qr.read(paths[1])] == [text]
    assert paths[2].read_text().startswith("<svg")
    assert paths[3].read_bytes() == envelope.read(text).cose
    assert (facts["symbol"], facts["files"]) == ("12-M", [str(path) for path in paths])
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.cose", "a.png", "a.svg", "a.txt", "key.pem"]


def test_claim_169_form(tmp_path: Path) -> None:
    """The other form is written on request."""
    text = sign(key_file(tmp_path), "--form", "claim169").out.strip()
    assert envelope.read(text).form == "claim169"
    assert verdict_on(text, tmp_path).outcome == "VALID"


def test_cose_bytes_on_standard_output(tmp_path: Path) -> None:
    """--form cose in a pipe gives the bytes and nothing else."""
    command = [str(Path(sys.executable).parent / "icard-issuer"), *map(str, arguments(key_file(tmp_path)))]
    done = subprocess.run([*command, "--form", "cose"], capture_output=True, check=True, timeout=60)
    assert verdict_on(done.stdout, tmp_path).outcome == "VALID"


def test_ml_dsa_is_drawn_at_the_lowest_level_with_a_warning(tmp_path: Path) -> None:
    """A signature of 2,420 bytes fits level L only; the .cose file needs no warning."""
    key = key_file(tmp_path, key_of(ML_DSA_44))
    done = sign(key, "--out", tmp_path / "a.png")
    assert done.status == 0
    assert done.out.endswith("a.png (39-L)\n") or done.out.endswith("a.png (40-L)\n")
    assert done.err.startswith("warning: ")
    assert "(qr.low_correction)" in done.err
    assert sign(key, "--out", tmp_path / "a.cose").err == ""


def test_code_too_large_for_a_picture_leaves_no_file(tmp_path: Path) -> None:
    """All is made before the first file is written."""
    key = key_file(tmp_path, key_of(ML_DSA_44))
    (tmp_path / "face.png").write_bytes(encoded(portrait()))
    more = ("--photo", tmp_path / "face.png", "--photo-bytes", "900", "--json")
    done = sign(key, "--out", tmp_path / "a.txt", "--out", tmp_path / "a.png", *more)
    assert (done.status, done.error["code"]) == (1, "qr.too_large")
    assert ".cose" in done.error["hint"]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["face.png", "key.pem"]


def test_photo_is_fitted(tmp_path: Path) -> None:
    """A portrait file becomes a photo within the bytes allowed."""
    (tmp_path / "face.png").write_bytes(encoded(portrait()))
    text = sign(key_file(tmp_path), "--photo", tmp_path / "face.png", "--photo-bytes", "300").out
    card = verdict_on(text, tmp_path).card
    assert card is not None
    assert card.holder.photo is not None
    assert 100 < len(card.holder.photo) <= 300


def test_passphrase_file_opens_the_key(tmp_path: Path) -> None:
    """The right passphrase signs; the wrong one is one line and exit status 1."""
    key = key_file(tmp_path, passphrase=b"correct horse")
    (tmp_path / "right").write_text("correct horse\r\n")
    (tmp_path / "wrong").write_text("wrong horse\n")
    assert sign(key, "--passphrase-file", tmp_path / "right").status == 0
    done = sign(key, "--passphrase-file", tmp_path / "wrong")
    assert (done.status, done.out) == (1, "")
    assert done.err.splitlines()[0] == (
        "error: The passphrase does not open this private key, or the file is damaged (key.passphrase_wrong)"
    )
    assert "horse" not in done.err
    assert sign(key, "--json").error["code"] == "cli.passphrase_missing"


def rsa_key() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - to be refused
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)


@pytest.mark.parametrize(
    ("content", "error", "status"),
    [
        (None, "file.no_such_file", 64),
        (b"", "key.malformed", 1),
        (b"\x00\xff", "key.malformed", 1),
        (CARD_KEY.verifying_key.to_pem(), "key.malformed", 1),
        (rsa_key(), "key.unknown_algorithm", 1),
        (b"x" * 100_000, "file.too_large", 64),
    ],
    ids=["missing", "empty", "binary", "public", "rsa", "huge"],
)
def test_bad_key_file_is_one_error(tmp_path: Path, content: bytes | None, error: str, status: int) -> None:
    """Every bad key file has its code, and no traceback."""
    path = tmp_path / "key.pem"
    if content is not None:
        path.write_bytes(content)
    done = sign(path, "--json")
    assert (done.status, done.out, done.error["code"]) == (status, "", error)


def test_folder_as_a_key_is_one_error(tmp_path: Path) -> None:
    """A folder cannot be read, and the system's reason is given."""
    done = sign(tmp_path, "--json")
    assert (done.status, done.error["code"]) == (64, "file.unreadable")
    assert done.error["found"].endswith("Is a directory")


@pytest.mark.parametrize(
    ("changes", "error", "path"),
    [
        ({"permit__region": "31011"}, "card.too_short", "permit.region"),
        ({"permit__until": "2028-13-01"}, "card.bad_format", "permit.until"),
        ({"permit__until": None}, "card.missing_field", "permit.until"),
        ({"permit__until": "2026-10-01", "permit__from": "2026-09-01"}, "card.out_of_range", "permit.until"),
        ({"holder__nationality": 5}, "card.wrong_type", "holder.nationality"),
        ({"holder__passport": "C01X00T47"}, "card.unknown_field", "holder.passport"),
        ({"permit__employer_code": "91310115MA1K4XD070"}, "card.bad_check_character", "permit.employer_code"),
    ],
)
def test_wrong_card_names_the_field(tmp_path: Path, changes: dict[str, Any], error: str, path: str) -> None:
    """Path, expected and found in one line; exit status 1."""
    card = card_with(tmp_path, **changes)
    done = sign(key_file(tmp_path), "--json", card=card)
    assert (done.status, done.out) == (1, "")
    assert (done.error["code"], done.error["path"]) == (error, path)
    assert "C01X00T47" not in done.err
    plain = sign(key_file(tmp_path), card=card).err.splitlines()
    assert len(plain) == 2
    assert f"at {path}; expected " in plain[0]
    assert plain[0].endswith(f"({error})")


def test_every_fault_of_a_card_is_told(tmp_path: Path) -> None:
    """A line and a hint for each, and for programs one object with the others in it."""
    card = card_with(tmp_path, permit__region="31011", holder__nationality=5)
    done = sign(key_file(tmp_path), card=card)
    assert (done.status, done.out) == (1, "")
    assert [line.split(": ")[0] for line in done.err.splitlines()] == ["error", "hint"] * 2
    assert "at holder.nationality" in done.err
    assert "at permit.region" in done.err
    told = sign(key_file(tmp_path), "--json", card=card).error
    assert (told["path"], [one["path"] for one in told["also"]]) == ("holder.nationality", ["permit.region"])
    assert {"code", "message", "hint"} <= told["also"][0].keys()


@pytest.mark.parametrize(
    ("content", "error", "path"),
    [
        (b"", "cli.json", "line 1, column 1"),
        (b'{"holder": 1,\n}', "cli.json", "line 2, column 1"),
        (b'{"holder": {"name": "A", "name": "B"}}', "cli.duplicate_name", "name"),
        (b'{"holder": "\xff"}', "cli.json", None),
        (b"[" * 60_000, "cli.json", None),
        (b"[]", "card.wrong_type", "card"),
    ],
    ids=["empty", "comma", "double", "not utf-8", "deep", "list"],
)
def test_what_is_no_card_is_one_error(tmp_path: Path, content: bytes, error: str, path: str | None) -> None:
    """Broken JSON is told with its place."""
    card = tmp_path / "card.json"
    card.write_bytes(content)
    done = sign(key_file(tmp_path), "--json", card=card)
    assert (done.status, done.error["code"]) == (1, error)
    if path is not None:
        assert done.error["path"] == path


@pytest.mark.parametrize(
    ("options", "path"),
    [
        (("--issuer", "CN 31"), "--issuer"),
        (("--status-uri", "http://icard.example/s/k7Qd"), "--status-uri"),
        (("--status-uri", "https://icard.example/s/"), "--status-uri"),
        (("--status-uri", "https://icard.example/s/a.b"), "--status-uri"),
        (("--issued-at", "today"), "--issued-at"),
        (("--out", "a.gif"), "--out"),
        (("--form", "cose", "--out", "a.png"), "--out"),
    ],
)
def test_wrong_option_is_named(tmp_path: Path, options: tuple[str, ...], path: str) -> None:
    """An option that no verifier would take is refused before anything is signed."""
    done = sign(key_file(tmp_path), *options, "--json")
    assert (done.status, done.out) == (64, "")
    assert (done.error["code"], done.error["path"]) == ("cli.option", path)


def test_card_that_begins_later_is_signed(tmp_path: Path) -> None:
    """A permit from a later day is verified as of that day."""
    card = card_with(tmp_path, permit__from="2026-12-01")
    assert sign(key_file(tmp_path), card=card).status == 0


def test_work_profile_needs_an_employer(tmp_path: Path) -> None:
    """What the profile is for must be there."""
    card = card_with(tmp_path, permit__employer=None, permit__employer_code=None)
    done = sign(key_file(tmp_path), "--profile", "work", "--json", card=card)
    assert (done.status, done.error["path"]) == (1, "permit.employer")


def test_nothing_that_does_not_verify_is_handed_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signature that is wrong for whatever reason stops the command before any output."""
    good = SigningKey.sign
    monkeypatch.setattr(SigningKey, "sign", lambda self, message: bytes(len(good(self, message))))
    done = sign(key_file(tmp_path), "--out", tmp_path / "a.txt", "--json")
    assert (done.status, done.error["code"]) == (1, "signing.self_check")
    assert done.error["found"] == "INVALID (bad_signature)"
    assert not (tmp_path / "a.txt").exists()


def test_other_claims_than_meant_are_not_handed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The claims that verify are compared with those that were to be signed."""
    from icard_crypto.card.claims import encode_claims
    from tests.kit.reference import CTI, ISSUED_AT, reference_card
    from tests.kit.trust_domain import claims

    monkeypatch.setattr(signing, "encode_claims", lambda _: encode_claims(claims(Profile.WORK)))
    with pytest.raises(EncodeError) as caught:
        signing.sign_card(
            reference_card(), CARD_KEY, Profile.PUBLIC, issuer=ISSUER, status=STATUS, issued_at=ISSUED_AT, cti=CTI
        )
    assert caught.value.code == "signing.self_check"
    assert caught.value.found == "other claims"


def test_real_scripts_make_and_verify_a_card(tmp_path: Path) -> None:
    """keygen, sign and verify, as three processes."""
    trusted = tmp_path / "trusted.json"
    names = ("--issuer", ISSUER, "--region", "310000", "--status-prefix", "https://icard.example/s/")
    window = ("--from", "2026-01-01T00:00:00Z")
    made = script(
        "icard-issuer",
        "files",
        "keygen",
        "--out",
        tmp_path / "k.pem",
        "--no-passphrase",
        "--trusted-out",
        trusted,
        *names,
        *window,
    )
    assert made.status == 0, made.err
    signed = script("icard-issuer", *arguments(tmp_path / "k.pem", "--out", tmp_path / "a.png"))
    assert signed.out == f"wrote {tmp_path / 'a.png'} (12-M)\n"
    options = ("--trusted", trusted, "--now", NOW, "--policy", "unsafe_no_status")
    assert script("icard", "verify", tmp_path / "a.png", *options).status == 0


def test_help_of_the_issuer_has_examples() -> None:
    """Every command explains itself; no command at all is wrong use."""
    for command in ("keygen", "sign"):
        done = script("icard-issuer", "files", command, "--help")
        assert done.status == 0
        assert f"Example:  icard-issuer files {command} " in done.out
    assert script("icard-issuer").status == 64


def test_card_from_standard_input(tmp_path: Path) -> None:
    """``-`` reads the card's JSON; what is too long is refused."""
    command = arguments(key_file(tmp_path), card=Path("-"))
    assert verdict_on(run(app, *command, shown=CARD.read_bytes()).out, tmp_path).outcome == "VALID"
    done = run(app, *command, "--json", shown=b" " * 70_000)
    assert (done.status, done.error["code"]) == (64, "file.too_large")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_bytes_that_nobody_got_are_an_error(tmp_path: Path) -> None:
    """COSE bytes that wait in a buffer when the disk is full do not end with 0."""
    command = [str(Path(sys.executable).parent / "icard-issuer"), *map(str, arguments(key_file(tmp_path)))]
    buffered = {**os.environ, "PYTHONUNBUFFERED": "", "LANG": "C.UTF-8"}
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*command, "--form", "cose"], stdout=full, stderr=subprocess.PIPE, check=False, env=buffered
        )
    assert done.returncode == 64
    assert b"(cli.io)" in done.stderr
    assert b"Traceback" not in done.stderr
