"""Rows of a bulk file, CSV or JSON Lines, one after the other.

Promises:

1. Memory does not grow with the file: one line is held at a time, and a line has a longest length.
2. A row is a line, and its number is the line's number in the file as an editor shows it. A faulty row is given as its
   error; the next line is read as if nothing had been.
3. What the whole file gets wrong (encoding, columns, nothing in it) is an error before the first row.
4. An error names row, column and form, and never repeats what a cell holds.

CSV is RFC 4180, quotes where needed, and no line break inside a cell: no field of a card has one. Cells are between
commas, or between semicolons or tabs where the first line shows that (spreadsheets where a comma is a decimal).
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal

from icard_crypto.encoding import strict_json
from icard_crypto.errors import CardError, IcardError, StateError
from verifier.runtime.files import FileFault

__all__ = ["Columns", "Form", "Row", "Source", "like_a_column", "read_rows"]

Form = Literal["csv", "jsonl"]

#: Bytes of a line: a card with the largest photo in base64 is under 8 kB.
_LINE: Final = 64 * 1024
_BLOCK: Final = 1 << 16
_LONGEST_BOM: Final = 4
_BOM: Final = codecs.BOM_UTF8
_OTHER_BOMS: Final = {codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16"}
#: How JSON may write half of a character (RFC 8259, section 8.2).
_ESCAPED_HALF: Final = re.compile(r"\\u[dD][89a-fA-F]")
_SUFFIXES: Final[Mapping[str, Form]] = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
#: What may be between cells; the first where nothing shows which.
_MARKS: Final = (",", ";", "\t")
#: How many missing or unknown columns an error names, and how much of each.
_NAMED: Final = 6
_SHOWN: Final = 40


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a kind of CSV file: path in the row's object to the form of its cells."""

    forms: Mapping[str, str]
    required: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """A line: its number, counted from 1, where it ends in the file, and its object or what is wrong with it."""

    number: int
    end: int
    values: dict[str, Any] | None
    fault: IcardError | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was looked through once: its name by content, its lines and its bytes."""

    path: Path
    form: Form
    sha256: str
    lines: int
    size: int

    @classmethod
    def of(cls, path: Path, form: Form | None = None) -> Source:
        """Look through a file.

        Raises:
            StateError: ``bulk.encoding`` with the offset, ``bulk.empty``, ``bulk.form``; FileFault: unreadable.
        """
        form = form or _SUFFIXES.get(path.suffix.lower())
        if form is None:
            raise StateError("bulk.form", expected=", ".join(_SUFFIXES), found=path.suffix[:10] or "no suffix")
        digest = hashlib.sha256()
        decoder = codecs.getincrementaldecoder("utf-8")()
        size = lines = 0
        last = b""
        with _opened(path) as file:
            while block := file.read(_BLOCK):
                pending = len(decoder.getstate()[0])
                try:
                    decoder.decode(block)
                except UnicodeDecodeError as fault:
                    raise _not_utf8(path, size - pending + fault.start) from None
                digest.update(block)
                size += len(block)
                lines += block.count(b"\n")
                last = block
            if decoder.getstate()[0]:
                raise _not_utf8(path, size - len(decoder.getstate()[0]))
        lines += bool(last) and not last.endswith(b"\n")
        if lines <= (form == "csv"):
            raise StateError("bulk.empty", expected="at least one row", found=f"{size} bytes")
        return cls(path, form, digest.hexdigest(), lines, size)


def read_rows(source: Source, columns: Columns, key: str | None = None) -> Iterator[Row]:
    """The rows of a file; empty lines are skipped.

    Args:
        key: a column beside ``columns``, or a name in each object, that is left in the row's object.

    Raises:
        StateError: ``bulk.columns``, ``bulk.changed``.
    """
    digest = hashlib.sha256()
    with _opened(source.path) as file:
        header: list[str] | None = None
        between = ","
        number = end = 0
        while line := file.readline(_LINE):
            number += 1
            digest.update(line)
            end += len(line)
            if len(line) == _LINE and not line.endswith(b"\n"):
                while rest := file.readline(_LINE):
                    digest.update(rest)
                    end += len(rest)
                    if rest.endswith(b"\n"):
                        break
                yield Row(number, end, None, StateError("bulk.row_too_long", expected=f"under {_LINE} bytes"))
                continue
            text = line.removeprefix(_BOM if number == 1 else b"").decode("utf-8", "replace").rstrip("\r\n")
            if not text.strip():
                continue
            if source.form == "csv" and header is None:
                between = _between(text, columns, key)
                header = _header(text, columns, key, between)
                continue
            try:
                values = _object(text) if header is None else _cells(text, header, columns, between)
            except IcardError as fault:
                yield Row(number, end, None, fault)
            else:
                yield Row(number, end, values)
    if digest.hexdigest() != source.sha256:
        raise StateError("bulk.changed")


def _between(text: str, columns: Columns, key: str | None) -> str:
    """What is between the cells: the mark that shows the most known columns, a comma where none shows any."""
    known = {*columns.forms, *([key] if key else [])}

    def shown(mark: str) -> int:
        return sum(name.strip(' "') in known for name in text.split(mark))

    return max(_MARKS, key=shown)


def _header(text: str, columns: Columns, key: str | None, between: str) -> list[str]:
    try:
        names = [name.strip() for name in next(csv.reader([text], strict=True, delimiter=between))]
    except csv.Error:
        raise StateError("bulk.columns", expected="names of columns", found="quotes that do not match") from None
    wanted = (*columns.required, *([key] if key else []))
    missing = [name for name in wanted if name not in names]
    unknown = [name for name in names if name not in columns.forms and name != key]
    twice = sorted(name for name, times in Counter(names).items() if times > 1)
    for found, what in ((missing, "no"), (unknown, "unknown"), (twice, "twice")):
        if found:
            # A file without its first line has a person's data there: only what looks like a column is repeated.
            shown = [name[:_SHOWN] if like_a_column(name) else f"text of {len(name)} characters" for name in found]
            more = ", ..." if len(shown) > _NAMED else ""
            expected = (
                f"the columns {', '.join(wanted)}" if what == "no" and wanted else "columns of docs/bulk.md, once"
            )
            raise StateError(
                "bulk.columns", path="line 1", expected=expected, found=f"{what} {', '.join(shown[:_NAMED])}{more}"
            )
    return names


def like_a_column(name: str) -> bool:
    """Whether a name may be repeated: the columns' own alphabet, in which no file has its people."""
    return name.isascii() and name == name.lower() and name.replace("_", "").replace(".", "").isalpha()


