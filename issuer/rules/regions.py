"""Administrative regions by their code (GB/T 2260): which lies in which, and their names.

Promises:

1. A region's ancestors follow from its digits: county, prefecture, province, then ``CN`` for the whole country.
2. Provinces and prefectures are known by the table ``regions.json``; a county is known when the region above it is.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from importlib import resources
from typing import Final

from icard_crypto.errors import Language

__all__ = ["NATION", "ancestors", "covers", "is_known", "known_regions", "region_name"]

#: The whole country.
NATION: Final = "CN"
_CODE: Final = re.compile("[1-9][0-9]{5}")
#: The third and fourth digit of counties without a prefecture: those of a municipality, and those that a province or
#: an autonomous region administers itself.
_WITHOUT_PREFECTURE: Final = frozenset({"01", "02", "90"})


@functools.lru_cache(4096)
def ancestors(code: str) -> tuple[str, ...]:
    """The region itself, then the regions around it, nearest first; the last one is ``CN``.

    ``310115`` gives ``("310115", "310100", "310000", "CN")``. A code in another form has no ancestors but itself and
    ``CN``.
    """
    if code == NATION:
        return (NATION,)
    if not _CODE.fullmatch(code):
        return (code, NATION)
    return tuple(dict.fromkeys((code, code[:4] + "00", code[:2] + "0000", NATION)))


def covers(outer: str, inner: str) -> bool:
    """Whether ``inner`` is ``outer`` or lies in it."""
    return outer in ancestors(inner)


def is_known(code: str) -> bool:
    """Whether there is such a region: in the table, or a county of a prefecture or province that is."""
    names = _names()
    if code in names:
        return True
    if not _CODE.fullmatch(code):
        return False
    within_province = code[2:4] in _WITHOUT_PREFECTURE and code[:2] + "0000" in names
    return code[:4] + "00" in names or within_province


def region_name(code: str, language: Language) -> str:
    """The name of a province or prefecture; of a county that of the region above with the code; else the code."""
    names = _names()
    if code in names:
        return names[code][language]
    above = next((region for region in ancestors(code)[1:] if region in names and region != NATION), None)
    return code if above is None else f"{names[above][language]} ({code})"


def known_regions() -> tuple[str, ...]:
    """The codes of the whole country, its provinces and its prefectures, in their order."""
    return tuple(_names())


@functools.cache
def _names() -> Mapping[str, Mapping[Language, str]]:
    content = json.loads((resources.files("issuer.rules") / "regions.json").read_text("utf-8"))
    names: Mapping[str, Mapping[Language, str]] = content["regions"]
    return names
