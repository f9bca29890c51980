"""The history of an application on its page: every move has words, whoever made it."""

from __future__ import annotations

from pathlib import Path

import pytest

from issuer.portal import make_portal
from issuer.service.app import make_service
from tests.issuer.conftest import new_database_url
from tests.issuer.permits.test_open_files import carry, notified, row
from tests.issuer.portal.test_guard import Person
from tests.kit.forms import field, words
from tests.kit.people import make
from tests.kit.permit_office import PermitOffice, person_record
from verifier.runtime import http

pytestmark = pytest.mark.slow


def test_page_has_a_pause_a_delivery_and_what_was_carried_over_in_its_history(tmp_path: Path) -> None:
    """In both languages, with the reason of the pause; the notification from before the switch is offered."""
    office = PermitOffice.begin(tmp_path, new_database_url("sqlite", tmp_path))
    app = make_service(office.core, http.Drain(), [make_portal(office.core)])
    carry(office, tmp_path, row(1, state="ACCEPTED", accepted_on="2026-02-27"), notified(2))
    of = {one["state"]: one["filing_id"] for one in office.ok(office.employer, "GET", "/v1/filings")["items"]}
    paused = office.accepted("overseas", person_record(office.today, 3))
    office.moved(office.officer, paused, "pause", {"ground": "expert_review", "reason": "Three experts look at it."})
    office.moved(office.officer, paused, "resume")
    office.moved(office.officer, paused, "refuse", {"reasons": [{"path": "M06", "text": "No such post."}]})
    office.moved(office.employer, paused, "delivery", {"way": "electronic"})
    handler = Person(app, office.employer.enter())
    wanted = {
        of["ACCEPTED"]: ["Carried over from the former system", "Former system"],
        of["APPROVED"]: ["Approved in the former system", "Approved"],
        paused: ["Time for the decision stopped", "Three experts look at it.", "goes on", "Decision delivered"],
    }
    for filing_id, said in wanted.items():
        answer = handler.get(f"filings/{filing_id}?lang=en")
        assert answer.status_code == 200, filing_id
        assert [one for one in said if one not in words(answer.text)] == []
        assert handler.get(f"filings/{filing_id}?lang=zh").status_code == 200
    note = handler.get(f"filings/{of['APPROVED']}/notification?lang=en")
    assert "20 May 2026" in words(note.text)
    office.core.close()


def test_head_hands_an_application_to_the_office_of_another_region(tmp_path: Path) -> None:
    """The form names the regions that have an office, comes back with what was typed where there is none, and says in
    the history where from, where to and why; an officer has no such page, and the office that gave it away loses it."""
    office = PermitOffice.begin(tmp_path, new_database_url("sqlite", tmp_path))
    app = make_service(office.core, http.Drain(), [make_portal(office.core)])
    away = office.ok(office.admin, "POST", "/v1/offices", {"region": "320500", "name_en": "Suzhou", "name_zh": "苏州"})
    there = make(office.issuing_service, "office_head", "suzhou.head")
    office.ok(office.admin, "PUT", f"/v1/offices/{away['office_id']}/members", {"account_id": there.account_id})
    filing, why = office.accepted("overseas", person_record(office.today, 3)), "The place of work is in Suzhou."
    path, head = f"filings/{filing}", Person(app, office.head.enter())

    assert f'{path}/transfer"' in head.get(f"{path}?lang=en").text
    assert Person(app, office.officer.enter()).get(f"{path}/transfer").status_code == 403
    form = head.get(f"{path}/transfer?lang=en").text
    assert "<option>Suzhou, Jiangsu (320500)" in form, "there is another Suzhou in Anhui"
    assert "Shenzhen" not in form, "it has no office"
    version = field(form, "version")
    empty = head.post(f"{path}/transfer", key="1" * 32, version=version)
    assert [name for name in ("region", "reason") if f'href="#f-{name}"' not in empty.text] == []
    for number, region in enumerate(("Atlantis", "Suzhou", "Shenzhen", "310115", "<b>320500"), 2):
        refused = head.post(f"{path}/transfer", key=f"{number:032x}", version=version, region=region, reason=why)
        assert (refused.status_code in (404, 422), 'href="#f-region"' in refused.text) == (True, True), region
        assert field(refused.text, "region") == region
    done = head.post(f"{path}/transfer", key="a" * 32, version=version, region="320506", reason=why)
    assert done.headers["location"].endswith("/queue?done=filing_transferred"), words(done.text)[-300:]
    assert head.get(path).status_code == 404
    said = f"From Shanghai (310115) to Suzhou (320506): {why}"
    for somebody in (office.employer, there):
        assert said in words(Person(app, somebody.enter()).get(f"{path}?lang=en").text), somebody.login
    office.core.close()
