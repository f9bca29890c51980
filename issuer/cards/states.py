"""The states of cards: suspend, resume, revoke, and the states of permit and insurance.

Promises:

1. Every change recomputes the status entries of all the card's codes, tells the publisher and whom it concerns, and
   writes the audit, in one transaction. Setting a state that is already set changes nothing and is no error.
2. Repeating a change has the same outcome, so that a client can retry. Given a revision, a change is made to that
   revision only: ``issue.changed`` says that another change came first. It returns the new revision.
3. A revocation is permanent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.errors import Conflict, NotFound
from issuer.acts import Actor
from issuer.core import Core
from issuer.db.unit_of_work import UnitOfWork
from issuer.status.indexes import changed

from . import codes
from .models import CardRow, CodeRow
from .parties import notify_parties

__all__ = [
    "end_codes",
    "locked",
    "require_revision",
    "resume",
    "revoke",
    "revoke_many",
    "revoke_within",
    "set_insurance",
    "set_insurance_within",
    "set_permit",
    "suspend",
]


def suspend(core: Core, card_id: str, by: Actor, revision: int | None = None) -> int:
    """Suspend a card until it is resumed; its revision afterwards."""
    return _set_status(core, [card_id], by, "card.suspend", "suspended", revision)[card_id]


def resume(core: Core, card_id: str, by: Actor, revision: int | None = None) -> int:
    """End a suspension; the card's revision afterwards."""
    return _set_status(core, [card_id], by, "card.resume", "active", revision)[card_id]


def revoke(core: Core, card_id: str, by: Actor) -> None:
    """Withdraw a card permanently."""
    revoke_many(core, [card_id], by)


def revoke_many(core: Core, card_ids: Sequence[str], by: Actor) -> None:
    """Withdraw several cards, all or none, permanently."""
    _set_status(core, card_ids, by, "card.revoke", "revoked")


def revoke_within(core: Core, session: Session, now: int, card_id: str) -> None:
    """Withdraw a card within another's transaction, which has to write the audit afterwards."""
    _edit(core, session, now, [card_id], "card.revoke", lambda row: setattr(row, "status", "revoked"))


def set_permit(
    core: Core, card_id: str, state: Literal["good", "suspended"], by: Actor, revision: int | None = None
) -> int:
    """Set the state of the permit behind the card; its revision afterwards."""
    return _change(core, [card_id], by, f"permit.{state}", lambda row: setattr(row, "permit", state), revision)[card_id]


def set_insurance(
    core: Core, card_id: str, state: Literal["good", "lapsed"], by: Actor, revision: int | None = None
) -> int:
    """Set the state of the insurance behind the card, which public codes never show; its revision afterwards."""
    return _change(core, [card_id], by, f"insurance.{state}", lambda row: setattr(row, "insurance", state), revision)[
        card_id
    ]


def set_insurance_within(
    core: Core, session: Session, now: int, card_ids: Sequence[str], state: Literal["good", "lapsed"]
) -> list[str]:
    """As :func:`set_insurance` for several cards within another's transaction; those that it changed.

    The transaction has to write the audit afterwards.
    """
    rows = _edit(core, session, now, card_ids, f"insurance.{state}", lambda row: setattr(row, "insurance", state))
    return [row.id for row in rows]


def _set_status(
    core: Core, card_ids: Sequence[str], by: Actor, action: str, status: str, revision: int | None = None
) -> dict[str, int]:
    def edit(row: CardRow) -> None:
        if row.status == "revoked" and status != "revoked":
            raise Conflict("issue.card_revoked")
        row.status = status

    return _change(core, card_ids, by, action, edit, revision)


def _change(
    core: Core,
    card_ids: Sequence[str],
    by: Actor,
    action: str,
    edit: Callable[[CardRow], None],
    revision: int | None = None,
) -> dict[str, int]:
    """Change cards and write the audit; the revision of each afterwards."""

    def work(unit: UnitOfWork) -> dict[str, int]:
        session, now = unit.session, unit.now
        rows = _edit(core, session, now, card_ids, action, edit, revision)
        for row in rows:
            unit.audit(action, row.id, by.details())
        session.flush()
        return {name: session.get_one(CardRow, name).revision for name in card_ids}

    return core.transact(by, work, settled=lambda session: None)


def _edit(
    core: Core,
    session: Session,
    now: int,
    card_ids: Sequence[str],
    action: str,
    edit: Callable[[CardRow], None],
    revision: int | None = None,
) -> list[CardRow]:
    """Change cards, their entries and whom to notify; those that it changed."""
    rows = []
    for row in locked(session, card_ids).values():
        before = row.status, row.permit, row.insurance
        edit(row)
        if (row.status, row.permit, row.insurance) != before:
            # A repetition changes nothing, whichever revision it was meant for.
            require_revision(row, revision)
            row.changed_at = now
            rows.append(row)
    if rows:
        _set_entries(session, rows, now)
        notify_parties(core, session, now, action, [row.id for row in rows])
    return rows


def end_codes(session: Session, rows: Sequence[CardRow], now: int) -> bool:
    """Mark every code that these cards have as replaced; whether any was not."""
    live = [code for code in _codes(session, rows) if not code.replaced]
    for code in live:
        code.replaced = True
    _set_entries(session, rows, now)
    return bool(live)


def _set_entries(session: Session, rows: Sequence[CardRow], now: int) -> None:
    """Recompute the entries of all the cards' codes and tell the publisher of the lists."""
    owners = {row.id: row for row in rows}
    lists = set()
    for code in _codes(session, rows):
        value = codes.entry_of(owners[code.card_id], code)
        if value != code.value:
            code.value = value
            lists.add(code.list_name)
    session.flush()
    changed(session, lists, now)


def _codes(session: Session, rows: Sequence[CardRow]) -> Sequence[CodeRow]:
    query = select(CodeRow).where(CodeRow.card_id.in_([row.id for row in rows]))
    return session.scalars(query.order_by(CodeRow.cti).with_for_update()).all()


def locked(session: Session, card_ids: Sequence[str]) -> dict[str, CardRow]:
    """The cards, locked in the order of their ids, whatever the order asked for.

    Raises:
        NotFound: ``issue.no_card``.
    """
    query = select(CardRow).where(CardRow.id.in_(card_ids)).order_by(CardRow.id).with_for_update()
    rows = {row.id: row for row in session.scalars(query)}
    if len(rows) != len(set(card_ids)):
        raise NotFound("issue.no_card")
    return rows


def require_revision(row: CardRow, revision: int | None) -> None:
    """Check a card against the revision that a change is meant for; None: any.

    Raises:
        Conflict: ``issue.changed``.
    """
    if revision is not None and row.revision != revision:
        raise Conflict("issue.changed")
