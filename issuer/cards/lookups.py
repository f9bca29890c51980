"""The log of online look-ups: who in office opened a person's record, for what, under which power, and when.

Promises:

1. The row is committed before anything is shown: no look-up without its row, with or without a card.
2. The holder sees role, way, purpose, power and time; the official's account is in the row for the audit's sake and is
   not shown.
3. The holder is notified, in the row's transaction, once a day for each official: the log has every look-up, and an
   official at work on a card does not fill an inbox. Nobody else is notified. A search that finds a card is in the log
   and makes no notice.
4. A look-up that a running deferral covers (:mod:`issuer.cards.deferrals`) is written like any other; its holder sees
   it, and is notified, from the deferral's day on.

Offline checks leave no trace, by design.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from sqlalchemy import ColumnElement, Table, and_, insert, not_, or_, select, tuple_
from sqlalchemy.orm import Session

from icard_crypto import limits
from icard_crypto.card.claims import decode_payload
from icard_crypto.encoding import envelope
from icard_crypto.errors import IcardError, Invalid
from icard_crypto.moments import DAY
from icard_crypto.signing import cose
from issuer.accounts.principals import Principal
from issuer.audit.models import Read
from issuer.audit.reads import write_read
from issuer.core import Core
from issuer.db.bound import checked_row
from issuer.vault.at_rest import Place

from .deferrals import covering, running
from .models import CardParty, CodeRow, OnlineLookup
from .parties import notify_holder, notify_person
from .purposes import Purpose, purpose_for, purpose_named
from .views import require_found

__all__ = [
    "LookupView",
    "Way",
    "card_of_code",
    "card_of_text",
    "list_lookups",
    "list_own_lookups",
    "note_lookup",
    "note_person_lookup",
    "note_search",
]

#: How the record was reached: a card by its id, by the cti of a code that was shown, as one that a search found; the
#: person's social insurance.
Way = Literal["card", "code", "search", "insurance"]
_MOST: Final = 201
_TABLE: Final = cast("Table", OnlineLookup.__table__)


@dataclass(frozen=True, slots=True)
class LookupView:
    """A look-up as the holder sees it. ``at``: Unix time.

    Args:
        purpose: its name; None: it was made before purposes were written down.
        for_what, power: in English and Chinese; empty where there is no purpose.
        deferred: whether it was kept back until a day.
    """

    lookup_id: str
    role: str
    way: str
    at: int
    purpose: str | None
    for_what: Mapping[str, str]
    power: Mapping[str, str]
    deferred: bool


def note_lookup(core: Core, who: Principal, card_id: str, way: Way, purpose: str | None = None) -> None:
    """Write that an official is about to see a card.

    Args:
        purpose: the name of one of their role; None: the role's default.

    Raises:
        Invalid: ``lookup.purpose``.
        StateError: ``database.*``.
    """
    _note(core, who, _Seen(secrets.token_hex(16), card_id, None), way, purpose)


def note_search(core: Core, who: Principal, card_ids: Sequence[str], purpose: str | None = None) -> None:
    """Write that an official has searched, and is about to see that these cards were found, and how they stand.

    Raises:
        Invalid: ``lookup.purpose``.
        StateError: ``database.*``.
    """
    seen = [_Seen(secrets.token_hex(16), card_id, None) for card_id in card_ids]
    read_id = secrets.token_hex(16)

    def work(session: Session) -> bool:
        at = core.clock.now(session)
        named = purpose_for(core, session, who.role.name, purpose)
        write_read(core.at_rest, session, read_id, at, f"account:{who.account_id}", who.role.name, "card.search")
        for one in seen:
            _write(core, session, at, who, one, "search", named, notified=False)
        return True

    core.database.transact(work, settled=lambda session: True if session.get(Read, read_id) else None)


def note_person_lookup(core: Core, who: Principal, person_id: str, way: Way, purpose: str | None = None) -> None:
    """Write that an official is about to see a person's record beside any card. Raises as :func:`note_lookup`."""
    _note(core, who, _Seen(secrets.token_hex(16), None, person_id), way, purpose)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A row to be written: its id, and the card or the person that is seen."""

    name: str
    card_id: str | None
    person_id: str | None


def _note(core: Core, who: Principal, seen: _Seen, way: Way, purpose: str | None) -> None:
    def work(session: Session) -> bool:
        at = core.clock.now(session)
        named = purpose_for(core, session, who.role.name, purpose)
        _write(core, session, at, who, seen, way, named, notified=True)
        return True

    core.database.transact(work, settled=lambda session: True if session.get(OnlineLookup, seen.name) else None)


def _write(
    core: Core,
    session: Session,
    at: int,
    who: Principal,
    seen: _Seen,
    way: Way,
    purpose: Purpose,
    *,
    notified: bool,
) -> None:
    person_id = seen.person_id
    if seen.card_id is not None:
        party = checked_row(session, CardParty, card_id=seen.card_id)
        person_id = None if party is None else party.holder_id
    deferral = covering(session, person_id, who.account_id, at) if purpose.deferrable and person_id else None
    row = {
        "id": seen.name,
        "card_id": seen.card_id,
        "person_id": person_id,
        "account_id": who.account_id,
        "role": who.role.name,
        "way": way,
        "purpose": purpose.name,
        "deferral_id": None if deferral is None else deferral.id,
        "at": at,
    }
    if notified and deferral is None and not _notified_today(session, row):
        if seen.card_id is not None:
            notify_holder(core, session, at, "card.looked_up", seen.card_id)
        elif person_id is not None:
            notify_person(core, session, at, "person.looked_up", person_id)
    session.execute(insert(_TABLE), row)


def _notified_today(session: Session, row: Mapping[str, Any]) -> bool:
    """Whether the holder was notified of this official today. A deferred look-up notified nobody."""
    name = "card_id" if row["card_id"] else "person_id"
    same = getattr(OnlineLookup, name) == row[name]
    today = OnlineLookup.at >= row["at"] - row["at"] % DAY
    query = select(OnlineLookup.id).where(
        same, today, OnlineLookup.account_id == row["account_id"], OnlineLookup.deferral_id.is_(None)
    )
    return session.scalar(query.limit(1)) is not None


def card_of_code(core: Core, cti: str) -> str:
    """The card that a code belongs to.

    Raises:
        NotFound: ``issue.no_card``.
    """
    query = select(CodeRow.card_id).where(CodeRow.cti == cti)
    return require_found(core.database.read(lambda session: session.scalar(query)))


def card_of_text(core: Core, text: str) -> str:
    """The card of a code's whole text, as a scanner reads it; what this service did not issue is refused.

    Raises:
        Invalid: ``lookup.code``.
    """
    try:
        token = envelope.read(text).cose
        cti = decode_payload(cose.parse_sign1(token, max_bytes=limits.CARD_BYTES).payload).cti
    except IcardError:
        raise Invalid("lookup.code", path="value") from None

    def look(session: Session) -> str | None:
        row = session.get(CodeRow, cti.hex())
        if row is None or row.cose is None:
            return None
        return row.card_id if core.at_rest.open(Place("codes", "cose", row.cti), row.cose) == token else None

    found = core.database.read(look)
    if found is None:
        raise Invalid("lookup.code", path="value")
    return found


def list_lookups(core: Core, card_id: str, *, after: str = "", limit: int = 50) -> list[LookupView]:
    """A page of the look-ups at a card, the newest first.

    Args:
        after: the id of the last one of the page before; one that is not there starts again.
    """

    def look(session: Session) -> list[LookupView]:
        party = session.get(CardParty, card_id)
        holder = None if party is None else party.holder_id
        return _page(core, session, OnlineLookup.card_id == card_id, holder, after, limit)

    return core.database.read(look)


def list_own_lookups(core: Core, person_id: str, *, after: str = "", limit: int = 50) -> list[LookupView]:
    """A page of the look-ups at a person's record, by card or without one, the newest first."""

    def look(session: Session) -> list[LookupView]:
        return _page(core, session, _about(person_id), person_id, after, limit)

    return core.database.read(look)


