"""A file of codes to a file of verdicts: every row once and in order, in every format, whatever is wrong with a row."""

from __future__ import annotations

import csv
import json
import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from icard_crypto.errors import IcardError
from tests.kit.cli import trusted_file
from tests.kit.column_files import read_output, state, varied, wanted, write_codes
from tests.kit.columns import CODES, GATE, HOUR, NOW, REVOKED, expected, job
from tests.kit.publisher import code, status, timestamp
from verifier import Policy
from verifier.data import Job, inputs, run
from verifier.data import job as job_module
from verifier.store import Store, Update

ROWS = varied(1000)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces and parts of which a file of a thousand rows has several."""
    monkeypatch.setattr(inputs, "ROWS", 90)
    monkeypatch.setattr(job_module, "_PIECES", 3)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a state in it."""
    state(tmp_path / "state")
    return tmp_path


def asked(folder: Path, source: Path, output: str = "out.parquet", **changes: Any) -> Job:
    """A job over this file, one worker unless changed."""
    given: dict[str, Any] = {"keep": ("scan",), "state": Store(folder / "state"), "workers": 1}
    return Job(source, folder / output, GATE, NOW, **given | changes)


@pytest.mark.parametrize("target", [".parquet", ".csv", ".jsonl"])
@pytest.mark.parametrize("source", [".parquet", ".csv", ".jsonl", ".ndjson"])
def test_every_row_is_there_once_in_every_format(folder: Path, source: str, target: str) -> None:
    path = write_codes(folder / f"codes{source}", ROWS)
    summary = run(asked(folder, path, f"out{target}"))
    assert read_output(folder / f"out{target}") == wanted(ROWS)
    assert (summary.rows, summary.nulls, summary.unreadable, summary.resumed) == (1000, ROWS.count(None), 0, 0)
    assert sum(summary.verdicts.values()) == 1000 - ROWS.count(None)
    assert not list(folder.glob("*.work"))


def test_processes_give_the_same_file_as_one(folder: Path) -> None:
    path = write_codes(folder / "codes.parquet", ROWS)
    run(asked(folder, path, "one.parquet"))
    run(asked(folder, path, "three.parquet", workers=3))
    assert (folder / "one.parquet").read_bytes() == (folder / "three.parquet").read_bytes()


@pytest.mark.parametrize("kind", [pa.large_string(), pa.binary(), pa.dictionary(pa.int32(), pa.string())], ids=str)
def test_binary_and_dictionary_columns_of_parquet(folder: Path, kind: pa.DataType) -> None:
    codes = pa.array(ROWS, pa.string())
    table = pa.table({"scan": [f"s{number}" for number in range(1000)], "code": codes.cast(kind)})
    pq.write_table(table, folder / "codes.parquet", row_group_size=333)
    run(asked(folder, folder / "codes.parquet"))
    assert read_output(folder / "out.parquet") == wanted(ROWS)


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl"])
def test_an_input_without_rows_gives_an_output_without_rows(folder: Path, suffix: str) -> None:
    path = write_codes(folder / f"codes{suffix}", [])
    assert run(asked(folder, path, f"out{suffix}")).rows == 0
    assert read_output(folder / f"out{suffix}") == []


def test_only_its_owner_can_read_the_work(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_codes(folder / "codes.csv", ROWS)
    seen: list[int] = []
    run(asked(folder, path), lambda rows, share: seen.append((folder / "out.parquet.work").stat().st_mode))
    assert {stat.S_IMODE(mode) for mode in seen} == {0o700}


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_progress_rises_to_the_end(folder: Path, suffix: str) -> None:
    told: list[tuple[int, float]] = []
    run(asked(folder, write_codes(folder / f"codes{suffix}", ROWS)), lambda *now: told.append(now))
    assert told == sorted(told)
    assert (told[-1][0], round(told[-1][1], 6)) == (1000, 1.0)


class Stopped(Exception):
    """The test's own interruption."""


def _stop_after(rows: int) -> Any:
    def watch(done: int, share: float) -> None:
        if done >= rows:
            raise Stopped

    return watch


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl"])
@pytest.mark.parametrize("stop", [1, 300, 650, 1000])
def test_a_job_that_was_stopped_goes_on_where_it_was(folder: Path, suffix: str, stop: int) -> None:
    path = write_codes(folder / f"codes{suffix}", ROWS, group=400)
    undisturbed = run(asked(folder, path, f"whole{suffix}"))
    with pytest.raises(Stopped):
        run(asked(folder, path, f"out{suffix}"), _stop_after(stop))
    assert not (folder / f"out{suffix}").exists()
    summary = run(asked(folder, path, f"out{suffix}"))
    assert read_output(folder / f"out{suffix}") == read_output(folder / f"whole{suffix}") == wanted(ROWS)
    assert summary.resumed == max(stop - 1, 0) // 270 * 270
    assert replace(summary, resumed=0) == undisturbed


def test_a_resumed_job_keeps_the_time_and_the_knowledge_it_began_with(folder: Path) -> None:
    """A sync in between and a clock that went on change no row: all rest on the same lists."""
    path = write_codes(folder / "codes.csv", ROWS)
    with pytest.raises(Stopped):
        run(asked(folder, path), _stop_after(500))
    entries = {REVOKED: 1, REVOKED - 1: 1}
    Store(folder / "state").apply("cn", Update((), (status(NOW - 60, entries),), timestamp(NOW - 60)), NOW)
    later = replace(asked(folder, path), now=NOW + 5 * HOUR)
    assert run(later).now == NOW
    assert read_output(folder / "out.parquet") == wanted(ROWS)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"policy": Policy.named("offline")}, "policy"),
        ({"keep": ()}, "keep"),
        ({"claims": ("name",)}, "claims"),
        ({"now": NOW + 1, "now_given": True}, "now"),
        ({"trusted": b"{}"}, "trusted"),
        ({"state": None}, "state"),
    ],
)
def test_a_job_that_was_begun_is_not_gone_on_with_by_another(folder: Path, change: dict[str, Any], named: str) -> None:
    path = write_codes(folder / "codes.csv", ROWS)
    with pytest.raises(Stopped):
        run(asked(folder, path), _stop_after(500))
    with pytest.raises(IcardError) as caught:
        run(replace(asked(folder, path), **change))
    assert caught.value.code == "data.other_job"
    assert named in str(caught.value.found)
    assert run(asked(folder, path)).resumed > 0


