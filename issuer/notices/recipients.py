"""Where an account gets its mail."""

from __future__ import annotations

import json

from icard_crypto.errors import Language
from issuer.accounts.models import Account
from issuer.at_rest import Place
from issuer.core import Core

from .mail import Recipient

__all__ = ["find_recipient"]


def find_recipient(core: Core, account: str) -> Recipient | None:
    """The e-mail address and language of an account; None: it is closed, or has no address."""
    row = core.database.read(lambda session: session.get(Account, account))
    if row is None or row.state == "closed":
        return None
    record = json.loads(core.at_rest.open(Place("accounts", "record", row.id), row.record))
    language: Language = "zh" if record.get("language") == "zh" else "en"
    return Recipient(record["email"], language) if record.get("email") else None
