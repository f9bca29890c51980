"""The copy of one's data as pages to read and print: the same document as the JSON, in Chinese and English.

Promises:

1. Every section that has rows is in it, in the order of the document; a section without rows is left out.
2. Headings and the service's own fields are named in both languages. Times are Beijing times, months and sums as people
   write them; what is inside a record keeps the record's own field names.
3. At most :data:`MOST_ROWS` rows of a section are drawn; the sheet then says how many there are, and that the JSON has
   them all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from importlib import resources
from typing import Any, Final

from issuer.documents.sheets import Report, Section
from issuer.insurance.money import in_yuan
from issuer.insurance.months import month_text
from issuer.insurance.schemes import scheme_names

from .export import export_schema

__all__ = ["MOST_ROWS", "copy_report"]

MOST_ROWS: Final = 1000
_BEIJING: Final = timezone(timedelta(hours=8))
#: What is at the top of the sheet instead of in a section.
_HEAD: Final = frozenset({"format", "issuer", "made_at"})
_SUMS: Final = frozenset({"amount", "employee_part", "employer_part", "monthly"})
_MONTHS: Final = frozenset({"first_month", "last_month", "month"})


def copy_report(document: Mapping[str, Any]) -> tuple[Report, int]:
    """The pages of a copy, and the time at which it was made.

    Args:
        document: as :func:`issuer.privacy.export.export_of` makes it.
    """
    made = datetime.fromisoformat(document["made_at"])
    sections, short = [], []
    for name in export_schema()["properties"]:
        content = document.get(name)
        rows = [content] if isinstance(content, dict) else content
        if name in _HEAD or not rows:
            continue
        words = _words()["sections"][name]
        sections.append(Section(words["zh"], words["en"], [_row(row) for row in rows[:MOST_ROWS]]))
        if len(rows) > MOST_ROWS:
            short.append(
                f"{words['zh']}：共 {len(rows)} 条，此处列出前 {MOST_ROWS} 条，完整内容见 JSON 文件。"
                f"{words['en']}: the first {MOST_ROWS} of {len(rows)}; the JSON file has them all."
            )
    notes = [
        f"制作时间（北京时间） Made (Beijing time): {made.astimezone(_BEIJING):%Y-%m-%d %H:%M}",
        "本文件依《个人信息保护法》第四十五条提供。A copy under article 45 of the Personal Information Protection Law.",
        *short,
    ]
    title = ("个人信息副本", "Copy of personal data")
    return Report(*title, document["issuer"], sections, notes), int(made.timestamp())


def _row(row: Mapping[str, Any]) -> str:
    parts = []
    for name, value in row.items():
        if value in (None, "", [], {}):
            continue
        label = _words()["fields"].get(name)
        shown = name if label is None else f"{label['zh']} {label['en']}"
        parts.append(f"{shown}: {_shown(name, value)}")
    return " · ".join(parts)


def _shown(name: str, value: Any) -> str:
    """A value as people write it."""
    if isinstance(value, Mapping):
        if value.keys() == {"en", "zh"}:
            return f"{value['zh']} {value['en']}"
        inner = (f"{key}: {_shown('', each)}" for key, each in value.items() if each not in (None, "", [], {}))
        return "(" + "; ".join(inner) + ")"
    if isinstance(value, list | tuple):
        return ", ".join(_shown("", each) for each in value)
    if isinstance(value, bool):
        return "是 yes" if value else "否 no"
    if isinstance(value, int):
        return _number(name, value)
    return str(value)


def _number(name: str, value: int) -> str:
    if name == "at" or name.endswith("_at"):
        return f"{datetime.fromtimestamp(value, UTC).astimezone(_BEIJING):%Y-%m-%d %H:%M}"
    if name in _SUMS:
        return f"{in_yuan(value)} CNY"
    if name in _MONTHS:
        return month_text(value)
    if name == "scheme":
        return ", ".join(scheme_names(value))
    return str(value)


@cache
def _words() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    content: Mapping[str, Mapping[str, Mapping[str, str]]] = json.loads(
        (resources.files(__package__) / "copy_words.json").read_text("utf-8")
    )
    return content
