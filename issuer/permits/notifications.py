"""Make the notification of a first entry, with its one-time token."""

from __future__ import annotations

import base64
import secrets
from datetime import date
from typing import Final

from sqlalchemy.orm import Session

from issuer.accounts.secret_text import secret_hash
from issuer.core import Core
from issuer.vault.at_rest import Place

from .models import Filing, Notification, Permit

__all__ = ["add_notification"]

#: Bytes of a notification's token: 32 characters of base32, which a QR code takes as they are.
_TOKEN: Final = 20


def add_notification(core: Core, session: Session, now: int, filing: Filing, permit: Permit, until: date) -> None:
    """Make the notification of an approved application. ``until``: the last day on which it activates the permit."""
    token = base64.b32encode(secrets.token_bytes(_TOKEN)).decode("ascii")
    found = Notification(
        id=secrets.token_hex(16),
        filing_id=filing.id,
        permit_id=permit.id,
        token_hash=secret_hash(core.at_rest, "notification", token),
        state="ISSUED",
        until=until.isoformat(),
        created_at=now,
        used_at=None,
    )
    found.token = core.at_rest.seal(Place("notifications", "token", found.id), token.encode())
    session.add(found)
