"""Files of codes, the state they are verified against, and what the file of verdicts must hold.

``python -m tests.kit.column_files`` is ``icard`` with small pieces and parts, so that a kill finds many of them.
"""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.kit.columns import ANCHOR, CODES, HOUR, NOW, REVOKED, expected, job
from tests.kit.publisher import status, timestamp
from verifier.store import Store, Update

__all__ = ["NOW_TEXT", "parts_written", "read_output", "small_icard", "state", "varied", "wanted", "write_codes"]

NOW_TEXT = f"{datetime.fromtimestamp(NOW, UTC):%Y-%m-%dT%H:%M:%SZ}"


def state(folder: Path) -> Store:
    """A state folder that knows what the bundle of :mod:`tests.kit.columns` says."""
    store = Store(folder)
    store.create(ANCHOR, name="cn", now=NOW)
    report = store.apply("cn", Update((), (status(NOW - HOUR, {REVOKED: 1}),), timestamp(NOW - HOUR)), NOW)
    assert not report.refused
    return store


def varied(count: int) -> list[str | None]:
    """Codes of every kind, and a null in each round; they repeat after as many as ``CODES`` has."""
    kinds = [*CODES[:-1], None]
    return [kinds[number * 7 % len(kinds)] for number in range(count)]


def write_codes(path: Path, codes: Sequence[str | None], *, group: int = 1000) -> Path:
    """A file with the columns ``scan`` (the row's number in text) and ``code``."""
    scans = [f"s{number}" for number in range(len(codes))]
    if path.suffix == ".parquet":
        table = pa.table({"scan": scans, "code": pa.array(codes, pa.string())})
        pq.write_table(table, path, row_group_size=group)
    elif path.suffix == ".csv":
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([("scan", "code"), *zip(scans, codes, strict=True)])
    else:
        lines = [json.dumps({"scan": scan, "code": code}) for scan, code in zip(scans, codes, strict=True)]
        path.write_text("".join(f"{line}\n" for line in lines))
    return path


def parts_written(output: Path) -> int:
    """How many parts of an output lie in its folder of work."""
    return len(list(output.with_name(output.name + ".work").glob("part-??????")))


def wanted(codes: Sequence[str | None]) -> list[dict[str, Any]]:
    """The rows of the output with ``scan`` kept."""
    rows = expected(job().verifier(), list(codes), NOW)
    return [{"row": number + 1, "scan": f"s{number}", "verdict": row} for number, row in enumerate(rows)]


def read_output(path: Path) -> list[dict[str, Any]]:
    """The rows of a file of verdicts, in the form of :func:`wanted`."""
    if path.suffix == ".parquet":
        rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
        return rows
    if path.suffix == ".jsonl":
        return [_row(json.loads(line)) for line in path.read_text("utf-8").splitlines()]
    with path.open(newline="", encoding="utf-8") as file:
        return [_row(_nested(cells)) for cells in csv.DictReader(file)]


def _row(found: dict[str, Any]) -> dict[str, Any]:
    verdict = found["verdict"]
    if verdict is not None:
        for name in ("issued_at", "expires_at", "status_issued_at"):
            text = verdict[name]
            verdict[name] = None if text is None else datetime.fromisoformat(text)
        verdict["cti"] = None if verdict["cti"] is None else bytes.fromhex(verdict["cti"])
    return found


def _nested(cells: dict[str, str]) -> dict[str, Any]:
    values = {name: cell or None for name, cell in cells.items()}
    verdict: dict[str, Any] = {
        name.removeprefix("verdict."): value for name, value in values.items() if name.count(".") == 1
    }
    also = verdict["also"]
    verdict["also"] = also.split(";") if also else []
    for name in ("status_value", "trust_version"):
        verdict[name] = None if verdict[name] is None else int(verdict[name])
    code, offset = values["verdict.error.code"], values["verdict.error.offset"]
    verdict["error"] = None if code is None else {"code": code, "offset": None if offset is None else int(offset)}
    scan = cells["scan"]
    return {"row": int(cells["row"]), "scan": scan, "verdict": verdict if verdict["outcome"] else None}


def small_icard() -> None:
    """``icard`` as installed, but with pieces of 100 rows, parts of three, and a pause behind each: whoever waits for a
    part has seen it before the job is over."""
    from verifier.cli.commands import app
    from verifier.data import inputs
    from verifier.data import job as job_module

    inputs.ROWS = 100  # type: ignore[misc]
    job_module._PIECES = 3  # type: ignore[misc]
    write = job_module._Run._write

    def write_and_pause(*part: Any) -> None:
        write(*part)
        time.sleep(0.05)

    job_module._Run._write = write_and_pause  # type: ignore[assignment, method-assign]
    app()


if __name__ == "__main__":
    small_icard()
