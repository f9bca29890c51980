"""Which characters a text of a card may have, by one fixed version of Unicode.

Promises:

1. What a reader takes (:func:`is_plain`) is the same on every Python, and for whoever writes another reader: the table
   ``characters.json`` is part of the format. It lists the characters of Unicode :data:`UNICODE` that are letters,
   marks, numbers, punctuation or symbols (general categories L, M, N, P, S), beside U+0020 and the two joiners.
2. A plain text shows something: one of its characters at least is no space, no mark, no joiner, and none of those that
   look like nothing.
3. What an issuer writes (:func:`fault_of`) is stricter: nothing that cannot be seen, no pile of marks, a joiner only
   where a script needs one.
"""

from __future__ import annotations

import functools
import json
import re
import unicodedata
from collections.abc import Callable
from importlib import resources
from typing import Any, Final

__all__ = ["COMMON", "MOST_MARKS", "UNICODE", "common", "fault_of", "is_plain"]

UNICODE: Final = "15.1.0"
"""The version of Unicode that the format is written by."""
MOST_MARKS: Final = 4
"""Combining marks that an issuer writes in a row: Burmese and Tibetan names have up to four."""

_ZWNJ, _ZWJ = "\u200c", "\u200d"
_VIRAMA: Final = 9

#: Blocks of the table that most names are written in, without a look at all of it: Latin, Greek, Cyrillic, Hangul,
#: Chinese. Every character of them but the space can be seen.
COMMON: Final[tuple[tuple[int, int], ...]] = (
    *((0x21, 0x7E), (0xA1, 0xAC), (0xAE, 0x17F), (0x391, 0x3A1), (0x3A3, 0x3C9), (0x400, 0x45F)),
    *((0x1E00, 0x1EFF), (0x4E00, 0x9FA5), (0xAC00, 0xD7A3)),
)


def _class(ranges: Any) -> str:
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges)


@functools.cache
def common() -> Callable[[str], object]:
    """A function that gives a match for a text of common characters and spaces that shows something, or that has no
    characters."""
    return re.compile(f"(?: *[{_class(COMMON)}][ {_class(COMMON)}]*)?").fullmatch


@functools.cache
def _table() -> dict[str, list[tuple[int, int]]]:
    """Ranges of characters: ``visible``, ``marks``, ``unseen``."""
    loaded = json.loads((resources.files(__package__) / "characters.json").read_text("utf-8"))
    table = {}
    for name in ("visible", "marks", "unseen"):
        ranges = [text.partition("-") for line in loaded[name] for text in line.split()]
        table[name] = [(int(first, 16), int(last or first, 16)) for first, _, last in ranges]
    return table


@functools.cache
def _pattern(name: str) -> re.Pattern[str]:
    """``plain``: nothing but plain characters; ``visible`` and ``unseen``: one that is; ``pile``: marks without a
    letter in front of them, or more in a row than an issuer writes."""
    visible, marks, unseen = (_class(_table()[kind]) for kind in ("visible", "marks", "unseen"))
    patterns = {
        "plain": f"[ {_ZWNJ}{_ZWJ}{visible}{marks}{unseen}]*",
        "visible": f"[{visible}]",
        "unseen": f"[{unseen}]",
        "pile": f"(?:\\A| )[{marks}]|[{marks}]{{{MOST_MARKS + 1}}}",
    }
    return re.compile(patterns[name])


def is_plain(text: str) -> bool:
    """Whether a reader takes a text (promises 1 and 2); also one of no characters, whose length others look at."""
    if common()(text):
        return True
    return _pattern("plain").fullmatch(text) is not None and _pattern("visible").search(text) is not None


def fault_of(text: str) -> str | None:
    """Why an issuer does not write a text (promise 3), as what is expected instead; None where it may."""
    if common()(text):
        return None
    if not is_plain(text):
        return "plain text: no control characters, no space but U+0020, something to see"
    if _pattern("unseen").search(text):
        return "no character that cannot be seen"
    if _pattern("pile").search(text):
        return f"at most {MOST_MARKS} combining marks in a row, behind a letter"
    if not all(_joins(text, at) for at, character in enumerate(text) if character in (_ZWNJ, _ZWJ)):
        return "a joiner only where the script needs one"
    return None


def _joins(text: str, at: int) -> bool:
    """Whether a joiner is beside a virama, or a non-joiner between two letters (RFC 5892, appendix A.1 and A.2;
    Bengali has the joiner in front)."""
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    if any(side and unicodedata.combining(side) == _VIRAMA for side in (before, after)):
        return True
    return text[at] == _ZWNJ and all(side and unicodedata.category(side)[0] in "LM" for side in (before, after))
