"""The password policy.

Promises:

1. At least 12 and at most 128 characters, counted after NFC (RFC 8265, section 4.2: OpaqueString); no rule on which
   kinds of characters there are (NIST SP 800-63B-4, 3.1.1.2).
2. Refused is what is made of little but the login name, words that head lists of leaked passwords, rows of the keyboard
   and repetitions: each of those counts as one character, and eight must remain.
3. What is too long is refused before anything is computed over it.
"""

from __future__ import annotations

import functools
import json
import re
import unicodedata
from importlib import resources
from typing import Final

from icard_crypto.errors import Invalid

__all__ = ["LONGEST", "SHORTEST", "check_password", "normal_password"]

SHORTEST: Final = 12
LONGEST: Final = 128
_REMAINING: Final = 8
#: Two neighbours in a row are met in honest words; three are a run.
_RUN: Final = 3
_PARTS: Final = re.compile(r"[a-z0-9]{3,}")


def normal_password(password: str) -> str:
    """The form that is hashed.

    Raises:
        Invalid: ``password.too_long``.
    """
    # NFC makes no text three times as long that was within the limit; one beyond it is not worth the work.
    if len(password) > 3 * LONGEST or len(normal := unicodedata.normalize("NFC", password)) > LONGEST:
        raise Invalid("password.too_long", path="password", expected=f"at most {LONGEST} characters")
    return normal


def check_password(password: str, login: str) -> str:
    """The form that is hashed of a new password.

    Raises:
        Invalid: ``password.too_short``, ``password.too_long``, ``password.too_common``.
    """
    normal = normal_password(password)
    if len(normal) < SHORTEST:
        raise Invalid("password.too_short", path="password", expected=f"at least {SHORTEST} characters")
    if _remaining(normal.casefold(), login) < _REMAINING:
        raise Invalid("password.too_common", path="password")
    return normal


def _remaining(text: str, login: str) -> int:
    """How many characters there are when each word, run and repetition counts as one."""
    rows, words = _worst()
    own = _PARTS.findall(login.casefold())
    for word in sorted({*words, *own}, key=lambda word: (-len(word), word)):
        text = text.replace(word, "\0")
    count, place = 0, 0
    while place < len(text):
        place += max(_run(text, place, rows), _repetition(text, place), 1)
        count += 1
    return count


def _run(text: str, place: int, rows: tuple[str, ...]) -> int:
    """How long the piece of a row is that begins here, in either direction; 0 below three characters."""
    longest = 0
    for row in rows:
        size = _RUN
        while place + size <= len(text) and text[place : place + size] in row:
            longest, size = max(longest, size), size + 1
    return longest


def _repetition(text: str, place: int) -> int:
    """How long what begins here goes on repeating itself, the first time left out; 0 where it does not.

    The first time counts with its own characters: "abc9abc9abc9" is "abc9", and one for the rest.
    """
    before = text[:place]
    for size in range(1, len(before) + 1):
        piece = before[-size:]
        if text.startswith(piece, place):
            end = place
            while text.startswith(piece, end):
                end += size
            return end - place
    return 0


@functools.cache
def _worst() -> tuple[tuple[str, ...], tuple[str, ...]]:
    table = json.loads((resources.files("issuer.accounts") / "worst_passwords.json").read_text("utf-8"))
    rows = tuple(table["rows"])
    return rows + tuple(row[::-1] for row in rows), tuple(table["words"])
