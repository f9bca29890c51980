"""Answers to findings: the employer replies in writing, an officer settles and closes.

Promises:

1. A finding is named by its key, which a later report gives again; what was answered stays with it.
2. The employer, or an agency for it, explains or contests; an officer settles, closes or opens again. Each step keeps
   the earlier ones, with who took it and when; nothing is overwritten.
3. A month that is contested makes no lapse until an officer decides: the person's state is computed in the same
   transaction.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.card.characters import is_plain
from icard_crypto.errors import Conflict, Invalid, NotFound
from issuer.accounts.principals import Principal
from issuer.core import Core
from issuer.db.idempotency import Request
from issuer.db.unit_of_work import UnitOfWork
from issuer.rules.days import day_of
from issuer.rules.store import book_of
from issuer.vault.at_rest import Place

from .compliance import compliance_of_day
from .findings import Finding
from .lapses import follow
from .models import FindingState
from .parties import notify_insured, refuse_own, require_insured, seen_employers
from .records import load_people

__all__ = ["Answered", "FindingStep", "answer_finding", "states_of"]

Step = Literal["open", "explained", "contested", "settled", "closed"]
#: What an employer may do; all else is an officer's.
_EMPLOYERS: Final[frozenset[Step]] = frozenset({"explained", "contested"})
_LONGEST: Final = 2000
_MOST_STEPS: Final = 50


@dataclass(frozen=True, slots=True)
class FindingStep:
    """A step: the state that it led to, the words that came with it, who took it (a role), and when (Unix time)."""

    state: Step
    words: str
    role: str
    at: int


@dataclass(frozen=True, slots=True)
class Answered:
    """Where a finding stands, and every step that led there."""

    state: Step
    steps: tuple[FindingStep, ...]


def answer_finding(
    core: Core, who: Principal, person_id: str, key: str, state: Step, words: str, request: Request | None = None
) -> Answered:
    """Take a step on a finding of today's report.

    Args:
        key: of the finding, as the report gives it.
        words: why; kept with the step.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``insurance.none``, ``insurance.no_finding``.
        Conflict: ``insurance.step``.
        Invalid: ``insurance.words``.
    """
    if not 0 < len(words) <= _LONGEST or not is_plain(words):
        raise Invalid("insurance.words", path="words", expected=f"1 to {_LONGEST} printable characters")
    who.require("insurance.book" if who.role.official else "insurance.register")
    if not who.role.official and state not in _EMPLOYERS:
        raise Conflict("insurance.step", path="state", expected=", ".join(sorted(_EMPLOYERS)))

    def work(unit: UnitOfWork) -> Answered:
        session, now = unit.session, unit.now
        require_insured(core, session, who, person_id)
        refuse_own(who, person_id)
        finding = _finding(core, session, who, person_id, key, day_of(now))
        name = core.at_rest.digest("insurance_finding", key)
        query = select(FindingState).where(FindingState.person_id == person_id, FindingState.finding_key == name)
        row = session.scalar(query.with_for_update())
        steps = [] if row is None else _read(core, row)
        if len(steps) >= _MOST_STEPS:
            raise Conflict("insurance.step", path="state", expected=f"at most {_MOST_STEPS} steps")
        steps.append(FindingStep(state, words, who.role.name, now))
        if row is None:
            row = FindingState(
                id=secrets.token_hex(16),
                person_id=person_id,
                finding_key=name,
                employer_id=finding.employer,
                month=finding.month,
                revision=0,
            )
            session.add(row)
        row.state, row.changed_at = state, now
        row.revision += 1
        row.body = core.at_rest.seal(_place(row), _json(steps))
        session.flush()
        notify_insured(core, session, now, "insurance.finding", [person_id], [finding.employer])
        _, acts = follow(core, session, now, [person_id], who.by())
        details = {"finding": key, "state": state, "words": words}
        unit.audit("insurance.finding", person_id, details)
        unit.audit_acts(acts)
        unit.made(person_id)
        return Answered(state, tuple(steps))

    return core.transact(who.by(), work, request=request)


def states_of(core: Core, session: Session, person_id: str, findings: list[Finding]) -> dict[str, Answered]:
    """Where findings stand, by their keys; those on which no step was taken are left out."""
    rows = {
        row.finding_key: row for row in session.scalars(select(FindingState).where(FindingState.person_id == person_id))
    }
    found = {}
    for finding in findings:
        row = rows.get(core.at_rest.digest("insurance_finding", finding.key)) if rows else None
        if row is not None:
            found[finding.key] = Answered(cast("Step", row.state), tuple(_read(core, row)))
    return found


def _finding(core: Core, session: Session, who: Principal, person_id: str, key: str, today: date) -> Finding:
    person = load_people(core, session, [person_id], lock=True)[person_id].person
    employers = seen_employers(core, session, who)
    for finding in compliance_of_day(book_of(session), today).report(person).findings:
        if finding.key == key and (employers is None or finding.employer in employers):
            return finding
    raise NotFound("insurance.no_finding", path="key", expected="the key of a finding of today's report")


def _place(row: FindingState) -> Place:
    return Place("insurance_findings", "body", row.id)


def _json(steps: list[FindingStep]) -> bytes:
    content = [{"state": one.state, "words": one.words, "role": one.role, "at": one.at} for one in steps]
    return json.dumps(content, ensure_ascii=False).encode()


def _read(core: Core, row: FindingState) -> list[FindingStep]:
    content: list[dict[str, Any]] = json.loads(core.at_rest.open(_place(row), row.body))
    return [FindingStep(**one) for one in content]
