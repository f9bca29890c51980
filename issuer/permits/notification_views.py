"""Views of the notification of a first entry: its state and its last day, for whoever sees what it is about.

The code by which it is used is none of this: :func:`issuer.permits.activation.notification_of` shows it to the filer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from issuer.accounts.principals import Principal
from issuer.core import Core

from .models import Notification
from .parties import load_filing, load_permit

__all__ = ["NotificationView", "notification_of_filing", "notification_of_permit"]


@dataclass(frozen=True, slots=True)
class NotificationView:
    """``state``: ISSUED, USED or EXPIRED; ``until``: the last day on which it is used."""

    state: str
    until: date


def notification_of_filing(core: Core, who: Principal, filing_id: str) -> NotificationView | None:
    """The notification that an application has led to; None: none has.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``filing.none``.
    """
    return core.database.read(
        lambda session: _view(
            session.scalar(
                select(Notification).where(Notification.filing_id == load_filing(core, session, who, filing_id).id)
            )
        )
    )


def notification_of_permit(core: Core, who: Principal, permit_id: str) -> NotificationView | None:
    """The newest notification of a permit; None: it was granted in the country.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``permit.none``.
    """
    newest = select(Notification).order_by(Notification.created_at.desc(), Notification.id.desc()).limit(1)
    return core.database.read(
        lambda session: _view(
            session.scalar(newest.where(Notification.permit_id == load_permit(core, session, who, permit_id).id))
        )
    )


def _view(row: Notification | None) -> NotificationView | None:
    return None if row is None else NotificationView(row.state, date.fromisoformat(row.until))
