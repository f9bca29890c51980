"""The end of status lists: signed no more once every code in one has ended, later gone from what is published.

Promises:

1. A list is over when it gives no index any more and every code that it was given for ended :data:`GRACE` ago: those on
   record, and where a restore closed it, whatever the lost database may have given until then.
2. The last token of one that is over stays published, and named by the timestamp, until its own end and :data:`GRACE`
   after that. Then both go with the next publication, so that no verifier misses what is still named.
3. Nothing goes early: a verifier whose clock is days behind still finds what it asks for a code that has ended for
   everybody else.
4. The row stays, and with it what becomes of its cards; its name is never given again.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import ColumnElement, and_, delete, exists, func, select
from sqlalchemy.orm import Session

from icard_crypto.card.issuing import LONGEST_LIFE as LONGEST_CODE
from icard_crypto.lists import tree
from icard_crypto.lists.list_maps import DAY
from icard_crypto.lists.status_list import LONGEST_LIFE as LONGEST_TOKEN
from issuer.acts import RESTORED
from issuer.audit.models import AuditRow
from issuer.cards.models import CodeRow
from issuer.core import Core
from issuer.published.models import Artefact
from issuer.status.models import LostCode, StatusListRow

__all__ = ["GRACE", "drop_gone", "end_lists", "gone", "gone_names"]

#: The act that a restore leaves in the audit.
#: Seconds by which a verifier's clock may be behind and still see no difference.
GRACE: Final = 7 * DAY


def end_lists(core: Core) -> list[str]:
    """Mark the lists that are over by now; their names. For once an hour: it looks into each list's codes.

    Raises:
        StateError: ``database.*``.
    """

    def work(session: Session) -> list[str]:
        now = core.clock.now(session)
        past = now - GRACE
        rows = session.scalars(
            select(StatusListRow)
            .where(StatusListRow.state.in_(("full", "closed")), StatusListRow.retired_at.is_(None))
            .order_by(StatusListRow.name)
        ).all()
        restored = _last_restore(session) if any(row.state == "closed" for row in rows) else 0
        over = [row for row in rows if not _lives(session, row, past, restored)]
        for row in over:
            row.retired_at = now
        return [row.name for row in over]

    return core.database.transact(work, settled=lambda session: None)


def gone(now: int) -> ColumnElement[bool]:
    """Whether a list is no longer published at ``now``, Unix time (promise 2)."""
    return and_(StatusListRow.retired_at.is_not(None), StatusListRow.published_iat <= now - LONGEST_TOKEN - GRACE)


def gone_names(session: Session, now: int) -> set[str]:
    """The names of all lists that are no longer published."""
    return set(session.scalars(select(StatusListRow.name).where(gone(now))))


def drop_gone(session: Session, now: int) -> None:
    """Take the tokens of lists that are gone from what is published; part of a publication."""
    paths = [tree.status_path(name) for name in gone_names(session, now)]
    session.execute(delete(Artefact).where(Artefact.path.in_(paths)), execution_options={"synchronize_session": False})


def _last_restore(session: Session) -> int:
    """When a database was last put back: until then a closed list may have given indexes that nobody knows about."""
    return session.scalar(select(func.max(AuditRow.at)).where(AuditRow.action == RESTORED)) or 0


def _lives(session: Session, row: StatusListRow, past: int, restored: int) -> bool:
    """Whether a code of the list may not have ended at ``past``."""
    if row.state == "closed" and restored + LONGEST_CODE > past:
        return True
    code = select(CodeRow.cti).where(CodeRow.list_name == row.name, CodeRow.expires_at > past)
    lost = select(LostCode.idx).where(LostCode.list_name == row.name, LostCode.created_at + LONGEST_CODE > past)
    return bool(session.scalar(select(exists(code) | exists(lost))))
