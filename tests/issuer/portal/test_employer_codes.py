"""An employer's new code through the pages of two officers, and the codes that it had before."""

from __future__ import annotations

from pathlib import Path

import pytest

from issuer.accounts import organisations
from issuer.portal import BASE, make_portal
from issuer.service.app import make_service
from tests.issuer.conftest import new_database_url
from tests.issuer.portal.test_guard import Person
from tests.kit.forms import words
from tests.kit.people import credit_code
from tests.kit.permit_office import PermitOffice
from verifier.runtime import http

pytestmark = pytest.mark.slow


def test_new_code_is_asked_for_confirmed_and_the_former_one_is_shown(tmp_path: Path) -> None:
    office = PermitOffice.begin(tmp_path, new_database_url("sqlite", tmp_path))
    app = make_service(office.core, http.Drain(), [make_portal(office.core)])
    permit, other = office.employed(1), office.another_employer(7)
    path = f"employers/{office.employer_id}/code"
    first = Person(app, office.officer.enter())
    assert f'href="{BASE}{path}"' in first.get(f"permits/{permit['permit_id']}").text
    assert Person(app, other.enter()).get(path).status_code == 403
    given = {"credit_code": credit_code(70), "reason": "By the register."}
    for key, wrong in enumerate(("", "1" * 18, credit_code(7), credit_code(1)), 1):
        refused = first.post(path, key=str(key) * 32, **{**given, "credit_code": wrong})
        assert (refused.status_code < 500, 'href="#f-credit_code"' in refused.text) == (True, True), wrong
    assert first.post(path, key="8" * 32, **given).status_code == 303
    second = Person(app, office.second.enter())
    request = second.asked(credit_code(70))
    page = words(second.get(request).text)
    assert f"Organisation 1 ({credit_code(1)})" in page
    assert credit_code(70) in page
    assert second.post(f"{request}/confirm", key="9" * 32).status_code == 303

    assert credit_code(1) in words(first.get(path).text)
    assert credit_code(1) in words(Person(app, office.employer.enter()).get("organisation").text)
    managed = words(Person(app, office.admin.enter()).get(f"organisations/{office.employer_id}?lang=en").text)
    assert f"Code until 2 March 2026 {credit_code(1)}" in managed
    address = f"/v1/employers/{office.employer_id}/codes"
    for somebody in (office.officer, office.employer):
        found = office.ok(somebody, "GET", address)
        assert (found["code"], [one["code"] for one in found["former"]]) == (credit_code(70), [credit_code(1)])
    assert office.ask(other, "GET", address).status_code == 404
    office.core.close()


def test_former_codes_are_newest_first_within_one_second_and_without_the_one_it_has(tmp_path: Path) -> None:
    office = PermitOffice.begin(tmp_path, new_database_url("sqlite", tmp_path))
    core = office.core
    for number in (70, 71, 72, 71):
        core.database.transact(
            lambda session, number=number: organisations.change_code(  # type: ignore[misc]
                core, session, core.clock.now(session), office.employer_id, credit_code(number)
            )
        )
    found = core.database.read(lambda session: organisations.former_codes(core, session, office.employer_id))
    assert [one.code for one in found] == [credit_code(number) for number in (72, 70, 1)]
    core.close()
