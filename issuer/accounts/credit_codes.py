"""Unified social credit codes (GB 32100-2015): their form, and the organisation that has one, or had it before.

Promises:

1. A code that an employer had before still finds it: whoever names one means that employer.
2. An organisation's record has the code that it has now: whoever named a former one can be shown that it changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.card.card_json import credit_code_holds
from icard_crypto.errors import Invalid, NotFound
from issuer.core import Core

from .models import FormerCode, Organisation

__all__ = [
    "code_key",
    "employers_by_code",
    "normal_code",
    "organisation_of_code",
    "organisation_with_code",
    "read_code",
]

#: Codes of one question to the database.
_CHUNK: Final = 1000
_LONGEST: Final = 100
_CODE: Final = re.compile(r"[0-9A-HJ-NPQRTUWXY]{18}")


def normal_code(text: str) -> str:
    """A code in the form in which it is compared, whether it is one or not."""
    return text.strip().upper()[:_LONGEST]


def read_code(text: str) -> str:
    """A unified social credit code in its normal form.

    Raises:
        Invalid: ``account.field``.
    """
    credit_code = text.strip().upper() if len(text) <= _LONGEST else ""
    if not _CODE.fullmatch(credit_code) or not credit_code_holds(credit_code):
        raise Invalid("account.field", path="code", expected="18 characters with their check character")
    return credit_code


def code_key(core: Core, code: str) -> str:
    """The keyed hash by which an organisation with a code is found."""
    return core.at_rest.digest("organisation", code)


def organisation_with_code(core: Core, session: Session, code: str) -> Organisation | None:
    """The organisation that has a code, or had it before, whatever its state; the caller has checked who asks."""
    key = code_key(core, normal_code(code))
    former = session.get(FormerCode, key)
    named = Organisation.code_key == key if former is None else Organisation.id == former.organisation_id
    return session.scalars(select(Organisation).where(named)).one_or_none()


def organisation_of_code(core: Core, session: Session, code: str, kind: str) -> Organisation:
    """The active employer or agency that has a code, or had it before; the caller has checked who asks.

    Raises:
        NotFound: ``organisation.none``.
    """
    row = organisation_with_code(core, session, code)
    if row is None or row.state != "active" or row.kind != kind:
        raise NotFound("organisation.none", path="code")
    return row


def employers_by_code(core: Core, session: Session, codes: Iterable[str]) -> dict[str, str]:
    """The ids of employers by the codes that they have or had; codes that no employer has are left out."""
    keys = {code_key(core, code): code for code in codes}
    found = {}
    ordered = sorted(keys)
    for start in range(0, len(ordered), _CHUNK):
        chunk = ordered[start : start + _CHUNK]
        former = select(FormerCode).where(FormerCode.code_key.in_(chunk))
        found.update({keys[row.code_key]: row.organisation_id for row in session.scalars(former)})
        now = select(Organisation).where(Organisation.code_key.in_(chunk), Organisation.kind == "employer")
        found.update({keys[row.code_key]: row.id for row in session.scalars(now)})
    return found
