"""Papers of an application: handed in by the applicant, checked by an officer.

Promises:

1. A paper is of a code that the process knows; a newer one takes the place of the older and is UNCHECKED again.
2. Only an officer verifies or rejects, and says how it was checked; what the rules refuse is not verified.
3. A paper is handed in while the application is a draft or returned, a promised one until its day.
4. A forged paper is neither replaced nor taken back with the application: what is left is a refusal with a warning, or,
   where it came out after the approval, a hearing before the permit is revoked for fraud.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.errors import Conflict, Invalid, NotFound
from issuer.accounts.fields import check_text
from issuer.accounts.principals import Principal
from issuer.core import Core
from issuer.db.unit_of_work import UnitOfWork
from issuer.rules.days import day_of
from issuer.rules.store import book_of
from issuer.vault.at_rest import Place

from .guards import PaperFacts
from .hearings import begin_hearing
from .machines import LIVE
from .materials import FilingFacts, checklist, paper_refusals
from .models import Filing, Paper, Permit, Upload
from .parties import load_filing, require_filer, require_handler, require_own
from .processes import PAPER
from .refusals import FilingRefused, Refusal

__all__ = [
    "HOW",
    "NewPaper",
    "carry_paper",
    "check_paper",
    "forge_paper",
    "hand_in",
    "has_forged",
    "paper_facts",
    "papers_of",
    "require_material",
    "require_open",
]

#: How an officer checked a paper.
HOW: Final = ("seen_original", "apostille", "legalisation", "issuing_office", "register", "scan", "commitment")
_LONGEST_NOTE: Final = 500
#: States of an application whose papers are checked.
_FILED: Final = ("SUBMITTED", "PRE_REVIEWED", "ACCEPTED")
#: Gives the facts of an application that its checklist follows from.
FactsOf = Callable[[Core, Session, Filing], FilingFacts]


@dataclass(frozen=True, slots=True)
class NewPaper:
    """A paper as it is handed in.

    Args:
        issued: the day of issue; state: the state that issued it (alpha-3).
        way, authenticated_on: apostille, legalisation or local_notary, and its day.
        translated, sealed: a Chinese translation lies with it, under the employer's seal.
        committed_until: the day by which it is promised instead.
    """

    issued: date | None = None
    state: str | None = None
    way: str | None = None
    authenticated_on: date | None = None
    translated: bool = False
    sealed: bool = False
    committed_until: date | None = None

    def values(self) -> dict[str, Any]:
        """The arguments of :func:`issuer.permits.materials.paper_refusals`."""
        return {
            name: getattr(self, name) for name in ("issued", "state", "way", "authenticated_on", "translated", "sealed")
        }


def hand_in(core: Core, who: Principal, filing_id: str, code: str, new: NewPaper) -> None:
    """Hand in a paper, or promise it.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``filing.none``.
        Conflict: ``process.move``.
        Invalid: ``filing.field``.
    """
    require_filer(who)

    def work(unit: UnitOfWork) -> None:
        session, now = unit.session, unit.now
        row = load_filing(core, session, who, filing_id, lock=True)
        require_own(who, row)
        paper = session.scalar(select(Paper).where(Paper.filing_id == row.id, Paper.code == code))
        require_open(session, row, code)
        require_material(core, session, row, code)
        if paper is None:
            paper = Paper(id=secrets.token_hex(16), filing_id=row.id, code=code, created_at=now)
            session.add(paper)
        paper.state, paper.decided_by, paper.decided_at = "UNCHECKED", None, None
        paper.created_at = now
        paper.committed_until = new.committed_until.isoformat() if new.committed_until else None
        _write(core, paper, new, {})
        row.revision += 1
        row.changed_at = now
        unit.audit("paper.hand_in", row.id, {"code": code})

    core.transact(who.by(), work)


def carry_paper(core: Core, session: Session, now: int, filing_id: str, code: str, new: NewPaper) -> None:
    """Put a paper on record that was handed in elsewhere: UNCHECKED, whatever was said of it there."""
    paper = Paper(
        id=secrets.token_hex(16),
        filing_id=filing_id,
        code=code,
        state="UNCHECKED",
        committed_until=None,
        decided_by=None,
        decided_at=None,
        created_at=now,
    )
    _write(core, paper, new, {})
    session.add(paper)
    session.flush()


def check_paper(
    core: Core, who: Principal, filing_id: str, code: str, move: str, how: str, note: str, facts: FactsOf
) -> None:
    """Verify or reject a paper.

    Args:
        move: verify or reject; how: one of :data:`HOW`, for verify; note: for reject, and where something is unusual.
        facts: gives the facts of the application.

    Raises:
        NotAllowed: ``access.*``, ``filing.own``.
        NotFound: ``filing.none``.
        Conflict: ``process.move``.
        Invalid: ``filing.field``; ``filing.refused``: the rules speak against the paper.
    """
    who.require("filing.decide")
    if move == "verify" and how not in HOW:
        raise Invalid("filing.field", path="how", expected=", ".join(HOW))
    words = check_text(note, "note", _LONGEST_NOTE) if note or move == "reject" else ""

    def work(unit: UnitOfWork) -> None:
        session, now = unit.session, unit.now
        row, paper = _paper_of(core, session, who, filing_id, code, _FILED)
        found = PAPER.move(move, paper.state, "officer")
        content, checks = _read(core, paper)
        if move == "verify" and how == "scan" and not _has_file(session, row.id, code):
            raise FilingRefused([Refusal("permit.paper_no_scan", None, code)])
        if move == "verify" and paper.committed_until is None:
            _require_sound(core, session, row, facts(core, session, row), paper, content)
        paper.state, paper.decided_by, paper.decided_at = found.target, who.account_id, now
        _write(core, paper, content, {**checks, "how": how if move == "verify" else None, "note": words or None})
        row.revision += 1
        row.changed_at = now
        unit.audit(f"paper.{move}", row.id, {"code": code, "how": how, "note": words})

    core.transact(who.by(), work)


def require_open(session: Session, row: Filing, code: str) -> None:
    """Refuse to change a paper that is not the applicant's to change now (promise 3).

    Raises:
        Conflict: ``process.move``, ``filing.forged``.
    """
    paper = session.scalar(select(Paper).where(Paper.filing_id == row.id, Paper.code == code))
    if paper is not None and paper.state == "FORGED":
        raise Conflict("filing.forged", path=code)
    promised = paper is not None and paper.committed_until is not None
    if row.state not in ("DRAFT", "RETURNED") and not promised:
        raise Conflict("process.move", path="paper", expected="a draft, or a returned application", found=row.state)


def require_material(core: Core, session: Session, row: Filing, code: str) -> None:
    """Refuse a code that is none of the process's materials.

    Raises:
        Invalid: ``filing.field``.
    """
    rules_on = day_of(core.clock.now(session)) if row.rules_on is None else date.fromisoformat(row.rules_on)
    known = book_of(session).effective("materials", row.region, rules_on)
    if not any(rule.id == code and row.process in rule.value["needs"] for rule in known):
        raise Invalid("filing.field", path="code", expected="a material of this process")


def forge_paper(core: Core, who: Principal, filing_id: str, code: str, note: str) -> None:
    """Record that a paper is forged (promise 4).

    Raises:
        NotAllowed: ``access.*``, ``filing.own``.
        NotFound: ``filing.none``.
        Conflict: ``process.move``.
        Invalid: ``account.field``.
    """
    who.require("filing.decide")
    words = check_text(note, "note", _LONGEST_NOTE)

    def work(unit: UnitOfWork) -> None:
        session, now = unit.session, unit.now
        row, paper = _paper_of(core, session, who, filing_id, code, (*_FILED, "APPROVED"))
        found = PAPER.move("forge", paper.state, "officer")
        content, checks = _read(core, paper)
        paper.state, paper.decided_by, paper.decided_at = found.target, who.account_id, now
        _write(core, paper, content, {**checks, "how": None, "note": words})
        row.revision += 1
        row.changed_at = now
        unit.audit("paper.forge", row.id, {"code": code, "note": words})
        if row.state == "APPROVED":
            _hear_about_fraud(core, unit, row, who, words)

    core.transact(who.by(), work)


def has_forged(session: Session, filing_id: str) -> bool:
    """Whether a paper of an application is forged."""
    query = select(Paper.id).where(Paper.filing_id == filing_id, Paper.state == "FORGED")
    return session.scalar(query.limit(1)) is not None


def _hear_about_fraud(core: Core, unit: UnitOfWork, row: Filing, who: Principal, note: str) -> None:
    """Begin the hearing before the permit that rests on a forged paper is revoked."""
    session = unit.session
    permit = session.get(Permit, row.permit_id, with_for_update=True) if row.permit_id is not None else None
    if permit is None or permit.state not in LIVE:
        return
    name = "revoked.fraud"
    hearing = begin_hearing(core, session, unit.now, permit, name, note, account_id=who.account_id)
    unit.audit("hearing.open", hearing.id, {"permit": permit.id, "end": name})


def papers_of(core: Core, session: Session, filing_id: str) -> list[tuple[Paper, NewPaper, Mapping[str, Any]]]:
    """The papers of an application with what was handed in and how they were checked, by code."""
    rows = session.scalars(select(Paper).where(Paper.filing_id == filing_id).order_by(Paper.code))
    return [(row, *_read(core, row)) for row in rows]


def paper_facts(core: Core, session: Session, filing_id: str) -> list[PaperFacts]:
    """The papers for the guards."""
    with_file = set(session.scalars(select(Upload.code).where(Upload.filing_id == filing_id)))
    asked = core.settings.paper_files
    return [
        PaperFacts(row.code, row.state, content.committed_until, content.values(), not asked or row.code in with_file)
        for row, content, _ in papers_of(core, session, filing_id)
    ]


def _has_file(session: Session, filing_id: str, code: str) -> bool:
    query = select(Upload.id).where(Upload.filing_id == filing_id, Upload.code == code)
    return session.scalar(query.limit(1)) is not None


def _require_sound(
    core: Core, session: Session, row: Filing, facts: FilingFacts, paper: Paper, content: NewPaper
) -> None:
    book = book_of(session)
    item = next((one for one in checklist(book, facts) if one.code == paper.code), None)
    refusals = [] if item is None else paper_refusals(book, item, facts, **content.values())
    if refusals:
        raise FilingRefused(refusals)


def _write(core: Core, paper: Paper, content: NewPaper, checks: Mapping[str, Any]) -> None:
    days = {name: value.isoformat() if isinstance(value, date) else value for name, value in content.values().items()}
    body = json.dumps({"paper": days, "checks": dict(checks)}, ensure_ascii=False).encode()
    paper.record = core.at_rest.seal(Place("papers", "record", paper.id), body)


def _read(core: Core, paper: Paper) -> tuple[NewPaper, Mapping[str, Any]]:
    body = json.loads(core.at_rest.open(Place("papers", "record", paper.id), paper.record))
    values = body["paper"]
    for name in ("issued", "authenticated_on"):
        values[name] = None if values[name] is None else date.fromisoformat(values[name])
    until = None if paper.committed_until is None else date.fromisoformat(paper.committed_until)
    return NewPaper(**values, committed_until=until), body["checks"]


def _paper_of(
    core: Core, session: Session, who: Principal, filing_id: str, code: str, states: Collection[str]
) -> tuple[Filing, Paper]:
    """An application in one of these states and its paper, both locked, for the officer who handles it."""
    row = load_filing(core, session, who, filing_id, lock=True)
    require_handler(who, row)
    paper = session.scalar(select(Paper).where(Paper.filing_id == row.id, Paper.code == code).with_for_update())
    if paper is None:
        raise NotFound("filing.none", path="code")
    if row.state not in states:
        raise Conflict("process.move", path="paper", expected="a filed application", found=row.state)
    return row, paper
