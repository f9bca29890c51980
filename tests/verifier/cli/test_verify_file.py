"""``icard verify --input``: what it prints, how it ends, and what is wrong use."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.kit.cli import run
from tests.kit.column_files import NOW_TEXT, read_output, state, varied, wanted, write_codes
from verifier.cli.commands import app

CODES = varied(60)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a state and a file of codes."""
    state(tmp_path / "state")
    write_codes(tmp_path / "codes.csv", CODES)
    return tmp_path


def arguments(folder: Path, *more: str) -> list[str]:
    """The command over the folder's files, one worker."""
    given = ["verify", "--input", str(folder / "codes.csv"), "--output", str(folder / "out.jsonl"), "--keep", "scan"]
    return [*given, "--state", str(folder / "state"), "--now", NOW_TEXT, "--workers", "1", *more]


def test_summary_counts_outcomes_and_reasons(folder: Path) -> None:
    done = run(app, *arguments(folder))
    assert (done.status, done.err) == (0, "")
    assert read_output(folder / "out.jsonl") == wanted(CODES)
    rows = [row["verdict"] for row in wanted(CODES) if row["verdict"]]
    lines = done.out.splitlines()
    assert lines[0].endswith(f"60 rows, as of {NOW_TEXT}")
    assert f"VALID: {sum(row['outcome'] == 'VALID' for row in rows)}" in lines
    assert f"  revoked: {sum(row['reason'] == 'revoked' for row in rows)}" in lines
    assert f"Without a code: {CODES.count(None)}" in lines


def test_summary_as_json(folder: Path) -> None:
    (summary,) = run(app, *arguments(folder, "--json")).lines
    counted = sum(count for reasons in summary.pop("verdicts").values() for count in reasons.values())
    assert counted == 60 - CODES.count(None)
    assert summary == {
        "output": str(folder / "out.jsonl"),
        "now": NOW_TEXT,
        "rows": 60,
        "done_before": 0,
        "without_code": CODES.count(None),
        "unreadable": 0,
        "first_unreadable": None,
    }


def test_rows_that_cannot_be_read_are_status_1_and_named(folder: Path) -> None:
    with (folder / "codes.csv").open("a") as file:
        file.write('s60,"open\n')
    done = run(app, *arguments(folder))
    assert done.status == 1
    assert "Could not be read: 1 (the first is row 61)" in done.out.splitlines()


def test_chinese_words(folder: Path) -> None:
    done = run(app, *arguments(folder, "--lang", "zh"))
    assert "60 行" in done.out
    assert "无二维码" in done.out


def test_claims_and_column_are_options(folder: Path) -> None:
    (folder / "codes.csv").write_text(f"scan,qr\ns0,{CODES[0]}\n")
    assert run(app, *arguments(folder, "--column", "qr", "--claim", "name", "--claim", "nationality")).status == 0
    (row,) = map(json.loads, (folder / "out.jsonl").read_text().splitlines())
    assert row["verdict"]["claims"] == {"name": "HANNELORE BRIGITTA VOGEL", "nationality": "DEU"}


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (("--claim", "passport"), "data.claim"),
        (("--column", "qr"), "data.no_column"),
        (("--keep", "row"), "data.no_column"),
        (("--output", "out.xlsx"), "data.format"),
        (("--policy", "gat"), "policy.name"),
        (("--now", "today"), "cli.option"),
        (("IC1:A",), "cli.input_and_output"),
        (("--workers", "0"), "cli.usage"),
    ],
)
def test_wrong_use_is_one_error_and_status_64(
    folder: Path, more: tuple[str, ...], code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    done = run(app, *arguments(folder), "--json", *more)
    assert (done.status, done.error["code"]) == (64, code)
    assert not list(folder.glob("*.work"))
    assert not (folder / "out.jsonl").exists()


def test_input_without_output_and_nothing_at_all_are_wrong_use(folder: Path) -> None:
    assert run(app, "verify", "--input", folder / "codes.csv", "--json").error["code"] == "cli.input_and_output"
    assert run(app, "verify", "--output", folder / "codes.csv", "--json").error["code"] == "cli.input_and_output"
    assert run(app, "verify", "--json").error["code"] == "cli.nothing_to_verify"


def test_an_output_that_is_there_is_kept(folder: Path) -> None:
    assert run(app, *arguments(folder)).status == 0
    before = (folder / "out.jsonl").read_bytes()
    done = run(app, *arguments(folder), "--json")
    assert (done.status, done.error["code"]) == (64, "file.exists")
    assert (folder / "out.jsonl").read_bytes() == before


def test_without_pyarrow_a_line_says_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("verifier.data")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    done = run(app, *arguments(folder), "--json")
    assert (done.status, done.error["code"]) == (64, "data.extra_missing")
    assert "icard[arrow]" in done.error["hint"]
