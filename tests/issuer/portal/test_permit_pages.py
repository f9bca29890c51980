"""Applications, permits and insurance through their pages: what each role may do, what is refused, what stays."""

from __future__ import annotations

import csv
import io
import json
import re
import secrets
from collections.abc import Iterator
from datetime import date, timedelta
from importlib import resources

import pytest
from fastapi import FastAPI
from sqlalchemy import select

from issuer.accounts.mandates import end_mandate, give_mandate
from issuer.accounts.models import Account
from issuer.insurance import departure
from issuer.notices import inbox
from issuer.notices.kinds import groups, kind_of, kinds
from issuer.notices.models import NoticeRow
from issuer.portal import BASE, make_portal
from issuer.portal.rendering import labels_in
from issuer.rules.days import day_of
from issuer.service.app import make_service
from tests.issuer.portal.test_batch_pages import work_through
from tests.issuer.portal.test_guard import Person, of
from tests.kit.forms import field, words
from tests.kit.http_clients import ask
from tests.kit.insured import registration_body
from tests.kit.people import make, organisation
from tests.kit.permit_office import person_record
from tests.kit.portal import Town, town
from tests.kit.uploaded import pdf, picture, scripted
from verifier.runtime import http

pytestmark = pytest.mark.slow
_PHOTO = resources.files("issuer.rules") / "data" / "photo.json"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A service with an office, applications and somebody with a permit."""
    new = town(tmp_path_factory.mktemp("permits"), office=True)
    yield new
    new.issuing_service.core.close()


@pytest.fixture(scope="module")
def app(made: Town) -> FastAPI:
    """Its application, without the edge."""
    return make_service(made.issuing_service.core, http.Drain(), [make_portal(made.issuing_service.core)])


def today(made: Town) -> date:
    """The day in Beijing."""
    return day_of(int(made.issuing_service.clock.at))


def send(person: Person, path: str, content: bytes, media: str, **fields: str) -> int:
    """A form with a file; its status."""
    boundary = "part-0123456789"
    given = {"csrf": person.entered.csrf, "key": secrets.token_hex(16), **fields}
    parts = [f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
             for name, value in given.items()]  # fmt: skip
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="../../x.pdf"\r\n'
    parts.append(f"{head}Content-Type: {media}\r\n\r\n".encode() + content + f"\r\n--{boundary}--\r\n".encode())
    headers = {"Cookie": person.cookie, "Content-Type": f"multipart/form-data; boundary={boundary}"}
    return ask(person.app, "POST", BASE + path, headers=headers, content=b"".join(parts)).status_code


@pytest.mark.parametrize("role", ["holder", "insurance_officer", "administrator"])
def test_application_and_permit_of_others_are_not_there(app: FastAPI, made: Town, role: str) -> None:
    """Another's and what does not exist are one answer, for pages and for acts."""
    person = of(app, made, role)
    for path in ("filings/{filing}", "permits/{permit}"):
        assert person.get(path.format(**made.ids)).status_code in (403, 404)
    for path in ("filings/{filing}/withdraw", "filings/{filing}/accept", "permits/{permit}/left"):
        assert person.post(path.format(**made.ids), version="1").status_code in (403, 404)


def test_file_is_taken_by_its_content_and_refused_at_its_field(app: FastAPI, made: Town) -> None:
    """A PDF is kept and shown as a drawn page; a picture that says it is a PDF is refused, and the path in its name
    leads nowhere."""
    person, path = of(app, made, "employer"), f"filings/{made.ids['draft']}/paper"
    assert send(person, path, picture(), "application/pdf", material="M07") == 422
    assert send(person, path, pdf(2), "application/pdf", material="M07") == 303
    page = person.get(f"{path}?material=M07&lang=en").text
    name = re.findall(r'src="/v1/files/([0-9a-f]{32})/pages/1"', page)
    assert len(name) == 1
    assert "2 pages" in words(page)
    assert ask(app, "GET", f"/v1/files/{name[0]}/pages/1", headers={"Cookie": person.cookie}).status_code == 200
    assert person.post(f"{path}/remove", key="6" * 32, material="M07", file_id=name[0]).status_code == 303
    assert "/v1/files/" not in person.get(f"{path}?material=M07").text


