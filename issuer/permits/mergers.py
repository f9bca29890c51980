"""Employers that became part of another one, or got another code or name: decided by two officers, and what is open
follows.

Promises:

1. The merger is one transaction: the employer is ``merged`` into the other, its open applications and drafts become the
   other's, each permit in force gets a term with the other, and mandates that it gave end, also those that begin later.
2. Whoever is concerned gets notice: the handlers of both, and each holder.
3. The cards' codes say so from the worker's next turn on; a turn that is killed is taken up again.
4. An employer with another code stays the same one: what is on record, reported and paid is its own as before, under
   either code. Its permits in force get a term that says so, and their codes follow.
5. A new name is on what is made from then on; a decision and a term from before keep the name of their time, which
   stays on record.
6. Nothing else changes: category, post and last day stay, applications keep their clocks and rules. What is on record
   from before stays the merged employer's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from icard_crypto.card.card import Card
from icard_crypto.errors import Invalid, NotFound
from issuer import cards
from issuer.accounts.credit_codes import read_code
from issuer.accounts.models import Account, Mandate
from issuer.accounts.organisations import change_code, change_name, check_name, require_free_code
from issuer.acts import Actor
from issuer.cards import Decision
from issuer.cards.models import CardParty, CardRow
from issuer.core import Core
from issuer.db.unit_of_work import UnitOfWork
from issuer.notices.outbox import Notice, notify
from issuer.rules.days import day_of

from .machines import LIVE, UNDECIDED
from .models import Employer, Filing, Permit, PermitTerm
from .parties import notify_permit
from .people import organisation_name
from .processes import EMPLOYER
from .terms import NewTerm, NoLongerWanted, add_term, card_of, newest_term, read_term

__all__ = [
    "change_employer_code",
    "change_employer_name",
    "merge_employers",
    "prepare_code",
    "prepare_merger",
    "prepare_name",
    "renew_merged",
    "taken_over_by",
]

_BY: Final = Actor("worker")
_MERGER: Final = "merger"
_CODE: Final = "employer_code"
_NAME: Final = "employer_name"
_OPEN: Final = ("DRAFT", *UNDECIDED)


def prepare_merger(session: Session, employer_id: str, into_id: str) -> Employer:
    """An employer that may become part of another one, both locked.

    Raises:
        NotFound: ``organisation.none``.
        Invalid: ``filing.employer``: the other one is the same, or not verified.
        Conflict: ``process.move``.
    """
    if employer_id == into_id:
        raise Invalid("filing.employer", path="into_id", expected="another employer", found="the same")
    # In the order of their ids, as every other place that locks two rows of one table.
    rows = {one: session.get(Employer, one, with_for_update=True) for one in sorted((employer_id, into_id))}
    ending, into = rows[employer_id], rows[into_id]
    if ending is None or into is None:
        raise NotFound("organisation.none", path="employer_id" if ending is None else "into_id")
    if into.state != "verified":
        raise Invalid("filing.employer", path="into_id", expected="verified", found=into.state)
    EMPLOYER.move("merge", ending.state, "officers")
    return ending


def merge_employers(core: Core, session: Session, now: int, employer_id: str, into_id: str) -> None:
    """Merge an employer into another one, as :func:`prepare_merger` allowed; the caller writes the audit."""
    ending = session.get_one(Employer, employer_id)
    ending.state = EMPLOYER.move("merge", ending.state, "officers").target
    ending.merged_into, ending.changed_at = into_id, now
    ending.revision += 1
    filings = select(Filing).where(Filing.employer_id == employer_id, Filing.state.in_(_OPEN)).order_by(Filing.id)
    for filing in session.scalars(filings.with_for_update()):
        filing.employer_id, filing.changed_at = into_id, now
        # Its agency has no mandate of the other employer, whose handlers go on with it.
        filing.agency_id = None
        filing.revision += 1
    followed = _permits_of(session, employer_id)
    for permit in followed:
        _follow(core, session, now, permit, into_id, _MERGER)
    mandates = select(Mandate).where(Mandate.employer_id == employer_id, *Mandate.not_over(now)).order_by(Mandate.id)
    for mandate in session.scalars(mandates.with_for_update()):
        mandate.ended_at = now
    session.flush()
    _notify_handlers(core, session, now, "employer.merged", employer_id, into_id)
    for permit in followed:
        notify_permit(core, session, now, "permit.employer_merged", permit)


def taken_over_by(session: Session, employers: Collection[str]) -> dict[str, list[str]]:
    """The employers that were merged into each of these, over several mergers too."""
    into: defaultdict[str, list[str]] = defaultdict(list)
    asked = set(employers)
    while asked:
        query = select(Employer).where(Employer.merged_into.in_(sorted(asked)))
        rows = session.scalars(query.order_by(Employer.organisation_id)).all()
        for row in rows:
            into[row.merged_into or ""].append(row.organisation_id)
        asked = {row.organisation_id for row in rows} - into.keys()
    found = {}
    for employer in set(employers):
        reached = [employer]
        for one in reached:
            reached += [former for former in into.get(one, ()) if former not in reached]
        found[employer] = reached[1:]
    return found


def prepare_code(core: Core, session: Session, employer_id: str, code: str) -> Employer:
    """An employer that may get another code, locked.

    Raises:
        NotFound: ``organisation.none``.
        Invalid: ``account.field``; ``filing.employer``: it ceased or was merged.
        Conflict: ``organisation.exists``.
    """
    employer = _going_on(session, employer_id)
    require_free_code(core, session, employer_id, read_code(code))
    return employer


def change_employer_code(core: Core, session: Session, now: int, employer_id: str, code: str) -> None:
    """Give an employer another code, as :func:`prepare_code` allowed; the caller writes the audit."""
    change_code(core, session, now, employer_id, read_code(code))
    _follow_itself(core, session, now, employer_id, _CODE, "employer.code_changed", "permit.employer_code")


def prepare_name(core: Core, session: Session, employer_id: str, name: str) -> Employer:
    """An employer that may get another name, locked.

    Raises:
        NotFound: ``organisation.none``.
        Invalid: ``account.field``: no name, or the one that it has; ``filing.employer``: it ceased or was merged.
    """
    employer, wanted = _going_on(session, employer_id), check_name(name)
    if organisation_name(core, session, employer_id) == wanted:
        raise Invalid("account.field", path="name", expected="another name than it has")
    return employer


def change_employer_name(core: Core, session: Session, now: int, employer_id: str, name: str) -> None:
    """Give an employer another name, as :func:`prepare_name` allowed; the caller writes the audit."""
    change_name(core, session, now, employer_id, check_name(name))
    _follow_itself(core, session, now, employer_id, _NAME, "employer.name_changed", "permit.employer_name")


def renew_merged(core: Core, most: int) -> int:
    """Make new codes for cards that name a merged employer, or a former code or name; how many. The worker calls it."""
    later = aliased(PermitTerm)
    newest = select(func.max(later.number)).where(later.permit_id == Permit.id).correlate(Permit).scalar_subquery()
    query = (
        select(Permit.id, Permit.card_id)
        .join(PermitTerm, (PermitTerm.permit_id == Permit.id) & (PermitTerm.number == newest))
        .join(CardRow, CardRow.id == Permit.card_id)
        .where(
            PermitTerm.ground.in_((_MERGER, _CODE, _NAME)),
            Permit.state.in_(("ACTIVE", "EXTENDED_BY_LAW")),
            CardRow.status == "active",
            CardRow.changed_at < PermitTerm.created_at,
        )
        .order_by(Permit.id)
        .limit(most)
    )
    waiting = core.database.read(lambda session: session.execute(query).all())
    return sum(_renew(core, permit_id, card_id) for permit_id, card_id in waiting if card_id is not None)


def _going_on(session: Session, employer_id: str) -> Employer:
    employer = session.get(Employer, employer_id, with_for_update=True)
    if employer is None:
        raise NotFound("organisation.none", path="employer_id")
    if employer.state in ("ceased", "merged"):
        raise Invalid("filing.employer", path="employer_id", expected="an employer that goes on", found=employer.state)
    return employer


def _follow_itself(
    core: Core, session: Session, now: int, employer_id: str, ground: str, to_handlers: str, of_permit: str
) -> None:
    """Have an employer's permits in force say what has changed about it, and notify whoever is concerned."""
    followed = _permits_of(session, employer_id)
    for permit in followed:
        _follow(core, session, now, permit, employer_id, ground)
    session.flush()
    _notify_handlers(core, session, now, to_handlers, employer_id)
    for permit in followed:
        notify_permit(core, session, now, of_permit, permit)


