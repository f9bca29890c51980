"""Pages of a list, in the order of an id.

Promises:

1. A page begins behind the last id of the page before: nothing is shown twice or left out while rows come and go, and
   the last page is found as fast as the first.
2. A page has :data:`LONGEST` entries at most. One more may be asked for, by which is seen that another page follows.
"""

from __future__ import annotations

from typing import Any, Final, TypeVar

from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute

__all__ = ["LONGEST", "page_of"]

Q = TypeVar("Q", bound=Select[Any])

LONGEST: Final = 200


def page_of(query: Q, name: InstrumentedAttribute[str], after: str, limit: int) -> Q:
    """The part of ``query`` that is a page.

    Args:
        name: the id that it is ordered by.
        after: the last id of the page before; empty for the first one.
        limit: 1 to 201; what is beyond is cut to it.
    """
    return query.where(name > after).order_by(name).limit(min(max(limit, 1), LONGEST + 1))
