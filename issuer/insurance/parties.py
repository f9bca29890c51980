"""Access to insurance records: holder, heirs, employers, agencies, officials.

Promises:

1. A holder sees their own and, as an heir, that of somebody who died; an employer its staff's (whoever it, or an
   employer that was merged into it, has on record, also after they left), an agency those of employers with a mandate
   in force now, whoever has ``insurance.read`` any; an official of an office those of its region.
2. What is another's and what is not there are the same error.
3. Whoever registers, reports or answers for an employer is the employer, an agency with its mandate, or an official;
   of an office only for employers that are not known to be in another region.
4. Officials can't change their own records.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import ColumnElement, Select, and_, false, or_, select, true
from sqlalchemy.orm import Session

from icard_crypto.errors import Conflict, NotAllowed, NotFound
from issuer.accounts.mandates import acts_for, clients
from issuer.accounts.models import Account, Organisation
from issuer.accounts.principals import Principal
from issuer.core import Core
from issuer.notices.outbox import Notice, notify
from issuer.permits.mergers import taken_over_by
from issuer.permits.models import Employer
from issuer.permits.parties import covered, office_region
from issuer.rules.regions import covers

from .models import HeirAccess, InsuranceFact, InsuredPerson

__all__ = [
    "heir_of",
    "notify_insured",
    "refuse_own",
    "require_employer",
    "require_insured",
    "seen_by",
    "seen_employer",
    "seen_employers",
    "staff_of",
    "with_merged",
]


#: Whoever may register or keep the books sees whom that is about: a program's scope for it is enough.
_WRITES: Final = ("insurance.register", "insurance.book", "benefit.own")


def seen_employers(core: Core, session: Session, who: Principal) -> set[str] | None:
    """The employers whose staff somebody sees; None: all, or only oneself."""
    if who.role.organisation == "employer":
        return with_merged(session, {who.organisation_id or ""})
    if who.role.organisation == "agency":
        return with_merged(session, clients(session, who, core.clock.now(session)))
    return None


def with_merged(session: Session, employers: set[str]) -> set[str]:
    """Employers, and those that were merged into them: their debts and files are the successor's."""
    return employers.union(*taken_over_by(session, employers).values())


def seen_by(core: Core, session: Session, who: Principal) -> ColumnElement[bool]:
    """The insured people that somebody sees.

    Raises:
        NotAllowed: ``access.*``.
    """
    official = who.role.official
    if not any(who.may(right) for right in _WRITES):
        who.require("insurance.read" if official else "insurance.read_own")
    if official:
        region = office_region(session, who)
        return true() if region is None else covered(InsuredPerson.region.expression, region)
    employers = seen_employers(core, session, who)
    if employers is None:
        now = core.clock.now(session)
        return InsuredPerson.person_id.in_([who.person_id, *_inherited(session, who.person_id, now)])
    if not employers:
        return false()
    return staff_of(employers).where(InsuranceFact.person_id == InsuredPerson.person_id).exists()


def staff_of(employers: set[str]) -> Select[str]:
    """The people whom employers have on record, also those who left; somebody may be in it twice."""
    return select(InsuranceFact.person_id).where(
        InsuranceFact.kind == "employment", InsuranceFact.employer_id.in_(employers)
    )


def heir_of(session: Session, heir_person_id: str, person_id: str, now: int) -> HeirAccess | None:
    """By what somebody may see the record of a person who died; None: they may not."""
    query = select(HeirAccess).where(
        HeirAccess.heir_person_id == heir_person_id, HeirAccess.person_id == person_id, HeirAccess.ends_at > now
    )
    return session.scalars(query.order_by(HeirAccess.ends_at.desc(), HeirAccess.id)).first()


def _inherited(session: Session, heir_person_id: str, now: int) -> list[str]:
    """The people who died whose record an heir may see."""
    query = select(HeirAccess).where(HeirAccess.heir_person_id == heir_person_id, HeirAccess.ends_at > now)
    return [row.person_id for row in session.scalars(query)]


def require_insured(core: Core, session: Session, who: Principal, person_id: str) -> None:
    """Raise unless the person is insured and may be seen.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``insurance.none``.
    """
    query = select(InsuredPerson.person_id).where(InsuredPerson.person_id == person_id, seen_by(core, session, who))
    if session.scalar(query) is None:
        raise NotFound("insurance.none")


def refuse_own(who: Principal, person_id: str) -> None:
    """Refuse an official who changes what is on record about himself (promise 4).

    Raises:
        NotAllowed: ``account.self``.
    """
    if who.role.official and who.is_self(person_id):
        raise NotAllowed("account.self")


def seen_employer(core: Core, session: Session, who: Principal, employer_id: str | None) -> str:
    """The employer whose books and findings somebody may see; by default one's own. What one that ceased or merged
    owes stays to be seen.

    Raises:
        NotFound: ``insurance.employer``: none, or another's.
    """
    employers = seen_employers(core, session, who)
    chosen = employer_id or (who.organisation_id if who.role.organisation == "employer" else None)
    row = session.get(Organisation, chosen) if chosen else None
    if row is None or row.kind != "employer" or (employers is not None and row.id not in employers):
        raise NotFound("insurance.employer", path="employer_id", expected="an employer that you may act for")
    found = session.get(Employer, row.id)
    office = office_region(session, who) if who.role.official else None
    if found is not None and office is not None and not covers(office, found.region):
        raise NotFound("insurance.employer", path="employer_id", expected="an employer that you may act for")
    return row.id


def require_employer(core: Core, session: Session, who: Principal, employer_id: str | None) -> str:
    """The employer that somebody acts for; by default one's own.

    Raises:
        Conflict: ``insurance.employer_ended``: closed, ceased or merged.
        NotFound: ``insurance.employer``: none, or another's.
    """
    chosen = seen_employer(core, session, who, employer_id)
    row, found = session.get_one(Organisation, chosen), session.get(Employer, chosen)
    if row.state != "active" or (found is not None and found.state in ("ceased", "merged")):
        raise Conflict("insurance.employer_ended", path="employer_id")
    return chosen


def notify_insured(
    core: Core, session: Session, now: int, kind: str, people: Sequence[str], employers: Sequence[str] = ()
) -> None:
    """Notify the people themselves and, where it concerns them, their employers and the agencies that act for these.

    Args:
        kind: of notices, with the fact ``person``.
        employers: one for each person, or none.
    """
    found: set[tuple[str, str]] = set()
    active = Account.in_use()
    holders = select(Account.id, Account.person_id).where(
        active, Account.role == "holder", Account.person_id.in_(people)
    )
    found |= {(account, person) for account, person in session.execute(holders)}
    for person, employer in zip(people, employers, strict=False):
        employs = and_(Account.role == "employer", Account.organisation_id == employer)
        accounts = session.scalars(select(Account.id).where(active, or_(acts_for(employer, now), employs)))
        found |= {(account, person) for account in accounts}
    notify(core, session, now, [Notice(kind, account, {"person": person}) for account, person in sorted(found)])
