"""What both imports at the switch share: a batch in one transaction, all faults of a row, its employer."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from sqlalchemy.orm import Session

from icard_crypto.card.card_json import credit_code_holds
from icard_crypto.errors import Faults, IcardError, Invalid, NotFound, together
from issuer.accounts.credit_codes import code_key, normal_code, organisation_with_code
from issuer.accounts.fields import check_text
from issuer.accounts.models import Organisation
from issuer.acts import Actor
from issuer.bulk.imports import Batch
from issuer.bulk.models import BulkRun
from issuer.bulk.refusals import refusal
from issuer.bulk.rows import Row, like_a_column
from issuer.core import Core
from issuer.db.unit_of_work import UnitOfWork
from issuer.permits.models import Employer
from issuer.permits.records import FilingRecord, record_from
from issuer.rules.regions import NATION, is_known
from issuer.vault.at_rest import Place

__all__ = ["employer_of", "readable_record", "require_given", "require_region", "texts_of", "write_batch"]

_LONGEST_NAME: Final = 200


def write_batch(
    core: Core, run_id: str, batch: Batch, by: Actor, act: str, take: Callable[[Core, UnitOfWork, Row], str]
) -> tuple[int, int]:
    """Write a batch with its refusals and the run's position; all rows taken and refused by now.

    Args:
        act: of the audit, one for the batch with the hash of what was taken.
        take: writes a row and gives the id of what it wrote; raises where something speaks against the row.
    """

    def work(unit: UnitOfWork) -> tuple[int, int]:
        session = unit.session
        run = session.get_one(BulkRun, run_id, with_for_update=True)
        if run.position >= batch[-1].number:
            return run.done, run.refused
        taken: list[str] = []
        for row in batch:
            try:
                with session.begin_nested():
                    taken.append(take(core, unit, row))
            except IcardError as fault:
                session.merge(refusal(run_id, row.number, fault))
                run.refused += 1
        run.position, run.changed_at = batch[-1].number, unit.now
        run.done += len(taken)
        digest = hashlib.sha256("\n".join(taken).encode()).hexdigest()
        details = {**by.details(), "rows": len(taken), "sha256": digest}
        name = hashlib.sha256(f"{run_id}:{batch[0].number}".encode()).hexdigest()[:32]
        unit.audit(act, name, details)
        return run.done, run.refused

    return core.transact(by, work, settled=lambda session: None)


def texts_of(row: Row) -> dict[str, str]:
    """The fields that a row has, all of them texts: JSON has numbers and lists as well.

    Raises:
        IcardError: what is wrong with the row, or each field that is no text.
    """
    if row.fault is not None:
        raise row.fault
    given = {name: value for name, value in (row.values or {}).items() if value is not None}
    wrong = [name if like_a_column(name) else "row" for name, value in given.items() if not isinstance(value, str)]
    if wrong:
        raise together([Invalid("filing.field", path=name, expected="text") for name in dict.fromkeys(wrong)])
    return given


def readable_record(faults: Faults, values: Mapping[str, Any]) -> FilingRecord:
    """The record of a row, without the fields that are wrong, which are noted."""
    record = faults.of(record_from, values)
    if record is not None:
        return record
    wrong = {(one.path or "").partition(".")[0] for one in faults.found}
    return record_from({name: value for name, value in values.items() if name not in wrong})


def require_given(faults: Faults, given: Mapping[str, Any], names: Iterable[str]) -> None:
    """Note each of these fields that a row lacks."""
    for name in names:
        if given[name] is None and not faults.on(name):
            faults.add(Invalid("filing.incomplete", path=name))


def require_region(region: str) -> None:
    """Refuse what is no place of GB/T 2260, and the nation.

    Raises:
        Invalid: ``filing.field``.
    """
    if region == NATION or not is_known(region):
        raise Invalid("filing.field", path="region", expected="a code of GB/T 2260")


def employer_of(core: Core, session: Session, now: int, code: str, name: str | None, region: str) -> str:
    """The id of the employer with a code; registered where it is new and its name is given.

    Raises:
        NotFound: ``organisation.none``.
        Invalid: ``filing.field``, ``account.field``.
    """
    code = normal_code(code)
    found = organisation_with_code(core, session, code)
    if found is None:
        if name is None:
            raise NotFound("organisation.none", path="employer_code", expected="a registered employer, or its name")
        if not credit_code_holds(code):
            raise Invalid("filing.field", path="employer_code", expected="18 characters with their check character")
        found = Organisation(
            id=secrets.token_hex(16),
            kind="employer",
            code_key=code_key(core, code),
            state="active",
            version=1,
            created_at=now,
        )
        content = {"kind": "employer", "code": code, "name": check_text(name, "employer_name", _LONGEST_NAME)}
        body = json.dumps(content, ensure_ascii=False).encode()
        found.record = core.at_rest.seal(Place("organisations", "record", found.id), body)
        session.add(found)
        session.flush()
    elif found.kind != "employer" or found.state != "active":
        raise NotFound("organisation.none", path="employer_code", expected="an active employer")
    if session.get(Employer, found.id) is None:
        session.add(
            Employer(
                organisation_id=found.id,
                state="pending",
                region=region,
                licence_until=None,
                merged_into=None,
                revision=1,
                changed_at=now,
            )
        )
        session.flush()
    return found.id