def test_pdf_with_a_script_is_shown_as_a_picture_and_leaves_only_as_a_download(app: FastAPI, made: Town) -> None:
    """No page embeds the file; what is shown is a JPEG drawn here; the file itself is an attachment in a sandbox."""
    person, path = of(app, made, "employer"), f"filings/{made.ids['draft']}/paper"
    assert send(person, path, scripted(), "application/pdf", material="M07") == 303
    page = person.get(f"{path}?material=M07").text
    assert not re.search("<(embed|object|iframe)", page)
    (file_id,) = re.findall(r'src="/v1/files/([0-9a-f]{32})/pages/1"', page)
    headers = {"Cookie": person.cookie}
    drawn = ask(app, "GET", f"/v1/files/{file_id}/pages/1", headers=headers)
    assert (drawn.headers["content-type"], drawn.content[:3]) == ("image/jpeg", b"\xff\xd8\xff")
    assert b"JavaScript" not in drawn.content
    kept = ask(app, "GET", f"/v1/files/{file_id}/content", headers=headers)
    assert kept.headers["content-disposition"] == "attachment"
    assert kept.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in kept.headers["content-security-policy"]
    assert person.post(f"{path}/remove", key="8" * 32, material="M07", file_id=file_id).status_code == 303


def test_first_page_of_a_document_is_fetched_at_once_and_all_others_as_the_officer_reads_on(
    app: FastAPI, made: Town
) -> None:
    filing = f"filings/{made.ids['returned']}"
    assert send(of(app, made, "employer"), f"{filing}/paper", pdf(3), "application/pdf", material="M04") == 303
    page = of(app, made, "permit_officer").get(f"{filing}/check?material=M04").text
    drawn = re.findall('<img class="drawn"[^>]*>', page)
    assert ['loading="lazy"' in picture for picture in drawn] == [False, True, True]


@pytest.mark.parametrize("said", ["image/svg+xml", "image/png", "image/jpeg", "application/pdf"])
def test_svg_is_no_photo_whatever_it_says_it_is(app: FastAPI, made: Town, said: str) -> None:
    person, path = of(app, made, "employer"), f"filings/{made.ids['draft']}/paper"
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(7)"><script>alert(7)</script></svg>'
    assert send(person, path, svg, said, material="M08") == 422
    assert "/v1/files/" not in person.get(f"{path}?material=M08").text


def test_upload_that_was_cut_off_is_a_page_and_keeps_nothing(app: FastAPI, made: Town) -> None:
    """The connection broke in the middle of the file: the form is refused, and no half file is there."""
    person, path = of(app, made, "employer"), f"filings/{made.ids['draft']}/paper"
    body = (
        f'--cut\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n{person.entered.csrf}\r\n'
        f'--cut\r\nContent-Disposition: form-data; name="key"\r\n\r\n{"7" * 32}\r\n'
        f'--cut\r\nContent-Disposition: form-data; name="material"\r\n\r\nM07\r\n'
        '--cut\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n'
        "Content-Type: application/pdf\r\n\r\n"
    ).encode() + pdf()[:200]
    headers = {"Cookie": person.cookie, "Content-Type": "multipart/form-data; boundary=cut"}
    answer = ask(app, "POST", BASE + path, headers=headers, content=body)
    assert 400 <= answer.status_code < 500
    assert "<h1" in answer.text
    assert "/v1/files/" not in person.get(f"{path}?material=M07").text


def test_forms_of_two_clients_in_two_tabs_stay_apart_and_end_with_the_mandate(app: FastAPI, made: Town) -> None:
    """The client is in the form, not in the session; a page that was opened before its mandate ended is refused
    afterwards, and nothing is begun."""
    service, agency = made.issuing_service, of(app, made, "agency")
    second_id = organisation(service, "employer", 61)
    second = make(service, "employer", "employer.second", organisation_id=second_id)
    now = int(service.clock.at)
    given = give_mandate(service.core, second.who(), made.agency_id, second_id, now, now + 86_400)
    office = made.office
    assert office is not None
    office.verify_employer(second_id)
    for _tab in (1, 2):
        assert second_id in agency.get("filings/new?process=overseas").text
    first = agency.post("filings/new", key="1" * 32, process="overseas", employer_id=made.employer_id)
    other = agency.post("filings/new", key="2" * 32, process="overseas", employer_id=second_id)
    begun = {}
    for employer_id, sent in ((made.employer_id, first), (second_id, other)):
        assert sent.status_code == 303
        path = sent.headers["location"].removeprefix(BASE).partition("?")[0]
        begun[employer_id] = path
        shown = office.ok(made.people["agency"], "GET", f"/v1/{path}")
        assert shown["employer_id"] == employer_id
    version = field(agency.get(f"{begun[second_id]}/edit?part=job").text, "version")
    end_mandate(service.core, second.who(), given.mandate_id)
    late = agency.post(f"{begun[second_id]}/edit", key="3" * 32, version=version, part="job", post="Weaver")
    assert late.status_code == 404
    again = agency.post("filings/new", key="4" * 32, process="overseas", employer_id=second_id)
    assert again.status_code in (404, 422)
    assert agency.get(begun[made.employer_id]).status_code == 200


