"""What is filed: the fields of an application, read from JSON and kept sealed.

Promises:

1. A draft may lack any field; a field that is there has its form. What is wrong is named by its field and never shown.
2. A passport is found by the keyed hash of kind, issuing state and number in one form; the number stands sealed only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any, Final

from icard_crypto.card.characters import is_plain
from icard_crypto.errors import Faults, Invalid
from issuer.accounts.people import normal_number
from issuer.core import Core
from issuer.rules.days import parse_day
from issuer.vault.at_rest import Place

from .models import Filing
from .names import LONGEST_NAME, PassportName

__all__ = [
    "FilingRecord",
    "read_filing",
    "record_from",
    "wants_hearing",
    "write_filing",
]

_NUMBER: Final = re.compile("[A-Z0-9]{4,20}")
_STATE: Final = re.compile("[A-Z]{3}")
_LONGEST_POST: Final = 60


@dataclass(frozen=True, slots=True)
class FilingRecord:
    """The fields of an application; None: not filled in.

    Args:
        surname, given: as in the passport; a single name is the surname.
        nationality: ISO 3166-1 alpha-3, of the passport too.
        sex: male, female or other.
        post: the job's title; first, until: the days applied for; contract_until: of the contract.
        ended_on, ground, signed: of a cancellation: the day, why, and whether the person signed.
        changed_on: the day of a change.
        facts: what checklist and category follow from, by the names of
            :class:`issuer.permits.materials.FilingFacts` and :mod:`issuer.permits.categories`.
    """

    surname: str | None = None
    given: str | None = None
    nationality: str | None = None
    birth: date | None = None
    sex: str | None = None
    passport: str | None = None
    passport_until: date | None = None
    post: str | None = None
    category: str | None = None
    first: date | None = None
    until: date | None = None
    contract_until: date | None = None
    changed_on: date | None = None
    ended_on: date | None = None
    ground: str | None = None
    signed: bool | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> PassportName:
        """The name as in the passport."""
        return PassportName(self.surname or "", self.given or "")

    def to_json(self) -> dict[str, Any]:
        """The JSON form; what is None is left out."""
        found: dict[str, Any] = {}
        for one in fields(self):
            value = getattr(self, one.name)
            if value is not None and value != {}:
                found[one.name] = value.isoformat() if isinstance(value, date) else value
        return found


def record_from(content: Mapping[str, Any]) -> FilingRecord:
    """A record from its JSON.

    Raises:
        Invalid: ``filing.field``; ``path`` names it, and ``also`` has the other fields that are wrong.
    """
    faults = Faults()
    for name in sorted(content.keys() - _READERS.keys()):
        faults.add(Invalid("filing.field", path=name[:40], expected=", ".join(_READERS)))
    given = {name: value for name, value in content.items() if value is not None and name in _READERS}
    values: dict[str, Any] = {name: faults.of(_READERS[name], name, value) for name, value in given.items()}
    faults.settle()
    return FilingRecord(**values)


def write_filing(core: Core, row: Filing, record: FilingRecord) -> None:
    """Put a record into its row."""
    content = json.dumps(record.to_json(), ensure_ascii=False, separators=(",", ":")).encode()
    row.record = core.at_rest.seal(Place("filings", "record", row.id), content)


def read_filing(core: Core, row: Filing) -> FilingRecord:
    """The record of an application."""
    content: dict[str, Any] = json.loads(core.at_rest.open(Place("filings", "record", row.id), row.record))
    return record_from(content)


def wants_hearing(record: FilingRecord) -> bool:
    """Whether the person is heard before this cancellation: they did not sign it, and are alive."""
    return record.signed is False and record.ground != "death"


def _text(longest: int) -> Callable[[str, Any], str]:
    def read(name: str, value: Any) -> str:
        if not isinstance(value, str) or len(value) > longest or not is_plain(value) or value != value.strip():
            raise Invalid("filing.field", path=name, expected=f"at most {longest} printable characters")
        return value

    return read


def _form(pattern: re.Pattern[str], words: str) -> Callable[[str, Any], str]:
    def read(name: str, value: Any) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise Invalid("filing.field", path=name, expected=words)
        return value

    return read


def _passport(name: str, value: Any) -> str:
    found = normal_number(value) if isinstance(value, str) and len(value) <= 40 else ""
    if not _NUMBER.fullmatch(found):
        raise Invalid("filing.field", path=name, expected="4 to 20 letters and digits")
    return found


def _day(name: str, value: Any) -> date:
    try:
        return parse_day(value)
    except (ValueError, TypeError):
        raise Invalid("filing.field", path=name, expected="a day as YYYY-MM-DD, 1900 to 2199") from None


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise Invalid("filing.field", path=name, expected="true or false")
    return value


def _word(*words: str) -> Callable[[str, Any], str]:
    def read(name: str, value: Any) -> str:
        if value not in words:
            raise Invalid("filing.field", path=name, expected=", ".join(words))
        return str(value)

    return read


#: The facts that an application may give, beside what its fields say.
_FLAGS: Final = (
    *("earlier_permit", "same_post", "other_employer", "dependants", "category_by_proof", "physical_permit"),
    *("regulated_industry", "promotion", "position_changes", "category_changes", "in_china", "talent_programme"),
    *("recognised_achievement", "encouraged_post", "founder", "mother_tongue", "teaching_certificate"),
    *("skill_certificate", "quota", "short_work", "other_by_rule", "poor_county", "merit"),
)
_NUMBERS: Final = ("salary", "experience_years", "months_in_china", "local_points")
_WORDS: Final = ("education", "chinese")


def _facts(name: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Invalid("filing.field", path=name, expected="an object")
    found: dict[str, Any] = {}
    for key, one in value.items():
        path = f"{name}.{key}"
        if one is None:
            continue
        if key in _FLAGS:
            found[key] = _flag(path, one)
        elif key in _NUMBERS:
            if isinstance(one, bool) or not isinstance(one, int) or not 0 <= one <= 10**9:
                raise Invalid("filing.field", path=path, expected="a whole number, 0 or more")
            found[key] = one
        elif key in _WORDS:
            found[key] = _form(re.compile("[a-z0-9_]{1,40}"), "a word")(path, one)
        elif key == "permit_ended":
            found[key] = _day(path, one).isoformat()
        else:
            raise Invalid("filing.field", path=path[:80], expected=", ".join((*_FLAGS, *_NUMBERS, *_WORDS)))
    return found


_READERS: Final[Mapping[str, Callable[[str, Any], Any]]] = {
    "surname": _text(LONGEST_NAME),
    "given": _text(LONGEST_NAME),
    "nationality": _form(_STATE, "three capital letters"),
    "birth": _day,
    "sex": _word("male", "female", "other"),
    "passport": _passport,
    "passport_until": _day,
    "post": _text(_LONGEST_POST),
    "category": _word("A", "B", "C"),
    "first": _day,
    "until": _day,
    "contract_until": _day,
    "changed_on": _day,
    "ended_on": _day,
    "ground": _word("contract_ended", "dismissed", "resigned", "death", "incapacity", "left_china", "employer_gone"),
    "signed": _flag,
    "facts": _facts,
}