def test_an_input_that_changed_is_another_job(folder: Path) -> None:
    path = write_codes(folder / "codes.csv", ROWS)
    with pytest.raises(Stopped):
        run(asked(folder, path), _stop_after(500))
    with path.open("a") as file:
        file.write("s1000,IC1:A\n")
    with pytest.raises(IcardError) as caught:
        run(asked(folder, path))
    assert (caught.value.code, caught.value.found) == ("data.other_job", "another input")


def test_an_output_that_is_there_is_not_overwritten(folder: Path) -> None:
    path = write_codes(folder / "codes.csv", ROWS)
    (folder / "out.parquet").write_text("mine")
    with pytest.raises(IcardError) as caught:
        run(asked(folder, path))
    assert caught.value.code == "file.exists"
    assert (folder / "out.parquet").read_text() == "mine"


def test_two_processes_do_not_work_on_one_output(folder: Path) -> None:
    path = write_codes(folder / "codes.csv", ROWS)

    def again(rows: int, share: float) -> None:
        with pytest.raises(IcardError) as caught:
            run(asked(folder, path))
        assert caught.value.code == "data.busy"
        raise Stopped

    with pytest.raises(Stopped):
        run(asked(folder, path), again)


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("codes.parquet", b"PAR1 cut off", "data.input"),
        ("codes.parquet", b"", "data.input"),
        ("codes.txt", b"code\n", "data.format"),
        ("codes.csv", b"", "data.no_column"),
        ("codes.csv", b"scan,other\n1,2\n", "data.no_column"),
        ("codes.csv", b"scan,code,code\n1,2,3\n", "data.column_twice"),
        ("codes.csv", "scan,code\n".encode("utf-16"), "data.no_column"),
        ("codes.jsonl", b'{"scan": 1, "other": 2}\n', "data.no_column"),
        ("codes.jsonl", b"no json\n", "data.no_column"),
        ("absent.csv", None, "file.no_such_file"),
    ],
)
def test_an_input_that_cannot_be_used_is_one_error(folder: Path, name: str, content: Any, code: str) -> None:
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(IcardError) as caught:
        run(asked(folder, folder / name))
    assert caught.value.code == code
    assert not list(folder.glob("*.work"))


def test_a_parquet_column_of_another_type_is_one_error_before_the_start(folder: Path) -> None:
    pq.write_table(pa.table({"scan": ["a"], "code": [1.5]}), folder / "codes.parquet")
    with pytest.raises(IcardError) as caught:
        run(asked(folder, folder / "codes.parquet"))
    assert (caught.value.code, caught.value.path, caught.value.found) == ("data.column_type", "code", "double")


def test_a_parquet_file_cut_off_in_the_middle_is_one_error(folder: Path) -> None:
    path = write_codes(folder / "codes.parquet", ROWS)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(IcardError) as caught:
        run(asked(folder, path))
    assert caught.value.code == "data.input"


def test_a_parquet_file_damaged_in_the_middle_keeps_what_was_done(folder: Path) -> None:
    path = write_codes(
        folder / "codes.parquet", [f"IC1:{os.urandom(50).hex().upper()}" for _ in range(1000)], group=300
    )
    good = path.read_bytes()
    column = pq.ParquetFile(path).metadata.row_group(2).column(1)
    start = column.dictionary_page_offset or column.data_page_offset
    path.write_bytes(good[:start] + bytes(200) + good[start + 200 :])
    with pytest.raises(IcardError) as caught:
        run(asked(folder, path))
    assert caught.value.code == "data.input"
    assert (folder / "out.parquet.work" / "part-000000").exists()


