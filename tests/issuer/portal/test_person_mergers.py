"""Two records of one person merged, and split again, through the pages of two officers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from issuer.audit.models import Read
from issuer.permits.models import Filing
from issuer.portal import BASE, make_portal
from issuer.service.app import make_service
from tests.issuer.conftest import new_database_url
from tests.issuer.portal.test_guard import Person
from tests.kit.forms import words
from tests.kit.people import make
from tests.kit.permit_office import PermitOffice, person_record
from verifier.runtime import http

pytestmark = pytest.mark.slow


@pytest.fixture
def office(tmp_path: Path) -> Iterator[PermitOffice]:
    """Shanghai's office on Monday, 2 March 2026, with the portal."""
    made = PermitOffice.begin(tmp_path, new_database_url("sqlite", tmp_path))
    made.app = make_service(made.core, http.Drain(), [make_portal(made.core)])
    yield made
    made.core.close()


def test_officer_finds_the_other_record_and_another_confirms_with_both_before_them(office: PermitOffice) -> None:
    """By the passport of an application; the merger stands on the page and is taken back from there."""
    permit = office.employed(1)
    holder, number = office.holder(permit), permit["number"]
    filing = office.filed("overseas", person_record(office.today, 2, given="HANNA LORE"))
    path = f"permits/{permit['permit_id']}/merge"
    first = Person(office.app, office.officer.enter())
    assert f'href="{BASE}{path}"' in first.get(f"permits/{permit['permit_id']}").text
    page = words(first.get(f"{path}?lang=en").text)
    assert "No other record was merged with this one." in page
    assert ("C01X00001" in page, number in page) == (True, True)

    found = first.post(path, key="1" * 32, nationality="deu", passport="c01x 00002")
    assert found.status_code == 200
    shown = words(found.text)
    assert ("VOGEL HANNA LORE" in shown or "HANNA LORE" in shown, "C01X00002" in shown) == (True, True)
    person_id = re.findall(r'name="person_id" value="([0-9a-f]{32})"', found.text)[0]
    late = first.post(path, key="2" * 32, person_id=person_id)
    assert (late.status_code, 'href="#f-reason"' in late.text) == (422, True)
    assert f'value="{person_id}"' in late.text, "what was found stays"
    asked = first.post(path, key="3" * 32, person_id=person_id, reason="One passport was mistyped.")
    assert asked.status_code == 303
    assert office.ask(holder, "GET", f"/v1/filings/{filing}").status_code == 404, "nothing before the second officer"

    second = Person(office.app, office.second.enter())
    request = second.asked("The other record: Name")
    both = words(second.get(f"{request}?lang=en").text)
    for said in (number, "The other record: Name", "C01X00002", "One passport was mistyped."):
        assert said in both, said
    assert second.post(f"{request}/confirm", key="4" * 32).status_code == 303
    assert office.ok(holder, "GET", f"/v1/filings/{filing}")["state"] == "SUBMITTED"

    listed = first.get(f"{path}?lang=en").text
    assert ("Merged on 2 March 2026" in words(listed), "2 entries moved" in words(listed)) == (True, True)
    split = re.findall(rf'href="{BASE}(permits/[0-9a-f]{{32}}/split\?merger=[0-9a-f]{{32}})"', listed)[0]
    merger_id = split.rpartition("=")[2]
    assert "Merged on 2 March 2026" in words(first.get(f"{split}&lang=en").text)
    action = split.partition("?")[0]
    assert first.post(action, key="5" * 32, merger_id=merger_id, reason="They are two people.").status_code == 303
    second = Person(office.app, office.second.enter())
    request = second.asked("Merged on 2 March 2026; 2 entries moved")
    assert second.post(f"{request}/confirm", key="6" * 32).status_code == 303
    assert office.ask(holder, "GET", f"/v1/filings/{filing}").status_code == 404
    after = first.get(f"{path}?lang=en").text
    assert ("Taken back on 2 March 2026" in words(after), "/split?" in after) == (True, False)


def test_record_that_is_not_there_or_not_allowed_is_said_at_its_field(office: PermitOffice) -> None:
    """Neither way, both ways, half a passport, no record, the same record; what forbids the merger after that. Each
    look leaves a row, and nobody but an officer of the region sees the page."""
    permit, other = office.employed(1), office.employed(2)
    path = f"permits/{permit['permit_id']}/merge"
    officer = Person(office.app, office.officer.enter())
    passport = {"nationality": "DEU", "passport": "C01X00001"}
    faults: list[tuple[str, dict[str, str]]] = [
        ("number", {}),
        ("passport", {**passport, "number": permit["number"]}),
        ("passport", {"passport": "C01X00001"}),
        ("number", {"nationality": "DEU"}),
        ("number", {"number": "310115202600000099"}),
        ("passport", {**passport, "passport": "C01X00099"}),
        ("passport", passport),
        ("number", {"number": permit["number"]}),
    ]
    for place, (field, given) in enumerate(faults):
        refused = officer.post(path, key=f"{place:032x}", **given)
        assert (refused.status_code, f'href="#f-{field}"' in refused.text) == (422, True), given
        assert 'name="person_id"' not in refused.text, given
    found = officer.post(path, key="a" * 32, number=other["number"])
    person_id = re.findall(r'name="person_id" value="([0-9a-f]{32})"', found.text)[0]
    refused = officer.post(path, key="b" * 32, person_id=person_id, reason="They look alike.")
    assert (refused.status_code, 'href="#f-reason"' in refused.text) == (409, True), words(refused.text)[-400:]
    looked = select(func.count(Read.id)).where(Read.way == "person.read")
    assert (office.core.database.read(lambda session: session.scalar(looked)) or 0) >= len(faults)

    strange = make(office.issuing_service, "permit_officer", "stranger")
    for somebody, status in ((office.employer, 403), (office.holder(permit), 403), (office.head, 403), (strange, 404)):
        assert Person(office.app, somebody.enter()).get(path).status_code == status, somebody.login
    assert officer.get(f"permits/{permit['permit_id']}/split?merger={'0' * 32}").status_code == 404


def test_officer_of_the_other_region_reads_both_records_before_confirming(office: PermitOffice) -> None:
    """The permit lies outside their region and its page stays closed to them; that of the request names both people."""
    far = office.officer_elsewhere("440000")
    office.issuing_service.later()
    permit = office.employed(1)
    filing_id = office.filed("overseas", person_record(office.today, 2))

    def move(session: Session) -> None:
        session.get_one(Filing, filing_id).region = "440305"

    office.core.database.transact(move)
    about = {"permit_id": permit["permit_id"], "filing_id": filing_id}
    request = office.asked("person.merge", about).json()["confirmation_id"]
    there = Person(office.app, far.enter())
    assert there.get(f"permits/{permit['permit_id']}").status_code == 404
    page = words(there.get(f"confirmations/{request}?lang=en").text)
    for said in (permit["number"], "C01X00001", "The other record: Name", "C01X00002"):
        assert said in page, said
    assert there.post(f"confirmations/{request}/confirm", key="7" * 32).status_code == 303
    found = office.ask(office.officer, "GET", f"/v1/permits/{permit['permit_id']}/mergers").json()
    assert [one["state"] for one in found] == ["merged"]