def test_photo_page_says_what_a_photo_has_to_be_with_its_rules_before_a_file_is_chosen(
    app: FastAPI, made: Town
) -> None:
    """The numbers are those of the rules, above the field; pages of other papers say nothing of photos."""
    person, path = of(app, made, "employer"), f"filings/{made.ids['draft']}/paper"
    page = person.get(f"{path}?material=M08&lang=en").text
    before, _, _ = page.partition('type="file"')
    rules = {row["id"]: row["value"] for row in json.loads(_PHOTO.read_text("utf-8"))["rows"]}
    width, height = rules["size"]["least"]
    for words_ in (
        f"At least {width} by {height} pixels",
        f"at least {rules['background']['share']:.0%} of it",
        "No frame",
    ):
        assert words_ in words(before)
    assert before.count('<details class="rule">') == len(rules)
    assert "requirements for photos" in words(before)
    assert "photo" not in words(person.get(f"{path}?material=M07&lang=en").text).lower()


def test_form_of_an_older_revision_is_refused_and_shown_anew(app: FastAPI, made: Town) -> None:
    """Two tabs: the second one is told that the application was changed meanwhile, and keeps what was typed."""
    person, path = of(app, made, "employer"), f"filings/{made.ids['draft']}/edit"
    version = field(person.get(f"{path}?part=job").text, "version")
    assert person.post(path, key="1" * 32, version=version, part="job", post="Weaver").status_code == 303
    late = person.post(path, key="2" * 32, version=version, part="job", post="Dyer")
    assert late.status_code == 412
    assert 'value="Dyer"' in late.text


def test_message_is_answered_on_the_page_and_waits_until_then(app: FastAPI, made: Town) -> None:
    employer, officer = of(app, made, "employer"), of(app, made, "permit_officer")
    path = f"filings/{made.ids['filing']}"
    assert employer.post(f"{path}/message", key="3" * 32, message="<b>When?</b>").status_code == 303
    assert "Waits for an answer since" in words(employer.get(f"{path}?lang=en").text)
    assert "<b>When?" not in officer.get(path).text
    assert "Messages that wait" in words(officer.get("queue?lang=en").text)
    done = officer.post(f"{path}/answer", key="4" * 32, side="applicant", kind="answered", message="Next week.")
    assert done.status_code == 303
    text = words(employer.get(f"{path}?lang=en").text)
    assert "Next week." in text
    assert "Waits for an answer" not in text


def test_holder_reports_having_left_and_is_heard_before_an_end_by_two_officers(app: FastAPI, made: Town) -> None:
    """The report ends nothing; an end asks for a hearing first; the holder states the case; a second officer confirms;
    the holder reads ground, basis, and each way of redress with its last day."""
    holder, officer = of(app, made, "resident"), of(app, made, "permit_officer")
    path, employer = f"permits/{made.ids['permit']}", of(app, made, "employer")
    day = (today(made) - timedelta(days=1)).isoformat()
    assert holder.post(f"{path}/left", key="1" * 32, day="soon").status_code == 422
    assert holder.post(f"{path}/left", key="1" * 32, day=day).status_code == 303
    assert "reported having left" in words(employer.get(f"{path}?lang=en").text)
    early = officer.post(f"{path}/end", key="2" * 32, end="revoked.fraud", reason="The degree is forged.")
    assert early.status_code in (409, 422)
    assert 'href="#f-end"' in early.text
    opened = officer.post(f"{path}/hearing", key="3" * 32, end="revoked.fraud", reason="The degree is not on record.")
    assert opened.status_code == 303, words(opened.text)[-300:]
    page = holder.get(f"{path}/statement?lang=en").text
    assert "The degree is not on record." in words(page)
    stated = {"hearing_id": field(page, "hearing_id"), "statement": "It is, under my maiden name."}
    assert holder.post(f"{path}/statement", key="4" * 32, **stated).status_code == 303
    assert "under my maiden name" in words(officer.get(f"{path}?lang=en").text)
    asked = of(app, made, "permit_officer").post(f"{path}/end", key="6" * 32, end="revoked.fraud", reason="Forged.")
    assert asked.status_code == 303, words(asked.text)[-300:]
    second = of(app, made, "second_permit_officer")
    number = second.asked("Revoked: Obtained by deception or bribery")
    shown = words(second.get(f"{number}?lang=en").text)
    assert "Revoked: Obtained by deception or bribery" in shown
    assert (path.partition("/")[2] in shown, "revoked.fraud" in shown) == (False, False)
    assert second.post(f"{number}/confirm", key="7" * 32).status_code == 303
    text = words(holder.get(f"{path}?lang=en").text)
    assert "No right to work on this permit" in text
    assert "Application for administrative reconsideration" in text
    assert "Action before the court" in text


