"""Taking a database over: in a new place after it was moved on purpose, or after another's publication was met.

Promises:

1. It is refused where the database is behind its mark or the folder of published files: that is a restore's.
2. What is served at the status prefix is fetched and taken over as a restore does, where it is newer than the
   database: the stricter of both stands, so that no revocation of the other copy is undone.
3. From then on it gives indexes of new lists alone: should the other copy run after all, no index is given twice. The
   epoch rises, so that the other copy does not start beside this one's mark.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, select

from issuer.acts import Actor
from issuer.core import Core
from issuer.db.meta import Meta, PublishedAt, Publisher
from issuer.db.unit_of_work import UnitOfWork
from issuer.published.trust_lists import lock_publisher
from issuer.recovery.epoch import require_current
from issuer.recovery.place import place_of
from issuer.status.indexes import changed
from issuer.status.models import StatusListRow

from .published import Published
from .restore import Restored, restore_from

__all__ = ["Adopted", "adopt"]


@dataclass(frozen=True, slots=True)
class Adopted:
    """The new epoch. ``restored``: what is to be issued again, where what is served was newer than the database."""

    epoch: int
    restored: Restored | None = None


def adopt(core: Core, by: Actor, served: Published | None = None) -> Adopted:
    """Say that the database belongs where it is now. Afterwards publish: codes wait for the new list.

    Args:
        core: opened with ``restoring``.
        served: what is served at the status prefix, where that answers (:func:`issuer.restore.served.read_served`).

    Raises:
        StateError: ``epoch.*``: it is behind; ``database.*``.
    """
    require_current(core.database, core.settings.epoch_path, core.settings.published)
    if served is not None and served.iat > core.database.read(lambda session: session.get_one(Publisher, 1).iat):
        # The mark was put back too, or it would have shown.
        outcome = restore_from(core, served, by, mark_too=True)
        return Adopted(outcome.epoch, outcome)
    place = place_of(core.database, core.at_rest)

    def work(unit: UnitOfWork) -> Adopted:
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
        meta.epoch, meta.place, meta.differs_at = meta.epoch + 1, place, None
        session.execute(delete(PublishedAt))
        session.add(PublishedAt(iat=publisher.iat))
        core.lists.create(session, "standby", now)
        session.flush()
        details = {**by.details(), "epoch": meta.epoch, "closed": len(closed)}
        unit.audit("service.adopt", core.issuer.iss, details)
        return Adopted(meta.epoch)

    return core.transact(by, work, settled=lambda session: None)
