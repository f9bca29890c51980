"""The photo of an approved application in the codes of the card."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.issuer.conftest import new_database_url
from tests.issuer.permits.test_objections import WHY, lodged, restored
from tests.issuer.permits.test_objections import step as advance
from tests.kit.permit_office import PermitOffice, person_record
from tests.kit.signed_domain import step, verdicts
from tests.kit.uploaded import photo

pytestmark = pytest.mark.slow


def with_photo(office: PermitOffice, process: str, number: int) -> dict[str, Any]:
    """An application with a photo, approved."""
    record = person_record(office.today, number)
    filing_id = office.draft(process, record)
    office.ok(office.employer, "POST", f"/v1/files/{filing_id}/M08", photo())
    office.moved(office.employer, filing_id, "submit")
    office.moved(office.officer, filing_id, "pre-review")
    office.verify_papers(filing_id)
    office.moved(office.officer, filing_id, "accept")
    return office.moved(office.officer, filing_id, "approve", {"category": "B"})


def seen(office: PermitOffice, permit_id: str, profile: str = "public") -> Any:
    """What a verifier says of a permit's code."""
    code = office.code(office.permit(permit_id), profile)
    step(office.core, office.issuing_service.clock)
    (found,) = verdicts(office.core, [code])
    assert found.outcome == "VALID"
    return found


def test_card_has_the_photo_that_was_verified_in_every_profile(office: PermitOffice) -> None:
    """Small enough for a code; the verdict asks the checker to compare the face."""
    permit_id = with_photo(office, "in_country", 1)["permit_id"]
    for profile in ("public", "work", "authority"):
        verdict = seen(office, permit_id, profile)
        holder = verdict.card.holder
        assert verdict.holder == "photo_to_compare"
        assert 0 < len(holder.photo) <= 400
        assert (holder.photo_format, Image.open(BytesIO(holder.photo)).format) == (4, "WEBP")


def test_card_of_a_first_entry_has_it_and_keeps_it_with_a_change(office: PermitOffice) -> None:
    """It comes at the activation; a new post makes new codes with the same photo."""
    filing = with_photo(office, "overseas", 2)
    found = office.ok(office.employer, "GET", f"/v1/filings/{filing['filing_id']}/notification")
    names = {name: office.newest_record[name] for name in ("surname", "given")}
    body = {"token": found["token"], "number": found["number"], **names, "checked": True}
    office.ok(office.officer, "POST", "/v1/permits/activations", body)
    before = seen(office, filing["permit_id"]).card.holder.photo
    assert before
    record = {"changed_on": office.today.isoformat(), "post": "Head of design", "facts": {
        "position_changes": True, "promotion": True, "category_changes": False, "category_by_proof": False,
        "dependants": False, "regulated_industry": False, "physical_permit": False}}  # fmt: skip
    office.approved("change", record, permit_id=filing["permit_id"])
    assert seen(office, filing["permit_id"]).card.holder.photo == before


def test_restored_card_has_the_photo_of_the_one_that_ended(office: PermitOffice) -> None:
    permit = office.permit(with_photo(office, "in_country", 3)["permit_id"])
    before = seen(office, permit["permit_id"]).card.holder.photo
    facts = person_record(office.today)["facts"]
    record = {"ended_on": office.today.isoformat(), "ground": "resigned", "signed": True, "facts": facts}
    office.approved("cancellation", record, permit_id=permit["permit_id"])
    objection = lodged(office, office.employer, permit_id=permit["permit_id"])
    advance(office, objection, "admit", {})
    advance(office, objection, "decide", {"outcome": "annul", **WHY})
    back = restored(office, permit, objection)
    assert back["card_id"] != permit["card_id"]
    assert seen(office, permit["permit_id"]).card.holder.photo == before


@pytest.mark.parametrize("most", [0, 20])
def test_card_without_a_photo_where_none_is_wanted_or_none_fits(tmp_path: Path, most: int) -> None:
    """The approval stands; the card has no photo."""
    office = PermitOffice.begin(tmp_path, new_database_url("sqlite", tmp_path), card_photo_bytes=most)
    verdict = seen(office, with_photo(office, "in_country", 1)["permit_id"])
    assert verdict.card.holder.photo is None
    office.core.close()
