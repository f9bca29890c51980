"""The clock guard: detect a wrong clock before anything is signed with its time.

Promises:

1. Nothing is signed while this machine's clock and the database's are more than 5 s apart.
2. Nothing is signed while the clock is behind the newest time at which anything was signed, by more than those 5 s;
   within them the newest time is used, so that times never fall.
3. Nothing is signed while the clock is more than three days ahead of that newest time: a service that runs signs its
   lists again every 72 minutes. A person who has looked at the clock may accept it, with an entry in the audit; where
   it was accepted and wrong, :mod:`issuer.restore.clock_back` is the way back.
4. Nothing is signed while another's publication is where this database's should (:mod:`issuer.restore.served`).

The time that is used is the database's: of several servers all have the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from icard_crypto.errors import StateError, Unavailable
from icard_crypto.moments import DAY, moment_text
from issuer.db.engine import Database
from issuer.db.meta import Meta

__all__ = ["LONGEST_GAP", "TOLERANCE", "Clock", "require_alone", "signed_at"]

#: Seconds.
TOLERANCE: Final = 5
LONGEST_GAP: Final = 3 * DAY


@dataclass(frozen=True, slots=True)
class Clock:
    """Two clocks: this machine's and the database's, both Unix time."""

    local: Callable[[], float]
    database: Callable[[Session], float]

    @classmethod
    def of(cls, database: Database) -> Clock:
        """The system's clock and that of ``database``."""
        return cls(time.time, database.now)

    def now(self, session: Session) -> int:
        """The database's time, in whole seconds; not for signing."""
        return int(self.database(session))

    def signing_time(self, session: Session) -> int:
        """The time at which something may be signed now.

        Raises:
            Unavailable: ``clock.apart``, ``clock.behind``, ``clock.far_ahead``.
            StateError: ``epoch.published_differs``, ``database.not_initialised``.
        """
        require_alone(session)
        return self.right_time(session)

    def right_time(self, session: Session) -> int:
        """As :meth:`signing_time`, whatever is published.

        Raises:
            Unavailable: ``clock.apart``, ``clock.behind``, ``clock.far_ahead``.
            StateError: ``database.not_initialised``.
        """
        now = self._together(session)
        newest = _newest(session)
        if now < newest - TOLERANCE:
            raise Unavailable("clock.behind", expected=f"{moment_text(newest)} or later", found=moment_text(int(now)))
        if now > newest + LONGEST_GAP:
            latest = moment_text(newest + LONGEST_GAP)
            raise Unavailable("clock.far_ahead", expected=f"{latest} or earlier", found=moment_text(int(now)))
        return max(int(now), newest)

    def agreed(self, session: Session) -> int:
        """The time where both clocks say the same, whatever was signed; whole seconds.

        Raises:
            Unavailable: ``clock.apart``.
        """
        return int(self._together(session))

    def _together(self, session: Session) -> float:
        now, local = self.database(session), self.local()
        if abs(now - local) > TOLERANCE:
            raise Unavailable("clock.apart", expected=f"at most {TOLERANCE} s", found=f"{abs(now - local):.0f} s")
        return now

    def accept(self, session: Session) -> int:
        """Take the clock as it is for right, though it is far ahead; never one that is behind.

        Raises:
            Unavailable: ``clock.behind``.
        """
        now, newest = self.now(session), _newest(session)
        if now < newest - TOLERANCE:
            raise Unavailable("clock.behind", expected=f"{moment_text(newest)} or later", found=moment_text(now))
        signed_at(session, max(now, newest))
        return now


def signed_at(session: Session, moment: int) -> None:
    """Remember that something with this time is about to be signed."""
    wanted = update(Meta).where(Meta.id == 1, Meta.newest_iat < moment).values(newest_iat=moment)
    # Nobody reads the column of an object that a session has.
    session.execute(wanted, execution_options={"synchronize_session": False})


def require_alone(session: Session) -> None:
    """Raise while another's publication is where this database's should (promise 4).

    Raises:
        StateError: ``epoch.published_differs``.
    """
    if session.scalar(select(Meta.differs_at).where(Meta.id == 1)) is not None:
        raise StateError("epoch.published_differs")


def _newest(session: Session) -> int:
    newest = session.scalar(select(Meta.newest_iat).where(Meta.id == 1))
    if newest is None:
        raise StateError("database.not_initialised")
    return newest
