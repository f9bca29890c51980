"""Bulk files made up for tests."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from issuer.bulk.run import CARD_COLUMNS
from tests.kit.issuing_service import person

__all__ = ["COLUMNS", "card_line", "header", "write_cards"]

COLUMNS = tuple(name for name in CARD_COLUMNS.forms if "photo" not in name)


def header() -> str:
    return ",".join(COLUMNS)


def card_line(number: int, **cells: str) -> str:
    """The CSV line of a test's person; ``cells`` by the last part of their column's name, such as ``until``."""
    described = person(number).to_json()
    row = [_cell(described, name) for name in COLUMNS]
    for name, value in cells.items():
        row[next(place for place, column in enumerate(COLUMNS) if column.endswith(f"permit.{name}"))] = value
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(row)
    return line.getvalue()


def write_cards(path: Path, numbers: Iterable[int], *, form: str = "csv") -> Path:
    """A file of good rows."""
    with path.open("w", encoding="utf-8") as file:
        if form == "csv":
            file.write(header() + "\n")
        for number in numbers:
            line = card_line(number) if form == "csv" else json.dumps(person(number).to_json())
            file.write(line + "\n")
    return path


def _cell(described: Any, name: str) -> str:
    for part in name.split("."):
        key, _, is_list = part.partition("[")
        described = described.get(key) if isinstance(described, dict) else None
        if is_list and described:
            described = described[0]
    if described is None:
        return ""
    return ";".join(described) if isinstance(described, list) else str(described)