def _list(*rows: dict[str, str]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _row(number: int, **changes: str) -> dict[str, str]:
    names = (
        "surname",
        "given",
        "nationality",
        "passport_state",
        "passport",
        "born",
        "sex",
        "obtained",
        "began",
        "region",
    )
    body = registration_body(number, obtained="2026-03-02", began="2026-03-02")
    return {name: str(body[name]) for name in names} | changes


def test_list_is_checked_before_anybody_is_registered_and_refused_rows_come_back_without_formulas(
    app: FastAPI, made: Town
) -> None:
    """The preview writes nothing; each good row is registered once however often the list is sent; the file of refused
    rows has their reasons, and no cell that a spreadsheet would work out."""
    person = of(app, made, "employer")
    rows = _list(
        *(_row(700 + n) for n in range(30)), _row(790, surname="=HYPERLINK(1)", born="2099-01-01", region="999999")
    )
    before = person.get("insurance?lang=en").text
    sent = person.post("insurance/register-many", key="1" * 32, rows=rows)
    again = person.post("insurance/register-many", key="1" * 32, rows=rows)
    assert sent.headers["location"] == again.headers["location"], "the form that is sent twice brings one list"
    assert '<progress id="progress" max="31" value="0">' in person.get(sent.headers["location"].removeprefix(BASE)).text
    path, text = work_through(person, sent)
    assert "30 can be registered." in text
    assert person.get("insurance?lang=en").text.count("<tr") == before.count("<tr")
    for _ in range(2):
        person.post(f"{path}/start")
        _, text = work_through(person, person.post(f"{path}/go"))
        assert "30 registered" in text
        assert "1 row refused." in text
    answer = person.get(f"{path}/refused?lang=en")
    assert answer.headers["content-type"].startswith("text/csv")
    found = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["surname"] for row in found] == ["'=HYPERLINK(1)"]
    assert found[0]["code"].startswith("insurance.")
    assert "Field: region" in found[0]["reason"]
    assert "Field: born" in found[0]["reason"]


def test_places_are_chosen_by_name_and_kept_as_codes(app: FastAPI, made: Town) -> None:
    """The form of a draft and of a registration name states in the page's language; what-if takes a region's name."""
    person = of(app, made, "employer")
    form = person.get(f"filings/{made.ids['draft']}/edit?part=person&lang=zh").text
    assert '<option value="SWE">瑞典' in form
    assert re.search(r'<option value="[A-Z]{3}" selected>', form)
    fields = {**_row(795), "region": "上海", "wage": "", "injury_rate": ""}
    wrong = person.post("insurance/register", key="1" * 32, **{**fields, "region": "Suzhou", "nationality": ""})
    assert {'href="#f-region"' in wrong.text, 'href="#f-nationality"' in wrong.text} == {True}
    assert 'value="DEU" selected' in wrong.text
    made_one = person.post("insurance/register", key="2" * 32, **fields)
    assert made_one.status_code == 303, words(made_one.text)[-400:]
    shown = person.get(made_one.headers["location"].removeprefix(BASE) + "&lang=en").text
    assert "Shanghai (310000)" in words(shown)
    asked = person.post("what-if", key="3" * 32, region="Suzhou", age="32")
    assert (asked.status_code, 'href="#f-region"' in asked.text) == (422, True)
    assert person.post("what-if", key="4" * 32, region="Suzhou, Jiangsu (320500)", age="32").status_code == 200


def test_open_applications_are_those_that_are_not_decided(app: FastAPI, made: Town) -> None:
    """A draft is; what was refused is under "All"."""
    person = of(app, made, "employer")
    shown, everything = (person.get(path).text for path in ("filings", "filings?show=all"))
    assert f"filings/{made.ids['draft']}" in shown
    refused = f'filings/{made.ids["refused"]}"'
    assert (refused in everything, refused in shown) == (True, False)


