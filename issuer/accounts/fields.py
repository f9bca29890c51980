"""Validation of what people type about themselves and others.

Promises:

1. Every value has a longest length and a closed form; what does not fit is named by its field and never shown.
2. Login names have one form only: lower-case ASCII letters, digits and ``. _ @ + -``, so that no two look alike.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from icard_crypto.errors import Invalid

__all__ = [
    "PASSPORT",
    "check_email",
    "check_identity",
    "check_language",
    "check_login",
    "check_text",
    "normal_identity",
    "normal_login",
]

_LOGIN: Final = re.compile(r"[a-z0-9][a-z0-9._@+-]{2,63}")
#: RFC 5321, 4.5.3.1: 64 octets before the @, 255 behind it; of the forms of RFC 5322 only those that people have.
_EMAIL: Final = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
)
_LONGEST_EMAIL: Final = 254
#: A number as people write it, perhaps behind the kind of document and the state that issued it: PASSPORT:DEU:C01X00T4.
_IDENTITY: Final = re.compile(r"(?:[A-Z]{2,20}:[A-Z]{3}:)?[A-Z0-9][A-Z0-9 ./-]{3,39}")
#: A passport's state and number, as an identity has them.
PASSPORT: Final = re.compile(r"PASSPORT:([A-Z]{3}):(.+)")
_BETWEEN: Final = re.compile(r"[ ./-]+")
_LANGUAGES: Final = ("en", "zh")


def normal_login(value: str) -> str:
    """A login name as it is looked for; of one that nobody can have, one that nobody has."""
    found = value.strip().lower() if len(value) <= 200 else ""
    return found if _LOGIN.fullmatch(found) else ""


def check_login(value: str) -> str:
    """A login name in its one form.

    Raises:
        Invalid: ``account.field``.
    """
    found = normal_login(value)
    if not found:
        raise Invalid("account.field", path="login", expected="3 to 64 of a-z, 0-9, . _ @ + -")
    return found


def check_email(value: str | None) -> str | None:
    """An e-mail address, or none.

    Raises:
        Invalid: ``account.field``.
    """
    if value is not None and not (len(value) <= _LONGEST_EMAIL and _EMAIL.fullmatch(value)):
        raise Invalid("account.field", path="email", expected="name@host.example")
    return value


def check_identity(value: str | None) -> str | None:
    """A document's or staff number in its one form, or none.

    Raises:
        Invalid: ``account.field``.
    """
    if value is None:
        return None
    found = unicodedata.normalize("NFKC", value).strip().upper() if len(value) <= 100 else ""
    if not _IDENTITY.fullmatch(found) or not normal_identity(found).rpartition(":")[2]:
        raise Invalid("account.field", path="identity", expected="4 to 40 of A-Z, 0-9, -")
    return found


def normal_identity(value: str) -> str:
    """The one form of an identity that :func:`check_identity` let pass: without what is between the characters of
    the number, and without zeros in front of it. Two people are the same where kind, state and this number are.
    """
    about, _, number = value.rpartition(":")
    return f"{about}:{_BETWEEN.sub('', number).lstrip('0')}".lstrip(":")


def check_language(value: str) -> str:
    """``en`` or ``zh``.

    Raises:
        Invalid: ``account.field``.
    """
    if value not in _LANGUAGES:
        raise Invalid("account.field", path="language", expected="en or zh")
    return value


def check_text(value: str, path: str, longest: int) -> str:
    """A few printable words, without blanks around them.

    Raises:
        Invalid: ``account.field``.
    """
    found = value.strip() if len(value) <= 2 * longest else ""
    if not found or len(found) > longest or not found.isprintable():
        raise Invalid("account.field", path=path, expected=f"1 to {longest} printable characters")
    return found
