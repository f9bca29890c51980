"""Columns of codes: against ``verify_many`` on the same cores, and whole jobs from Parquet to Parquet.

``python -m benchmarks.columns`` runs jobs of several sizes, each in a process of its own, and writes
``results/columns.json``. Of a job it keeps the time, and the most memory of the process that reads and writes and of a
worker.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.keeping import keep, table
from benchmarks.peers import ROOT
from benchmarks.verdicts import verifier_of
from icard_crypto.signing.ed25519 import BACKENDS, Backend
from tests.kit.columns import ANCHOR, GATE, HOUR, NOW
from tests.kit.publisher import code, status, timestamp
from tests.kit.trust_domain import NOW as WORLD_NOW
from tests.kit.trust_domain import code as world_code
from verifier import Verifier
from verifier.bench.measure import Run, cores, interleave, timed
from verifier.data import Job, run, verdicts
from verifier.data.outputs import serialized
from verifier.data.workers import Workers
from verifier.store import Store, Update

__all__ = ["column_against_many", "main"]

_CODES: Final = 24576
_PIECE: Final = 4096
#: Different codes of a job's file; behind them they come again.
_DIFFERENT: Final = 5000


def column_against_many(backend: Backend, rounds: int) -> Run:
    """Interleave ``verify_many`` and ``column`` on all cores, and ``verify`` and ``column, one core`` on one.

    A column is cut into pieces for workers that live as long as the job; what is sent both ways is in the time.
    """
    verifier = verifier_of(backend)
    codes = [world_code(cti=number.to_bytes(8, "big")) for number in range(_CODES)]
    column = pa.array(codes)
    pieces = [serialized(pa.record_batch({"code": column.slice(at, _PIECE)})) for at in range(0, _CODES, _PIECE)]

    def check(outcomes: Any) -> None:
        if set(outcomes) != {"VALID"}:
            raise ValueError("a good code is not VALID")

    def with_many(workers: int) -> None:
        check(verdict.outcome for verdict in verifier.verify_many(codes, now=WORLD_NOW, workers=workers))

    with Workers(partial(_verified, verifier), cores()) as workers:

        def on_all_cores() -> None:
            for answer in workers.map(pieces):
                (batch,) = pa.ipc.open_stream(answer)
                check(batch.column(0).field("outcome").dictionary_decode().unique().to_pylist())

        def on_one_core() -> None:
            check(verdicts(column, verifier, WORLD_NOW).field("outcome").dictionary_decode().unique().to_pylist())

        return interleave(
            {
                "verify_many": timed(partial(with_many, cores()), _CODES),
                "column": timed(on_all_cores, _CODES),
                "verify_many, one core": timed(partial(with_many, 1), _CODES),
                "column, one core": timed(on_one_core, _CODES),
            },
            rounds,
        )


def _verified(verifier: Verifier, piece: bytes) -> bytes:
    (batch,) = pa.ipc.open_stream(piece)
    column = verdicts(batch.column(0), verifier, WORLD_NOW)
    return serialized(pa.RecordBatch.from_arrays([column], names=["verdict"]))


def _write_codes(path: Path, rows: int, *, signed: bool) -> None:
    """Good codes of the reference card, or texts as long; without a dictionary, so that the file is as large as one of
    different codes."""
    different = [code(cti=number.to_bytes(8, "big"), index=number % 1000) for number in range(_DIFFERENT)]
    if not signed:
        different = [text.replace("IC1:", "XX1:") for text in different]
    schema = pa.schema([("scan_id", pa.int64()), ("code", pa.string())])
    with pq.ParquetWriter(path, schema, use_dictionary=False, compression="none") as writer:
        for start in range(0, rows, _DIFFERENT):
            codes = different[: min(_DIFFERENT, rows - start)]
            numbers = list(range(start, start + len(codes)))
            writer.write_table(pa.table({"scan_id": numbers, "code": codes}, schema))


def _job(folder: Path, rows: int) -> None:
    """Run one job and print what it took; this is a process of its own."""
    store = Store(folder / "state")
    most = {"worker": 0}

    def watch(done: int, share: float) -> None:
        for child in _children():
            most["worker"] = max(most["worker"], _most_resident(child))

    start = time.perf_counter()
    asked = Job(folder / f"{rows}.parquet", folder / f"{rows}.out.parquet", GATE, NOW, keep=("scan_id",), state=store)
    summary = run(asked, watch)
    seconds = time.perf_counter() - start
    if len(summary.verdicts) != 1 or sum(summary.verdicts.values()) != rows:
        raise ValueError(f"not all codes have the same verdict: {summary.verdicts}")
    parent = _most_resident(os.getpid())
    print(json.dumps({"rows": rows, "seconds": seconds, "parent_mib": parent, "worker_mib": most["worker"]}))


def _children() -> list[int]:
    return [int(child) for child in Path(f"/proc/self/task/{os.getpid()}/children").read_text("ascii").split()]


def _most_resident(pid: int) -> int:
    """MiB."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    except FileNotFoundError:
        return 0
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM")), 0)


def main() -> None:
    """Run the jobs, print, write ``results/columns.json``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.columns", description=main.__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000], help="rows of each job")
    parser.add_argument(
        "--unsigned",
        type=int,
        nargs="*",
        default=[],
        help="rows of jobs on texts that are no cards: memory of long files",
    )
    parser.add_argument("--rounds", type=int, default=20, help="interleaved rounds against verify_many (default: 20)")
    parser.add_argument("--job", nargs=2, metavar=("FOLDER", "ROWS"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.job:
        _job(Path(asked.job[0]), int(asked.job[1]))
        return
    load = os.getloadavg()[0]
    ratios = {}
    for backend in BACKENDS[:2]:
        told = column_against_many(backend, asked.rounds)
        ratios[str(backend)] = {
            "column": told.ratio("verify_many", "column"),
            "column, one core": told.ratio("verify_many, one core", "column, one core"),
        }
    print(f"Codes a second by column, of those of verify_many on the same cores: {ratios}")
    jobs = []
    with tempfile.TemporaryDirectory(prefix="icard-bench-") as made:
        folder = Path(made)
        store = Store(folder / "state")
        store.create(ANCHOR, name="cn", now=NOW)
        store.apply("cn", Update((), (status(NOW - HOUR),), timestamp(NOW - HOUR)), NOW)
        for rows, signed in [*((rows, True) for rows in asked.rows), *((rows, False) for rows in asked.unsigned)]:
            _write_codes(folder / f"{rows}.parquet", rows, signed=signed)
            command = [sys.executable, "-m", "benchmarks.columns", "--job", made, str(rows)]
            answer = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True).stdout
            jobs.append(json.loads(answer) | {"signed": signed})
            jobs[-1]["input_mib"] = (folder / f"{rows}.parquet").stat().st_size >> 20
            for used in folder.glob("*.parquet"):
                used.unlink()
            print(jobs[-1], flush=True)
    print(table(["rows", "seconds", "rows/s", "MiB", "MiB of a worker"], [_row(job) for job in jobs]))
    keep(
        "columns",
        cores=cores(),
        load=load,
        ratios=ratios,
        engine=str(BACKENDS[0]),
        jobs=jobs,
    )


def _row(job: dict[str, Any]) -> list[str]:
    rate = job["rows"] / job["seconds"]
    return [f"{job['rows']:,}", f"{job['seconds']:.0f}", f"{rate:,.0f}", str(job["parent_mib"]), str(job["worker_mib"])]


if __name__ == "__main__":
    main()
