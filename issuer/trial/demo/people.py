"""Made-up people and firms, the same from the same seed and day.

Promises:

1. Nobody real is meant: names, numbers and firms are drawn from ``names.json``, and every number is free of meaning.
2. What is drawn is sound: of age, with a passport that outlasts the permit, a credit code with its check character.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib import resources
from random import Random
from typing import Any, Final, Literal

from icard_crypto.card.card_json import credit_code_holds
from issuer.insurance.registration import NewRegistration

__all__ = ["DemoPerson", "agency_names", "credit_code", "employer_names", "make_people", "official_names"]

#: Of a hundred people, those in category A and in C; the others are in B.
_IN_A, _IN_C = 14, 8
_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_YEAR: Final = 365


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """Somebody made up.

    Args:
        wage: yuan a month; number: of the permit, where it was a physical one.
    """

    surname: str
    given: str
    nationality: str
    sex: Literal["male", "female"]
    birth: date
    passport: str
    passport_until: date
    category: str
    post: str
    wage: int
    number: str

    def registration(
        self, region: str, began: date, until: date | None, wage: str, injury_rate: str
    ) -> NewRegistration:
        """What an employer of a region registers this person with, at a monthly wage in yuan."""
        return NewRegistration(
            surname=self.surname,
            given=self.given,
            nationality=self.nationality,
            passport_state=self.nationality,
            passport=self.passport,
            born=self.birth,
            sex=self.sex,
            basis="work_permit",
            obtained=began,
            basis_until=until,
            region=region,
            began=began,
            wage=wage,
            injury_rate=injury_rate,
        )

    def record(self, first: date, until: date, **facts: bool) -> dict[str, Any]:
        """What an application for a new permit says about them."""
        return {
            "surname": self.surname,
            "given": self.given,
            "nationality": self.nationality,
            "birth": self.birth.isoformat(),
            "sex": self.sex,
            "passport": self.passport,
            "passport_until": self.passport_until.isoformat(),
            "post": self.post,
            "category": self.category,
            "first": first.isoformat(),
            "until": until.isoformat(),
            "contract_until": (until + timedelta(days=_YEAR)).isoformat(),
            "facts": answers(**facts),
        }


def answers(**changes: bool) -> dict[str, bool]:
    """The facts that a checklist asks for, nothing unusual but ``changes``."""
    asked = (
        *("earlier_permit", "same_post", "other_employer", "dependants", "category_by_proof", "physical_permit"),
        *("regulated_industry", "promotion", "position_changes", "category_changes"),
    )
    return {**dict.fromkeys(asked, False), "in_china": True, **changes}


def make_people(chance: Random, day: date, categories: Sequence[str | None]) -> list[DemoPerson]:
    """Somebody for each category, whose passports hold for years from ``day``; None: of any category."""
    countries = sorted(_names()["people"])
    return [_person(chance, day, place, chance.choice(countries), one) for place, one in enumerate(categories)]


def employer_names(number: int) -> list[str]:
    """Names of firms, each once."""
    known = _names()["employers"]
    every = [f"{place} {trade}" for trade in known["trades"] for place in known["places"]]
    # Neighbours differ in both words.
    return [every[(place * 15) % len(every)] for place in range(number)]


def agency_names() -> list[str]:
    """Names of agencies."""
    return list(_names()["agencies"])


def official_names() -> list[str]:
    """Names of officials."""
    return list(_names()["officials"])


def credit_code(region: str, number: int) -> str:
    """A unified social credit code of a region, with its check character (GB 32100-2015)."""
    body = f"91{region}MA{number:07d}"
    return next(body + last for last in _ALPHABET if credit_code_holds(body + last))


def _person(chance: Random, day: date, place: int, country: str, category: str | None) -> DemoPerson:
    known = _names()
    sex: Literal["male", "female"] = "female" if chance.random() < 0.42 else "male"
    drawn = chance.randrange(100)
    category = category or ("A" if drawn < _IN_A else "C" if drawn >= 100 - _IN_C else "B")
    age = chance.randint(21, 27) if category == "C" else chance.randint(26, 57)
    names = known["people"][country]
    return DemoPerson(
        surname=chance.choice(names["surnames"]),
        given=chance.choice(names[sex]),
        nationality=country,
        sex=sex,
        birth=day - timedelta(days=age * _YEAR + chance.randrange(_YEAR)),
        passport=f"{chance.choice('CEGKLP')}{chance.randrange(100):02d}{place:06d}",
        passport_until=day + timedelta(days=chance.randint(4 * _YEAR, 9 * _YEAR)),
        category=category,
        post=chance.choice(known["posts"][category]),
        wage={"A": 60_000, "B": 24_000, "C": 8_000}[category] + 500 * chance.randrange(40),
        number=f"{chance.randrange(10**11, 10**12)}{place:06d}",
    )


@cache
def _names() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((resources.files("issuer.trial.demo") / "names.json").read_text("utf-8"))
    return found
