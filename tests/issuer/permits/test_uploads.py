"""Files of papers over the API: who may add, see and remove them, and what is refused."""

from __future__ import annotations

import os
import time
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.limits import MIB
from issuer.audit.models import Read
from issuer.documents import drawing
from issuer.permits import uploads
from issuer.permits.models import Upload
from issuer.permits.uploads import MOST_BYTES, sweep_files
from issuer.processes import rewrap
from issuer.service.app import make_app
from issuer.service.costly import CostlyRoom
from tests.issuer.conftest import new_database_url
from tests.kit.callers import Caller, problem
from tests.kit.http_clients import ask_at_once
from tests.kit.permit_office import PermitOffice, person_record
from tests.kit.uploaded import endless, pdf, photo, picture, scan
from verifier.runtime import http

pytestmark = pytest.mark.slow


def drafted(office: PermitOffice) -> str:
    return office.draft("overseas", person_record(office.today))


def added(office: PermitOffice, filing_id: str, code: str = "M04", data: bytes | None = None) -> dict[str, object]:
    return office.ok(office.employer, "POST", f"/v1/files/{filing_id}/{code}", pdf() if data is None else data)


def stored(office: PermitOffice) -> list[Path]:
    return sorted(path for path in office.core.settings.uploads_path.glob("*/*"))


def test_file_is_kept_sealed_and_comes_back(office: PermitOffice) -> None:
    filing_id, data = drafted(office), picture("PNG")
    found = added(office, filing_id, data=data)
    assert (found["media_type"], found["size"], found["pages"]) == ("image/png", len(data), 1)
    (path,) = stored(office)
    assert data[8:40] not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    answer = office.ask(office.employer, "GET", f"/v1/files/{found['file_id']}/content")
    assert (answer.content, answer.headers["content-type"]) == (data, "image/png")
    assert answer.headers["content-disposition"] == "attachment"
    seen = office.ok(office.employer, "GET", f"/v1/filings/{filing_id}")
    files = {item["code"]: [one["file_id"] for one in item["files"]] for item in seen["checklist"]}
    assert files["M04"] == [found["file_id"]]
    assert files["M07"] == []


def test_files_of_one_second_are_shown_in_the_order_in_which_they_came(office: PermitOffice) -> None:
    """And the newest photo, of six, is the one that came last: the clock of the test stands still."""
    filing_id = drafted(office)
    came = [added(office, filing_id, "M08", photo())["file_id"] for _ in range(6)]
    seen = office.ok(office.employer, "GET", f"/v1/filings/{filing_id}")
    files = {item["code"]: [one["file_id"] for one in item["files"]] for item in seen["checklist"]}
    assert files["M08"] == came
    newest = office.core.database.read(lambda session: uploads.newest_photo(session, filing_id))
    assert newest is not None
    assert newest.id == came[-1]


def test_officer_sees_pages_that_were_drawn_anew_and_the_look_is_noted(office: PermitOffice) -> None:
    filing_id = drafted(office)
    found = added(office, filing_id, data=pdf(2))
    path = f"/v1/files/{found['file_id']}/pages/2"
    assert problem(office.ask(office.officer, "GET", path)) == (404, "upload.none")
    office.moved(office.employer, filing_id, "submit")
    answer = office.ask(office.officer, "GET", path)
    assert Image.open(BytesIO(answer.content)).format == "JPEG"
    assert "sandbox" in answer.headers["content-security-policy"]
    reads = office.core.database.read(lambda session: list(session.scalars(select(Read.way))))
    assert reads.count("file.read") == 1
    assert problem(office.ask(office.officer, "GET", path.replace("/2", "/3"))) == (404, "upload.no_page")


