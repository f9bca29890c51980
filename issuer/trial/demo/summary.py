"""How many of what a demonstration has."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from issuer.core import Core
from issuer.insurance.models import InsuranceEntry, InsuredPerson
from issuer.permits.models import Employer, Filing, Permit
from issuer.settings import Settings

from .fill import Filled

__all__ = ["summary"]


def summary(made: Filled) -> dict[str, Any]:
    """Folder and day, people and employers, permits and applications by their states, contributions.

    Raises:
        StateError: as :meth:`issuer.core.Core.open`.
    """
    core = Core.open(Settings.load(made.trial.service))
    try:
        counts = core.database.read(_counts)
    finally:
        core.close()
    return {
        "service": str(made.trial.service),
        "published": str(made.trial.public),
        "verifier": str(made.trial.verifier),
        "accounts": str(made.trial.folder / "accounts.json"),
        "day": made.day.isoformat(),
        "people": made.people,
        **counts,
    }


def _counts(session: Session) -> dict[str, Any]:
    def states(column: Any) -> str:
        rows = session.execute(select(column, func.count()).group_by(column).order_by(column)).all()
        return ", ".join(f"{number} {state}" for state, number in rows)

    def many(table: Any) -> int:
        return session.scalar(select(func.count()).select_from(table)) or 0

    return {
        "employers": many(Employer),
        "permits": states(Permit.state),
        "applications": states(Filing.state),
        "insured": states(InsuredPerson.state),
        "contributions": many(InsuranceEntry),
    }
