"""The acts of two officers on an employer: its merger into another one, another code, another name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy.orm import Session

from issuer.accounts.invitations import Parts
from issuer.core import Core
from issuer.permits import mergers
from issuer.permits.models import Employer

from .kinds import Done, Kind, Prepared, require_only
from .regions import employers_regions

__all__ = ["EMPLOYER_ACTS"]

_RIGHT: Final = "employer.verify"


def _kind(
    act: str,
    subject: str,
    detail: str,
    prepare: Callable[[Core, Session, str, str], Employer],
    change: Callable[[Core, Session, int, str, str], None],
) -> Kind:
    """The kind of an act that changes one thing about an employer.

    Args:
        subject: the argument that has the employer's id.
        detail: the other argument: the employer that it became part of, its new code, its new name.
    """

    def prepared(core: Core, session: Session, arguments: Mapping[str, Any]) -> Prepared:
        require_only(arguments, {subject, detail})
        employer = prepare(core, session, arguments[subject], arguments[detail])
        return Prepared(employer.organisation_id, dict(arguments))

    def done(core: Core, session: Session, prepared: Prepared, parts: Parts, now: int) -> Done:
        change(core, session, now, prepared.subject, prepared.arguments[detail])
        return Done(act, prepared.subject)

    employers = [name for name in (subject, detail) if name.endswith("_id")]
    return Kind(_RIGHT, prepared, done, regions=employers_regions(*employers))


def _prepare_merger(_: Core, session: Session, employer_id: str, into_id: str) -> Employer:
    return mergers.prepare_merger(session, employer_id, into_id)


EMPLOYER_ACTS: Final[dict[str, Kind]] = {
    act: _kind(act, *parts)
    for act, parts in {
        "employer.merge": ("employer_id", "into_id", _prepare_merger, mergers.merge_employers),
        "employer.code": ("organisation_id", "code", mergers.prepare_code, mergers.change_employer_code),
        "employer.name": ("organisation_id", "name", mergers.prepare_name, mergers.change_employer_name),
    }.items()
}
