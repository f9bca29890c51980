"""Rules of a card's parties, for callers that write them within their own transaction."""

from __future__ import annotations

from sqlalchemy.orm import Session

from icard_crypto.errors import Invalid, NotFound
from issuer.accounts.models import Organisation, Person

__all__ = ["check_parties"]


def check_parties(session: Session, holder_id: str | None, employer_id: str | None) -> None:
    """Refuse a holder who is no person here, and an employer that is none.

    Raises:
        NotFound: ``organisation.none``.
        Invalid: ``account.person``.
    """
    if holder_id is not None and session.get(Person, holder_id) is None:
        raise Invalid("account.person", path="holder_id")
    employer = session.get(Organisation, employer_id) if employer_id is not None else None
    if employer_id is not None and (employer is None or employer.kind != "employer"):
        raise NotFound("organisation.none", path="employer_id")
