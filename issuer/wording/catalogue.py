"""Words in English and Chinese, and how each language writes days, times and counts.

Promises:

1. Every entry of ``words/*.json`` has English and Chinese, written side by side.
2. Plural forms follow the language (Unicode CLDR, through Babel).
3. A value that runs from right to left, or holds bidirectional controls, is isolated before it enters a sentence: it
   cannot turn the words around it.
4. Days and times are Beijing time.
"""

from __future__ import annotations

import functools
import json
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta, timezone
from importlib import resources
from typing import Any, Final

from babel import Locale
from babel.core import get_global
from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal

from icard_crypto.errors import Language

__all__ = ["BEIJING", "LANGUAGES", "Wording", "beijing_day", "read_entries"]

#: The languages: the tag for ``lang`` (BCP 47) and the name in the language itself.
LANGUAGES: Final[dict[Language, tuple[str, str]]] = {"en": ("en", "English"), "zh": ("zh-Hans", "中文")}
BEIJING: Final = timezone(timedelta(hours=8))

_LOCALES: Final[dict[Language, Locale]] = {"en": Locale("en", "GB"), "zh": Locale("zh", script="Hans")}
_LONG: Final = {"en": "d MMMM y", "zh": "y年M月d日"}
_SHORT: Final = {"en": "d MMM y", "zh": "y年M月d日"}
_MOMENT: Final = {"en": "d MMMM y, HH:mm", "zh": "y年M月d日 HH:mm"}
_MONTH: Final = {"en": "MMM y", "zh": "y年M月"}
_FSI, _PDI = "\u2068", "\u2069"
_TURNING: Final = frozenset({"R", "AL", "AN", "RLE", "RLO", "LRE", "LRO", "PDF", "RLI", "LRI", "FSI", "PDI"})


@functools.cache
def read_entries(package: str) -> Mapping[str, dict[str, Any]]:
    """Every entry of a package's folder ``words``, by ``file.name``."""
    found: dict[str, dict[str, Any]] = {}
    for file in sorted((resources.files(package) / "words").iterdir(), key=lambda each: each.name):
        subject = file.name.removesuffix(".json")
        for name, entry in json.loads(file.read_text("utf-8")).items():
            found[f"{subject}.{name}"] = entry
    return found


def beijing_day(at: float) -> date:
    """The day in Beijing of a Unix time."""
    return datetime.fromtimestamp(at, BEIJING).date()


class Wording:
    """The words in one language: ``words("filing.f_passport")``."""

    def __init__(self, language: Language) -> None:
        self.language: Language = language
        self.tag, self.own_name = LANGUAGES[language]

    @property
    def entries(self) -> Mapping[str, dict[str, Any]]:
        """Every entry by ``file.name``."""
        return read_entries(str(__package__))

    def __call__(self, name: str, **places: object) -> str:
        """The words of an entry.

        Args:
            name: ``file.name``.
            places: what is in the entry's braces; ``n`` chooses the plural form.

        Raises:
            KeyError: there is no such entry, or a place is missing.
        """
        form = self.entries[name][self.language]
        if isinstance(form, dict):
            count = places.get("n")
            if not isinstance(count, int):
                raise KeyError(f"{name} needs n, a count")
            form = form.get(_LOCALES[self.language].plural_form(count), form["other"])
        text: str = form
        return text.format_map({place: _isolated(value) for place, value in places.items()}) if places else text

    def has(self, name: str) -> bool:
        """Whether there is such an entry."""
        return name in self.entries

    def day(self, at: float | date, *, short: bool = False) -> str:
        """A day: 3 November 2026; short: 3 Nov 2026. Of a Unix time the day in Beijing."""
        found = at if isinstance(at, date) else beijing_day(at)
        pattern = (_SHORT if short else _LONG)[self.language]
        return format_date(found, pattern, _LOCALES[self.language])

    def moment(self, at: float) -> str:
        """A Unix time to the minute, in Beijing time; pages say once that times are Beijing time."""
        return format_datetime(
            datetime.fromtimestamp(at, BEIJING), _MOMENT[self.language], locale=_LOCALES[self.language]
        )

    def month(self, year: int, month: int) -> str:
        """A month: Nov 2026."""
        return format_date(date(year, month, 1), _MONTH[self.language], _LOCALES[self.language])

    @property
    def gap(self) -> str:
        """What is between two sentences."""
        return "" if self.language == "zh" else " "

    def with_code(self, name: str, code: str) -> str:
        """A name with its code behind it: Shanghai (310115)."""
        return f"{name}（{code}）" if self.language == "zh" else f"{name} ({code})"

    def country(self, code: str) -> str:
        """The state of a three-letter code on passports with the code; where it has no name, the code."""
        name = self.country_name(code)
        return self.with_code(name, code) if name != code else code

    def country_name(self, code: str) -> str:
        """The state of a three-letter code on passports (ISO 3166-1, ICAO 9303) by its name: our own where there is
        one, else that of CLDR; the code where there is none."""
        if self.has(f"states.{code}"):
            return self(f"states.{code}")
        found = get_global("territory_aliases").get(code) if len(code) == 3 else None
        return (_LOCALES[self.language].territories.get(found[0]) if found else None) or code

    def pair(self, key: str, value: str) -> str:
        """What something is, with its name in front: Cancelled: contract ended."""
        return f"{key}：{value}" if self.language == "zh" else f"{key}: {value}"

    def in_row(self, texts: Iterable[str]) -> str:
        """Several sayings one after the other."""
        return ("；" if self.language == "zh" else "; ").join(texts)

    def number(self, value: int) -> str:
        """A whole number with the language's separators: 1,200."""
        return format_decimal(value, locale=_LOCALES[self.language])

    def people(self, names: list[str]) -> str:
        """Names one after the other, as the language joins them."""
        return ("、" if self.language == "zh" else ", ").join(_isolated(name) for name in names)


def _isolated(value: object) -> str:
    text = str(value)
    if text.isascii() or not any(unicodedata.bidirectional(character) in _TURNING for character in text):
        return text
    return f"{_FSI}{text}{_PDI}"
