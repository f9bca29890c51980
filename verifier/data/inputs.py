"""Files of codes, read piece by piece: Parquet, CSV, JSON Lines.

Promises:

1. Every row of the file is a row of some piece, in order. Of CSV and JSON Lines a row is a line.
2. A line that cannot be read is a row without a code and is counted; it ends nothing. A Parquet file that is damaged or
   was cut off is one :class:`DataError`.
3. Memory depends on the longest line, not on the file; a line above :data:`LONGEST_LINE` cannot be read.
4. Reading can begin behind any piece.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from verifier.runtime.files import FileFault

from .codes import check_type, column_of
from .errors import DataError

__all__ = ["FORMATS", "JSON_TEXT", "LONGEST_LINE", "Input", "Piece", "format_of", "open_input"]

FORMATS: Final = {".parquet": "parquet", ".pq": "parquet", ".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
#: Rows of a piece.
ROWS: Final = 4096
#: Bytes of a line; a piece of text has about as many at most.
LONGEST_LINE: Final = 64 * 1024 * 1024
_BUFFER: Final = 1024 * 1024
_MARK: Final = b"\xef\xbb\xbf"
#: Lines in which the column must be found once: JSON Lines have no heading.
_LOOKED_AT: Final = 1000
#: A kept column whose text is JSON.
JSON_TEXT: Final = {b"icard": b"json"}


class Piece(NamedTuple):
    """Some rows: the codes first, then the kept columns.

    ``end`` is where the next piece begins: bytes in text, 0 in Parquet. ``unreadable`` are places in the batch.
    """

    batch: pa.RecordBatch
    end: int
    unreadable: tuple[int, ...] = ()


class Input(Protocol):
    """A file of codes.

    Attributes:
        schema: of the batches.
        rows: how many there are, where the file says so.
    """

    schema: pa.Schema
    rows: int | None

    def pieces(self, done: int, end: int) -> Iterator[Piece]:
        """The pieces behind ``done`` rows, the last of which ended at ``end``.

        Raises:
            DataError: ``data.input``.
        """


def format_of(path: Path) -> str:
    """What a file holds, by its name.

    Raises:
        DataError: ``data.format``.
    """
    found = FORMATS.get(path.suffix.lower())
    if found is None:
        raise DataError("data.format", found=path.name[:80], expected=", ".join(FORMATS))
    return found


def open_input(path: Path, column: str, keep: Sequence[str]) -> Input:
    """A file, its columns checked.

    Raises:
        DataError: ``data.format``, ``data.input``, ``data.no_column``, ``data.column_type``, ``data.column_twice``.
        FileFault: ``file.no_such_file``.
    """
    kinds: dict[str, Callable[[Path, str, Sequence[str]], Input]]
    kinds = {"parquet": _Parquet, "csv": _Csv, "jsonl": _JsonLines}
    kind = kinds[format_of(path)]
    try:
        return kind(path, column, keep)
    except FileNotFoundError:
        raise FileFault("file.no_such_file", found=str(path)) from None
    except (OSError, pa.ArrowException) as fault:
        raise _damaged(fault) from None


def _damaged(fault: Exception) -> DataError:
    lines = str(fault).splitlines() or [type(fault).__name__]
    reason = fault.strerror if isinstance(fault, OSError) and fault.strerror else lines[0]
    return DataError("data.input", found=reason[:120])


class _Parquet:
    def __init__(self, path: Path, column: str, keep: Sequence[str]) -> None:
        self._names = [column, *keep]
        # Read in small steps: the usual way holds a whole row group, which may be the whole file.
        self._file = pq.ParquetFile(path, buffer_size=_BUFFER, pre_buffer=False)
        found = self._file.schema_arrow
        fields = [found.field(column_of(found, name)) for name in self._names]
        check_type(fields[0].type, column)
        self.schema = pa.schema(fields)
        self.rows: int | None = self._file.metadata.num_rows

    def pieces(self, done: int, end: int) -> Iterator[Piece]:
        groups, skip = self._behind(done)
        try:
            batches = self._file.iter_batches(ROWS, groups, self._names, use_threads=False)
            for batch in batches:
                if skip >= batch.num_rows:
                    skip -= batch.num_rows
                    continue
                rest, skip = batch.slice(skip), 0
                yield Piece(rest.select(self._names), 0)
        except (OSError, pa.ArrowException) as fault:
            raise _damaged(fault) from None

    def _behind(self, done: int) -> tuple[list[int], int]:
        """The row groups that hold what is left, and how many rows of the first of them are done."""
        metadata, skip, first = self._file.metadata, done, 0
        while first < metadata.num_row_groups and skip >= metadata.row_group(first).num_rows:
            skip -= metadata.row_group(first).num_rows
            first += 1
        return list(range(first, metadata.num_row_groups)), skip


@dataclass
class _Lines:
    """A text file, line by line, from a place on."""

    path: Path
    start: int

    def __iter__(self) -> Iterator[tuple[bytes | None, int]]:
        """Each line without its end, None where it is too long; and where the next begins."""
        with self.path.open("rb", buffering=_BUFFER) as file:
            file.seek(self.start)
            at = self.start
            while line := file.readline(LONGEST_LINE + 1):
                at += len(line)
                if len(line) > LONGEST_LINE:
                    at += _rest_of_line(file)
                    yield None, at
                    continue
                if at == len(line):
                    line = line.removeprefix(_MARK)
                yield line.rstrip(b"\r\n"), at


def _rest_of_line(file: BinaryIO) -> int:
    read = 0
    while more := file.readline(_BUFFER):
        read += len(more)
        if more.endswith(b"\n"):
            break
    return read


class _Text:
    """What CSV and JSON Lines share: pieces of as many lines as fit."""

    schema: pa.Schema
    rows: int | None = None

    def __init__(self, path: Path, begin: int) -> None:
        self._path = path
        self._begin = begin

    def _row(self, line: bytes) -> list[str | None] | None:
        """The cells of a line in the order of the schema; None where it cannot be read."""
        raise NotImplementedError

    def pieces(self, done: int, end: int) -> Iterator[Piece]:
        rows: list[list[str | None]] = []
        unreadable: list[int] = []
        size, start = 0, end or self._begin
        empty: list[str | None] = [None] * len(self.schema)
        at = start
        try:
            for line, at in _Lines(self._path, start):
                row = None if line is None else self._row(line)
                if row is None:
                    unreadable.append(len(rows))
                rows.append(empty if row is None else row)
                size += 0 if line is None else len(line)
                if len(rows) == ROWS or size > LONGEST_LINE:
                    yield self._piece(rows, at, unreadable)
                    rows, unreadable, size = [], [], 0
        except OSError as fault:
            raise _damaged(fault) from None
        if rows:
            yield self._piece(rows, at, unreadable)

    def _piece(self, rows: list[list[str | None]], end: int, unreadable: list[int]) -> Piece:
        columns = [pa.array(cells, pa.string()) for cells in zip(*rows, strict=True)]
        return Piece(pa.RecordBatch.from_arrays(columns, schema=self.schema), end, tuple(unreadable))


class _Csv(_Text):
    def __init__(self, path: Path, column: str, keep: Sequence[str]) -> None:
        csv.field_size_limit(LONGEST_LINE)
        heading, begin = next(iter(_Lines(path, 0)), (b"", 0))
        super().__init__(path, begin)
        names = _cells(heading or b"") or []
        found = pa.schema([(name or "", pa.string()) for name in names])
        self._width = len(names)
        self._places = [column_of(found, name) for name in (column, *keep)]
        self.schema = pa.schema([(name, pa.string()) for name in (column, *keep)])

    def _row(self, line: bytes) -> list[str | None] | None:
        cells = _cells(line)
        if cells is None or len(cells) != self._width:
            return None
        return [cells[place] for place in self._places]


def _cells(line: bytes) -> list[str | None] | None:
    """The cells of a line; an empty one is None. None where quotes are not as they must be."""
    text = line.decode("utf-8", "replace")
    if '"' not in text:
        return [cell or None for cell in text.split(",")]
    try:
        return [cell or None for cell in next(csv.reader((text,), strict=True))]
    except (csv.Error, StopIteration):
        return None


class _JsonLines(_Text):
    def __init__(self, path: Path, column: str, keep: Sequence[str]) -> None:
        super().__init__(path, 0)
        self._column = column
        self._keep = tuple(keep)
        kept = [pa.field(name, pa.string(), metadata=JSON_TEXT) for name in keep]
        self.schema = pa.schema([pa.field(column, pa.string()), *kept])
        self._check_names()

    def _check_names(self) -> None:
        seen: set[str] = set()
        looked = False
        for number, (line, _) in enumerate(_Lines(self._path, 0)):
            looked = True
            obj = _json_object(line or b"")
            seen.update(obj or ())
            if number == _LOOKED_AT or seen.issuperset((self._column, *self._keep)):
                break
        for name in (self._column, *self._keep) if looked else ():
            if name not in seen:
                raise DataError("data.no_column", path=name[:64], expected=f"one of {', '.join(sorted(seen))}"[:200])

    def _row(self, line: bytes) -> list[str | None] | None:
        obj = _json_object(line)
        if obj is None:
            return None
        code = obj.get(self._column)
        if not isinstance(code, str | None):
            return None
        kept = [json.dumps(obj.get(name), ensure_ascii=True) for name in self._keep]
        return [None if code is None else code.encode("utf-8", "replace").decode(), *kept]


def _json_object(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
