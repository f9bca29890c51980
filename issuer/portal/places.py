"""Countries and regions to choose from, by their names; what is kept stays their code.

Promises:

1. Every state that a travel document may name can be chosen, in the order in which the page's language lists names.
2. What is on record, or was typed, stays chosen, also where it is not among the states.
3. A region is chosen from provinces and prefectures, or typed: as on the list, as a name in either language, or as a
   code, which counties have alone. A name that two regions share is none.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from icard_crypto.errors import Language
from issuer.cards.plausible import NATIONALITIES
from issuer.rules.regions import NATION, ancestors, known_regions, region_name

from .catalogue import LANGUAGES, Words
from .parts import Choice
from .rule_shown import region_words

__all__ = ["country_choices", "region_code", "region_options", "regions_named"]

_CHINA: Final = "CHN"
#: Of ICAO Doc 9303-3, section 5, what is neither a state nor a territory and does not begin with X.
_NO_PLACES: Final = frozenset({"EUE", "GBD", "GBN", "GBO", "GBP", "GBS", "UNA", "UNK", "UNO"})
_CODE: Final = re.compile("[1-9][0-9]{5}")
_BEHIND_NAME: Final = re.compile("[(（]([1-9][0-9]{5})[)）]$")
_KIND: Final = re.compile("(特别行政区|(维吾尔|壮族|回族)?自治区|地区|[市省盟])$")
#: Longer than any name of a region with its code.
_LONGEST: Final = 100


def country_choices(t: Words, value: str, *, china: bool = False, places: bool = False) -> list[Choice]:
    """The states of passports by their names, with a line to choose none.

    Args:
        value: the code that is chosen.
        china: whether China is one of them: its papers have a place, its nationals hold no permit.
        places: states and territories alone, of which a paper comes; a passport may also be of an organisation, or say
            that its bearer is a refugee.
    """
    known = _countries(t.language)
    found = [one for one in known if (china or one.value != _CHINA) and not (places and _is_no_place(one.value))]
    if value and all(one.value != value for one in found):
        found = [Choice(value, t.country(value)), *found]
    return [Choice("", t("filing.choose")), *found]


@functools.cache
def _countries(language: Language) -> tuple[Choice, ...]:
    # Germany's passports say D; three letters are what permits and insurance keep.
    codes = {code for code in NATIONALITIES if len(code) == 3} | {_CHINA}
    names = {code: Words(language).country_name(code) for code in codes}
    # A code without a name can be read by nobody who chooses; the API takes it.
    named = (code for code in codes if names[code] != code)
    return tuple(Choice(code, names[code]) for code in sorted(named, key=lambda code: _order(names[code])))


def _is_no_place(code: str) -> bool:
    # ISO 3166-1 leaves what begins with X to its users; ICAO Doc 9303-3 gives it to organisations and to refugees.
    return code.startswith("X") or code in _NO_PLACES


def _order(name: str) -> tuple[bytes, str]:
    """Where a name stands in a list: Latin names without their accents; Chinese ones by pinyin, in which GB 2312 has
    the characters of its first level (rarer ones follow)."""
    plain = "".join(one for one in unicodedata.normalize("NFKD", name) if not unicodedata.combining(one))
    return plain.casefold().encode("gb18030"), name


@functools.cache
def region_options(language: Language, *, nation: bool = False) -> Sequence[str]:
    """The provinces and prefectures that a field proposes, each with its code; of names that several have, with the
    province.

    Args:
        nation: whether the whole country is one of them.
    """
    t = Words(language)
    return regions_named(t, (code for code in known_regions() if nation or code != NATION))


def regions_named(t: Words, codes: Iterable[str]) -> list[str]:
    """Regions as a field proposes them: each with its code; with the province, where others have the same name."""
    shared = _shared(t.language)
    return [
        _with_province(code, t) if region_name(code, t.language) in shared else region_words(code, t) for code in codes
    ]


@functools.cache
def _shared(language: Language) -> frozenset[str]:
    """The names that several regions have."""
    names = Counter(region_name(code, language) for code in known_regions())
    return frozenset(name for name, times in names.items() if times > 1)


def _with_province(code: str, t: Words) -> str:
    name, province = (region_name(one, t.language) for one in (code, ancestors(code)[-2]))
    if name == province:
        return region_words(code, t)
    return t.with_code(f"{province}{name}" if t.language == "zh" else f"{name}, {province}", code)


def region_code(text: str) -> str:
    """The code of a region that was chosen or typed (promise 3); what names none as it is."""
    text = text.strip()
    behind = _BEHIND_NAME.search(text[:_LONGEST])
    if behind is not None:
        return behind[1]
    return text if _CODE.fullmatch(text) else _named().get(text[:_LONGEST].casefold(), text)


@functools.cache
def _named() -> dict[str, str]:
    """Codes by the names that only one region has, in either language."""
    said = [(region_name(code, language).casefold(), code) for code in known_regions() for language in LANGUAGES]
    said += [(region_words(NATION, Words(language)).casefold(), NATION) for language in LANGUAGES]
    said += [(NATION.casefold(), NATION)]
    # Chinese names are used without the words for what a region is.
    said += [(short, code) for name, code in said if 1 < len(short := _KIND.sub("", name)) < len(name)]
    times = Counter(name for name, _ in set(said))
    return {name: code for name, code in said if times[name] == 1}
