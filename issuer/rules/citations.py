"""How a rule is named where it is applied: its source in full, how certain it is, and whose rule it is.

Promises:

1. Each refusal and each date can name its rule in English and Chinese, an uncertain one as such.
2. Where a region has no row of its own and the national one was taken, that is said.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from importlib import resources
from typing import Any

from icard_crypto.errors import Language

from .regions import NATION, region_name
from .rows import Rule

__all__ = ["cite", "provisional_note", "source_text", "taken_from_nation"]


def cite(rule: Rule, language: Language) -> str:
    """The source, how certain it is, and the rule: ``EEL, article 30 (read in the law ...; rule D12)``, written out."""
    words = _words()
    certainty = words["certainty"][rule.certainty][language]
    if rule.uncertain:
        certainty += ("; " if language == "en" else "；") + words["uncertain"][language]
    return str(words["cite"][language]).format(rule=rule.id, source=source_text(rule, language), certainty=certainty)


def source_text(rule: Rule, language: Language) -> str:
    """The source with its abbreviations written out. What is not abbreviated stays as it is."""
    parts = (_one(part.strip(), language) for part in rule.source.split(";"))
    return ("; " if language == "en" else "；").join(parts)


def provisional_note(language: Language) -> str:
    """What is said beside a provisional date."""
    return str(_words()["provisional"][language])


def taken_from_nation(rule: Rule, region: str, language: Language) -> str | None:
    """A note where a region has no row of its own and the nation's was taken; None where it has one."""
    if rule.region != NATION or region == NATION:
        return None
    return str(_words()["nation"][language]).format(region=region_name(region, language))


def _one(part: str, language: Language) -> str:
    code, _, rest = part.partition(" ")
    entry = _sources().get(code)
    if entry is None:
        return part
    name = f"《{entry['zh']}》" if language == "zh" and entry["kind"] == "law" else str(entry[language])
    numbers = rest.strip()
    if not numbers or not numbers[0].isdigit():
        return name
    words = str(_words()["articles" if "," in numbers else "article"][language])
    if language == "zh":
        return name + words.format(numbers=numbers.replace(", ", "、"))
    return f"{name}, {words.format(numbers=numbers)}"


@functools.cache
def _sources() -> Mapping[str, Any]:
    return _read("sources.json")


@functools.cache
def _words() -> Mapping[str, Any]:
    return _read("words.json")


def _read(name: str) -> Mapping[str, Any]:
    content: Mapping[str, Any] = json.loads((resources.files("issuer.rules") / name).read_text("utf-8"))
    return content
