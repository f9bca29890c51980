"""The acts of two officers on the records of one human being: their merger, and its taking back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy.orm import Session

from icard_crypto.errors import NotFound
from issuer.accounts.invitations import Parts
from issuer.core import Core
from issuer.permits import person_mergers
from issuer.permits.models import Permit
from issuer.permits.person_mergers import OTHER_RECORD

from .kinds import Done, Kind, Prepared, require_only
from .regions import records_regions, split_regions

__all__ = ["PERSON_ACTS"]

_RIGHT: Final = "permit.end"


def _prepare_merger(core: Core, session: Session, arguments: Mapping[str, Any]) -> Prepared:
    """``permit_id`` of one record; the other by ``other_permit_id``, ``filing_id`` or ``person_id``."""
    require_only(arguments, {"permit_id"}, frozenset(OTHER_RECORD))
    pair = person_mergers.prepare_person_merger(core, session, arguments["permit_id"], _other(arguments))
    return Prepared(arguments["permit_id"], dict(arguments), pair.kept, pair.absorbed)


def _other(arguments: Mapping[str, Any]) -> dict[str, str | None]:
    return {name: arguments.get(name) for name in OTHER_RECORD}


def _merge(core: Core, session: Session, prepared: Prepared, parts: Parts, now: int) -> Done:
    pair = person_mergers.prepare_person_merger(core, session, prepared.subject, _other(prepared.arguments))
    regions = records_regions(core, session, prepared.arguments)
    person_mergers.merge_persons(core, session, now, pair, regions, prepared.asked_by, prepared.confirmed_by)
    return Done("person.merge", prepared.subject)


def _prepare_split(core: Core, session: Session, arguments: Mapping[str, Any]) -> Prepared:
    """``permit_id`` of the record, and ``merger_id`` of the merger that is taken back."""
    require_only(arguments, {"permit_id", "merger_id"})
    permit = session.get(Permit, arguments["permit_id"])
    if permit is None:
        raise NotFound("permit.none", path="permit_id")
    merger = person_mergers.prepare_split(session, arguments["merger_id"])
    if permit.person_id not in (merger.kept_id, merger.absorbed_id):
        raise NotFound("person.no_merger", path="merger_id")
    return Prepared(permit.id, dict(arguments), merger.kept_id, merger.absorbed_id)


def _split(core: Core, session: Session, prepared: Prepared, parts: Parts, now: int) -> Done:
    person_mergers.split_persons(core, session, now, prepared.arguments["merger_id"])
    return Done("person.split", prepared.subject)


PERSON_ACTS: Final[dict[str, Kind]] = {
    "person.merge": Kind(_RIGHT, _prepare_merger, _merge, regions=records_regions),
    "person.split": Kind(_RIGHT, _prepare_split, _split, regions=split_regions),
}