def test_lines_of_csv_that_cannot_be_read_are_rows_without_a_verdict(folder: Path) -> None:
    """One quote too many, a cell too few, one too many: each costs its own row only, and all are counted."""
    lines = ["scan,code", f"s0,{CODES[0]}", 's1,"open', f"s2,{CODES[0]},more", "s3", f's4,"{CODES[0]}"', "", "s6,"]
    path = folder / "codes.csv"
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    summary = run(asked(folder, path))
    rows = read_output(folder / "out.parquet")
    good = expected(job().verifier(), [CODES[0]], NOW)[0]
    assert [row["verdict"] for row in rows] == [good, None, None, None, good, None, None]
    assert [row["scan"] for row in rows] == ["s0", None, None, None, "s4", None, "s6"]
    assert (summary.unreadable, summary.first_unreadable, summary.nulls) == (4, 2, 5)


def test_lines_of_json_that_cannot_be_read_are_rows_without_a_verdict(folder: Path) -> None:
    lines = [
        json.dumps({"scan": {"at": 1}, "code": CODES[0]}),
        '{"scan": 1, "code": ',
        "[1]",
        '{"code": 5}',
        '{"scan": "\\ud800", "code": null}',
        "[" * 100_000,
        '{"scan": 2.50}',
        '{"code": "IC1:\\ud800"}',
    ]
    (folder / "codes.jsonl").write_text("\n".join(lines))
    summary = run(asked(folder, folder / "codes.jsonl", "out.jsonl"))
    rows = [json.loads(line) for line in (folder / "out.jsonl").read_text().splitlines()]
    assert [row["verdict"] and row["verdict"]["outcome"] for row in rows] == ["VALID", *[None] * 6, "INVALID"]
    assert [row["scan"] for row in rows][:1] == [{"at": 1}]
    assert (summary.unreadable, summary.first_unreadable) == (4, 2)


def test_a_line_of_ten_megabytes_is_a_verdict_and_a_longer_one_is_not_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inputs, "LONGEST_LINE", 20_000_000)
    path = folder / "codes.csv"
    path.write_text(f"scan,code\ns0,{'A' * 10_000_000}\ns1,{'A' * 30_000_000}\ns2,{CODES[0]}\n")
    summary = run(asked(folder, path))
    rows = read_output(folder / "out.parquet")
    assert [row["verdict"] and row["verdict"]["reason"] for row in rows] == ["too_large", None, "valid"]
    assert summary.unreadable == 1


def test_a_text_file_cut_off_in_the_middle_says_which_row(folder: Path) -> None:
    path = write_codes(folder / "codes.jsonl", ROWS)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:500]) + lines[500][:9])
    summary = run(asked(folder, path))
    assert (summary.rows, summary.unreadable, summary.first_unreadable) == (501, 1, 501)
    assert read_output(folder / "out.parquet")[:500] == wanted(ROWS)[:500]


def test_keys_given_by_file_are_what_is_trusted(folder: Path) -> None:
    path = write_codes(folder / "codes.csv", [code()])
    given = trusted_file(folder).read_bytes()
    run(replace(asked(folder, path, state=None, trusted=given), policy=Policy.named("unsafe_no_status")))
    (row,) = read_output(folder / "out.parquet")
    assert row["verdict"]["issuer"] == "cn.310000"
    assert row["verdict"]["trust_version"] is None


def test_claims_in_csv_are_columns_of_their_own(folder: Path) -> None:
    path = write_codes(folder / "codes.csv", [code(), None])
    run(asked(folder, path, "out.csv", claims=("name", "permit_until", "services")))
    with (folder / "out.csv").open(newline="") as file:
        first, second = csv.DictReader(file)
    assert first["verdict.claims.permit_until"] == "2028-04-30"
    assert ";" in first["verdict.claims.services"]
    assert second["verdict.claims.name"] == ""


def test_kept_columns_of_other_types_are_written(folder: Path) -> None:
    table = pa.table(
        {
            "code": [CODES[0]],
            "n": [1.5],
            "day": pa.array([20_000], pa.date32()),
            "raw": [b"\x01\xff"],
            "list": [["a", "b"]],
            "yes": [True],
        }
    )
    pq.write_table(table, folder / "codes.parquet")
    keep = ("n", "day", "raw", "list", "yes")
    run(asked(folder, folder / "codes.parquet", "out.jsonl", keep=keep))
    row = json.loads((folder / "out.jsonl").read_text())
    assert [row[name] for name in keep] == [1.5, "2024-10-04", "01ff", ["a", "b"], True]
    run(asked(folder, folder / "codes.parquet", "out.csv", keep=keep))
    with (folder / "out.csv").open(newline="") as file:
        (cells,) = csv.DictReader(file)
    assert [cells[name] for name in keep] == ["1.5", "2024-10-04", "01ff", "a;b", "True"]
