"""A service with an employer, an agency with its mandate, an insurance officer and an inspector, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from issuer.accounts import mandates
from issuer.accounts.models import Organisation
from issuer.core import Core
from issuer.vault.at_rest import Place
from tests.kit.issuing_service import FakeClock
from tests.kit.people import CHEAP, ServiceUnderTest, Somebody, make, organisation
from tests.kit.signed_domain import published_core

#: 2026-11-29, noon in Beijing.
NOW = 1_795_924_800


@dataclass
class Agency:
    """The parties of insurance."""

    issuing_service: ServiceUnderTest
    employer_id: str
    agency_id: str
    employer: Somebody
    agency: Somebody
    officer: Somebody
    inspector: Somebody

    @property
    def core(self) -> Core:
        """The issuing core."""
        return self.issuing_service.core

    def code_of(self, organisation_id: str) -> str:
        """An organisation's unified social credit code."""
        import json

        row = self.core.database.read(lambda session: session.get_one(Organisation, organisation_id))
        record = self.core.at_rest.open(Place("organisations", "record", row.id), row.record)
        code: str = json.loads(record)["code"]
        return code


@pytest.fixture
def agency(database_url: str, tmp_path: Path) -> Iterator[Agency]:
    """The parties of insurance, at noon of 29 November 2026 in Beijing."""
    clock = FakeClock(at=NOW)
    core = published_core(tmp_path, database_url, clock, **CHEAP, account_burst=10_000)
    issuing_service = ServiceUnderTest(core, clock)
    employer_id, agency_id = organisation(issuing_service, "employer", 1), organisation(issuing_service, "agency", 2)
    employer = make(issuing_service, "employer", "employer.one", organisation_id=employer_id)
    acting = make(issuing_service, "agency", "agency.one", organisation_id=agency_id)
    at = int(clock.at)
    mandates.give_mandate(core, employer.who(), agency_id, employer_id, at, at + 365 * 86_400)
    officer, inspector = (
        make(issuing_service, "insurance_officer", "officer.one"),
        make(issuing_service, "inspector", "inspector.one"),
    )
    yield Agency(issuing_service, employer_id, agency_id, employer, acting, officer, inspector)
    core.close()
