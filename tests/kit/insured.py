"""People who are registered for social insurance, for tests."""

from __future__ import annotations

from datetime import date
from typing import Any

from issuer.insurance.registration import NewRegistration

__all__ = ["new_registration", "passport", "registration_body"]


def passport(number: int) -> str:
    """A passport number of its own for each number."""
    return f"C{number:08d}"


def new_registration(number: int, /, **changes: Any) -> NewRegistration:
    """Somebody who has worked in Shanghai since March 2026, for 30,000 yuan a month."""
    values: dict[str, Any] = {
        "surname": "Muster",
        "given": "Erika",
        "nationality": "DEU",
        "passport_state": "DEU",
        "passport": passport(number),
        "born": date(1988, 5, 1),
        "sex": "female",
        "basis": "work_permit",
        "obtained": date(2026, 3, 1),
        "basis_until": date(2028, 2, 29),
        "region": "310115",
        "began": date(2026, 3, 1),
        "wage": "30000.00",
        "injury_rate": "0.0026",
        **changes,
    }
    return NewRegistration(**values)


def registration_body(number: int, /, **changes: Any) -> dict[str, Any]:
    """The same as the body of a request."""
    return {
        "surname": "Muster",
        "given": "Erika",
        "nationality": "DEU",
        "passport_state": "DEU",
        "passport": passport(number),
        "born": "1988-05-01",
        "sex": "female",
        "basis": "work_permit",
        "obtained": "2026-03-01",
        "basis_until": "2028-02-29",
        "region": "310115",
        "began": "2026-03-01",
        "wage": "30000.00",
        "injury_rate": "0.0026",
        **changes,
    }
