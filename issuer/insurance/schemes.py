"""The five schemes of social insurance, as a set of bits.

Promises:

1. Bits and names are those of the card's format: what is on record goes into a code without translation.
2. A name that is not one of the five is refused.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Final

from icard_crypto.card.parts import Scheme
from icard_crypto.errors import Invalid, Language

__all__ = ["ALL", "NONE", "Scheme", "scheme_names", "scheme_set", "scheme_texts", "schemes_of"]

NONE: Final = Scheme(0)
ALL: Final = Scheme(31)
_SETS: Final = tuple(Scheme(bits) for bits in range(int(ALL) + 1))

_TEXTS: Final[Mapping[str, Mapping[Language, str]]] = {
    "pension": {"en": "pension", "zh": "基本养老保险"},
    "medical": {"en": "medical", "zh": "基本医疗保险"},
    "unemployment": {"en": "unemployment", "zh": "失业保险"},
    "work_injury": {"en": "work injury", "zh": "工伤保险"},
    "maternity": {"en": "maternity", "zh": "生育保险"},
}
_BITS: Final[Mapping[str, int]] = {name: int(Scheme[name.upper()]) for name in _TEXTS}


@functools.cache
def scheme_names(schemes: int) -> tuple[str, ...]:
    """The names in a set, in the order of their bits."""
    return tuple(scheme.name.lower() for scheme in Scheme if scheme & schemes and scheme.name is not None)


def scheme_set(bits: int) -> Scheme:
    """The set of these bits, 0 to 31: a tenth of what the enumeration's own constructor costs."""
    return _SETS[bits]


def scheme_texts(schemes: int, language: Language) -> str:
    """The names in a set as a reader sees them."""
    return ("、" if language == "zh" else ", ").join(_TEXTS[name][language] for name in scheme_names(schemes))


def schemes_of(names: Iterable[str]) -> Scheme:
    """The set with these names.

    Raises:
        Invalid: ``insurance.scheme``.
    """
    found = 0
    for name in names:
        bit = _BITS.get(name)
        if bit is None:
            raise Invalid("insurance.scheme", path="schemes", expected=", ".join(_TEXTS))
        found |= bit
    return _SETS[found]
