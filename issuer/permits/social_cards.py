"""The physical social security card, which a bank makes: a record with its states beside the electronic one.

Promises:

1. The electronic card never needs it: no move here changes a permit, a card or a code, and none of these asks for it.
2. A person has one at a time. A replacement is a row of its own that names the earlier one.
3. The holder orders it, reports it lost and withdraws the order; an officer of the region records what bank and window
   report. Employer and agency neither see nor move it.
4. Of its number the last four digits are kept; by when the bank makes it is a region's row, and unknown without one.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, false, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from icard_crypto.errors import Conflict, Invalid, Language, NotFound
from issuer.accounts.fields import check_text
from issuer.accounts.models import Account
from issuer.accounts.principals import Principal
from issuer.core import Core
from issuer.db.idempotency import Request
from issuer.db.moments import later_moment
from issuer.db.unit_of_work import UnitOfWork
from issuer.notices.outbox import Notice, notify
from issuer.rules.book import RuleBook
from issuer.rules.citations import cite
from issuer.rules.days import day_of
from issuer.rules.deadlines import due
from issuer.rules.store import book_of
from issuer.vault.at_rest import Place

from .clocks import calendar_of
from .models import Permit
from .parties import load_permit, party_of, permits_of, require_not_oneself, seen_row
from .permit_processes import SOCIAL_CARD
from .social_card_models import SocialCard

__all__ = [
    "MOVES",
    "SocialCardView",
    "list_social_cards",
    "load_social_card",
    "move_social_card",
    "order_social_card",
    "show_social_card",
]

#: Moves that a request may name; the others follow from an order.
MOVES: Final = tuple(dict.fromkeys(move.name for move in SOCIAL_CARD.moves if move.name != "replace"))
_LONGEST_BANK: Final = 100
_LONGEST_REASON: Final = 500
_LAST4: Final = re.compile("[0-9]{4}")
#: Moves that say why.
_REASONED: Final = frozenset({"confirm_loss", "freeze", "cancel"})


@dataclass(frozen=True, slots=True)
class SocialCardView:
    """A physical social security card.

    ``due``: the day by which the bank makes it, while it is being made and where the region's rule is known, with
    ``rule``. ``last4``: of its number, once it is made. ``replaces``: the earlier card.
    """

    social_card_id: str
    permit_id: str
    state: str
    bank: str
    last4: str | None
    reason: str | None
    ordered_on: str
    due: str | None
    rule: dict[Language, str] | None
    replaces: str | None
    moves: list[str]
    revision: int


def order_social_card(core: Core, who: Principal, permit_id: str, bank: str, request: Request | None = None) -> str:
    """Record that a card was ordered at a bank; its id. One that was reported lost in writing, or is worn out, is
    replaced by it.

    Raises:
        NotAllowed: ``access.*``, ``filing.own``.
        NotFound: ``permit.none``.
        Conflict: ``social_card.there``: an order or a card in use is there; ``social_card.no_permit``.
        Invalid: ``account.field``.
    """
    _require_party(who)
    name = check_text(bank, "bank", _LONGEST_BANK)
    social_card_id = secrets.token_hex(16)

    def work(unit: UnitOfWork) -> str:
        session, now = unit.session, unit.now
        permit = _permit(core, session, who, permit_id)
        if permit.state not in ("ACTIVE", "EXTENDED_BY_LAW"):
            raise Conflict("social_card.no_permit", path="permit_id", found=permit.state)
        before = session.scalar(_live(permit.id).with_for_update())
        if before is not None:
            _replace(session, who, before, now)
        row = SocialCard(
            id=social_card_id,
            permit_id=permit.id,
            state=SOCIAL_CARD.first,
            replaces=None if before is None else before.id,
            ordered_on=day_of(now).isoformat(),
            account_id=who.account_id,
            revision=1,
            created_at=later_moment(session, now, SocialCard.created_at, SocialCard.permit_id == permit.id),
            changed_at=now,
        )
        _write(core, row, {"bank": name})
        session.add(row)
        session.flush()
        _notify(core, session, now, "social_card.order", permit)
        unit.audit("social_card.order", row.id, {"permit": permit.id, "replaces": row.replaces})
        unit.made(row.id)
        return row.id

    try:
        return core.transact(who.by(), work, request=request)
    except IntegrityError as fault:
        # SQLite names the column, PostgreSQL the index.
        if "social_cards" in str(fault.orig):
            raise Conflict("social_card.there", path="permit_id") from None
        raise


def move_social_card(
    core: Core,
    who: Principal,
    social_card_id: str,
    name: str,
    revision: int,
    *,
    last4: str | None = None,
    reason: str = "",
) -> None:
    """Make a move of :data:`MOVES`.

    Args:
        last4: the last four digits of the card's number, for ``make``.
        reason: for ``confirm_loss``, ``freeze`` and ``cancel``.

    Raises:
        NotAllowed: ``access.*``, ``filing.own``.
        NotFound: ``social_card.none``.
        Conflict: ``social_card.changed``, ``process.move``.
        Invalid: ``filing.field``, ``account.field``.
    """
    _require_party(who)
    if name not in MOVES:
        raise Invalid("filing.field", path="move", expected=", ".join(MOVES))
    if name == "make" and not (last4 and _LAST4.fullmatch(last4)):
        raise Invalid("filing.field", path="last4", expected="4 digits")
    words = check_text(reason, "reason", _LONGEST_REASON) if reason or name in _REASONED else None

    def work(unit: UnitOfWork) -> None:
        session, now = unit.session, unit.now
        row = load_social_card(core, session, who, social_card_id, revision=revision)
        permit = _permit(core, session, who, row.permit_id)
        row.state = SOCIAL_CARD.move(name, row.state, party_of(who)).target
        row.account_id, row.changed_at = who.account_id, now
        row.revision += 1
        content = {**_read(core, row), "reason": words}
        if name == "make":
            content["last4"] = last4
        _write(core, row, content)
        session.flush()
        _notify(core, session, now, f"social_card.{name}", permit)
        unit.audit(f"social_card.{name}", row.id, {} if words is None else {"reason": words})

    core.transact(who.by(), work)


def list_social_cards(core: Core, who: Principal, permit_id: str) -> list[SocialCardView]:
    """The cards of a permit's holder, newest first.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``permit.none``.
    """
    _require_party(who)

    def look(session: Session) -> list[SocialCardView]:
        permit = load_permit(core, session, who, permit_id)
        query = select(SocialCard).where(SocialCard.permit_id == permit.id)
        rows = session.scalars(query.order_by(SocialCard.created_at.desc(), SocialCard.id.desc()))
        return [_view(core, session, who, row) for row in rows]

    return core.database.read(look)


def show_social_card(core: Core, who: Principal, social_card_id: str) -> SocialCardView:
    """A card.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``social_card.none``.
    """
    return core.database.read(
        lambda session: _view(core, session, who, load_social_card(core, session, who, social_card_id))
    )


def load_social_card(
    core: Core, session: Session, who: Principal, social_card_id: str, *, revision: int | None = None
) -> SocialCard:
    """A card that somebody sees; locked where a revision is named, which is the only one that a change is meant for.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``social_card.none``.
        Conflict: ``social_card.changed``.
    """
    query = select(SocialCard).where(SocialCard.id == social_card_id, _seen(core, session, who))
    return seen_row(session, query, revision, NotFound("social_card.none"), Conflict("social_card.changed"))


def _require_party(who: Principal) -> None:
    if not who.may("filing.decide"):
        who.require("permit.own")


def _seen(core: Core, session: Session, who: Principal) -> ColumnElement[bool]:
    if not (who.may("filing.decide") or who.may("permit.own")):
        return false()
    return SocialCard.permit_id.in_(select(Permit.id).where(permits_of(core, session, who)))


def _permit(core: Core, session: Session, who: Principal, permit_id: str) -> Permit:
    """The permit of whoever the card belongs to; nobody in office handles their own."""
    permit = load_permit(core, session, who, permit_id)
    if who.role.official:
        require_not_oneself(who, permit.person_id)
    return permit


def _live(permit_id: str) -> Any:
    ended = ("REPLACED", "CANCELLED", "WITHDRAWN")
    return select(SocialCard).where(SocialCard.permit_id == permit_id, SocialCard.state.not_in(ended))


def _replace(session: Session, who: Principal, before: SocialCard, now: int) -> None:
    """End the earlier card, where a new one may take its place.

    Raises:
        Conflict: ``social_card.there``.
    """
    party = party_of(who)
    if not any(move.name == "replace" for move in SOCIAL_CARD.allowed(before.state, party)):
        raise Conflict("social_card.there", path="permit_id", found=before.state)
    before.state = SOCIAL_CARD.move("replace", before.state, party).target
    before.changed_at = now
    before.revision += 1
    session.flush()


def _notify(core: Core, session: Session, now: int, kind: str, permit: Permit) -> None:
    """Notify the holder, and nobody else."""
    holds = Account.person_id == permit.person_id, Account.role == "holder", Account.in_use()
    accounts = session.scalars(select(Account.id).where(*holds).order_by(Account.id)).all()
    notify(core, session, now, [Notice(kind, account, {"permit": permit.id}) for account in accounts])


def _view(core: Core, session: Session, who: Principal, row: SocialCard) -> SocialCardView:
    content = _read(core, row)
    day, rule = _due(book_of(session), session.get_one(Permit, row.permit_id).region, row)
    return SocialCardView(
        row.id,
        row.permit_id,
        row.state,
        content["bank"],
        content.get("last4"),
        content.get("reason"),
        row.ordered_on,
        day,
        rule,
        row.replaces,
        sorted({move.name for move in SOCIAL_CARD.allowed(row.state, party_of(who)) if move.name != "replace"}),
        row.revision,
    )


def _due(book: RuleBook, region: str, row: SocialCard) -> tuple[str | None, dict[Language, str] | None]:
    """By when the bank makes the card, and the rule that says so."""
    ordered = date.fromisoformat(row.ordered_on)
    rule = book.find("deadlines", "social-card", region, ordered) if row.state == "ORDERED" else None
    found = None if rule is None else due(rule, calendar_of(book, region), ordered)
    if rule is None or found is None:
        return None, None
    return found.day.isoformat(), {"en": cite(rule, "en"), "zh": cite(rule, "zh")}


def _write(core: Core, row: SocialCard, content: Mapping[str, Any]) -> None:
    body = json.dumps(dict(content), ensure_ascii=False).encode()
    row.record = core.at_rest.seal(Place("social_cards", "record", row.id), body)


def _read(core: Core, row: SocialCard) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(core.at_rest.open(Place("social_cards", "record", row.id), row.record))
    return content
