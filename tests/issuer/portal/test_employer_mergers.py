"""The merger of two employers, and an employer's new name, through the pages of two officers."""

from __future__ import annotations

from pathlib import Path

import pytest

from issuer.accounts.organisations import change_code
from issuer.permits.models import Employer
from issuer.portal import BASE, make_portal
from issuer.service.app import make_service
from tests.issuer.conftest import new_database_url
from tests.issuer.portal.test_guard import Person
from tests.kit.forms import words
from tests.kit.people import credit_code
from tests.kit.permit_office import PermitOffice
from verifier.runtime import http

pytestmark = pytest.mark.slow


def test_one_officer_asks_and_another_confirms_with_the_names_of_both(tmp_path: Path) -> None:
    """The other employer is named by a code that it had before: the form says so, the request has the one of now."""
    office = PermitOffice.begin(tmp_path, new_database_url("sqlite", tmp_path))
    app = make_service(office.core, http.Drain(), [make_portal(office.core)])
    permit, into = office.employed(1), office.another_employer(7)
    into_id = str(into.who().organisation_id)
    office.core.database.transact(
        lambda session: change_code(office.core, session, office.core.clock.now(session), into_id, credit_code(70))
    )
    path = f"employers/{office.employer_id}/merge"
    first = Person(app, office.officer.enter())
    assert f'href="{BASE}{path}"' in first.get(f"permits/{permit['permit_id']}").text
    assert Person(app, into.enter()).get(path).status_code == 403
    given = {"into": credit_code(7), "reason": "Merged by the register."}
    for key, wrong in enumerate(("", credit_code(77), credit_code(1)), 1):
        refused = first.post(path, key=str(key) * 32, **{**given, "into": wrong})
        assert (refused.status_code < 500, 'href="#f-into"' in refused.text) == (True, True), wrong
    asked = first.post(path, key="8" * 32, **given)
    assert (asked.status_code, asked.headers["location"].rpartition("=")[2]) == (303, "asked_former_code")
    second = Person(app, office.second.enter())
    request = second.asked(credit_code(70))
    page = words(second.get(request).text)
    assert f"Organisation 1 ({credit_code(1)})" in page
    assert f"Organisation 7 ({credit_code(70)})" in page
    assert second.post(f"{request}/confirm", key="9" * 32).status_code == 303
    row = office.core.database.read(lambda session: session.get_one(Employer, office.employer_id))
    assert (row.state, row.merged_into) == ("merged", into_id)
    office.core.close()


def test_new_name_is_asked_for_on_a_page_and_confirmed_with_the_present_one_before_the_second_officer(
    tmp_path: Path,
) -> None:
    office = PermitOffice.begin(tmp_path, new_database_url("sqlite", tmp_path))
    app = make_service(office.core, http.Drain(), [make_portal(office.core)])
    permit = office.employed(1)
    path = f"employers/{office.employer_id}/name"
    first = Person(app, office.officer.enter())
    assert f'href="{BASE}{path}"' in first.get(f"permits/{permit['permit_id']}").text
    assert "Organisation 1" in words(first.get(path).text)
    assert Person(app, office.employer.enter()).get(path).status_code == 403
    given = {"name": "Muster & <b>Sons</b>", "reason": "Renamed by the register."}
    for key, wrong in enumerate(("", "Organisation 1", "x" * 300), 1):
        refused = first.post(path, key=str(key) * 32, **{**given, "name": wrong})
        assert (refused.status_code, 'href="#f-name"' in refused.text) == (422, True), wrong
    assert first.post(path, key="8" * 32, **given).status_code == 303
    second = Person(app, office.second.enter())
    request = second.asked("Muster & <b>Sons</b>")
    page = second.get(request).text
    assert f"Organisation 1 ({credit_code(1)})" in words(page)
    assert "Muster &amp; &lt;b&gt;Sons&lt;/b&gt;" in page
    assert second.post(f"{request}/confirm", key="9" * 32).status_code == 303
    terms = office.permit(permit["permit_id"])["terms"]
    assert [term["employer"] for term in terms] == ["Organisation 1", "Muster & <b>Sons</b>"]
    office.core.close()
