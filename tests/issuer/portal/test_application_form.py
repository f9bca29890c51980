"""The application form as PDF: offered where it is asked for, with all that was filled in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from issuer.portal import make_portal
from issuer.service.app import make_service
from tests.issuer.conftest import new_database_url
from tests.issuer.documents.test_sheets import text_of
from tests.issuer.portal.test_guard import Person
from tests.kit.permit_office import PermitOffice, person_record
from verifier.runtime import http

pytestmark = pytest.mark.slow


@pytest.fixture
def office(tmp_path: Path) -> Iterator[PermitOffice]:
    """Shanghai's office on Monday, 2 March 2026."""
    made = PermitOffice.begin(tmp_path, new_database_url("sqlite", tmp_path))
    yield made
    made.core.close()


@pytest.fixture
def app(office: PermitOffice) -> FastAPI:
    """Its application with the portal, without the edge."""
    return make_service(office.core, http.Drain(), [make_portal(office.core)])


def without_time(text: str) -> str:
    return re.sub(r"\d\d:\d\d", "", text)


def test_form_to_sign_is_offered_and_has_what_was_filled_in(office: PermitOffice, app: FastAPI) -> None:
    """The material that the system makes can be had: on its page and over the API, in both languages, with the
    documents that go with it; another employer gets nothing."""
    record = person_record(office.today)
    body = {"process": "overseas", "record": record}
    draft = office.ok(office.employer, "POST", "/v1/filings", body)["filing_id"]
    handler = Person(app, office.employer.enter())
    assert f"/portal/filings/{draft}/form" in handler.get(f"filings/{draft}/paper?material=M01").text
    assert f"/portal/filings/{draft}/form" not in handler.get(f"filings/{draft}/paper?material=M02").text
    form = handler.get(f"filings/{draft}/form")
    assert (form.status_code, form.headers["Content-Type"]) == (200, "application/pdf")
    said = text_of(form.content)
    for words in (record["surname"], record["passport"], draft[:8].upper(), "签字盖章", "Employer'sseal", "申请材料"):
        assert words in said, words
    stranger_account = office.another_employer(5)
    stranger = Person(app, stranger_account.enter())
    assert stranger.get(f"filings/{draft}/form").status_code == 404

    path = f"/v1/filings/{draft}/form.pdf"
    over_api = office.ask(office.employer, "GET", path)
    assert (over_api.status_code, over_api.headers["Content-Type"]) == (200, "application/pdf")
    assert without_time(text_of(over_api.content)) == without_time(said), "the same form"
    for somebody in (stranger_account, office.officer):
        assert office.ask(somebody, "GET", path).status_code == 404, "a draft is its filer's alone"
