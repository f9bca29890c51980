"""The words of the scan page, and how it writes dates and ages.

Promises:

1. Every word of the page comes from ``words.json`` or, for a verdict, from ``verifier/decision/reasons.json``.
2. Dates are days of Beijing time; ages are rounded down, so that a limit is never called reached too early.
"""

from __future__ import annotations

import functools
import json
from datetime import date
from importlib import resources
from typing import Any, Final

from icard_crypto.errors import Language
from icard_crypto.moments import DAY, china_moment

__all__ = ["LANGUAGES", "Words", "day_and_time", "duration", "moment", "month", "short_date"]

#: The languages of the page with their tags (BCP 47) and their own names.
LANGUAGES: Final[dict[Language, tuple[str, str]]] = {"en": ("en", "EN"), "zh": ("zh-Hans", "中文")}

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@functools.cache
def _file() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((resources.files(__package__) / "words.json").read_text("utf-8"))
    return loaded


@functools.cache
def _titles() -> dict[str, dict[str, str]]:
    loaded: dict[str, dict[str, str]] = json.loads(
        (resources.files("verifier.service") / "policy_titles.json").read_text("utf-8")
    )
    return loaded


class Words:
    """The page's words in one language: ``words("until", date="31 Mar 2027")``."""

    def __init__(self, language: Language) -> None:
        self.language = language

    @property
    def tag(self) -> str:
        """The language's tag for ``lang``."""
        return LANGUAGES[self.language][0]

    def __call__(self, name: str, **places: object) -> str:
        """A word by name; ``rules.gate`` is one of a group."""
        entry: Any = _file()
        for part in name.split("."):
            entry = entry[part]
        words: str = entry[self.language]
        return words.format_map(places)

    def raw(self, name: str) -> str:
        """A word whose places scripts will fill in."""
        words: str = _file()[name][self.language]
        return words

    def rule(self, name: str) -> str:
        """A policy's title: a shipped one's in the language, another's own name."""
        title: str = _titles().get(name, {}).get(self.language, name.replace("_", " "))
        return title

    def rule_short(self, name: str) -> str:
        """A policy's title up to its colon."""
        return self.rule(name).replace("：", ":").partition(":")[0]

    def scheme(self, name: str) -> str:
        """What a scheme of social insurance is called."""
        words: str = _file()["schemes"].get(name, {}).get(self.language, name.replace("_", " "))
        return words


def short_date(moment: int | date, words: Words) -> str:
    """A day, in Beijing time where it is a Unix time: 3 Nov 2026."""
    day = moment if isinstance(moment, date) else china_moment(moment)
    if words.language == "zh":
        return f"{day.year}年{day.month}月{day.day}日"
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def month(year: int, number: int, words: Words) -> str:
    """A month: Sep 2026."""
    return f"{year}年{number}月" if words.language == "zh" else f"{_MONTHS[number - 1]} {year}"


def moment(at: int, words: Words) -> str:
    """A Unix time with its zone named: 3 Nov 2026, 14:05 Beijing time."""
    time = f"{china_moment(at):%H:%M}"
    day = short_date(at, words)
    return f"{day} {time}（北京时间）" if words.language == "zh" else f"{day}, {time} Beijing time"


def day_and_time(at: int, now: int, words: Words) -> str:
    """A Unix time in Beijing time, without the year of ``now``: 7 Nov, 09:00."""
    time, this = china_moment(at), china_moment(now)
    day = short_date(at, words)
    if time.year == this.year:
        day = day.partition("年")[2] if words.language == "zh" else day.rpartition(" ")[0]
    return f"{day}{time:%H:%M}" if words.language == "zh" else f"{day}, {time:%H:%M}"


def duration(seconds: int, words: Words) -> str:
    """An age, short: under 1 min, 4 min, 26 h, 3 days."""
    chinese = words.language == "zh"
    if seconds < 60:
        return "不到1分钟" if chinese else "under 1 min"
    if seconds < 3600:
        return f"{seconds // 60}{'分钟' if chinese else ' min'}"
    if seconds < 3 * DAY:
        return f"{seconds // 3600}{'小时' if chinese else ' h'}"
    return f"{seconds // DAY}{'天' if chinese else ' days'}"
