"""Which facts of a record a person disputes, so that whoever reads the record sees it.

Promises:

1. A correction may name the fact that it is about, from a closed list for each topic. The fact counts as disputed until
   the request is decided or withdrawn.
2. Whoever asks here has already been let see the record; nothing but the facts' names and the requests' ids comes back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.errors import Invalid
from issuer.core import Core
from issuer.vault.at_rest import Place

from .models import PrivacyRequest

__all__ = ["FACTS", "Topic", "disputed_facts", "place_of", "require_fact"]

Topic = Literal["account", "card", "permit", "insurance"]

_PERMIT: Final = ("name", "number", "category", "employer", "position", "from", "to", "region")
#: The facts that a page shows of each topic, by which a request may be about one.
FACTS: Final[Mapping[Topic, tuple[str, ...]]] = {
    "account": ("name", "email"),
    "card": ("native", "birth", "nationality", "authority", "enrolled", *_PERMIT),
    "permit": _PERMIT,
    "insurance": ("name", "number", "region", "work_since", "contributions"),
}


def require_fact(topic: Topic, fact: str | None) -> None:
    """Refuse a fact that the topic does not have.

    Raises:
        Invalid: ``privacy.fact``.
    """
    if fact is not None and fact not in FACTS[topic]:
        raise Invalid("privacy.fact", path="fact", expected=", ".join(FACTS[topic]))


def disputed_facts(core: Core, person_id: str, topic: Topic) -> dict[str, str]:
    """The facts of a person's record that a correction still waits for, each with the id of its request."""

    def look(session: Session) -> dict[str, str]:
        query = select(PrivacyRequest).where(
            PrivacyRequest.person_id == person_id,
            PrivacyRequest.topic == topic,
            PrivacyRequest.kind == "correction",
            PrivacyRequest.state == "received",
        )
        found: dict[str, str] = {}
        for row in session.scalars(query.order_by(PrivacyRequest.created_at, PrivacyRequest.id)):
            fact = json.loads(core.at_rest.open(place_of(row), row.body)).get("fact")
            if fact is not None:
                found.setdefault(fact, row.id)
        return found

    return core.database.read(look)


def place_of(row: PrivacyRequest) -> Place:
    """Where the words of a request are sealed."""
    return Place("privacy_requests", "body", row.id)
