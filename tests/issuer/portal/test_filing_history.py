"""The history of an application on its page: every move has words, whoever made it."""

from __future__ import annotations

from pathlib import Path

import pytest

from issuer.portal import make_portal
from issuer.service.app import make_service
from tests.issuer.conftest import new_database_url
from tests.issuer.permits.test_open_files import carry, notified, row
from tests.issuer.portal.test_guard import Person
from tests.kit.forms import words
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