def _permits_of(session: Session, employer_id: str) -> Sequence[Permit]:
    """The employer's permits in force, locked."""
    permits = select(Permit).where(Permit.employer_id == employer_id, Permit.state.in_(LIVE)).order_by(Permit.id)
    return session.scalars(permits.with_for_update()).all()


def _notify_handlers(core: Core, session: Session, now: int, kind: str, *employers: str) -> None:
    """Notify the handlers of employers about the first of them."""
    handlers = Account.organisation_id.in_(employers), Account.role == "employer"
    accounts = session.scalars(select(Account.id).where(*handlers, Account.in_use()))
    facts = {"organisation": employers[0]}
    notify(core, session, now, [Notice(kind, account, facts) for account in sorted(accounts)])


def _follow(core: Core, session: Session, now: int, permit: Permit, into_id: str, ground: str) -> None:
    """Give a permit a term with an employer, on the same terms, and let its card be seen by it."""
    term, interim = newest_term(session, permit.id), permit.interim_until
    until = date.fromisoformat(term.until)
    post = str(read_term(core, term)["post"])
    first = max(date.fromisoformat(term.first), min(day_of(now), until))
    new = NewTerm(into_id, term.category, first, until, term.region, ground, post)
    added = add_term(core, session, now, permit, new)
    permit.interim_until = interim
    card = None if permit.card_id is None else session.get(CardRow, permit.card_id)
    if card is not None:
        # Later than the card, also within one second: by that the worker knows which cards have to follow.
        added.created_at = max(now, card.changed_at + 1)
    party: Any = None if permit.card_id is None else session.get(CardParty, permit.card_id)
    if party is not None:
        party.employer_id = into_id


def _renew(core: Core, permit_id: str, card_id: str) -> bool:
    def make(unit: UnitOfWork) -> Card:
        permit = unit.session.get_one(Permit, permit_id, with_for_update=True)
        if permit.state not in ("ACTIVE", "EXTENDED_BY_LAW") or permit.card_id != card_id:
            raise NoLongerWanted
        return card_of(core, unit.session, permit)

    def then(unit: UnitOfWork, _card_id: str) -> None:
        unit.audit("permit.merged_code", permit_id)

    try:
        cards.reissue_decided(core, card_id, Decision(make, then), _BY, old_end=True)
    except NoLongerWanted:
        return False
    return True
