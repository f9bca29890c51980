"""Whatever is shown to ``icard verify`` gets a verdict that says what it is; wrong use gets one line and 64."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest

from icard_crypto import qr
from icard_crypto.encoding import base45, envelope
from icard_crypto.errors import catalogue
from tests.kit.cli import NOW, Done, run, trusted_file
from tests.kit.trust_domain import code
from verifier.cli.commands import app


def bomb() -> bytes:
    """A PNG of a few bytes that says it has 900 million pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


def wide(text: str) -> str:
    """The same in full-width characters."""
    return "".join(chr(ord(character) + 0xFEE0) if "!" <= character <= "~" else "\u3000" for character in text)


GOOD = code()
BAD_TEXTS = {
    "empty": ("", "not_a_card", "text.empty"),
    "spaces": ("  \n", "not_a_card", "text.empty"),
    "web address": ("https://example.com/?token=SECRET", "not_a_card", "text.web_address"),
    "vaccination": ("HC1:NCFOXN%TSMAHN-H", "not_a_card", "text.vaccination_certificate"),
    "wifi": ("WIFI:S:cafe;T:WPA;P:hunter2;;", "not_a_card", "text.wifi"),
    "lower case": (GOOD.lower(), "malformed", "text.lower_case"),
    "full width": (wide(GOOD), "malformed", "text.full_width"),
    "half": (GOOD[: len(GOOD) // 2], "malformed", None),
    "two forms": ("IC1:" + envelope.to_claim169(envelope.read(GOOD).cose), "malformed", "text.mixed_forms"),
    "no prefix": (GOOD[4:], "malformed", "text.prefix_missing"),
    "ten megabytes": ("A" * 10_000_000, "too_large", "text.too_large"),
    "newer": ("IC2:ABC", "malformed", "text.newer_format"),
    "other text": ("hello", "not_a_card", "text.unknown"),
}


@pytest.fixture
def trusted(tmp_path: Path) -> Path:
    return trusted_file(tmp_path)


def verify(trusted: Path, shown: str | Path, *more: str, stdin: bytes | None = None) -> Done:
    options = ("--trusted", trusted, "--now", NOW, "--policy", "unsafe_no_status")
    return run(app, "verify", shown, *options, *more, shown=stdin)


@pytest.mark.parametrize("name", BAD_TEXTS)
@pytest.mark.parametrize("way", ["argument", "file", "stdin"])
def test_bad_text_gets_a_verdict(trusted: Path, tmp_path: Path, name: str, way: str) -> None:
    """Each bad text is INVALID with the reason and the layer's code, whichever way it comes; none of it is repeated. As
    an argument a short one that is no code is no verdict: it may be a file that is not there."""
    text, reason, error = BAD_TEXTS[name]
    if way == "argument" and len(text) < 100 and not text.startswith("IC1:"):
        done = verify(trusted, text, "--json")
        assert (done.status, done.out, done.error["code"]) == (64, "", "cli.no_such_input")
        return
    if way == "file":
        (tmp_path / "shown.txt").write_text(text, "utf-8")
    shown = {"argument": text, "file": str(tmp_path / "shown.txt"), "stdin": "-"}[way]
    done = verify(trusted, shown, "--json", stdin=text.encode() if way == "stdin" else None)
    [verdict] = done.lines
    assert done.status == 1
    assert (verdict["outcome"], verdict["reason"]) == ("INVALID", reason)
    assert verdict["card"] is None
    if error is not None:
        assert verdict["error"]["code"] == error
    assert "SECRET" not in done.out
    assert "hunter2" not in done.out


@pytest.mark.parametrize("name", ["web address", "vaccination", "wifi", "lower case", "half"])
def test_bad_text_is_told_to_people(trusted: Path, name: str) -> None:
    """The verdict for people starts with the word, then says what it is, and how to go on."""
    done = verify(trusted, "-", stdin=BAD_TEXTS[name][0].encode())
    lines = done.out.splitlines()
    assert lines[0].endswith("✕ INVALID")
    assert lines[1] == "TEST ENVIRONMENT"
    assert lines[2].endswith(".")
    assert lines[3].endswith(".")
    assert "hunter2" not in done.out


def test_white_space_around_and_line_breaks_inside_are_dropped(trusted: Path) -> None:
    """People paste codes with line breaks."""
    assert verify(trusted, f" \n{GOOD[:50]}\n{GOOD[50:90]}\r\n{GOOD[90:]}\t\n").status == 0


@pytest.mark.parametrize(
    ("data", "reason", "error"),
    [
        (bomb(), "too_large", "picture.too_large"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "", "picture.broken"),
        (b"GIF89a" + b"\0" * 50, "not_a_card", "picture.not_a_picture"),
        (b"%PDF-1.7\nrubbish", "", "picture.broken"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * (33 * 1024 * 1024), "too_large", "picture.too_large"),
        (b"%PDF-" + b"\0" * (33 * 1024 * 1024), "too_large", "picture.too_large"),
    ],
    ids=["bomb", "broken", "gif", "broken pdf", "huge", "huge pdf"],
)
def test_bad_picture_gets_a_verdict(trusted: Path, tmp_path: Path, data: bytes, reason: str, error: str) -> None:
    """Bombs, broken files and other kinds are INVALID with the picture's own code."""
    path = tmp_path / "shown.png"
    path.write_bytes(data)
    done = verify(trusted, path, "--json")
    [verdict] = done.lines
    assert (done.status, verdict["outcome"], verdict["card"]) == (1, "INVALID", None)
    assert verdict["error"]["code"] == error
    assert verdict["message"] == catalogue()[error]["en"]
    assert reason in ("", verdict["reason"])


def test_picture_of_something_else_says_what(trusted: Path, tmp_path: Path) -> None:
    """A QR code of a web address is named as one."""
    path = tmp_path / "shown.png"
    path.write_bytes(qr.draw("HTTPS://EXAMPLE.COM/A").png())
    done = verify(trusted, path)
    assert done.status == 1
    assert "This is a web address, not a card." in done.out


def test_binary_file_is_no_card(trusted: Path, tmp_path: Path) -> None:
    """Bytes that are nothing known are called that."""
    path = tmp_path / "shown"
    path.write_bytes(bytes(range(128, 256)))
    [verdict] = verify(trusted, path, "--json").lines
    assert (verdict["reason"], verdict["error"]["code"]) == ("not_a_card", "text.binary")


@pytest.mark.parametrize("named", ["missing.png", "./IC1", "/nowhere/at all", "sub/code", "CODE.COSE", "~/x"])
def test_path_that_is_not_there_is_wrong_use(trusted: Path, named: str) -> None:
    """What looks like a path and does not exist is never verified as a text."""
    done = verify(trusted, named, "--json")
    assert done.status == 64
    assert done.out == ""
    assert (done.error["code"], done.error["found"]) == ("cli.no_such_input", named)


@pytest.mark.parametrize("named", [GOOD, base45.encode(b"x" * 200), "IC1:ABC"])
def test_text_is_not_taken_for_a_path(trusted: Path, named: str) -> None:
    """Codes are text."""
    assert verify(trusted, named).status in (0, 1)


@pytest.mark.parametrize("named", ["card.jfif", "codes.csv", "nosuchfile", "http://a.png", "HELLO", ""])
def test_an_argument_too_short_for_a_code_is_no_verdict(trusted: Path, named: str) -> None:
    """Status 1 would be INVALID, and send a person away for a file that is not there."""
    done = verify(trusted, named, "--json")
    assert (done.status, done.out, done.error["code"]) == (64, "", "cli.no_such_input")


def test_empty_folder_is_wrong_use(trusted: Path, tmp_path: Path) -> None:
    """A folder without a file of codes says so."""
    empty = tmp_path / "empty"
    empty.mkdir()
    done = verify(trusted, empty)
    assert done.status == 64
    assert done.err.startswith("error: The folder holds no picture, PDF, text or .cose file; found ")
    assert done.err.count("\n") == 2


@pytest.mark.parametrize(
    ("options", "code_", "path"),
    [
        (("--now", "yesterday"), "cli.option", "--now"),
        (("--now", "2026-01-01T00:00:00"), "cli.option", "--now"),
        (("--policy", "gat"), "policy.name", "name"),
        (("--policy", "./none.json"), "file.no_such_file", None),
        (("--trusted", "none.json"), "file.no_such_file", None),
        (("--lang", "fr"), "cli.usage", None),
        (("--what",), "cli.usage", None),
    ],
)
def test_wrong_options_are_one_line_and_64(options: tuple[str, ...], code_: str, path: str | None) -> None:
    """Every wrong option is an error with a code, a hint and exit status 64."""
    done = run(app, "verify", GOOD, *options)
    assert done.status == 64
    assert done.out == ""
    first, hint = done.err.splitlines()
    assert first.startswith("error: ")
    assert first.endswith(f"({code_})")
    assert hint.startswith("hint: ")
    assert path is None or f"at {path}" in first


def test_errors_are_chinese_when_asked_for() -> None:
    """The line, its labels and its hint are in the language of --lang."""
    done = run(app, "verify", GOOD, "--lang", "zh", "--policy", "./none.json")
    assert done.err == "错误：没有此文件；实为 ./none.json (file.no_such_file)\n提示：请检查路径。\n"


def test_bad_trusted_file_names_the_field(tmp_path: Path) -> None:
    """A fault in the file of trusted keys has its path, and is no verdict."""
    path = trusted_file(tmp_path)
    path.write_text(path.read_text().replace('"310000"', '"31"'))
    done = run(app, "verify", GOOD, "--trusted", path, "--json")
    assert done.status == 64
    assert (done.error["code"], done.error["path"]) == ("trusted.value", "keys[0].regions")


def test_policy_file_decides(trusted: Path, tmp_path: Path) -> None:
    """A policy of one's own is taken from a file, and a fault in it is named."""
    path = tmp_path / "mine.json"
    path.write_text('{"name": "unsafe_mine", "status_required": false, "issuers": ["cn.440000"]}')
    options = ("--trusted", trusted, "--now", NOW, "--policy", path, "--json")
    [verdict] = run(app, "verify", GOOD, *options).lines
    assert (verdict["policy"], verdict["reason"], verdict["detail"]) == ("unsafe_mine", "policy_not_met", "issuer")
    path.write_text('{"name": "mine", "statusrequired": false}')
    assert run(app, "verify", GOOD, *options).error["code"] == "policy.field"
