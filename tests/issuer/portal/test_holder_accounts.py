"""The account of a holder who came by no notification, through the pages of two officers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from icard_crypto.errors import StateError
from issuer.accounts.invitations import accept
from issuer.portal import BASE, make_portal
from issuer.service.app import make_service
from tests.issuer.conftest import new_database_url
from tests.issuer.portal.test_guard import Person
from tests.kit.forms import words
from tests.kit.people import HOME, PASSWORD
from tests.kit.permit_office import PermitOffice
from verifier.runtime import http

pytestmark = pytest.mark.slow


def slip(page: str) -> str:
    """The slip on a page."""
    (found,) = re.findall(r'<p class="code">([^<]+)</p>', page)
    return str(found)


def test_two_officers_hand_over_a_slip_each_and_the_account_opens_with_both(tmp_path: Path) -> None:
    """Neither slip alone; both, in a field each; the employer gets notice; the page offers no further account."""
    office = PermitOffice.begin(tmp_path, new_database_url("sqlite", tmp_path))
    app = make_service(office.core, http.Drain(), [make_portal(office.core)])
    permit = office.employed(1)
    path = f"permits/{permit['permit_id']}"
    first, employer = Person(app, office.officer.enter()), Person(app, office.employer.enter())
    assert f'href="{BASE}{path}/account"' in first.get(path).text
    assert employer.get(f"{path}/account").status_code == 403
    assert "passport before you" in words(first.get(f"{path}/account?lang=en").text)
    given = {"login": "hannelore.vogel", "email": "", "language": "en", "reason": "Came to the window."}
    incomplete = first.post(f"{path}/account", key="1" * 32, **{**given, "login": ""})
    assert (incomplete.status_code, 'href="#f-login"' in incomplete.text) == (422, True)
    asked = first.post(f"{path}/account", key="2" * 32, **given)
    assert asked.status_code == 200, words(asked.text)[-300:]
    own = slip(asked.text)
    again = first.post(f"{path}/account", key="2" * 32, **given)
    assert (again.status_code, own in again.text) == (200, False)
    second = Person(app, office.second.enter())
    request = second.asked("hannelore.vogel")
    confirmed = second.post(f"{request}/confirm", key="3" * 32)
    assert confirmed.status_code == 200, words(confirmed.text)[-300:]
    other = slip(confirmed.text)
    for part in (own, other):
        with pytest.raises(StateError, match=r"invitation\.unknown"):
            accept(office.core, part, PASSWORD, None, HOME)
    opened = second.post("invitations/open", invitation=other, other=own)
    assert (opened.status_code, "hannelore.vogel" in words(opened.text)) == (200, True)
    accept(office.core, f"{own}.{other}", PASSWORD, None, HOME)
    told = [one["kind"] for one in office.ok(office.employer, "GET", "/v1/notices")["items"]]
    assert "permit.account_opened" in told
    assert f'href="{BASE}{path}/account"' not in first.get(path).text
    office.core.close()