def test_draft_asks_before_it_lists_the_papers(app: FastAPI, made: Town) -> None:
    """Which papers are needed follows from the answers; what was submitted begins with its papers."""
    person = of(app, made, "employer")
    for name, first, second in (("draft", "Questions", "Documents"), ("refused", "Documents", "Questions")):
        page = person.get(f"filings/{made.ids[name]}?lang=en").text
        assert -1 < page.find(f"<h2>{first}") < page.find(f"<h2>{second}"), name


def test_summary_of_a_refused_form_names_each_field(app: FastAPI, made: Town) -> None:
    """A registration whose sex nobody chose and whose region is none: each link begins with its field's label."""
    fields = {**_row(796), "region": "Suzhou", "sex": "", "wage": "", "injury_rate": ""}
    page = of(app, made, "employer").post("insurance/register", key="1" * 32, **fields).text
    for name in ("region", "sex"):
        (link,) = re.findall(rf'<a href="#f-{name}">([^<]+)</a>', page)
        (label,) = re.findall(rf'<label for="f-{name}">([^<]+)</label>', page)
        assert link.startswith(label)
        assert link != label


def test_label_of_choices_is_their_legend() -> None:
    """Markup in a label is left out, and the label of a group is not that of its first choice."""
    page = (
        '<label for="f-a&amp;b">One <span class="unseen">two</span> &lt;</label>'
        '<legend class="legend" data-for="f-kind">Kind</legend><input id="f-kind"><label for="f-kind">First</label>'
    )
    assert labels_in(page) == {"a&b": "One two <", "kind": "Kind"}


@pytest.mark.parametrize("rows", ["", "surname\n", "nonsense,columns\n1,2\n", 'surname\n"open', "\0", "a" * 70_000])
def test_list_that_is_none_is_refused_at_its_field(app: FastAPI, made: Town, rows: str) -> None:
    answer = of(app, made, "employer").post("insurance/register-many", key="9" * 32, rows=rows)
    assert answer.status_code == 422
    assert 'href="#f-rows"' in answer.text


def test_finding_is_answered_by_the_employer_and_closed_by_an_officer_alone(app: FastAPI, made: Town) -> None:
    """What was missed stands with its rule; the employer explains, an officer closes; each step stays."""
    path = f"insurance/{made.ids['insured']}"
    employer, officer = of(app, made, "employer"), of(app, made, "insurance_officer")
    key = field(employer.get(f"{path}?lang=en").text, "finding")
    assert employer.post(f"{path}/finding", key="1" * 32, finding=key, state="closed", words="x").status_code == 409
    sent = employer.post(f"{path}/finding", key="2" * 32, finding=key, state="explained", words="Paid elsewhere.")
    assert sent.status_code == 303
    assert "Explained by the employer" in words(officer.get(f"{path}?lang=en").text)
    assert officer.post(f"{path}/finding", key="3" * 32, finding=key, state="closed", words="Seen.").status_code == 303
    text = words(of(app, made, "resident").get("insurance?lang=en").text)
    assert "Paid elsewhere." in text
    assert "Seen." in text


def test_official_who_looks_at_insurance_leaves_a_row_that_the_holder_sees(app: FastAPI, made: Town) -> None:
    """A look through the pages is noted as one through the API is."""
    holder, card = of(app, made, "resident"), made.ids["permit_card"]
    before = holder.get(f"cards/{card}/lookups?lang=en").text.count("Insurance officer")
    of(app, made, "insurance_officer").get(f"insurance/{made.ids['insured']}")
    assert holder.get(f"cards/{card}/lookups?lang=en").text.count("Insurance officer") > before


def test_objection_is_lodged_from_the_refusal_admitted_and_decided_by_the_head(app: FastAPI, made: Town) -> None:
    """It has a number and a day with its rule; the head's reason is read by whoever lodged it; a decision that is set
    aside opens the application anew."""
    employer, head = of(app, made, "employer"), of(app, made, "office_head")
    filing = f"filings/{made.ids['refused']}"
    assert f"objections/new?filing={made.ids['refused']}" in employer.get(filing).text
    empty = employer.post("objections/new", key="1" * 32, filing_id=made.ids["refused"], grounds="")
    assert 'href="#f-grounds"' in empty.text
    sent = employer.post(
        "objections/new", key="2" * 32, filing_id=made.ids["refused"], grounds="It is from the clinic."
    )
    assert sent.status_code == 303, words(sent.text)[-300:]
    path = sent.headers["location"].removeprefix(BASE).partition("?")[0]
    text = words(employer.get(f"{path}?lang=en").text)
    assert "Next step: the head of the office." in text
    assert "Examination of an application for reconsideration" in text
    assert of(app, made, "holder").get(path).status_code == 404
    assert employer.get(f"{path}/decide").status_code == 403
    for number, (act, reason) in enumerate((("admit", ""), ("annul", "The clinic has confirmed it.")), 3):
        version = field(head.get(f"{path}/decide?act={act}").text, "version")
        done = head.post(f"{path}/decide", key=str(number) * 32, version=version, act=act, reason=reason)
        assert done.status_code == 303, words(done.text)[-300:]
    text = words(employer.get(f"{path}?lang=en").text)
    assert "Decision set aside" in text
    assert "The clinic has confirmed it." in text
    assert "Refused" not in words(employer.get(f"{filing}?lang=en").text).partition("History")[0]


