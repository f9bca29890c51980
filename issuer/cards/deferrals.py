"""Deferred look-ups: an inquiry can hide look-ups from the person until a date, never permanently.

Promises:

1. A deferral is made by two officials (:mod:`issuer.approvals`): whose record, whose look-ups, under which law, and
   the day on which the person sees them. It covers look-ups for a deferrable purpose by that one account, from its
   making on; what the person has seen stays seen.
2. The day is at most ``deferral_days`` away, and every look-up is shown for at least 90 days before retention deletes
   it. Another deferral prolongs a running one, again by two.
3. On its day the look-ups show by themselves: nothing has to run for that. The person is notified once.
4. Deferred look-ups are counted for the whole service by month, when the month is over: never for a person.
"""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from icard_crypto.card.characters import is_plain
from icard_crypto.errors import Invalid, NotAllowed, NotFound
from icard_crypto.moments import DAY
from issuer.accounts.models import Account, Person
from issuer.accounts.people import account_of_login, read_name
from issuer.accounts.principals import Principal
from issuer.accounts.roles import role_named
from issuer.acts import SERVICE
from issuer.core import Core
from issuer.db.pages import page_of
from issuer.db.unit_of_work import UnitOfWork
from issuer.rules.days import BEIJING, day_of, parse_day, start_of_day
from issuer.vault.at_rest import Place

from .models import CardParty, LookupDeferral, OnlineLookup
from .parties import notify_person
from .views import statuses

__all__ = [
    "DeferralView",
    "DeferredMonth",
    "Wanted",
    "card_of_permit",
    "covering",
    "deferred_by_month",
    "end_deferral",
    "holder_of_card",
    "list_deferrals",
    "official_name",
    "official_of_login",
    "prepare_deferral",
    "reveal",
    "running",
    "write_deferral",
]

