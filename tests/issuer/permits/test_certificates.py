"""Certificates over the API: what each profile says, for whom, and the code read back from the rendered page."""

from __future__ import annotations

import pytest

from icard_crypto import qr
from icard_crypto.card.card import Card
from icard_crypto.pictures import pdf
from issuer.permits.certificates import lines_of
from issuer.permits.names import latin
from tests.issuer.documents.test_sheets import text_of
from tests.kit.callers import problem
from tests.kit.permit_office import PermitOffice, person_record

pytestmark = pytest.mark.slow


def test_certificate_has_the_code_of_its_profile_and_what_that_discloses(office: PermitOffice) -> None:
    permit = office.employed(1, surname="WOLFESCHLEGELSTEINHAUSEN", given="HANNELORE CHARLOTTE")
    path = f"/v1/permits/{permit['permit_id']}/certificate"
    for profile in ("public", "work", "authority"):
        data = office.ask(office.officer, "GET", f"{path}.pdf?profile={profile}").content
        [code] = qr.read(pdf.page(data, 0, 150))
        assert code.content == office.code(permit, profile)
        words = text_of(data)
        assert "WOLFESCHLEGELSTEINHAUSENHANNELORECHARLOTTE" in words
        assert "TESTENVIRONMENT" in words
        assert (permit["number"] in words) is (profile == "authority")
        assert ("Designengineer" in words) is (profile != "public")
    picture = office.ask(office.officer, "GET", f"{path}.png")
    assert [code.content for code in qr.read(picture.content)] == [office.code(permit)]
    told = office.ok(office.employer, "GET", f"{path}.json?profile=work")
    assert told["code"] == office.code(permit, "work")
    assert told["card"]["permit"]["position"] == "Design engineer"
    assert "number" not in told["card"]["permit"]


def test_certificate_is_refused_beyond_what_one_may_see(office: PermitOffice) -> None:
    permit = office.employed(1)
    path = f"/v1/permits/{permit['permit_id']}/certificate.pdf"
    assert problem(office.ask(office.employer, "GET", f"{path}?profile=authority")) == (403, "access.not_allowed")
    assert problem(office.ask(office.another_employer(5), "GET", path)) == (404, "permit.none")
    assert problem(office.ask(office.admin, "GET", path))[0] == 403


def test_permit_without_a_card_has_no_certificate(office: PermitOffice) -> None:
    filing = office.approved("overseas", person_record(office.today))
    path = f"/v1/permits/{filing['permit_id']}/certificate.pdf"
    assert problem(office.ask(office.officer, "GET", path)) == (409, "permit.no_card")


@pytest.mark.parametrize(
    ("name", "native", "shown", "notes"),
    [
        ("VOGEL HANNELORE", "福格尔", ["VOGEL HANNELORE", "福格尔"], 0),
        ("VOGEL HANNELORE", "𠮷𠮷", ["VOGEL HANNELORE"], 1),
        ("𐐀LSEN ANNA", None, ["?LSEN ANNA"], 1),
    ],
)
def test_name_that_no_font_has_is_shown_in_latin_with_a_note(
    name: str, native: str | None, shown: list[str], notes: int
) -> None:
    holder = {"name": name, "nationality": "DEU", "year_of_birth": 1980, "gender": "female"}
    if native is not None:
        holder["name_native"] = {"text": native, "language": "zh"}
    card = Card.from_json({"holder": holder, "permit": PERMIT})
    lines, found = lines_of(card)
    assert [line.value for line in lines if "ame" in line.en] == shown
    assert len(found) == notes


PERMIT = {
    "number": "310115202600000001",
    "number_last4": "0001",
    "category": "B",
    "employer": "Example Ltd",
    "employer_code": "91310000MA1FL0000N",
    "position": "Engineer",
    "from": "2026-03-01",
    "until": "2027-02-28",
    "region": "310115",
    "authority": "上海",
}


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("Müller-Lüdenscheidt", "MUELLER-LUEDENSCHEIDT"), ("NGUYỄN ẢNH", "NGUYEN ANH"), ("Łukasz", "LUKASZ"), ("𠮷", "?")],
)
def test_name_in_the_letters_of_the_machine_readable_zone(name: str, wanted: str) -> None:
    assert latin(name) == wanted