def _about(person_id: str) -> ColumnElement[bool]:
    """Look-ups at a person's record. Rows of earlier versions name the card alone."""
    own_cards = select(CardParty.card_id).where(CardParty.holder_id == person_id)
    earlier = and_(OnlineLookup.person_id.is_(None), OnlineLookup.card_id.in_(own_cards))
    return or_(OnlineLookup.person_id == person_id, earlier)


def _page(
    core: Core, session: Session, wanted: ColumnElement[bool], person_id: str | None, after: str, limit: int
) -> list[LookupView]:
    hidden = [one.id for one in running(session, person_id, core.clock.now(session))] if person_id else []
    query = select(OnlineLookup).where(wanted)
    if hidden:
        query = query.where(or_(OnlineLookup.deferral_id.is_(None), not_(OnlineLookup.deferral_id.in_(hidden))))
    last = session.get(OnlineLookup, after) if after else None
    if last is not None:
        query = query.where(tuple_(OnlineLookup.at, OnlineLookup.id) < (last.at, last.id))
    query = query.order_by(OnlineLookup.at.desc(), OnlineLookup.id.desc()).limit(min(limit, _MOST))
    return [_view(session, row) for row in session.scalars(query)]


def _view(session: Session, row: OnlineLookup) -> LookupView:
    purpose = purpose_named(session, row.purpose)
    said = {"text": {}, "power": {}} if purpose is None else purpose.to_json()
    return LookupView(
        row.id, row.role, row.way, row.at, row.purpose, said["text"], said["power"], row.deferral_id is not None
    )
