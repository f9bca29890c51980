"""A unit of work: one transaction, when and for whom it is done, and what the audit will say about it.

Promises:

1. What writes is given a :class:`UnitOfWork`; nothing about who acts, or for which request, comes from elsewhere.
2. Every act that a unit names is in the audit once it is committed, in their order, however many functions named them;
   they are appended behind all other writes, so that the chain makes no deadlock.
3. A request belongs to one unit: what it makes and the note of it are committed together. Another unit of the same call
   is a transaction of its own, and takes nothing from the first.
4. A unit for a request that records no result is refused: a repeated request would have its effect twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from sqlalchemy.orm import Session

from issuer.acts import Act, Actor

from .engine import Database
from .idempotency import AlreadyTaken, Request, claim

__all__ = ["UnitOfWork", "Units"]

T = TypeVar("T")


@dataclass(slots=True)
class UnitOfWork:
    """One transaction.

    Attributes:
        now: the database's time, Unix seconds.
        actor: who does it.
        request: for which it is done, where a repetition has to get the same; None: nobody repeats it.
        acts: what the audit will say, in order.
    """

    session: Session
    now: int
    actor: Actor
    request: Request | None = None
    acts: list[Act] = field(default_factory=list)
    _noted: bool = False

    def audit(self, action: str, subject: str, details: Mapping[str, Any] | None = None) -> None:
        """Have the audit say that the actor did this to the object ``subject``. ``details``: JSON."""
        self.acts.append(Act(self.actor.actor, action, subject, details or {}))

    def audit_acts(self, acts: Iterable[Act]) -> None:
        """Have the audit say this too: acts in others' names, or that other functions have put together."""
        self.acts.extend(acts)

    def made(self, name: str) -> None:
        """Say what is made for the request, where there is one: a repetition is answered from it.

        Raises:
            AlreadyTaken: the request was taken before.
            Invalid: ``idempotency.other_body``.
        """
        if self.request is None:
            return
        before = claim(self.session, self.request, name, self.now)
        if before is not None:
            raise AlreadyTaken(before)
        self._noted = True

    def require_noted(self) -> None:
        """Refuse to end where promise 4 is broken.

        Raises:
            RuntimeError: a fault in the code that was called.
        """
        if self.request is not None and not self._noted:
            raise RuntimeError(f"{self.request.route} does not say what it made")


class Units(Protocol):
    """What a package below the core needs of it to write. :class:`issuer.core.Core` is one."""

    @property
    def database(self) -> Database: ...

    def transact(
        self,
        actor: Actor,
        work: Callable[[UnitOfWork], T],
        *,
        request: Request | None = None,
        settled: Callable[[Session], T | None] | None = None,
    ) -> T:
        """Do ``work`` in one transaction, append its acts to the audit, and commit.

        Args:
            settled: see :meth:`issuer.db.engine.Database.transact`.

        Raises:
            Invalid: ``idempotency.other_body``; what ``work`` raises.
            Unavailable: ``clock.*``.
            StateError: ``database.*``, ``epoch.*``.
        """
