"""Taking a database over in a new place, after it was moved on purpose.

Promises:

1. It is refused where the database is behind its mark or what was published: that is a restore's.
2. From then on it gives indexes of new lists alone: should the other copy run after all, no index is given twice. The
   epoch rises, so that the other copy does not start beside this one's mark.
"""

from __future__ import annotations

from sqlalchemy import select

from issuer.acts import Actor
from issuer.core import Core
from issuer.db.meta import Meta
from issuer.db.unit_of_work import UnitOfWork
from issuer.published.trust_lists import lock_publisher
from issuer.recovery.epoch import require_current
from issuer.recovery.place import place_of
from issuer.status.indexes import changed
from issuer.status.models import StatusListRow

__all__ = ["adopt"]


def adopt(core: Core, by: Actor) -> int:
    """Say that the database belongs where it is now; the new epoch. Afterwards publish: codes wait for the new list.

    Args:
        core: opened with ``restoring``.

    Raises:
        StateError: ``epoch.*``: it is behind; ``database.*``.
    """
    require_current(core.database, core.settings.epoch_path, core.settings.published)
    place = place_of(core.database, core.at_rest)

    def work(unit: UnitOfWork) -> int:
        session, now = unit.session, unit.now
        publisher = lock_publisher(session)
        meta = session.get_one(Meta, 1, with_for_update=True, populate_existing=True)
        closed = []
        for row in session.scalars(select(StatusListRow).order_by(StatusListRow.name).with_for_update()):
            if row.state != "closed":
                row.state = "closed"
                closed.append(row.name)
        session.flush()
        changed(session, set(closed), now)
        publisher.version += 1
        meta.epoch, meta.place = meta.epoch + 1, place
        core.lists.create(session, "standby", now)
        session.flush()
        details = {**by.details(), "epoch": meta.epoch, "closed": len(closed)}
        unit.audit("service.adopt", core.issuer.iss, details)
        return meta.epoch

    return core.transact(by, work, settled=lambda session: None)
