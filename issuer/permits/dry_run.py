"""Dry run of new rules against the open applications; nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from issuer.core import Core
from issuer.rules.book import RuleBook
from issuer.rules.rows import Rule
from issuer.rules.store import book_of

from .applications import filing_facts
from .clocks import days_of
from .machines import UNDECIDED
from .materials import FilingFacts, checklist
from .models import Filing
from .records import read_filing

__all__ = ["DryRun", "dry_run"]

#: Applications that are looked at together.
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class DryRun:
    """How many applications are open, and the ids of those whose days or whose checklist would change."""

    open: int
    days: tuple[str, ...]
    checklists: tuple[str, ...]


def dry_run(core: Core, rules: Sequence[Rule]) -> DryRun:
    """Look what rows would move. An application keeps the rules of its day: rows that begin later move none.

    Raises:
        Invalid: ``rules.*``; the rows do not fit those that are there.
    """
    before = core.database.read(book_of)
    after = RuleBook([*before.all(), *rules]).strict()
    ids = core.database.read(
        lambda session: session.scalars(select(Filing.id).where(Filing.state.in_(UNDECIDED)).order_by(Filing.id)).all()
    )
    days: list[str] = []
    checklists: list[str] = []
    for start in range(0, len(ids), _CHUNK):
        chunk = ids[start : start + _CHUNK]

        def look(session: Session, chunk: Sequence[str] = chunk) -> None:
            for row in session.scalars(select(Filing).where(Filing.id.in_(chunk))):
                category = read_filing(core, row).category
                if days_of(before, row, category) != days_of(after, row, category):
                    days.append(row.id)
                facts = filing_facts(core, session, row)
                if _needs(before, facts) != _needs(after, facts):
                    checklists.append(row.id)

        core.database.read(look)
    return DryRun(len(ids), tuple(days), tuple(checklists))


def _needs(book: RuleBook, facts: FilingFacts) -> dict[str, str]:
    return {item.code: item.need for item in checklist(book, facts)}
