"""Files of verdicts, written in parts that are joined at the end: Parquet, CSV, JSON Lines.

Promises:

1. A part is whole before it has its name, and the file that parts are joined to as well.
2. All formats have the same columns: ``row`` (from 1), the kept ones, and the verdict. In CSV each field of the verdict
   is a column of its own (``verdict.outcome``), lists are separated by semicolons.
3. Times are RFC 3339 in UTC, bytes are hexadecimal digits, wherever the format is text.
"""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from .inputs import JSON_TEXT, format_of
from .verdicts import VERDICT

__all__ = ["ROW", "Output", "open_output", "serialized"]

ROW: Final = "row"
"""The column of row numbers."""


class Output(Protocol):
    """A format of verdicts."""

    def render(self, batch: pa.RecordBatch) -> bytes:
        """A batch as bytes, in the worker that made it."""

    def write_part(self, path: Path, rendered: Sequence[bytes]) -> None:
        """One part from rendered batches, at least one."""

    def join(self, path: Path, parts: Iterable[Path]) -> None:
        """The whole file from its parts."""


def open_output(path: Path, schema: pa.Schema) -> Output:
    """The format that a file's name asks for.

    Raises:
        DataError: ``data.format``.
    """
    formats: dict[str, Callable[[pa.Schema], Output]] = {"parquet": _Parquet, "csv": _Csv, "jsonl": _JsonLines}
    return formats[format_of(path)](schema)


class _Parquet:
    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        fields = [pa.field(field.name, field.type) if _is_json(field) else field for field in schema]
        self._written = pa.schema(fields)

    def render(self, batch: pa.RecordBatch) -> bytes:
        columns = [
            pa.array(map(_unpacked, column.to_pylist()), pa.string()) if _is_json(field) else column
            for field, column in zip(self._schema, batch.columns, strict=True)
        ]
        return serialized(pa.RecordBatch.from_arrays(columns, schema=self._written))

    def write_part(self, path: Path, rendered: Sequence[bytes]) -> None:
        batches = [batch for data in rendered for batch in pa.ipc.open_stream(data)]
        with path.open("xb") as file:
            pq.write_table(pa.Table.from_batches(batches), file, compression="zstd")
            _flush(file)

    def join(self, path: Path, parts: Iterable[Path]) -> None:
        with path.open("wb") as file, pq.ParquetWriter(file, self._written, compression="zstd") as writer:
            for part in parts:
                writer.write_table(pq.read_table(part, schema=self._written, use_threads=False))
        with path.open("rb+") as whole:
            _flush(whole)


class _Lines:
    """What CSV and JSON Lines share: bytes one after the other."""

    heading = b""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema

    def write_part(self, path: Path, rendered: Sequence[bytes]) -> None:
        with path.open("xb") as file:
            file.writelines(rendered)
            _flush(file)

    def join(self, path: Path, parts: Iterable[Path]) -> None:
        with path.open("wb") as file:
            file.write(self.heading)
            for part in parts:
                with part.open("rb") as lines:
                    shutil.copyfileobj(lines, file, 1024 * 1024)
            _flush(file)


class _Csv(_Lines):
    def __init__(self, schema: pa.Schema) -> None:
        super().__init__(schema)
        self.heading = _csv_line(list(_flat_names(schema)))

    def render(self, batch: pa.RecordBatch) -> bytes:
        columns = [
            [_unpacked(value) for value in column.to_pylist()] if _is_json(field) else column.to_pylist()
            for field, column in zip(self._schema, batch.columns, strict=True)
        ]
        kinds = [field.type for field in self._schema]
        rows = (
            [cell for kind, value in zip(kinds, row, strict=True) for cell in _flat_cells(kind, value)]
            for row in zip(*columns, strict=True)
        )
        return b"".join(map(_csv_line, rows))


def _flat_names(schema: pa.Schema) -> Iterator[str]:
    for field in schema:
        yield from _names_below(field.name, field.type) if field.name == VERDICT else (field.name,)


def _names_below(path: str, kind: pa.DataType) -> Iterator[str]:
    if not pa.types.is_struct(kind):
        yield path
        return
    for place in range(kind.num_fields):
        yield from _names_below(f"{path}.{kind.field(place).name}", kind.field(place).type)


def _flat_cells(kind: pa.DataType, value: Any) -> Iterator[Any]:
    if not pa.types.is_struct(kind):
        yield ";".join(map(str, value)) if isinstance(value, list) else _plain(value)
        return
    for place in range(kind.num_fields):
        field = kind.field(place)
        yield from _flat_cells(field.type, None if value is None else value[field.name])


def _csv_line(cells: list[Any]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode("utf-8", "replace")


class _JsonLines(_Lines):
    def render(self, batch: pa.RecordBatch) -> bytes:
        columns = [column.to_pylist() for column in batch.columns]
        names = [f"{json.dumps(field.name)}:" for field in self._schema]
        write = [_embedded if _is_json(field) else _json for field in self._schema]
        lines = (
            ",".join(name + each(value) for name, each, value in zip(names, write, row, strict=True))
            for row in zip(*columns, strict=True)
        )
        return "".join(f"{{{line}}}\n" for line in lines).encode("utf-8", "replace")


def _json(value: Any) -> str:
    return _encode(value)


def _embedded(text: str | None) -> str:
    return "null" if text is None else text


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value if isinstance(value, int | float) else _text(value)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_plain).encode


def _is_json(field: pa.Field) -> bool:
    return bool(field.metadata == JSON_TEXT)


def _unpacked(text: str | None) -> str | None:
    """A kept JSON value as a cell: a text as it is, anything else as JSON."""
    if text is None or text == "null":
        return None
    return str(json.loads(text)) if text.startswith('"') else text


def serialized(batch: pa.RecordBatch) -> bytes:
    """A batch as an Arrow stream of its own; of a slice only what is seen of it."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    data: bytes = sink.getvalue().to_pybytes()
    return data


def _flush(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())
