"""Where what an act is about lies, and whose offices decide on it.

Promises:

1. Whoever asks for an act, sees the request or decides on it belongs to an office that serves what it is about: of two
   employers or two records, one of them.
2. The two officers together serve all of it. So a merger across regions is asked for in the one and confirmed in the
   other, and two officers of one region merge nothing that lies in another.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.errors import NotAllowed, NotFound
from issuer.core import Core
from issuer.permits.models import Employer, Filing, Permit
from issuer.permits.parties import region_of_account
from issuer.permits.person_mergers import OTHER_RECORD, merged_regions, person_named
from issuer.rules.regions import covers

from .kinds import Kind

__all__ = ["employers_regions", "permit_regions", "records_regions", "require_both", "require_office", "split_regions"]


def permit_regions(_: Core, session: Session, arguments: Mapping[str, Any]) -> frozenset[str]:
    """The region of the permit that an act names.

    Raises:
        NotFound: ``permit.none``.
    """
    permit = session.get(Permit, arguments["permit_id"])
    if permit is None:
        raise NotFound("permit.none", path="permit_id")
    return frozenset({permit.region})


def employers_regions(*names: str) -> Callable[[Core, Session, Mapping[str, Any]], frozenset[str]]:
    """What gives the regions of the employers that an act names.

    Args:
        names: of the arguments that have their ids.
    """

    def regions(_: Core, session: Session, arguments: Mapping[str, Any]) -> frozenset[str]:
        return frozenset(session.get_one(Employer, arguments[name]).region for name in names)

    return regions


def records_regions(core: Core, session: Session, arguments: Mapping[str, Any]) -> frozenset[str]:
    """Where the two records of a merger of persons lie: that of the permit, and the other one by the application that
    names it, else by the person's permit or newest application; a record without these lies nowhere.

    Raises:
        NotFound: ``permit.none``, ``filing.none``, ``person.none``.
    """
    regions = set(permit_regions(core, session, arguments))
    for name in OTHER_RECORD:
        value = arguments.get(name)
        if value is None:
            continue
        person_id = person_named(session, name, value)
        place = session.get_one(Filing, value).region if name == "filing_id" else _place_of(session, person_id)
        if place is not None:
            regions.add(place)
    return frozenset(regions)


def _place_of(session: Session, person_id: str) -> str | None:
    """Where a person's permit is, or their newest application; None: there is neither."""
    permit = session.scalar(select(Permit.region).where(Permit.person_id == person_id))
    if permit is not None:
        return permit
    filed = select(Filing.region).where(Filing.person_id == person_id, Filing.state != "DRAFT")
    return session.scalar(filed.order_by(Filing.created_at.desc(), Filing.id.desc()).limit(1))


def split_regions(core: Core, session: Session, arguments: Mapping[str, Any]) -> frozenset[str]:
    """Where the permit lies, and where the records lay when they were merged.

    Raises:
        NotFound: ``permit.none``, ``person.no_merger``.
    """
    return permit_regions(core, session, arguments) | merged_regions(core, session, arguments["merger_id"])


def require_office(core: Core, session: Session, kind: Kind, account_id: str, arguments: Mapping[str, Any]) -> None:
    """Refuse the account of an officer whose office serves nothing of what an act is about (promise 1).

    Raises:
        NotAllowed: ``office.region``.
        NotFound: ``permit.none``, where another region's permit is as if it were not there; whatever is not there.
    """
    if kind.regions is None:
        return
    own, regions = region_of_account(session, account_id), kind.regions(core, session, arguments)
    if own is not None and any(covers(own, region) for region in regions):
        return
    if "permit_id" in arguments:
        raise NotFound("permit.none")
    found = ", ".join(sorted(regions))
    raise NotAllowed("office.region", path="employer_id", expected=own or "an office", found=found)


def require_both(
    core: Core, session: Session, kind: Kind, account_ids: Collection[str], arguments: Mapping[str, Any]
) -> None:
    """Refuse two officers whose offices together do not serve all that an act is about (promise 2).

    Raises:
        NotAllowed: ``office.neither``; ``found``: the first region that neither serves.
    """
    if kind.regions is None:
        return
    offices = [region_of_account(session, one) for one in account_ids]
    for region in sorted(kind.regions(core, session, arguments)):
        if not any(own is not None and covers(own, region) for own in offices):
            raise NotAllowed("office.neither", expected="an officer of that region", found=region)
