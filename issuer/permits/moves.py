"""State changes of an application; every change goes through here.

Promises:

1. A move is one that :data:`issuer.permits.processes.FILING` has, from that state, by that party.
2. It is written with its event, notice and audit entry in one transaction, all or none.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from issuer.core import Core
from issuer.vault.at_rest import Place

from .models import Filing, FilingEvent
from .parties import notify_filing
from .processes import FILING

__all__ = ["event_record", "last_event", "move"]


def move(
    core: Core,
    session: Session,
    now: int,
    row: Filing,
    name: str,
    party: str,
    account_id: str | None,
    record: Mapping[str, Any],
    *,
    quiet: bool = False,
) -> None:
    """Make a move; the caller writes the audit afterwards.

    Args:
        party: of the machine; account_id: who moves, None for the worker.
        record: defects, reasons, citations.
        quiet: without a notice, where another one of the same moment says it.

    Raises:
        Conflict: ``process.move``.
    """
    found = FILING.move(name, row.state, party)
    newest = session.scalar(select(func.max(FilingEvent.number)).where(FilingEvent.filing_id == row.id)) or 0
    event = FilingEvent(
        id=secrets.token_hex(16),
        filing_id=row.id,
        number=newest + 1,
        move=name,
        source=row.state,
        target=found.target,
        party=party,
        account_id=account_id,
        at=now,
    )
    content = json.dumps(record, ensure_ascii=False).encode()
    event.record = core.at_rest.seal(Place("filing_events", "record", event.id), content)
    row.state = found.target
    row.revision += 1
    row.changed_at = now
    session.add(event)
    session.flush()
    if not quiet:
        notify_filing(core, session, now, f"filing.{name}", row)


def last_event(session: Session, filing_id: str, name: str) -> FilingEvent | None:
    """The newest move of that name."""
    query = select(FilingEvent).where(FilingEvent.filing_id == filing_id, FilingEvent.move == name)
    return session.scalar(query.order_by(FilingEvent.number.desc()).limit(1))


def event_record(core: Core, event: FilingEvent) -> dict[str, Any]:
    """What a move's record has."""
    content: dict[str, Any] = json.loads(core.at_rest.open(Place("filing_events", "record", event.id), event.record))
    return content
