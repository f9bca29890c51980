"""docs/data.md: each recipe runs as it stands, in its engine's own environment, and gives the verdicts of verify()."""

from __future__ import annotations

import contextlib
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.peers import PeerMissing, ready
from tests.docs.pages import ROOT, blocks, run_shell
from tests.kit.column_files import NOW_TEXT, parts_written, state, varied, wanted, write_codes
from tests.kit.columns import ANCHOR, BUNDLE, CODES, NOW, expected, job, mutated, row_of, vector_codes
from tests.kit.vector_verifiers import VECTORS, decision_verifier, load, shown

PAGE = "docs/data.md"
ADDRESS = "sc://localhost:50051"
_NAMED = re.compile(r"# (\w+)\n")


def recipe(name: str) -> str:
    """A recipe of the page by the name in its first line; that without a name is the first."""
    found = {named[1] if (named := _NAMED.match(code)) else "": code for code in reversed(blocks(PAGE, "python"))}
    return found[name]


def write_scans(folder: Path, count: int) -> list[Any]:
    """The files that a recipe reads: what every vector shows in text, mutated codes, a null. The codes, in order."""
    codes = [*(code for code in vector_codes() if isinstance(code, str)), *mutated(7, count), None]
    codes = [None if code is None else code.encode("utf-8", "replace").decode() for code in codes]
    table = pa.table({"scan_id": list(range(len(codes))), "code": codes})
    pq.write_table(table, folder / "scans.parquet", row_group_size=20_000)
    (folder / "bundle.cbor").write_bytes(BUNDLE)
    (folder / "anchor.cbor").write_bytes(ANCHOR)
    return codes


def check_rows(written: pa.Table, codes: list[Any]) -> None:
    """Every scan is there once, with what ``verify`` says of its code."""
    rows = sorted(written.to_pylist(), key=lambda row: int(row["scan_id"]))
    assert [row["scan_id"] for row in rows] == list(range(len(codes)))
    wanted = expected(job().verifier(), codes, NOW)
    wrong = [number for number, row in enumerate(rows) if _plain(row["verdict"]) != wanted[number]]
    assert wrong == []


def _plain(row: Any) -> Any:
    """A row as ``verify`` gives it: some engines write a null struct as a struct of nulls, and a time in UTC as INT96,
    which has no zone."""
    if row is None or row["outcome"] is None:
        return None
    naive = [name for name, value in row.items() if isinstance(value, datetime) and value.tzinfo is None]
    return row | {name: row[name].replace(tzinfo=UTC) for name in naive}


def engine(name: str) -> Path:
    """An engine's Python; the test is skipped where the registry gives no answer."""
    try:
        return ready(f"engines/{name}")
    except PeerMissing as missing:
        if missing.unreachable:
            pytest.skip(f"the package registry gives no answer: {missing}")
        raise


def run_in(python: Path, arguments: list[str], folder: Path, **more: str) -> str:
    """Run a program in an engine's environment, with icard from this checkout; what it printed."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **more}
    ended = subprocess.run(
        [str(python), *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    return ended.stdout


def run_recipe(name: str, python: Path, folder: Path, **replace: str) -> str:
    """Run a recipe of the page."""
    code = recipe(name)
    for written, here in replace.items():
        assert written in ("address",)
        code = code.replace(ADDRESS, here)
    (folder / f"recipe_{name}.py").write_text(code)
    return run_in(python, [f"recipe_{name}.py"], folder)


@contextmanager
def sail(python: Path, folder: Path) -> Iterator[str]:
    """A Spark Connect server of Sail's in its environment; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [str(python.parent / "sail"), "spark", "server", "--ip", "127.0.0.1", "--port", str(port)]
    with (folder / "sail.log").open("wb") as log:
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            for _ in range(300):
                with socket.socket() as trial:
                    if trial.connect_ex(("127.0.0.1", port)) == 0:
                        break
                assert server.poll() is None, (folder / "sail.log").read_text()
                time.sleep(0.1)
            yield f"sc://127.0.0.1:{port}"
        finally:
            server.kill()
            server.wait()


