"""Handlers of an employer: its own people with an account, and how many there may be by the rules.

Promises:

1. An employer has no more open accounts than the rule of the day allows, however two administrators ask at the same
   time; a locked account counts, since it may be unlocked.
2. Accounts that were there before a rule stay: only a further one is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from icard_crypto.errors import Conflict
from issuer.core import Core
from issuer.rules.days import day_of
from issuer.rules.regions import NATION
from issuer.rules.rows import Rule
from issuer.rules.store import book_of

from .models import Account, Organisation
from .principals import Principal

__all__ = ["Handlers", "count_handlers", "require_room"]

_ROLE: Final = "employer"


@dataclass(frozen=True, slots=True)
class Handlers:
    """How many handlers an employer has, and the rule that limits them; None: no rule holds today."""

    count: int
    rule: Rule | None

    @property
    def most(self) -> int | None:
        """How many there may be; None: as many as one likes."""
        return None if self.rule is None else int(self.rule.value["most"])


def count_handlers(core: Core, who: Principal, organisation_id: str) -> Handlers | None:
    """Handlers of one's own employer, or of any for who manages organisations; None: it is no employer.

    Raises:
        NotAllowed: ``access.*``.
    """
    who.require("organisation.manage" if organisation_id != who.organisation_id else "organisation.read_own")

    def look(session: Session) -> Handlers | None:
        row = session.get(Organisation, organisation_id)
        if row is None or row.kind != _ROLE:
            return None
        return Handlers(_count(session, organisation_id), _rule(session, core.clock.now(session)))

    return core.database.read(look)


def require_room(session: Session, role: str, organisation_id: str | None, now: int, *, but: str = "") -> None:
    """A further account of that role may be opened for an organisation.

    Args:
        but: an account that does not count, since it is the one that gets the role.

    Raises:
        Conflict: ``account.handlers_full``.
    """
    if role != _ROLE or organisation_id is None:
        return
    rule = _rule(session, now)
    if rule is None:
        return
    # Whoever else opens an account for it meanwhile waits here, and counts this one.
    session.get(Organisation, organisation_id, with_for_update={"key_share": True})
    most = int(rule.value["most"])
    if _count(session, organisation_id, but) >= most:
        raise Conflict("account.handlers_full", path="organisation_id", expected=f"at most {most}")


def _count(session: Session, organisation_id: str, but: str = "") -> int:
    query = select(func.count()).where(
        Account.organisation_id == organisation_id, Account.state != "closed", Account.id != but
    )
    return session.scalar(query) or 0


def _rule(session: Session, now: int) -> Rule | None:
    return book_of(session).find("handlers", "employer", NATION, day_of(now))
