"""The insurance number: made once by the numbering rule, or taken as an authority assigned it.

Promises:

1. A number is made from nationality and document once; a new passport never makes another.
2. An assigned number that breaks the rule is kept as it is and flagged, never repaired.
3. What does not fit (a document longer than the rule's field) is refused: cutting it could give two people one number.

Source: the annex of order 16 of 2011, as the row ``insurance_number`` has it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from icard_crypto.errors import Invalid
from issuer.rules.book import RuleBook
from issuer.rules.regions import NATION
from issuer.rules.rows import Rule

__all__ = ["AssignedNumber", "InsuranceNumber", "make_number", "read_assigned"]

_COUNTRY: Final = re.compile("[A-Z]{3}")
_DOCUMENT: Final = re.compile("[0-9A-Z]+")
_DIGIT: Final = re.compile("[0-9]")
_ASSIGNED: Final = re.compile("[0-9A-Z]{4,30}")
_DROPPED: Final = str.maketrans("", "", " -/.")


@dataclass(frozen=True, slots=True)
class InsuranceNumber:
    """A number and the row that it was made by."""

    text: str
    rule: Rule


@dataclass(frozen=True, slots=True)
class AssignedNumber:
    """A number as an authority assigned it. ``regular``: it has the rule's form; None: no rule is known."""

    text: str
    regular: bool | None
    rule: Rule | None


def make_number(
    book: RuleBook, country: str, document: str, on: date, *, reserved: str | None = None
) -> InsuranceNumber:
    """The number of a person by the rule of a day.

    Args:
        country: alpha-3 code of ISO 3166-1.
        document: number of the passport or of the permanent residence card; spaces, hyphens, slashes and dots do not
            count, small letters count as capitals.
        reserved: another digit than the rule's own, for the special cases that an authority decides.

    Raises:
        Invalid: ``insurance.no_rule``; ``insurance.number``; never with the number in it.
    """
    rule = _rule(book, on)
    if rule is None:
        raise Invalid("insurance.no_rule", path="insurance_number")
    width = int(rule.value["document"])
    normal = document.translate(_DROPPED).upper()
    digit = str(rule.value["reserved"]) if reserved is None else reserved
    if not _COUNTRY.fullmatch(country):
        raise Invalid("insurance.number", path="country", expected="three capital letters of ISO 3166-1")
    if not _DOCUMENT.fullmatch(normal) or len(normal) > width:
        raise Invalid("insurance.number", path="document", expected=f"1 to {width} letters A to Z and digits")
    if not _DIGIT.fullmatch(digit):
        raise Invalid("insurance.number", path="reserved", expected="one digit")
    return InsuranceNumber(f"{country}{digit}{normal.rjust(width, '0')}", rule)


def read_assigned(book: RuleBook, text: str, on: date) -> AssignedNumber:
    """A number that an authority assigned, as it is (promise 2).

    Raises:
        Invalid: ``insurance.number``: it could not be stored as a number at all.
    """
    normal = text.strip().upper()
    if not _ASSIGNED.fullmatch(normal):
        raise Invalid("insurance.number", path="number", expected="4 to 30 letters A to Z and digits")
    rule = _rule(book, on)
    if rule is None:
        return AssignedNumber(normal, None, None)
    pattern = f"[A-Z]{{{rule.value['country']}}}[0-9][0-9A-Z]{{{rule.value['document']}}}"
    return AssignedNumber(normal, re.fullmatch(pattern, normal) is not None, rule)


def _rule(book: RuleBook, on: date) -> Rule | None:
    return book.find("insurance_number", "form", NATION, on)
