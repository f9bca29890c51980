"""Makes the table of characters in icard_crypto/card/characters.json again, from Unicode's own data.

::

    pip install unicodedata2==15.1.0
    python -m tools.make_characters

The version is fixed by the format: another one is refused.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from icard_crypto.card.characters import UNICODE

__all__ = ["main"]

TABLE: Final = Path(__file__).parent.parent / "icard_crypto" / "card" / "characters.json"
#: Default_Ignorable_Code_Point of DerivedCoreProperties.txt, where a general category would let it through; then what
#: fonts draw as nothing: the Braille blank, the null notehead, the Khitan filler, the object replacement character.
_UNSEEN: Final = frozenset(
    (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x180E), 0x180F, 0x3164, *range(0xFE00, 0xFE10), 0xFFA0)
) | {*range(0xE0100, 0xE01F0), 0x2800, 0x1D159, 0x16FE4, 0xFFFC}
_ABOUT: Final = (
    "Characters that texts of a card may have, beside U+0020 and the joiners U+200C and U+200D: general categories L, "
    "M, N, P, S of one version of Unicode, as ranges of code points in hexadecimal. visible: letters, numbers, "
    "punctuation, symbols; marks: combining marks; unseen: what is ignored by default or drawn as nothing."
)


def main() -> int:
    """The command."""
    data = importlib.import_module("unicodedata2")
    if data.unidata_version != UNICODE:
        print(f"unicodedata2 is of Unicode {data.unidata_version}; the format is of {UNICODE}", file=sys.stderr)
        return 1
    kinds = {place: data.category(chr(place))[0] for place in range(0x110000)}
    table = {
        "about": _ABOUT,
        "unicode": UNICODE,
        "source": "UnicodeData.txt and DerivedCoreProperties.txt of the Unicode Character Database",
        "visible": _ranges(place for place, kind in kinds.items() if kind in "LNPS" and place not in _UNSEEN),
        "marks": _ranges(place for place, kind in kinds.items() if kind == "M" and place not in _UNSEEN),
        "unseen": _ranges(_UNSEEN),
    }
    TABLE.write_text(json.dumps(table, indent=2) + "\n", "utf-8")
    return 0


def _ranges(places: Iterable[int]) -> list[str]:
    """``first`` or ``first-last``, twenty a line."""
    ranges: list[list[int]] = []
    for place in sorted(places):
        if ranges and ranges[-1][1] == place - 1:
            ranges[-1][1] = place
        else:
            ranges.append([place, place])
    texts = [f"{first:x}" if first == last else f"{first:x}-{last:x}" for first, last in ranges]
    return [" ".join(texts[at : at + 20]) for at in range(0, len(texts), 20)]


if __name__ == "__main__":
    sys.exit(main())
