"""An application that an employer files through the pages of a running service."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from tests.kit.forms import Reader

__all__ = ["file_application", "hand_in"]


def file_application(
    employer: Reader, record: dict[str, Any], today: date, files: Mapping[str, bytes] | None = None
) -> str:
    """Begin, fill in and submit a first application; the address of its page.

    Args:
        files: PDFs by the code of the material that each is handed in with.
    """
    employer.open("filings/new?process=overseas")
    employer.send("filings/new", process="overseas")
    filing = employer.path
    for part, names in {
        "person": ("surname", "given", "nationality", "birth", "sex", "passport", "passport_until"),
        "job": ("post", "category", "first", "until", "contract_until"),
    }.items():
        employer.open(f"{filing}/edit?part={part}")
        employer.send(f"{filing}/edit", part=part, **{name: str(record[name]) for name in names})
    answers = {name: "yes" if value else "no" for name, value in record["facts"].items()}
    employer.open(f"{filing}/edit?part=facts")
    employer.send(f"{filing}/edit", part="facts", **answers)
    for code in ("M01", "M02", "M03", "M04", "M05", "M06", "M07", "M08"):
        hand_in(employer, filing, code, today, (files or {}).get(code))
    employer.open(filing)
    employer.send(f"{filing}/submit")
    assert "was submitted" in employer.text
    return filing


def hand_in(employer: Reader, filing: str, code: str, today: date, file: bytes | None = None) -> None:
    """Hand a paper in, with everything that could be asked of one."""
    employer.open(f"{filing}/paper?material={code}")
    issued = (today - timedelta(days=10)).isoformat()
    employer.send(
        f"{filing}/paper",
        file,
        material=code,
        issued=issued if code in ("M02", "M03", "M04", "M05", "M08") else "",
        issuing_state="deu",
        way="apostille",
        authenticated_on=issued,
        more=["translated", "sealed"],
    )
    assert not employer.path.endswith("/paper"), employer.text[:600]
