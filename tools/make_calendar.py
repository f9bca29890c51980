"""Make the tables of working days in ``issuer/rules/data`` from two kept libraries.

Run ``python -m tools.make_calendar`` after an update of ``chinesecalendar``, which brings the swapped weekends of a
further year. Serving never calls either library: one raises beyond the years that it knows, the other does not know
the working weekends.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import chinese_calendar
import holidays

from icard_crypto.moments import ONE_DAY

__all__ = ["calendar_files", "main"]

FOLDER: Final = Path(__file__).parent.parent / "issuer" / "rules" / "data"
LAST_YEAR: Final = 2040
#: The day of a yearly notice, where it was looked up; of the others the first day of the year is taken.
NOTICES: Final = {2026: date(2025, 11, 4)}


def main() -> None:
    """Write the files."""
    for name, text in calendar_files().items():
        (FOLDER / name).write_text(text, "utf-8")


def calendar_files() -> Mapping[str, str]:
    """The files by name: the years whose swapped weekends are known, then those with the statutory holidays alone."""
    known = sorted({day.year for day in chinese_calendar.constants.holidays})
    return {
        "calendar.json": _file(
            "calendar",
            "The working days of a year by the yearly notice: weekdays off, and weekends that are worked. Made by "
            "tools/make_calendar.py. The last year of the unbroken run is what is known for certain.",
            [_known_year(year) for year in known],
        ),
        "statutory_holidays.json": _file(
            "statutory_holidays",
            "The holidays by law of years whose notice is not out: weekdays off. Made by tools/make_calendar.py. "
            "Deadlines that run into such a year are provisional.",
            [_year_by_law(year) for year in range(known[-1] + 1, LAST_YEAR + 1)],
        ),
    }


def _known_year(year: int) -> dict[str, Any]:
    days, notice = _days(year), NOTICES.get(year)
    off = [day.isoformat() for day in days if day.weekday() < 5 and not chinese_calendar.is_workday(day)]
    worked = [day.isoformat() for day in days if day.weekday() >= 5 and chinese_calendar.is_workday(day)]
    return {
        **_year(year, notice),
        "value": {"off": off, "worked": worked},
        "source": f"国务院办公厅关于{year}年部分节假日安排的通知 (package chinesecalendar "
        f"{metadata.version('chinesecalendar')})",
        "certainty": "V" if notice else "S",
    }


def _year_by_law(year: int) -> dict[str, Any]:
    statutory = holidays.country_holidays("CN", years=year, observed=False)
    return {
        **_year(year, date(2024, 11, 10)),
        "value": {"off": [day.isoformat() for day in _days(year) if day.weekday() < 5 and day in statutory]},
        "source": f"全国年节及纪念日放假办法 2024-11-10 (package holidays {metadata.version('holidays')})",
        "certainty": "S",
    }


def _year(year: int, published: date | None) -> dict[str, Any]:
    return {
        "id": str(year),
        "region": "CN",
        "valid_from": f"{year}-01-01",
        "valid_to": f"{year}-12-31",
        "published_on": published.isoformat() if published else None,
    }


def _days(year: int) -> list[date]:
    first = date(year, 1, 1)
    return [first + number * ONE_DAY for number in range((date(year + 1, 1, 1) - first).days)]


def _file(kind: str, about: str, rows: list[dict[str, Any]]) -> str:
    lines = ",\n".join("    " + json.dumps(row, ensure_ascii=False) for row in rows)
    return f'{{\n  "kind": "{kind}",\n  "about": {json.dumps(about)},\n  "rows": [\n{lines}\n  ]\n}}\n'


if __name__ == "__main__":
    main()