_LONGEST_LAW: Final = 200
#: Days for which a look-up that was deferred is shown before retention deletes it.
_SHOWN: Final = 90
_READS: Final = frozenset({"card.read", "insurance.read"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """A deferral that may be made.

    Args:
        account_id: the official whose look-ups it covers.
        shown_on: the day, in Beijing, from whose beginning on they are shown.
        law: what the inquiry rests on.
    """

    person_id: str
    account_id: str
    shown_on: date
    law: str


@dataclass(frozen=True, slots=True)
class DeferralView:
    """A deferral, for officials who may make one. Times are Unix times."""

    deferral_id: str
    person_id: str
    account_id: str
    law: str
    begins_at: int
    shown_on: str


@dataclass(frozen=True, slots=True)
class DeferredMonth:
    """How many look-ups of a month (Beijing) were deferred in the whole service."""

    month: str
    lookups: int


def prepare_deferral(core: Core, session: Session, arguments: Mapping[str, Any]) -> Wanted:
    """A deferral that may be made.

    Args:
        arguments: ``card_id`` or ``person_id``, ``account_id``, ``shown_on`` as YYYY-MM-DD, ``law``.

    Raises:
        NotAllowed: ``account.self``.
        NotFound: ``account.none``, ``issue.no_card``.
        Invalid: ``lookup.deferral``, ``lookup.law``, ``account.person``.
    """
    person_id = _person(session, arguments)
    account = session.get(Account, arguments["account_id"])
    if account is None or not _may_look(account):
        raise NotFound("account.none", path="account_id")
    if account.person_id == person_id:
        raise NotAllowed("account.self")
    law = arguments["law"]
    if not 0 < len(law) <= _LONGEST_LAW or not is_plain(law):
        raise Invalid("lookup.law", path="law", expected=f"1 to {_LONGEST_LAW} printable characters")
    now = core.clock.now(session)
    try:
        shown_on = parse_day(arguments["shown_on"])
    except ValueError:
        shown_on = date.min
    earlier = covering(session, person_id, account.id, now)
    begins = now if earlier is None else earlier.begins_at
    days = min(core.settings.deferral_days, (begins - now) // DAY + core.settings.lookup_days - _SHOWN)
    last = day_of(now) + timedelta(days=days)
    if not day_of(now) < shown_on <= last:
        raise Invalid("lookup.deferral", path="shown_on", expected=f"a day from tomorrow to {last.isoformat()}")
    return Wanted(person_id, account.id, shown_on, law)


def official_of_login(core: Core, who: Principal, login: str) -> str:
    """The account of the official with a login name, whose look-ups are to be deferred.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``account.none``.
    """
    who.require("lookup.defer")

    def look(session: Session) -> str:
        found = account_of_login(core, session, login)
        if found is None or not _may_look(found):
            raise NotFound("account.none", path="official")
        return found.id

    return core.database.read(look)


def official_name(core: Core, who: Principal, account_id: str) -> str:
    """The name of an official whose look-ups are deferred, for officials who may defer; empty: they are gone.

    Raises:
        NotAllowed: ``access.*``.
    """
    who.require("lookup.defer")

    def look(session: Session) -> str:
        account = session.get(Account, account_id)
        official = account is not None and role_named(account.role).official
        return read_name(core, session.get_one(Person, account.person_id)) if account is not None and official else ""

    return core.database.read(look)


def card_of_permit(core: Core, who: Principal, number: str) -> str:
    """A card of the permit with a number, whose holder's look-ups are to be deferred.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``issue.no_card``.
    """
    who.require("lookup.defer")
    found = statuses(core, "permit", number)
    if not found:
        raise NotFound("issue.no_card", path="number")
    return min(found)


def holder_of_card(core: Core, who: Principal, card_id: str) -> str:
    """The holder of a card whose look-ups are to be deferred, for officials who may defer; empty: the card is gone.

    Raises:
        NotAllowed: ``access.*``.
    """
    who.require("lookup.defer")

    def look(session: Session) -> str:
        party = session.get(CardParty, card_id)
        return "" if party is None else party.holder_id or ""

    return core.database.read(look)


def _may_look(account: Account) -> bool:
    return account.state == "active" and bool(_READS & role_named(account.role).rights)


def write_deferral(core: Core, session: Session, now: int, wanted: Wanted) -> str:
    """Make a deferral, or prolong the running one; its id. The transaction writes the audit."""
    row = covering(session, wanted.person_id, wanted.account_id, now)
    if row is None:
        row = LookupDeferral(
            id=secrets.token_hex(16),
            person_id=wanted.person_id,
            account_id=wanted.account_id,
            begins_at=now,
            revealed_at=None,
        )
        session.add(row)
    row.ends_at = start_of_day(wanted.shown_on)
    row.law = core.at_rest.seal(_place(row), json.dumps({"law": wanted.law}, ensure_ascii=False).encode())
    session.flush()
    return row.id


def covering(session: Session, person_id: str, account_id: str, now: int) -> LookupDeferral | None:
    """The deferral that covers what an official looks up about a person now."""
    return next((one for one in running(session, person_id, now) if one.account_id == account_id), None)


def running(session: Session, person_id: str, now: int) -> list[LookupDeferral]:
    """The deferrals about a person that have not come to their day."""
    query = select(LookupDeferral).where(LookupDeferral.person_id == person_id, LookupDeferral.ends_at > now)
    return list(session.scalars(query.order_by(LookupDeferral.begins_at, LookupDeferral.id)))


def list_deferrals(core: Core, who: Principal, *, after: str = "", limit: int = 50) -> list[DeferralView]:
    """A page of the running deferrals, in the order of their ids; those about oneself are left out.

    Raises:
        NotAllowed: ``access.*``.
    """
    who.require("lookup.defer")

    def look(session: Session) -> list[DeferralView]:
        now = core.clock.now(session)
        query = select(LookupDeferral).where(LookupDeferral.ends_at > now, LookupDeferral.person_id != who.person_id)
        return [_view(core, row) for row in session.scalars(page_of(query, LookupDeferral.id, after, limit))]

    return core.database.read(look)


def seen_deferral(core: Core, who: Principal, deferral_id: str) -> str:
    """The id of a deferral that somebody may end; one about themselves is not there.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``lookup.none``.
    """
    who.require("lookup.defer")

    def look(session: Session) -> bool:
        row = session.get(LookupDeferral, deferral_id)
        return row is not None and not who.is_self(row.person_id)

    if not core.database.read(look):
        raise NotFound("lookup.none")
    return deferral_id


def end_deferral(core: Core, who: Principal, deferral_id: str) -> None:
    """End a deferral before its day: the look-ups show now. Repeating is no error.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``lookup.none``.
    """
    who.require("lookup.defer")

    def work(unit: UnitOfWork) -> bool:
        session, now = unit.session, unit.now
        row = session.get(LookupDeferral, deferral_id, with_for_update=True)
        if row is None or who.is_self(row.person_id):
            raise NotFound("lookup.none")
        if row.ends_at > now:
            row.ends_at = now
            session.flush()
            unit.audit("lookup.defer_end", row.person_id, {"deferral": row.id})
        return True

    core.transact(who.by(), work, settled=lambda session: None)


def reveal(core: Core) -> int:
    """Notify the people whose look-ups show since a while ago, each deferral once; forget what retention allows.

    Returns:
        How many deferrals came to their day.
    """

    def work(unit: UnitOfWork) -> int:
        session, now = unit.session, unit.now
        query = select(LookupDeferral).where(LookupDeferral.ends_at <= now, LookupDeferral.revealed_at.is_(None))
        shown = session.scalars(query.order_by(LookupDeferral.id).with_for_update()).all()
        for row in shown:
            row.revealed_at = now
            seen = session.scalar(select(OnlineLookup.id).where(OnlineLookup.deferral_id == row.id).limit(1))
            if seen is not None:
                notify_person(core, session, now, "person.lookups_shown", row.person_id)
            unit.audit("lookup.shown", row.person_id, {"deferral": row.id})
        used = select(OnlineLookup.id).where(OnlineLookup.deferral_id == LookupDeferral.id)
        over = LookupDeferral.ends_at < now - core.settings.lookup_days * DAY
        gone = delete(LookupDeferral).where(over, ~used.exists())
        session.execute(gone, execution_options={"synchronize_session": False})
        return len(shown)

    return core.transact(SERVICE, work, settled=lambda session: None)


def deferred_by_month(core: Core) -> list[DeferredMonth]:
    """Deferred look-ups of the whole service by month, newest first; the running month is not told."""

    def look(session: Session) -> list[DeferredMonth]:
        this_month = _month(core.clock.now(session))
        query = select(OnlineLookup.at).where(OnlineLookup.deferral_id.is_not(None))
        counts = Counter(_month(at) for at in session.scalars(query))
        return [DeferredMonth(*each) for each in sorted(counts.items(), reverse=True) if each[0] < this_month]

    return core.database.read(look)


def _person(session: Session, arguments: Mapping[str, Any]) -> str:
    card_id, person_id = arguments.get("card_id"), arguments.get("person_id")
    if (card_id is None) == (person_id is None):
        raise Invalid("lookup.deferral", path="person_id", expected="a card or a person")
    if card_id is not None:
        party = session.get(CardParty, card_id)
        person_id = None if party is None else party.holder_id
        if person_id is None:
            raise NotFound("issue.no_card", path="card_id")
    elif session.get(Person, person_id) is None:
        raise Invalid("account.person", path="person_id")
    return str(person_id)


def _month(at: int) -> str:
    return datetime.fromtimestamp(at, BEIJING).strftime("%Y-%m")


def _view(core: Core, row: LookupDeferral) -> DeferralView:
    law = json.loads(core.at_rest.open(_place(row), row.law))["law"]
    return DeferralView(row.id, row.person_id, row.account_id, law, row.begins_at, day_of(row.ends_at).isoformat())


def _place(row: LookupDeferral) -> Place:
    return Place("lookup_deferrals", "law", row.id)
