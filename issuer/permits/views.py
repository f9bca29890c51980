"""Views of applications and permits.

Promises:

1. Whoever sees an application sees its state, its clocks with their rules, the checklist with the reason of each entry,
   its papers, and the moves that are possible for them.
2. An uncertain rule and a provisional day say so.
3. An employer, and an agency for it, sees of a permit its own terms and how it ended since then, nothing of employers
   before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.errors import Language
from issuer.accounts.principals import Principal
from issuer.core import Core
from issuer.db.pages import page_of
from issuer.rules.book import RuleBook
from issuer.rules.citations import cite, taken_from_nation
from issuer.rules.days import day_of, days_after
from issuer.rules.rows import Rule
from issuer.rules.store import book_of

from .applications import filing_facts
from .clocks import Clock, clocks, pauses_of
from .machines import UNDECIDED
from .materials import checklist, questions
from .models import Filing, FilingEvent, Permit
from .moves import event_record
from .papers import papers_of
from .parties import employers_of, filings_of, load_filing, load_permit, party_of, permits_of
from .people import filing_name, organisation_name
from .permit_views import EndView, PermitView, TermView, permit_view
from .processes import FILING
from .records import read_filing
from .remedies import known_on, redress
from .uploads import FileView, file_views

__all__ = [
    "EndView",
    "FilingSummary",
    "FilingView",
    "PermitFilter",
    "PermitView",
    "TermView",
    "list_filings",
    "list_permits",
    "show_filing",
    "show_permit",
]

Words = dict[Language, str]
#: Permits of a list: all, those that give the right to work now, those of them that end soon, those that have ended.
PermitFilter = Literal["all", "live", "ending", "ended"]

_LIVE: Final = ("ACTIVE", "EXTENDED_BY_LAW")
#: Calendar days from today within which a permit ends soon.
_SOON: Final = 120
#: Decided, or ended without a decision; what was decided may go on after an objection.
_OVER: Final = FILING.last | {"APPROVED", "REFUSED"}


@dataclass(frozen=True, slots=True)
class FilingSummary:
    """An application in a list. Days are those of Beijing, times Unix times.

    ``name``: of the person, empty while it is not known; ``due``: the day by which the next step has to be taken;
    ``open``: a draft, or not decided.
    """

    filing_id: str
    name: str
    process: str
    state: str
    region: str
    employer_id: str
    permit_id: str | None
    submitted_on: str | None
    decision_due: str | None
    due: str | None
    open: bool
    revision: int
    changed_at: int


@dataclass(frozen=True, slots=True)
class PaperView:
    """A paper that was handed in. ``how``, ``note``: of the officer who checked it."""

    state: str
    issued: date | None
    issuing_state: str | None
    way: str | None
    committed_until: date | None
    how: str | None
    note: str | None


@dataclass(frozen=True, slots=True)
class ItemView:
    """An entry of the checklist, with its paper and files where they were handed in.

    ``authenticated``, ``translated``: whether one from abroad has to be; ``commitment``: whether it may be promised.
    """

    code: str
    need: str
    authenticated: bool
    translated: bool
    title: Words
    reason: Words
    rule: Words
    national: Words | None
    commitment: bool
    paper: PaperView | None
    files: list[FileView]


@dataclass(frozen=True, slots=True)
class EventView:
    """A move. ``record``: defects, reasons with ways of redress, or why a decision takes longer."""

    move: str
    state: str
    by: str
    at: int
    record: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FilingView:
    """An application.

    ``name``: of the person; ``employer``: its name, of an application that is over the one of then; ``questions``: the
    facts that the checklist follows from; ``moves``: those that are possible for the viewer; ``redress``: against a
    refusal, counted from its delivery where that is proven; ``paused_since``: the time for the decision stands still.
    """

    filing_id: str
    name: str
    process: str
    state: str
    region: str
    employer_id: str
    employer: str
    agency_id: str | None
    permit_id: str | None
    record: Mapping[str, Any]
    questions: list[str]
    returns: int
    submitted_on: str | None
    accepted_on: str | None
    decided_on: str | None
    delivered_on: str | None
    first_since: str | None
    paused_since: date | None
    redress: list[Mapping[str, Any]]
    clocks: list[Clock]
    checklist: list[ItemView]
    events: list[EventView]
    moves: list[str]
    revision: int
    created_at: int
    changed_at: int


def list_filings(
    core: Core,
    who: Principal,
    *,
    after: str = "",
    limit: int = 50,
    open_only: bool = False,
    permit_id: str | None = None,
) -> list[FilingSummary]:
    """A page of applications in the order of their ids.

    Args:
        after: the last id of the page before.
        limit: 1 to 201.
        open_only: only drafts, and those that are not decided.
        permit_id: only those about this permit.

    Raises:
        NotAllowed: ``access.*``.
    """

    def look(session: Session) -> list[FilingSummary]:
        query = select(Filing).where(filings_of(core, session, who))
        if open_only:
            query = query.where(Filing.state.not_in(_OVER))
        if permit_id is not None:
            query = query.where(Filing.permit_id == permit_id)
        return [_summary(core, session, row) for row in session.scalars(page_of(query, Filing.id, after, limit))]

    return core.database.read(look)


def show_filing(core: Core, who: Principal, filing_id: str) -> FilingView:
    """An application.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``filing.none``.
    """
    return core.database.read(lambda session: _view(core, session, who, load_filing(core, session, who, filing_id)))


def list_permits(
    core: Core, who: Principal, *, after: str = "", limit: int = 50, show: PermitFilter = "all"
) -> list[PermitView]:
    """A page of permits in the order of their ids.

    Args:
        after: the last id of the page before.
        limit: 1 to 201.
        show: which of them.

    Raises:
        NotAllowed: ``access.*``.
    """

    def look(session: Session) -> list[PermitView]:
        query = select(Permit).where(permits_of(core, session, who))
        if show in ("live", "ending"):
            query = query.where(Permit.state.in_(_LIVE))
        if show == "ending":
            query = query.where(Permit.until <= days_after(day_of(core.clock.now(session)), _SOON).isoformat())
        if show == "ended":
            query = query.where(Permit.state.not_in((*_LIVE, "GRANTED")))
        employers = employers_of(core, session, who)
        rows = session.scalars(page_of(query, Permit.id, after, limit))
        return [permit_view(core, session, row, employers) for row in rows]

    return core.database.read(look)


def show_permit(core: Core, who: Principal, permit_id: str) -> PermitView:
    """A permit.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``permit.none``.
    """

    def look(session: Session) -> PermitView:
        row = load_permit(core, session, who, permit_id)
        return permit_view(core, session, row, employers_of(core, session, who))

    return core.database.read(look)


def _summary(core: Core, session: Session, row: Filing) -> FilingSummary:
    days = {
        "SUBMITTED": (row.pre_review_due, row.defects_due),
        "PRE_REVIEWED": (row.defects_due,),
        "ACCEPTED": (row.decision_due, row.promised_due),
        "RETURNED": (row.answer_due,),
    }.get(row.state, ())
    return FilingSummary(
        row.id,
        filing_name(core, session, row),
        row.process,
        row.state,
        row.region,
        row.employer_id,
        row.permit_id,
        row.submitted_on,
        row.decision_due,
        min((day for day in days if day is not None), default=None),
        row.state not in _OVER,
        row.revision,
        row.changed_at,
    )


def _view(core: Core, session: Session, who: Principal, row: Filing) -> FilingView:
    book = book_of(session)
    events = session.scalars(
        select(FilingEvent).where(FilingEvent.filing_id == row.id).order_by(FilingEvent.number)
    ).all()
    return FilingView(
        row.id,
        filing_name(core, session, row),
        row.process,
        row.state,
        row.region,
        row.employer_id,
        organisation_name(core, session, row.employer_id, _decided_at(row, events)),
        row.agency_id,
        row.permit_id,
        read_filing(core, row).to_json(),
        list(questions(book, filing_facts(core, session, row))),
        row.returns,
        row.submitted_on,
        row.accepted_on,
        row.decided_on,
        row.delivered_on,
        row.first_since,
        next((one.first for one in pauses_of(row) if one.last is None), None),
        _redress(book, row),
        clocks(book, row),
        _items(core, session, row),
        [_event(core, event) for event in events],
        sorted({move.name for move in FILING.allowed(row.state, _party(who, row))}),
        row.revision,
        row.created_at,
        row.changed_at,
    )


def _decided_at(row: Filing, events: Sequence[FilingEvent]) -> int | None:
    """When an application came to its last state; None: it is open."""
    if row.state in ("DRAFT", *UNDECIDED):
        return None
    return next((one.at for one in reversed(events) if one.target == row.state != one.source), None)


def _redress(book: RuleBook, row: Filing) -> list[Mapping[str, Any]]:
    """The ways of redress against a refusal, from the day on which it became known."""
    if row.state != "REFUSED" or row.decided_on is None:
        return []
    return [*redress(book, row.region, known_on(row, date.fromisoformat(row.decided_on)))]


def _party(who: Principal, row: Filing) -> str:
    """The party that somebody is to an application: whoever filed it is the applicant, and nobody else outside."""
    party = party_of(who)
    if party not in ("holder", "applicant"):
        return party
    return "applicant" if (row.filer == "person") == (party == "holder") else "holder"


def _items(core: Core, session: Session, row: Filing) -> list[ItemView]:
    papers = {
        paper.code: PaperView(
            paper.state,
            content.issued,
            content.state,
            content.way,
            content.committed_until,
            checks.get("how"),
            checks.get("note"),
        )
        for paper, content, checks in papers_of(core, session, row.id)
    }
    files = file_views(session, row.id)
    return [
        ItemView(
            item.code,
            item.need,
            item.authenticated,
            item.translated,
            {"en": item.title("en"), "zh": item.title("zh")},
            dict(item.reasons),
            _cited(item.rule),
            _national(item.rule, row.region),
            item.commitment,
            papers.get(item.code),
            [one for one in files if one.code == item.code],
        )
        for item in checklist(book_of(session), filing_facts(core, session, row))
    ]


def _event(core: Core, event: FilingEvent) -> EventView:
    record = {name: value for name, value in event_record(core, event).items() if name != "record"}
    return EventView(event.move, event.target, event.party, event.at, record)


def _cited(rule: Rule) -> Words:
    return {"en": cite(rule, "en"), "zh": cite(rule, "zh")}


def _national(rule: Rule, region: str) -> Words | None:
    english, chinese = taken_from_nation(rule, region, "en"), taken_from_nation(rule, region, "zh")
    return None if english is None or chinese is None else {"en": english, "zh": chinese}