def write_decisions(folder: Path) -> dict[str, Any]:
    """A file that names every vector of decisions; the row that each must give."""
    vectors = {path.stem: load(path) for path in sorted((VECTORS / "decisions").glob("*.json"))}
    pq.write_table(pa.table({"name": list(vectors)}), folder / "decisions.parquet")
    return {
        name: row_of(decision_verifier(vector).verify(shown(vector), now=vector["now"]))
        for name, vector in vectors.items()
    }


def test_the_command_of_the_page_runs(tmp_path: Path) -> None:
    codes = write_scans(tmp_path, 200)
    state(tmp_path / "state")
    _, command = blocks(PAGE, "sh")
    ended = run_shell(f"export ICARD_STATE={tmp_path / 'state'}\n{command.rstrip()} --now {NOW_TEXT}", tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert f"{len(codes):,} rows" in ended.stdout
    check_rows(pq.read_table(tmp_path / "verdicts.parquet"), codes)


def test_the_python_of_the_page_runs(tmp_path: Path) -> None:
    codes = write_scans(tmp_path, 200)
    first, second = [code for code in blocks(PAGE, "python") if not _NAMED.match(code)]
    ended = subprocess.run(
        [sys.executable, "-c", first + second], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert "not_a_card" in ended.stdout
    check_rows(pq.read_table(tmp_path / "verdicts.parquet"), codes)


@pytest.mark.network
@pytest.mark.slow
def test_duckdb_gives_the_verdicts_of_100_000_codes(tmp_path: Path) -> None:
    codes = write_scans(tmp_path, 100_000)
    run_recipe("duckdb", engine("frames"), tmp_path)
    check_rows(pq.read_table(tmp_path / "verdicts.parquet"), codes)


@pytest.mark.network
@pytest.mark.slow
def test_duckdb_gives_the_verdicts_of_every_decision(tmp_path: Path) -> None:
    wanted = write_decisions(tmp_path)
    run_in(engine("frames"), ["-m", "tests.kit.engine_decisions", "duckdb", str(tmp_path)], ROOT)
    rows = pq.read_table(tmp_path / "decided.parquet").to_pylist()
    assert {row["name"]: row["verdict"] for row in rows} == wanted


@pytest.mark.network
@pytest.mark.slow
def test_spark_connect_on_sail_gives_the_verdicts_of_100_000_codes(tmp_path: Path) -> None:
    python = engine("sail")
    codes = write_scans(tmp_path, 100_000)
    with sail(python, tmp_path) as address:
        run_recipe("spark", python, tmp_path, address=address)
    check_rows(pq.read_table(tmp_path / "verdicts"), codes)


@pytest.mark.network
@pytest.mark.slow
def test_spark_connect_on_sail_gives_the_verdicts_of_every_decision(tmp_path: Path) -> None:
    python = engine("sail")
    wanted = write_decisions(tmp_path)
    with sail(python, tmp_path) as address:
        run_in(python, ["-m", "tests.kit.engine_decisions", "spark", str(tmp_path), address], ROOT)
    rows = pq.read_table(tmp_path / "decided.parquet").to_pylist()
    assert {row["name"]: row["verdict"] for row in rows} == wanted


@pytest.mark.network
@pytest.mark.slow
def test_pandas_and_polars_give_the_verdicts(tmp_path: Path) -> None:
    codes = write_scans(tmp_path, 1000)
    printed = run_recipe("frames", engine("frames"), tmp_path)
    check_rows(pq.read_table(tmp_path / "verdicts.parquet"), codes)
    counted = dict(
        line.split() for line in printed.splitlines() if line.count(" ") and "Name:" not in line and line != "reason"
    )
    wanted = [row["reason"] for row in expected(job().verifier(), codes, NOW) if row is not None]
    assert {name: int(count) for name, count in counted.items()} == {name: wanted.count(name) for name in wanted}


@pytest.mark.network
@pytest.mark.slow
def test_ray_data_gives_the_verdicts(tmp_path: Path) -> None:
    codes = write_scans(tmp_path, 1000)
    run_recipe("ray", engine("ray"), tmp_path)
    check_rows(pq.read_table(tmp_path / "verdicts"), codes)


def _python_workers(session: int) -> list[int]:
    """The Python workers of Apache Spark in a session: forks of its daemon."""
    found: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes()
            fields = (entry / "stat").read_text("ascii").rpartition(")")[2].split()
        except (OSError, ValueError):
            continue
        if b"pyspark.daemon" in command and int(fields[3]) == session:
            found[int(entry.name)] = int(fields[1])
    return [pid for pid, parent in found.items() if parent in found]


@pytest.mark.soak
def test_apache_spark_gives_the_verdicts_though_a_worker_is_killed(tmp_path: Path, record_property: Any) -> None:
    """Apache Spark on Java: 100,000 mutated codes, every vector in text. A Python worker is killed in the middle, its
    task is tried again, and every row is what verify() says."""
    if shutil.which("java") is None:
        pytest.skip("Apache Spark needs Java")
    python, codes = engine("spark"), write_scans(tmp_path, 100_000)
    # Four tries of a task: in local mode Spark gives up after the first otherwise.
    (tmp_path / "recipe.py").write_text(recipe("spark").replace(ADDRESS, "local[2,4]"))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": str(python)}
    with (tmp_path / "spark.log").open("wb") as log:
        job_process = subprocess.Popen(
            [str(python), "recipe.py"], cwd=tmp_path, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            killed = None
            while job_process.poll() is None:
                working = [] if killed else _python_workers(job_process.pid)
                if working:
                    # In the middle of its first batches.
                    time.sleep(2)
                    os.kill(working[0], signal.SIGKILL)
                    killed = working[0]
                time.sleep(0.1)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(job_process.pid, signal.SIGKILL)
            job_process.wait()
    logged = (tmp_path / "spark.log").read_text("utf-8", "replace")
    assert job_process.returncode == 0, logged[-3000:]
    assert killed is not None
    assert "Lost task" in logged, "no task was lost: the kill came too early or too late"
    check_rows(pq.read_table(tmp_path / "verdicts"), codes)
    record_property("codes", f"{len(codes):,}")
    record_property("engine", "Apache Spark")


@pytest.mark.soak
def test_a_million_rows_through_many_kills(tmp_path: Path, record_property: Any) -> None:
    """A file of a million codes, the command killed after each of its parts and repeated: each row once, in order."""
    codes = varied(1_000_000)
    source, output = write_codes(tmp_path / "codes.parquet", codes, group=100_000), tmp_path / "out.parquet"
    state(tmp_path / "state")
    icard = str(Path(sys.executable).parent / "icard")
    command = [icard, "verify", "--input", str(source), "--output", str(output), "--keep", "scan"]
    command += ["--state", str(tmp_path / "state"), "--now", NOW_TEXT]
    chance, kills = random.Random(1), 7
    for parts in range(kills):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)
        while parts_written(output) < parts:
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.3))
        process.kill()
        process.communicate()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)
    process.communicate(timeout=3600)
    assert process.returncode == 0
    rows = wanted(codes[: len(CODES)])
    written = pq.read_table(output)
    assert written.num_rows == len(codes)
    for start in range(0, len(codes), 100_000):
        for number, row in enumerate(written.slice(start, 100_000).to_pylist()):
            place = start + number
            assert (row["row"], row["scan"]) == (place + 1, f"s{place}")
            assert row["verdict"] == rows[place % len(rows)]["verdict"]
    record_property("rows", f"{len(codes):,}")
    record_property("kills", kills)
