"""Names as in the passport: one form for comparing them; what is shown stays as it is there.

Promises:

1. Two spellings are one name where they differ in case, spaces, hyphens, apostrophes, marks, or in the transliteration
   that travel documents allow (ICAO Doc 9303-3, section 6): Müller, MUELLER, Muller.
2. A person may have a single name: then the given names are empty on both sides.
3. A mismatch says which part differs, never the name itself.
4. Text that could reorder or hide what a screen shows is refused.
"""

from __future__ import annotations

import itertools
import unicodedata
from dataclasses import dataclass
from typing import Final, Literal

from icard_crypto.card.characters import is_plain

from .refusals import Refusal

__all__ = ["LONGEST_NAME", "Difference", "PassportName", "compare", "forms", "latin", "name_refusals"]

#: Characters of a part of a name; the longest that a card holds as a whole.
LONGEST_NAME: Final = 66
Difference = Literal["surname", "given", "both", "order"]
#: Letters that marks alone do not explain, as the machine-readable zone writes them, the recommended form first.
_LETTERS: Final = {
    "Ä": ("AE", "A"),
    "Ö": ("OE", "O"),
    "Ü": ("UE", "UXX", "U"),
    "Å": ("AA", "A"),
    "Ñ": ("N", "NXX"),
    "ß": ("SS",),
    "ẞ": ("SS",),
    "Æ": ("AE",),
    "Ø": ("OE", "O"),
    "Œ": ("OE",),
    "Þ": ("TH",),
    "Ð": ("D",),
    "Đ": ("D",),
    "Ł": ("L",),
    "Ħ": ("H",),
    "Ŋ": ("N",),
    "Ŧ": ("T",),
    "Ĳ": ("IJ",),
    "ı": ("I",),
    "İ": ("I",),
}
_DROPPED: Final = frozenset(" -'’‘ʼ`´.·‐‑‒–—\u200c\u200d\u00a0")
#: Spellings of one name that are tried; beyond, only the recommended form of each letter counts.
_MOST_FORMS: Final = 64


@dataclass(frozen=True, slots=True)
class PassportName:
    """Surname and given names; a person with a single name has it as the surname."""

    surname: str
    given: str = ""

    @property
    def shown(self) -> str:
        """The name as a card shows it: surname first."""
        return f"{self.surname} {self.given}".strip()


def forms(text: str) -> frozenset[str]:
    """Every form of a part of a name that counts as the same one."""
    choices: list[tuple[str, ...]] = []
    for character in unicodedata.normalize("NFC", text):
        if character in _DROPPED:
            continue
        upper = character if character in _LETTERS else character.upper()
        if upper in _LETTERS:
            choices.append(_LETTERS[upper])
        else:
            plain = unicodedata.normalize("NFKD", upper)
            choices.append(("".join(mark for mark in plain if not unicodedata.combining(mark)).upper(),))
    number = 1
    for one in choices:
        number *= len(one)
    if number > _MOST_FORMS:
        choices = [one[:1] for one in choices]
    return frozenset("".join(parts) for parts in itertools.product(*choices))


def latin(text: str) -> str:
    """A name in the letters of the machine-readable zone, in the recommended form, spaces and hyphens kept; ``?`` for a
    letter that has none.
    """
    found = []
    for character in unicodedata.normalize("NFC", text):
        upper = character if character in _LETTERS else character.upper()
        plain = _LETTERS[upper][0] if upper in _LETTERS else unicodedata.normalize("NFKD", upper)
        letters = "".join(mark for mark in plain if not unicodedata.combining(mark))
        found.append(letters if letters.isascii() else "?")
    return "".join(found)


def compare(shown: PassportName, given: PassportName) -> Difference | None:
    """What differs between two names; None: they are one. ``order``: surname and given names change places."""
    surname = bool(forms(shown.surname) & forms(given.surname))
    names = bool(forms(shown.given) & forms(given.given))
    if surname and names:
        return None
    if forms(shown.surname) & forms(given.given) and forms(shown.given) & forms(given.surname):
        return "order"
    return "given" if surname else "surname" if names else "both"


def name_refusals(name: PassportName) -> list[Refusal]:
    """Everything that makes a name unusable; empty: nothing does."""
    found = []
    for path, part in (("surname", name.surname), ("given", name.given)):
        if len(part) > LONGEST_NAME:
            found.append(Refusal("permit.name_long", None, path, f"at most {LONGEST_NAME} characters", str(len(part))))
        elif not is_plain(part) or part != part.strip():
            found.append(Refusal("permit.name_characters", None, path))
    if not forms(name.surname) - {""}:
        found.append(Refusal("permit.name_missing", None, "surname"))
    elif not found and len(name.shown) > LONGEST_NAME:
        found.append(Refusal("permit.name_long", None, "name", f"at most {LONGEST_NAME} characters"))
    return found