def test_page_is_drawn_once_in_the_room_for_what_takes_long_and_each_look_is_noted(
    office: PermitOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever may see the application gets the same picture from memory, even while that room is full; nobody else
    does, nobody after the file was taken back, and an official's look leaves a row each time."""
    filing_id = drafted(office)
    path = f"/v1/files/{added(office, filing_id)['file_id']}/pages/1"
    drawn: list[int] = []
    draw = drawing.draw_page

    def counted(data: bytes, media_type: str, number: int) -> bytes:
        drawn.append(number)
        return draw(data, media_type, number)

    monkeypatch.setattr(drawing, "draw_page", counted)
    first = office.ask(office.employer, "GET", path)

    async def full(_room: CostlyRoom, _account: str, _work: object) -> bytes:
        raise http.Problem("http.overloaded")

    with monkeypatch.context() as patched:
        patched.setattr(CostlyRoom, "run", full)
        assert office.ask(office.employer, "GET", path).content == first.content
        assert problem(office.ask(office.officer, "GET", path)) == (404, "upload.none")
        assert office.ask(office.employer, "GET", path.replace("/1", "/2")).status_code == 503
    office.moved(office.employer, filing_id, "submit")
    for _ in range(2):
        assert office.ask(office.officer, "GET", path).content == first.content
    assert drawn == [1]
    reads = office.core.database.read(lambda session: list(session.scalars(select(Read.way))))
    assert reads.count("file.read") == 2
    office.moved(office.officer, filing_id, "return", {"defects": [{"path": "M04", "text": "not legible"}]})
    assert office.ask(office.employer, "DELETE", path.removesuffix("/pages/1")).status_code == 204
    assert problem(office.ask(office.employer, "GET", path)) == (404, "upload.none")
    assert uploads._drawn.find(path.split("/")[3], 1) is None


@pytest.mark.parametrize(
    ("data", "said", "code"),
    [
        (b"", "application/pdf", (422, "upload.empty")),
        (b"MZ\x90\x00", "application/pdf", (422, "upload.type")),
        (picture("PNG"), "image/jpeg", (422, "upload.type")),
        (picture("PNG"), "text/plain", (422, "upload.type")),
        (b"%PDF-1.7\nnothing", "application/pdf", (422, "upload.broken")),
        (pdf(51), "application/pdf", (422, "upload.pages")),
    ],
)
def test_file_that_is_no_use_is_refused_and_nothing_is_kept(
    office: PermitOffice, data: bytes, said: str, code: tuple[int, str]
) -> None:
    path = f"/v1/files/{drafted(office)}/M04"
    assert problem(office.ask(office.employer, "POST", path, data, said=said)) == code
    assert stored(office) == []


def test_bomb_is_refused_while_other_requests_are_answered(
    office: PermitOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of it is kept, and the next file of the same paper is taken."""
    filing_id, caller = drafted(office), office.by(office.employer)
    upload = caller.prepared("POST", f"/v1/files/{filing_id}/M04", endless())
    look = caller.prepared("GET", f"/v1/filings/{filing_id}")
    with monkeypatch.context() as patched:
        patched.setattr(drawing, "SECONDS", 3.0)
        refused, *seen = ask_at_once(office.app, [upload, look, look, look])
    assert problem(refused) == (422, "upload.costly")
    assert [answer.status_code for answer in seen] == [200] * 3
    assert stored(office) == []
    assert added(office, filing_id)["pages"] == 1


def test_scan_of_300_pages_is_taken_in_parts_and_drawn_page_by_page(office: PermitOffice) -> None:
    """Whole it is refused with the most pages of a file; in six files of fifty it is listed, each page by number."""
    filing_id = drafted(office)
    whole = office.ask(office.employer, "POST", f"/v1/files/{filing_id}/M04", scan(300))
    assert problem(whole) == (422, "upload.pages")
    assert "at most 50 pages" in whole.text
    part = scan(50)
    files = [added(office, filing_id, data=part) for _ in range(6)]
    seen = office.ok(office.employer, "GET", f"/v1/filings/{filing_id}")
    listed = next(item["files"] for item in seen["checklist"] if item["code"] == "M04")
    assert [one["pages"] for one in listed] == [50] * 6
    assert {one["file_id"] for one in listed} == {one["file_id"] for one in files}
    office.moved(office.employer, filing_id, "submit")
    for number in (1, 50):
        page = office.ask(office.officer, "GET", f"/v1/files/{files[-1]['file_id']}/pages/{number}")
        drawn = Image.open(BytesIO(page.content)).convert("L")
        assert (drawn.size, drawn.getpixel((600, 800))) == ((1240, 1755), 128), "the grey of the scanned page"
    beyond = office.ask(office.officer, "GET", f"/v1/files/{files[-1]['file_id']}/pages/51")
    assert problem(beyond) == (404, "upload.no_page")


def test_edge_lets_large_files_of_their_types_through_and_nothing_else(office: PermitOffice) -> None:
    """Whole, with the limits of bodies around the application."""
    filing_id, caller = drafted(office), office.by(office.employer)
    whole = Caller(make_app(office.core, http.Drain()), caller.headers)
    data = pdf() + b"\n%" + b"x" * 1_000_000
    path = f"/v1/files/{filing_id}/M04"
    assert whole("POST", path, data).status_code == 201
    assert problem(whole("POST", path, {"a": 1})) == (415, "http.content_type")
    assert problem(whole("POST", path, bytes(MOST_BYTES + 1), said="application/pdf")) == (413, "http.too_large")
    assert problem(whole("PUT", f"/v1/filings/{filing_id}", data))[0] in (413, 415)


def test_photo_is_judged_at_once_and_every_point_is_named(office: PermitOffice) -> None:
    path = f"/v1/files/{drafted(office)}/M08"
    answer = office.ask(office.employer, "POST", path, photo((300, 400), ground="lightblue", frame="black"))
    assert problem(answer) == (422, "filing.refused")
    found = {one["code"]: one for one in answer.json()["errors"]}
    assert set(found) == {"upload.photo_small", "upload.photo_background", "upload.photo_frame"}
    assert found["upload.photo_small"]["expected"] == "at least 354 x 472 pixels"
    assert found["upload.photo_small"]["rule"].endswith("rule size)")
    assert stored(office) == []


def test_photo_is_kept_as_the_server_scaled_it(office: PermitOffice) -> None:
    found = added(office, drafted(office), "M08", photo((1500, 2000), kind="PNG"))
    assert found["media_type"] == "image/jpeg"
    data = office.ask(office.employer, "GET", f"/v1/files/{found['file_id']}/content").content
    assert Image.open(BytesIO(data)).size == (708, 944)


def test_files_come_and_go_while_the_application_is_a_draft_or_returned(office: PermitOffice) -> None:
    filing_id = drafted(office)
    first, second = added(office, filing_id), added(office, filing_id)
    assert office.ask(office.employer, "DELETE", f"/v1/files/{first['file_id']}").status_code == 204
    assert len(stored(office)) == 1
    office.moved(office.employer, filing_id, "submit")
    path = f"/v1/files/{second['file_id']}"
    assert problem(office.ask(office.employer, "DELETE", path)) == (409, "process.move")
    assert problem(office.ask(office.employer, "POST", f"/v1/files/{filing_id}/M04", pdf())) == (409, "process.move")
    assert problem(office.ask(office.officer, "DELETE", path))[0] == 403


def test_new_file_makes_a_checked_paper_unchecked_again(office: PermitOffice) -> None:
    filing_id = office.filed("overseas", person_record(office.today))
    office.verify_papers(filing_id)
    office.moved(office.officer, filing_id, "return", {"defects": [{"path": "M04", "text": "not legible"}]})
    added(office, filing_id)
    seen = office.ok(office.employer, "GET", f"/v1/filings/{filing_id}")
    states = {item["code"]: item["paper"]["state"] for item in seen["checklist"] if item["paper"]}
    assert (states["M04"], states["M03"]) == ("UNCHECKED", "VERIFIED")


def test_paper_without_a_file_is_not_verified_by_its_scan(office: PermitOffice) -> None:
    filing_id = drafted(office)
    added(office, filing_id, "M07")
    office.moved(office.employer, filing_id, "submit")
    path = f"/v1/filings/{filing_id}/papers"
    answer = office.ask(office.officer, "POST", f"{path}/M04/verify", {"how": "scan"})
    assert [one["code"] for one in answer.json()["errors"]] == ["permit.paper_no_scan"]
    office.ok(office.officer, "POST", f"{path}/M07/verify", {"how": "scan"})
    office.ok(office.officer, "POST", f"{path}/M04/verify", {"how": "seen_original"})


def test_repeated_upload_makes_one_file(office: PermitOffice) -> None:
    path, data = f"/v1/files/{drafted(office)}/M04", pdf()
    first = office.ask(office.employer, "POST", path, data, key="the-same-request-again")
    again = office.ask(office.employer, "POST", path, data, key="the-same-request-again")
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    assert len(stored(office)) == 1


def test_a_paper_has_ten_files_at_most(office: PermitOffice) -> None:
    filing_id, data = drafted(office), picture()
    for _ in range(10):
        added(office, filing_id, data=data)
    path = f"/v1/files/{filing_id}/M04"
    assert problem(office.ask(office.employer, "POST", path, data)) == (422, "upload.many")


def test_material_that_the_process_does_not_know_takes_no_file(office: PermitOffice) -> None:
    path = f"/v1/files/{drafted(office)}/M14"
    assert problem(office.ask(office.employer, "POST", path, pdf())) == (422, "filing.field")


def test_another_employer_sees_no_file(office: PermitOffice) -> None:
    found = added(office, drafted(office))
    stranger = office.another_employer(7)
    for path in ("", "/content", "/pages/1"):
        assert problem(office.ask(stranger, "GET", f"/v1/files/{found['file_id']}{path}")) == (404, "upload.none")
    assert problem(office.ask(office.head, "GET", f"/v1/files/{found['file_id']}")) == (404, "upload.none")


def test_file_of_another_name_or_damaged_does_not_open(office: PermitOffice) -> None:
    filing_id = drafted(office)
    first, second = added(office, filing_id), added(office, filing_id, data=picture())
    one, two = (next(path for path in stored(office) if path.name == each["file_id"]) for each in (first, second))
    one.write_bytes(two.read_bytes())
    assert office.ask(office.employer, "GET", f"/v1/files/{first['file_id']}/content").status_code == 500
    two.unlink()
    assert office.ask(office.employer, "GET", f"/v1/files/{second['file_id']}/content").status_code == 500


def test_sweeping_removes_what_no_row_knows_and_nothing_else(office: PermitOffice) -> None:
    found = added(office, drafted(office))
    (path,) = stored(office)
    left = path.parent.parent / "00" / ("0" * 32)
    left.parent.mkdir(exist_ok=True)
    left.write_bytes(b"left behind")
    temporary = path.with_name(f".{'1' * 32}.0a.tmp")
    temporary.write_bytes(b"half")
    assert sweep_files(office.core) == 0
    before = time.time() - 7200
    for each in (path, left, temporary):
        os.utime(each, (before, before))
    assert sweep_files(office.core) == 1
    assert stored(office) == [path]
    assert path.name == found["file_id"]


def test_file_opens_under_a_new_master_key(office: PermitOffice) -> None:
    data = picture()
    found = added(office, drafted(office), data=data)
    (path,) = stored(office)
    before = path.read_bytes()
    rewrap.prepare(office.core, "host:test")
    rewrap.switch(office.core, "host:test", lambda _name, _count: None)
    rewrap.finish(office.core, "host:test", lambda _name, _count: None)
    assert path.read_bytes() == before
    assert office.ask(office.employer, "GET", f"/v1/files/{found['file_id']}/content").content == data


def test_row_that_was_given_to_another_application_is_refused(office: PermitOffice) -> None:
    first = drafted(office)
    found = added(office, first)
    other = office.draft("overseas", person_record(office.today, 2))

    def move(session: object) -> None:
        table = Upload.__table__
        session.execute(table.update().values(filing_id=other))  # type: ignore[attr-defined]

    office.core.database.transact(move)
    answer = office.ask(office.employer, "GET", f"/v1/files/{found['file_id']}")
    assert problem(answer) == (403, "at_rest.altered")


def test_files_of_an_organisation_have_a_bound_and_a_withdrawn_draft_makes_room(tmp_path: Path) -> None:
    office = PermitOffice.begin(tmp_path, new_database_url("sqlite", tmp_path), most_upload_mib=20)
    kept = office.core.settings.most_upload_mib * MIB
    full, other = drafted(office), office.draft("overseas", person_record(office.today, 2))
    found = added(office, full)

    def grow(session: Session) -> None:
        row = session.get_one(Upload, str(found["file_id"]))
        row.size = kept - 10

    office.core.database.transact(grow)
    refused = office.ask(office.employer, "POST", f"/v1/files/{other}/M04", pdf())
    assert problem(refused) == (409, "upload.full")
    office.moved(office.employer, full, "withdraw")
    assert office.core.database.read(lambda session: session.scalars(select(Upload.id)).all()) == []
    added(office, other)
    office.core.close()


def test_an_organisation_has_a_bounded_number_of_drafts(tmp_path: Path) -> None:
    office = PermitOffice.begin(tmp_path, new_database_url("sqlite", tmp_path), most_drafts=2)
    body = {"process": "overseas", "record": person_record(office.today)}
    first, _ = (office.ok(office.employer, "POST", "/v1/filings", body)["filing_id"] for _ in range(2))
    assert problem(office.ask(office.employer, "POST", "/v1/filings", body)) == (409, "filing.too_many")
    office.ok(office.another_employer(7), "POST", "/v1/filings", body)
    office.moved(office.employer, first, "withdraw")
    office.ok(office.employer, "POST", "/v1/filings", body)
    office.core.close()


def test_application_is_filed_with_a_file_of_each_paper(tmp_path: Path) -> None:
    office = PermitOffice.begin(tmp_path, new_database_url("sqlite", tmp_path), paper_files=True)
    filing_id = drafted(office)
    refused = office.move(office.employer, filing_id, "submit")
    assert problem(refused) == (422, "filing.refused")
    without = {one["pointer"] for one in refused.json()["errors"] if one["code"] == "permit.paper_file"}
    assert {"/body/M04", "/body/M07"} <= without
    added(office, filing_id, "M04")
    again = office.move(office.employer, filing_id, "submit").json()["errors"]
    assert {one["pointer"] for one in again if one["code"] == "permit.paper_file"} == without - {"/body/M04"}
    office.core.close()