def test_page_after_entry_says_what_is_due_and_books_a_time(app: FastAPI, made: Town) -> None:
    """The originals stand with their day and rule; a time is booked and given up; an officer records that they were
    shown; a list without an entry, and somebody else's entry, are no fault."""
    office, employer, officer = made.office, of(app, made, "employer"), of(app, made, "permit_officer")
    assert office is not None
    assert "no first entry" in words(of(app, made, "resident").get("entries?lang=en").text)
    filing = office.approved("overseas", person_record(office.today, 8, surname="WEBER", given="ANNA"))
    note = office.ok(office.employer, "GET", f"/v1/filings/{filing['filing_id']}/notification")
    body = {"token": note["token"], "surname": "WEBER", "given": "ANNA", "number": note["number"], "checked": True}
    office.ok(office.officer, "POST", "/v1/permits/activations", {**body, "entered_on": office.today.isoformat()})
    assert officer.post(f"slots/{made.ids['slot']}/cancel", key="9" * 32).status_code == 303
    none = re.findall(rf'href="{BASE}(entries/[0-9a-f]{{32}})"', employer.get("entries").text)[0]
    assert "No time is left at the moment." in words(employer.get(f"{none}?lang=en").text)
    starts = (int(made.issuing_service.clock.at) // 86_400 + 3) * 86_400 + 3 * 3600
    slot = {"window": "3", "starts_at": starts, "minutes": 20, "places": 2}
    office.ok(office.officer, "POST", "/v1/slots", slot)
    path = re.findall(rf'href="{BASE}(entries/[0-9a-f]{{32}})"', employer.get("entries").text)[0]
    text = words(employer.get(f"{path}?lang=en").text)
    assert "Originals, visa and domestic medical report at the window" in text
    assert "An officer decides; nothing ends by itself." in text
    page = employer.get(f"{path}?lang=en").text
    chosen = re.findall(r'<option value="([0-9a-f]{32})"', page)[0]
    assert employer.post(f"{path}/book", key="1" * 32, slot_id=chosen).status_code == 303
    assert "Give the time up" in words(employer.get(f"{path}?lang=en").text)
    assert employer.post(f"{path}/give-up", key="2" * 32).status_code == 303
    assert of(app, made, "holder").get(path).status_code == 404
    assert employer.post(f"{path}/decide", key="3" * 32, act="show", version="1").status_code == 403
    version = field(officer.get(path).text, "version")
    assert officer.post(f"{path}/decide", key="4" * 32, act="show", version=version).status_code == 303
    assert "Shown" in words(employer.get(f"{path}?lang=en").text)


def test_relative_of_somebody_who_died_gets_access_on_proof_from_an_officer_who_did_not_record_the_death(
    app: FastAPI, made: Town
) -> None:
    """Not before the death is on record, and not to somebody without an account; the relative finds record and copy on
    the page of their own data, until the access is ended."""
    core, person_id = made.issuing_service.core, made.ids["insured"]
    officer, path = of(app, made, "insurance_officer"), f"insurance/{made.ids['insured']}/heirs"
    assert "Nobody has access." in words(officer.get(f"{path}?lang=en").text)
    until = (today(made) + timedelta(days=90)).isoformat()
    heir = of(app, made, "holder")
    form = {
        "heir_login": made.people["holder"].login,
        "relation": "child",
        "proof": "Household register",
        "until": until,
    }
    early = officer.post(path, key="1" * 32, **form)
    assert 'href="#f-heir_login"' in early.text
    unknown = officer.post(path, key="5" * 32, **{**form, "heir_login": made.people["employer"].login})
    assert 'href="#f-heir_login"' in unknown.text
    other = make(made.issuing_service, "insurance_officer", "insurance.second")
    departure.record_death(core, other.who(), person_id, today(made))
    assert officer.post(path, key="2" * 32, **{**form, "proof": ""}).status_code == 422
    assert officer.post(path, key="3" * 32, **form).status_code == 303
    listed = officer.get(f"{path}?lang=en").text
    assert "Child" in words(listed)
    assert f"Name of {made.people['holder'].login}" in words(listed)
    assert made.people["holder"].person_id not in listed
    own = heir.get("privacy?lang=en").text
    assert f'href="/v1/privacy/export?person_id={person_id}"' in own
    assert heir.get(f"insurance/{person_id}").status_code == 200
    assert heir.get("insurance").status_code == 200
    end = re.findall(rf'action="{BASE}(insurance/[0-9a-f]{{32}}/heirs/[0-9a-f]{{32}}/end)"', officer.get(path).text)[0]
    assert of(app, made, "employer").post(end).status_code == 403
    assert officer.post(end, key="4" * 32).status_code == 303
    assert heir.get(f"insurance/{person_id}").status_code == 404
    assert person_id not in heir.get("privacy").text


def test_times_at_a_window_are_made_in_a_row_and_cancelled_with_their_bookings(app: FastAPI, made: Town) -> None:
    """A form that is sent again makes none twice; one that goes past midnight is refused; no other role gets in."""
    officer, day = of(app, made, "permit_officer"), today(made) + timedelta(days=3)
    form = {"window": "9", "day": day.isoformat(), "time": "13:30", "minutes": "15", "count": "4", "places": "2"}
    for wrong, field_ in (
        *(({"count": "49"}, "count"), ({"time": "23:50"}, "count"), ({"time": "soon"}, "time")),
        *(({"minutes": "999999999"}, "minutes"), ({"day": "9999-12-31"}, "day"), ({"day": "0001-01-01"}, "day")),
    ):
        refused = officer.post("slots", key="1" * 32, **{**form, **wrong})
        assert f'href="#f-{field_}"' in refused.text
        assert 'value="9"' in refused.text
    assert officer.post("slots", key="2" * 32, **{**form, "places": "0"}).status_code == 422
    for key in ("3", "4"):
        assert officer.post("slots", key=key * 32, **form).status_code == 303
    for end in ("0001-01-01", "9999-12-31"):
        assert officer.get(f"slots?from={end}").status_code == 200
    page = officer.get(f"slots?from={day.isoformat()}&lang=en").text
    assert page.count("15 minutes") == 4
    assert ", 13:30" in words(page)
    assert ", 14:15" in words(page)
    path = re.findall(rf'href="{BASE}(slots/[0-9a-f]{{32}})"', page)[0]
    assert "0 bookings are cancelled with it" in words(officer.get(f"{path}?lang=en").text)
    assert officer.post(f"{path}/cancel", key="5" * 32).status_code == 303
    assert "Cancelled" in words(officer.get(f"slots?from={day.isoformat()}&lang=en").text)
    for role in ("employer", "holder", "insurance_officer", "administrator"):
        assert of(app, made, role).get("slots").status_code == 403
        assert of(app, made, role).post(f"{path}/cancel").status_code == 403


def test_calendar_address_is_shown_once_and_ended_by_its_owner(app: FastAPI, made: Town) -> None:
    employer = of(app, made, "employer")
    first, second = (employer.post("account/calendar", key="1" * 32) for _ in range(2))
    address = re.findall(r"http://[^<]*(/v1/calendars/[A-Za-z0-9_-]{20,100})<", first.text)[0]
    assert "/v1/calendars/" not in second.text
    assert b"BEGIN:VCALENDAR" in ask(app, "GET", address).content
    end = re.findall(rf'action="{BASE}(account/calendar/[0-9a-f]{{32}}/end)"', employer.get("account/calendar").text)
    assert len(end) == 1
    assert of(app, made, "resident").post(end[0]).status_code == 404
    assert of(app, made, "auditor").get("account/calendar").status_code == 403
    assert employer.post(end[0], key="2" * 32).status_code == 303
    assert ask(app, "GET", address).status_code == 404


def test_chart_of_findings_says_what_its_table_says(app: FastAPI, made: Town) -> None:
    """Each kind once, with its count as text beside the bar."""
    page = of(app, made, "employer").get("insurance?lang=en").text
    chart = page.partition("<figure")[2].partition("</figure>")[0]
    kinds = re.findall("<dt>([^<]+)</dt>", chart)
    assert kinds
    assert len(kinds) == len(set(kinds)) == chart.count('<svg class="bar"') == len(re.findall("[0-9] findings?", chart))
    table = page.partition("</figure>")[2]
    assert all(kind in table for kind in kinds)


@pytest.mark.parametrize("role", ["resident", "employer", "permit_officer", "auditor"])
def test_settings_list_the_notices_that_can_reach_the_role_in_groups(app: FastAPI, made: Town, role: str) -> None:
    """What one turned off stays off, and kinds of other roles are neither shown nor touched."""
    person = of(app, made, role)
    page = person.get("account/notices?lang=en").text
    shown, mine = set(re.findall(r'name="kind" value="([a-z_.]+)"', page)), person.entered.who.role.name
    assert shown == {
        kind.name for kind in kinds().values() if mine in kind.roles and "email" in set(kind.channels) - kind.fixed
    }
    legends = re.findall(r'<legend class="legend"[^>]*>([^<]+)', page)
    assert legends == [group.words["en"] for group in groups() if any(kind.name in shown for kind in group.kinds)], (
        "headings in their order, none of them empty"
    )
    assert ("Benefits and services" in legends) == (mine == "holder")
    off = sorted(shown)[0]
    assert person.post("account/notices", key="1" * 32).status_code == 303
    muted = inbox.preferences(made.issuing_service.core, person.entered.who.account_id, mine)
    assert {one.kind for one in muted if not one.on} == shown
    assert f'value="{off}" checked' not in person.get("account/notices").text


def test_every_notice_has_reached_a_role_that_its_kind_names(made: Town) -> None:
    """All notices of this module's applications, permits, claims and requests."""
    query = select(NoticeRow.kind, Account.role).join(Account, Account.id == NoticeRow.account_id).distinct()
    sent = made.issuing_service.core.database.read(lambda session: session.execute(query).all())
    assert len({kind for kind, _ in sent}) > 15
    assert [(kind, role) for kind, role in sent if role not in kind_of(kind).roles] == []


def test_officer_is_offered_to_take_or_to_give_back_whichever_applies(app: FastAPI, made: Town) -> None:
    """Another officer reads who works on it, and may take it over."""
    one, two = of(app, made, "permit_officer"), of(app, made, "second_permit_officer")
    path = f"filings/{made.ids['filing']}"

    def seen(person: Person) -> tuple[list[str], str]:
        page = person.get(f"{path}?lang=en").text
        offered = re.findall(rf'action="{BASE}{path}/(take|give-back)">.*?<button[^>]*>([^<]*)', page, re.DOTALL)
        return [" ".join(each) for each in offered], words(page)

    assert seen(one)[0] == ["take Take it"]
    assert one.post(f"{path}/take", key="1" * 32).status_code == 303
    offered, text = seen(one)
    assert offered == ["give-back Give it back"]
    assert "You are working on this application." in text
    offered, text = seen(two)
    assert offered == ["take Take it over"]
    assert "Name of permit_officer-1 is working on this application." in text
    assert one.post(f"{path}/give-back", key="2" * 32).status_code == 303
    assert seen(two)[0] == ["take Take it"]


@pytest.mark.parametrize(
    ("language", "authority", "line"),
    [("en", "Authority Shanghai", "Sweden · category B"), ("zh", "发证机关 上海", "瑞典 · B类")],
)
def test_card_names_its_authority_state_and_category_in_the_language_of_the_page(
    app: FastAPI, made: Town, language: str, authority: str, line: str
) -> None:
    """The card itself has the authority's Chinese name and codes, in both languages."""
    text = words(of(app, made, "resident").get(f"cards/{made.ids['permit_card']}?lang={language}").text)
    assert authority in text
    assert line in text
    assert "SWE · B" not in text


def test_what_carries_over_to_another_region_stands_with_its_rules(app: FastAPI, made: Town) -> None:
    """For the person and for officials, scheme by scheme with each article, in both languages; for no employer."""
    path = f"insurance/{made.ids['insured']}"
    for role, start in (("resident", "insurance"), ("insurance_officer", path), ("inspector", path)):
        person = of(app, made, role)
        assert f'href="{BASE}{path}/moving"' in person.get(start).text, role
        for language, said in (("en", "contribution months add up"), ("zh", "缴费年限累计计算")):
            page = person.get(f"{path}/moving?lang={language}").text
            assert words(page).count(said) > 2
            assert page.count('class="rule"') == 5
            assert "Organisation 1" in words(page)
    for role, status in (("employer", 403), ("agency", 403), ("permit_officer", 403), ("holder", 404)):
        assert of(app, made, role).get(f"{path}/moving").status_code == status, role