def _cells(text: str, header: list[str], columns: Columns, between: str) -> dict[str, Any]:
    try:
        cells = next(csv.reader([text], strict=True, delimiter=between))
    except csv.Error:
        # A cell that began with a quote and has no end here goes on in the next line, as far as RFC 4180 goes.
        broken = text.count('"') % 2 == 1
        found = "a line break within quotes" if broken else None
        raise StateError("bulk.quoting", expected="quotes that match, no line break in a cell", found=found) from None
    if len(cells) != len(header):
        raise StateError("bulk.cells", expected=f"{len(header)} cells", found=f"{len(cells)} cells")
    values: dict[str, Any] = {}
    for name, cell in zip(header, cells, strict=True):
        if cell:
            _put(values, name, _value(columns.forms.get(name, "text"), cell, name))
    return values


def _value(form: str, cell: str, path: str) -> Any:
    if form == "list":
        return [part.strip() for part in cell.split(";")]
    if form == "int":
        if not (cell.isascii() and cell.isdigit() and len(cell) < 10):
            raise CardError("card.wrong_type", path=path, expected="a number", found=f"text of {len(cell)} characters")
        return int(cell)
    return cell


def _put(values: dict[str, Any], path: str, value: Any) -> None:
    """Place a value at a path such as ``insurance.exemptions[0].from``; 0 is the only index."""
    if "." not in path:
        values[path] = value
        return
    *parents, last = path.split(".")
    for parent in parents:
        name, _, is_list = parent.partition("[")
        values = values.setdefault(name, [{}])[0] if is_list else values.setdefault(name, {})
    values[last] = value


def _object(text: str) -> dict[str, Any]:
    try:
        loaded = strict_json.loads(text)
    except json.JSONDecodeError as fault:
        # Python's words name the grammar alone, never a value.
        raise StateError("bulk.json", path=f"column {fault.colno}", found=fault.msg) from None
    except ValueError:
        raise StateError("bulk.json", expected="each name once, less nesting") from None
    if not isinstance(loaded, dict):
        raise StateError("bulk.json", expected="an object", found=type(loaded).__name__)
    if _ESCAPED_HALF.search(text) and not _is_text(loaded):
        raise StateError("bulk.json", expected="characters, none of them half of one")
    return loaded


def _is_text(value: Any) -> bool:
    """Whether all texts in a value can be written as UTF-8, which halves of a character, escaped alone, cannot."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError):
        return False
    return True


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise FileFault("file.no_such_file", found=str(path)) from None
    except (OSError, ValueError) as fault:
        raise FileFault("file.unreadable", found=f"{path}: {getattr(fault, 'strerror', None)}") from None


def _not_utf8(path: Path, offset: int) -> StateError:
    with _opened(path) as file:
        start = file.read(_LONGEST_BOM)
    # Nothing else is guessed: nearly any bytes are GB18030, and a name converted from a wrong guess is another name.
    found = next((name for bom, name in _OTHER_BOMS.items() if start.startswith(bom)), "another encoding")
    return StateError("bulk.encoding", offset=offset, expected="UTF-8", found=found)
