"""Times by which the rows of one owner have an order.

Promise: times are whole seconds; a row that is made with such a time is later than its owner's others, also within one
second and after a clock that was ahead.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

__all__ = ["later_moment"]


def later_moment(session: Session, now: int, column: InstrumentedAttribute[int], *owner: ColumnElement[bool]) -> int:
    """The time of a row that is made now: at least a second after the newest one of its owner.

    Args:
        owner: what holds of the owner's rows; the caller holds a lock by which nobody else adds one.
    """
    newest = session.scalar(select(func.max(column)).where(*owner))
    return now if newest is None else max(now, newest + 1)
