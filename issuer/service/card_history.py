"""A card's whole history as one list: its codes and states, its permit's terms and ends, its applications.

Promises:

1. Only what whoever asks may see on the pages of card, permit and applications stands in it; their look at the card is
   noted as any other.
2. Acts on the card come from the audit, by kind and time alone: who did them is the auditor's to see.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.errors import StateError
from issuer.audit import views as audit_views
from issuer.permits import views
from issuer.permits.models import Permit
from issuer.rules.days import start_of_day

from .card_reading import read_card
from .context import Call

__all__ = ["ACTS", "HistoryEntry", "card_history"]

#: Acts on a card or its permit that the history shows.
ACTS: Final = frozenset(
    {
        *("card.issue", "card.renew", "card.replace", "card.suspend", "card.resume", "card.revoke", "card.lost"),
        *("card.parties", "permit.suspended", "permit.good", "insurance.lapsed", "insurance.good", "permit.activate"),
        *(
            "permit.extend_by_law",
            "permit.interim_code",
            "permit.expire",
            "permit.cancel",
            "permit.correct",
            "permit.left",
        ),
    }
)
_MOST_ACTS: Final = 200
_MOST_FILINGS: Final = 25

Kind = Literal["act", "term", "end", "move"]


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """Something that happened.

    Args:
        at: Unix time; of a term and an end, the begin of their day in Beijing.
        kind: of what: an act on card or permit, a term, an end, a move of an application.
        name: the act, the ground of a term, the kind of an end, the move.
        first, until, employer: of a term; of an end its day is ``first``.
        about, process: of a move, the application's id and its process.
    """

    at: int
    kind: Kind
    name: str
    first: str = ""
    until: str = ""
    employer: str = ""
    about: str = ""
    process: str = ""


def card_history(call: Call, card_id: str, purpose: str | None = None) -> list[HistoryEntry]:
    """What happened to a card, the newest first.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``issue.no_card``.
        Invalid: ``lookup.purpose``.
    """
    read_card(call, card_id, purpose)
    permit_id = call.core.database.read(lambda session: _permit_of(session, card_id))
    # Each source is oldest first, and what an application decides comes before what it makes of the card.
    found = [*([] if permit_id is None else _about_permit(call, permit_id)), *_acts(call, card_id)]
    return sorted(found, key=lambda one: one.at)[::-1]


def _permit_of(session: Session, card_id: str) -> str | None:
    return session.scalar(select(Permit.id).where(Permit.card_id == card_id))


def _acts(call: Call, subject: str) -> list[HistoryEntry]:
    named = call.core.at_rest.pseudonym("subject", subject)
    acts = audit_views.entries(call.core.database, subject=named, limit=_MOST_ACTS)
    return [HistoryEntry(one.at, "act", one.action) for one in reversed(acts) if one.action in ACTS]


def _about_permit(call: Call, permit_id: str) -> list[HistoryEntry]:
    """Of the permit and its applications what the caller sees; nothing, where it is not of their region."""
    core, who = call.core, call.who
    if not (who.may("filing.read") or who.may("filing.read_own")):
        return []
    try:
        permit = views.show_permit(core, who, permit_id)
    except StateError:
        return []
    found = _acts(call, permit_id)
    for term in permit.terms:
        found.append(HistoryEntry(_day(term.first), "term", term.ground, term.first, term.until, term.employer))
    for end in permit.ends:
        found.append(HistoryEntry(_day(end.day), "end", end.kind, end.day))
    for one in views.list_filings(core, who, permit_id=permit_id, limit=_MOST_FILINGS):
        view = views.show_filing(core, who, one.filing_id)
        found += [
            HistoryEntry(event.at, "move", event.move, about=view.filing_id, process=view.process)
            for event in view.events
        ]
    return found


def _day(text: str) -> int:
    return start_of_day(date.fromisoformat(text))
