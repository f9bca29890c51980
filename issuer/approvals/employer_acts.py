"""The acts of two officers on an employer: its merger into another one, another code, another name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy.orm import Session

from issuer.accounts.invitations import Parts
from issuer.core import Core
from issuer.permits import mergers

from .kinds import Done, Kind, Prepared, require_only

__all__ = ["EMPLOYER_ACTS"]

_RIGHT: Final = "employer.verify"


def _prepare_merger(core: Core, session: Session, arguments: Mapping[str, Any]) -> Prepared:
    """``employer_id``: of the employer that became part of another one, ``into_id``."""
    require_only(arguments, {"employer_id", "into_id"})
    employer = mergers.prepare_merger(session, arguments["employer_id"], arguments["into_id"])
    return Prepared(employer.organisation_id, dict(arguments))


def _merge(core: Core, session: Session, prepared: Prepared, parts: Parts, now: int) -> Done:
    mergers.merge_employers(core, session, now, prepared.subject, prepared.arguments["into_id"])
    return Done("employer.merge", prepared.subject)


def _prepare_code(core: Core, session: Session, arguments: Mapping[str, Any]) -> Prepared:
    """``organisation_id``: of the employer that has another unified social credit code now, ``code``."""
    require_only(arguments, {"organisation_id", "code"})
    employer = mergers.prepare_code(core, session, arguments["organisation_id"], arguments["code"])
    return Prepared(employer.organisation_id, dict(arguments))


def _change_code(core: Core, session: Session, prepared: Prepared, parts: Parts, now: int) -> Done:
    mergers.change_employer_code(core, session, now, prepared.subject, prepared.arguments["code"])
    return Done("employer.code", prepared.subject)


def _prepare_name(core: Core, session: Session, arguments: Mapping[str, Any]) -> Prepared:
    """``organisation_id``: of the employer that has another name now, ``name``."""
    require_only(arguments, {"organisation_id", "name"})
    employer = mergers.prepare_name(core, session, arguments["organisation_id"], arguments["name"])
    return Prepared(employer.organisation_id, dict(arguments))


def _change_name(core: Core, session: Session, prepared: Prepared, parts: Parts, now: int) -> Done:
    mergers.change_employer_name(core, session, now, prepared.subject, prepared.arguments["name"])
    return Done("employer.name", prepared.subject)


EMPLOYER_ACTS: Final[dict[str, Kind]] = {
    "employer.merge": Kind(_RIGHT, _prepare_merger, _merge, allow=mergers.require_employer_region),
    "employer.code": Kind(_RIGHT, _prepare_code, _change_code, allow=mergers.require_employer_region),
    "employer.name": Kind(_RIGHT, _prepare_name, _change_name, allow=mergers.require_employer_region),
}
