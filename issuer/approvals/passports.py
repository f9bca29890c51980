"""Passports of those who work here: two administrators note them, so that nobody decides about themselves under another
number (:func:`issuer.permits.people.same_human`).

Promise: only keyed hashes of the numbers are kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy.orm import Session

from icard_crypto.errors import Invalid, NotFound
from issuer.accounts.models import Person
from issuer.accounts.people import normal_number, note_passports, passport_digest, passports_of
from issuer.core import Core

__all__ = ["change", "check"]

_STATE: Final = re.compile("[A-Z]{3}")
_NUMBER: Final = re.compile("[A-Z0-9]{4,20}")
_MOST: Final = 10


def check(arguments: Mapping[str, Any]) -> None:
    """Refuse what is no passport.

    Raises:
        Invalid: ``account.field``.
    """
    if not _STATE.fullmatch(arguments["nationality"]):
        raise Invalid("account.field", path="nationality", expected="three letters of ISO 3166-1, such as DEU")
    if not _NUMBER.fullmatch(normal_number(arguments["number"])):
        raise Invalid("account.field", path="number", expected="4 to 20 letters and digits")


def change(core: Core, session: Session, person_id: str | None, arguments: Mapping[str, Any], *, add: bool) -> None:
    """Note a passport of a person who is locked, or remove it.

    Raises:
        Invalid: ``account.field``: there are too many.
        NotFound: ``account.no_passport``: it is not noted.
    """
    person = session.get_one(Person, person_id)
    digest = frozenset({passport_digest(core, arguments["nationality"], arguments["number"])})
    held = passports_of(core, person)
    if not add and not digest <= held:
        raise NotFound("account.no_passport", path="number")
    if add and len(held | digest) > _MOST:
        raise Invalid("account.field", path="number", expected=f"at most {_MOST} passports")
    note_passports(core, person, held | digest if add else held - digest)
    session.flush()
