"""After a first entry: activation with the holder's account, originals at the window, slots, the residence permit."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from sqlalchemy import event, select
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from icard_crypto import qr
from icard_crypto.errors import Invalid, StateError
from icard_crypto.pictures import pdf
from issuer.accounts.attempts import Origin
from issuer.accounts.invitations import accept
from issuer.accounts.login import login
from issuer.accounts.models import Account
from issuer.accounts.secret_text import secret_hash
from issuer.audit.models import Read
from issuer.notices.models import NoticeRow
from issuer.permits import slots
from issuer.permits.activation import activate
from issuer.permits.models import Notification, Permit
from issuer.permits.names import PassportName
from issuer.permits.person_checks import PersonOnRecord
from tests.issuer.conftest import new_database_url
from tests.issuer.documents.test_sheets import text_of
from tests.kit.callers import problem
from tests.kit.people import PASSWORD, Somebody
from tests.kit.permit_office import PermitOffice, person_record
from tests.kit.uploaded import photo

pytestmark = pytest.mark.slow
HOME = Origin("203.0.113.9", "a browser", None)


def notified(office: PermitOffice, number: int = 1, **changes: Any) -> dict[str, Any]:
    """The notification of a new person, with the application's id."""
    filing = office.approved("overseas", person_record(office.today, number, **changes))
    found = office.ok(office.employer, "GET", f"/v1/filings/{filing['filing_id']}/notification")
    return {**found, "filing_id": filing["filing_id"], "record": office.newest_record}


def body_of(found: dict[str, Any], **changes: Any) -> dict[str, Any]:
    record = found["record"]
    names = {"surname": record["surname"], "given": record["given"]}
    return {"token": found["token"], "number": found["number"], **names, "checked": True, **changes}


def entered(office: PermitOffice, number: int = 1, **changes: Any) -> dict[str, Any]:
    """The entry of a new person in B who was activated today."""
    made = office.ok(office.officer, "POST", "/v1/permits/activations", body_of(notified(office, number), **changes))
    return office.ok(office.officer, "GET", f"/v1/entries/{made['entry_id']}")


def slot(office: PermitOffice, places: int = 1, hours: int = 24, by: Somebody | None = None) -> str:
    starts = int(office.issuing_service.clock.at) + hours * 3600
    body = {"window": "3", "starts_at": starts, "minutes": 20, "places": places}
    return str(office.ok(by or office.officer, "POST", "/v1/slots", body)["slot_id"])


def book(office: PermitOffice, entry: dict[str, Any], slot_id: str, by: Somebody | None = None) -> Any:
    path = f"/v1/entries/{entry['entry_id']}/booking"
    return office.ask(by or office.employer, "PUT", path, {"slot_id": slot_id})


def moved(office: PermitOffice, entry: dict[str, Any], name: str, body: Any = None) -> Any:
    path = f"/v1/entries/{entry['entry_id']}"
    revision = office.ok(office.officer, "GET", path)["revision"]
    return office.ask(office.officer, "POST", f"{path}/{name}", body, version=f'"{revision}"')


def test_token_of_a_notification_is_kept_as_a_keyed_hash(office: PermitOffice) -> None:
    found = notified(office)
    kept = office.core.database.read(lambda session: session.scalars(select(Notification.token_hash)).one())
    assert kept == secret_hash(office.core.at_rest, "notification", found["token"])
    assert kept != hashlib.sha256(found["token"].encode()).hexdigest()


def test_notification_on_paper_has_the_code_that_activates(office: PermitOffice) -> None:
    found = notified(office)
    data = office.ask(office.employer, "GET", f"/v1/filings/{found['filing_id']}/notification.pdf").content
    [code] = qr.read(pdf.page(data, 0, 150))
    assert code.content == f"ICARD-NOTIFICATION:{found['token']}"
    words = text_of(data)
    assert all(each in words for each in (found["number"], found["until"], "VOGELHANNELOREB", "C01X00001"))
    made = office.ok(office.officer, "POST", "/v1/permits/activations", body_of(found, token=code.content))
    assert office.permit(made["permit_id"])["state"] == "ACTIVE"
    used = office.ask(office.employer, "GET", f"/v1/filings/{found['filing_id']}/notification.pdf")
    assert problem(used) == (404, "notification.unknown")


def test_account_opens_by_account_code_and_slip_together_and_by_no_one_s_part_alone(office: PermitOffice) -> None:
    found = notified(office)
    body = body_of(found, holder={"login": "hannelore.vogel", "email": None, "language": "en"})
    made = office.ask(office.officer, "POST", "/v1/permits/activations", body, key="one-activation-key").json()
    of_the_officer = (made["slip"], found["token"], f"{found['token']}.{made['slip']}")
    of_the_employer = (found["account_code"], f"{found['token']}.{found['account_code']}")
    for secret in (*of_the_officer, *of_the_employer):
        with pytest.raises(StateError) as refused:
            accept(office.core, secret, PASSWORD, None, HOME)
        assert refused.value.code == "invitation.unknown"
    accept(office.core, f"{found['account_code']}.{made['slip']}", PASSWORD, None, HOME)
    holder = Somebody(office.issuing_service, made["account_id"], "", "hannelore.vogel", None, [])
    seen = office.ok(holder, "GET", "/v1/permits")
    assert [one["permit_id"] for one in seen["items"]] == [made["permit_id"]]
    again = office.ask(office.officer, "POST", "/v1/permits/activations", body, key="one-activation-key").json()
    assert again == {**made, "slip": None, "account_id": None}
    assert login(office.core, "hannelore.vogel", PASSWORD, HOME).token


def test_person_who_has_an_account_keeps_it(office: PermitOffice) -> None:
    taken = notified(office)
    office.ok(office.officer, "POST", "/v1/permits/activations", body_of(taken, holder={"login": "one.person"}))
    other = body_of(notified(office, 2), holder={"login": "one.person"})
    assert problem(office.ask(office.officer, "POST", "/v1/permits/activations", other)) == (409, "account.login_taken")
    assert office.ok(office.officer, "POST", "/v1/permits/activations", {**other, "holder": None})["slip"] is None


def test_account_code_is_on_a_page_that_the_window_does_not_scan(office: PermitOffice) -> None:
    found = notified(office)
    data = office.ask(office.employer, "GET", f"/v1/filings/{found['filing_id']}/notification.pdf").content
    with pypdfium2.PdfDocument(data) as document:
        first, second = (page.get_textpage().get_text_bounded() for page in document)
    assert found["account_code"] not in first
    assert found["account_code"] in second
    seen = office.ask(office.officer, "GET", f"/v1/filings/{found['filing_id']}/notification")
    assert problem(seen) == (403, "access.not_allowed")


def test_nothing_is_mailed_to_an_address_that_an_officer_typed(tmp_path: Path) -> None:
    url = new_database_url("sqlite", tmp_path)
    office = PermitOffice.begin(tmp_path, url, smtp_host="127.0.0.1", mail_from="cards@office.example")
    holder = {"login": "hannelore.vogel", "email": "officer@elsewhere.example", "language": "en"}
    made = office.ok(office.officer, "POST", "/v1/permits/activations", body_of(notified(office), holder=holder))
    assert made["slip"] is not None
    told = office.core.database.read(lambda session: session.scalars(select(NoticeRow.kind)).all())
    assert "account.invited" not in told
    office.core.close()


def test_holder_without_a_notification_gets_an_account_by_two_officers(office: PermitOffice) -> None:
    permit = office.employed(1)
    wanted = {"permit_id": permit["permit_id"], "login": "hannelore.vogel", "language": "en"}
    asked = office.asked("account.open", wanted)
    assert asked.status_code == 201, asked.text
    request, own = asked.json()["confirmation_id"], asked.json()["invitation_part"]
    assert problem(office.confirmed(request, office.officer)) == (403, "confirm.same_person")
    made = office.confirmed(request).json()["invited"]
    told = [one["kind"] for one in office.ok(office.employer, "GET", "/v1/notices")["items"]]
    assert told.count("permit.account_opened") == 1
    since = office.core.database.read(lambda session: session.get_one(Account, made["account_id"]).confirms_from)
    assert since == int(office.issuing_service.clock.at) + office.core.settings.factor_wait_hours * 3600
    for part in (own, made["token"]):
        with pytest.raises(StateError, match=r"invitation\.unknown"):
            accept(office.core, part, PASSWORD, None, HOME)
    accept(office.core, f"{own}.{made['token']}", PASSWORD, None, HOME)
    holder = Somebody(office.issuing_service, made["account_id"], "", "hannelore.vogel", None, [])
    assert [one["permit_id"] for one in office.ok(holder, "GET", "/v1/permits")["items"]] == [permit["permit_id"]]
    again = office.asked("account.open", {**wanted, "login": "somebody.else"})
    assert problem(again) == (409, "account.conflict")
    granted = office.approved("overseas", person_record(office.today, 2))["permit_id"]
    early = office.asked("account.open", {**wanted, "permit_id": granted, "login": "second.person"})
    assert problem(early) == (409, "permit.no_card")


def test_another_check_of_the_person_may_take_the_officer_s_place(office: PermitOffice) -> None:
    """A double: it knows faces by passport numbers."""

    class Faces:
        name = "face_check"

        def __init__(self, known: str) -> None:
            self.known = known

        def confirm(self, person: PersonOnRecord) -> None:
            if person.passport != self.known:
                raise Invalid("notification.unchecked", path="face")

    found = notified(office)
    name = PassportName(found["record"]["surname"], found["record"]["given"])
    with pytest.raises(StateError) as refused:
        activate(office.core, office.officer.who(), found["token"], name, found["number"], Faces("C01X00009"))
    assert refused.value.code == "notification.unchecked"
    done = activate(office.core, office.officer.who(), found["token"], name, found["number"], Faces("C01X00001"))
    assert office.permit(done.permit_id)["state"] == "ACTIVE"


def test_b_shows_originals_within_thirty_days_of_entry(office: PermitOffice) -> None:
    found = notified(office)
    office.travel(office.today + timedelta(days=20))
    came = office.today - timedelta(days=3)
    late = body_of(found, entered_on=(office.today + timedelta(days=1)).isoformat())
    assert problem(office.ask(office.officer, "POST", "/v1/permits/activations", late)) == (422, "entry.day")
    made = office.ok(office.officer, "POST", "/v1/permits/activations", body_of(found, entered_on=came.isoformat()))
    entry = office.ok(office.employer, "GET", f"/v1/entries/{made['entry_id']}")
    due = (came + timedelta(days=30)).isoformat()
    assert (entry["originals"], entry["originals_due"], entry["residence_due"]) == ("DUE", due, due)
    assert entry["moves"] == []
    shown = moved(office, entry, "show").json()
    assert (shown["originals"], shown["moves"]) == ("SHOWN", [])
    assert problem(moved(office, entry, "show")) == (409, "process.move")


def test_a_shows_nothing_at_the_window(office: PermitOffice) -> None:
    promised = {"committed_until": (office.today + timedelta(days=180)).isoformat()}
    record = person_record(office.today, 1, category="A", facts={"founder": True})
    papers = dict.fromkeys(("M02", "M03", "M04", "M05"), promised)
    filing = office.approved("overseas", record, papers=papers)
    found = office.ok(office.employer, "GET", f"/v1/filings/{filing['filing_id']}/notification")
    body = body_of({**found, "record": record})
    made = office.ok(office.officer, "POST", "/v1/permits/activations", body)
    entry = office.ok(office.officer, "GET", f"/v1/entries/{made['entry_id']}")
    assert (entry["originals"], entry["originals_due"], entry["moves"]) == ("NOT_NEEDED", None, [])
    assert problem(book(office, entry, slot(office))) == (409, "process.move")


def test_originals_not_shown_in_time_are_for_an_officer_to_decide(office: PermitOffice) -> None:
    entry = entered(office)
    office.travel(entry["originals_due"])
    assert office.turn().overdue == 0
    office.travel(date.fromisoformat(entry["originals_due"]) + timedelta(days=1))
    assert (office.turn().overdue, office.turn().overdue) == (1, 0)
    seen = office.ok(office.officer, "GET", f"/v1/entries/{entry['entry_id']}")
    assert (seen["originals"], seen["moves"]) == ("OVERDUE", ["not_shown", "prolong", "show"])
    assert office.permit(entry["permit_id"])["state"] == "ACTIVE"
    body = {"until": (office.today - timedelta(days=1)).isoformat(), "reason": "a late report"}
    assert problem(moved(office, entry, "prolong", body)) == (422, "entry.day")
    later = (office.today + timedelta(days=10)).isoformat()
    prolonged = moved(office, entry, "prolong", {"until": later, "reason": "a late report"}).json()
    assert (prolonged["originals"], prolonged["originals_due"], prolonged["reason"]) == ("DUE", later, "a late report")
    assert problem(moved(office, entry, "not-shown", {"reason": "nobody came"})) == (409, "process.move")
    office.travel(date.fromisoformat(later) + timedelta(days=1))
    assert office.turn().overdue == 1
    ended = moved(office, entry, "not-shown", {"reason": "nobody came"}).json()
    assert (ended["originals"], ended["moves"]) == ("NOT_SHOWN", [])
    assert office.permit(entry["permit_id"])["state"] == "ACTIVE"


def test_slot_is_booked_moved_given_up_and_never_overbooked(office: PermitOffice) -> None:
    one, other = entered(office, 1), entered(office, 2)
    first, second = slot(office), slot(office, hours=48)
    free = f"/v1/entries/{one['entry_id']}/slots"
    assert [each["slot_id"] for each in office.by(office.employer)("GET", free).json()] == [first, second]
    assert book(office, one, first).json()["slot"]["free"] == 0
    assert problem(book(office, other, first)) == (409, "slot.full")
    assert book(office, other, second).status_code == 200
    assert office.by(office.employer)("GET", free).json() == []
    assert problem(book(office, one, second)) == (409, "slot.full")
    kept = office.ok(office.employer, "GET", f"/v1/entries/{one['entry_id']}/booking")
    assert kept["slot"]["slot_id"] == first
    third = slot(office, hours=72)
    assert book(office, one, third).json()["slot"]["slot_id"] == third
    assert [each["slot_id"] for each in office.by(office.employer)("GET", free).json()] == [first]
    path = f"/v1/entries/{one['entry_id']}/booking"
    assert office.ask(office.employer, "DELETE", path).status_code == 204
    assert problem(office.ask(office.employer, "DELETE", path)) == (409, "slot.no_booking")


def test_free_slots_are_read_by_one_query_however_many_there_are(
    office: PermitOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = entered(office)
    free = f"/v1/entries/{entry['entry_id']}/slots"

    def counted() -> int:
        seen: list[str] = []

        def note(*call: Any) -> None:
            seen.append(call[2])

        event.listen(Engine, "before_cursor_execute", note)
        try:
            office.by(office.employer)("GET", free)
        finally:
            event.remove(Engine, "before_cursor_execute", note)
        return sum("FROM bookings" in one for one in seen)

    made = [slot(office)]
    few = counted()
    made += [slot(office, hours=24 * day) for day in range(2, 6)]
    assert counted() == few
    monkeypatch.setattr(slots, "_LISTED", 2)
    assert [one["slot_id"] for one in office.by(office.employer)("GET", free).json()] == made[:2]


def test_bookings_of_an_entry_within_a_day_have_an_end(office: PermitOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is a notice to everyone on the permit; the booking that there is stays, and may be given up."""
    monkeypatch.setattr(slots, "_MOST_BOOKED", 2)
    entry, first, second = entered(office), slot(office), slot(office, hours=48)
    assert [book(office, entry, each).status_code for each in (first, second)] == [200, 200]
    assert problem(book(office, entry, first)) == (429, "slot.too_often")
    path = f"/v1/entries/{entry['entry_id']}/booking"
    assert office.ok(office.employer, "GET", path)["slot"]["slot_id"] == second
    assert office.ask(office.employer, "DELETE", path).status_code == 204
    assert problem(book(office, entry, first)) == (429, "slot.too_often")
    office.travel(office.today + timedelta(days=1), hour=23)
    assert book(office, entry, slot(office, hours=24)).status_code == 200


def test_cancelled_slot_cancels_its_bookings_and_says_so(office: PermitOffice) -> None:
    entry, slot_id = entered(office), slot(office, places=2)
    book(office, entry, slot_id)
    cancelled = office.ok(office.head, "POST", f"/v1/slots/{slot_id}/cancel")
    assert (cancelled["state"], cancelled["free"]) == ("cancelled", 0)
    assert office.ok(office.employer, "GET", f"/v1/entries/{entry['entry_id']}/booking")["slot"] is None
    kinds = [one["kind"] for one in office.ok(office.employer, "GET", "/v1/notices")["items"]]
    assert kinds.count("booking.made") == kinds.count("booking.cancelled") == 1
    assert problem(book(office, entry, slot_id)) == (404, "slot.none")


def test_slot_that_has_begun_is_not_booked_and_a_window_has_one_at_a_time(office: PermitOffice) -> None:
    entry, slot_id = entered(office), slot(office, hours=2)
    body = {"window": "3", "starts_at": int(office.issuing_service.clock.at) + 7200, "minutes": 20, "places": 1}
    assert problem(office.ask(office.officer, "POST", "/v1/slots", body)) == (409, "slot.exists")
    past = {**body, "starts_at": int(office.issuing_service.clock.at) - 60}
    assert problem(office.ask(office.officer, "POST", "/v1/slots", past)) == (422, "slot.field")
    office.travel(office.today, hour=13)
    assert problem(book(office, entry, slot_id)) == (409, "slot.over")


def test_residence_permit_stands_as_reported_with_the_police_s_day(office: PermitOffice) -> None:
    entry = entered(office)
    path = f"/v1/entries/{entry['entry_id']}/residence"
    body = {"state": "applied", "on": office.today.isoformat()}
    seen = office.ask(office.officer, "PUT", path, body, version='"1"').json()
    assert (seen["residence"], seen["residence_decision_due"]) == ("applied", "2026-03-23")
    tomorrow = {"state": "granted", "on": (office.today + timedelta(days=1)).isoformat()}
    assert problem(office.ask(office.officer, "PUT", path, tomorrow, version='"2"')) == (422, "entry.day")
    assert problem(office.ask(office.officer, "PUT", path, body, version='"1"')) == (412, "entry.changed")
    assert problem(office.ask(office.employer, "PUT", path, body, version='"2"')) == (403, "access.not_allowed")
    other = office.holder(office.permit(entered(office, 2)["permit_id"]))
    assert problem(office.ask(other, "PUT", path, body, version='"2"')) == (404, "entry.none")
    holder = office.holder(office.permit(entry["permit_id"]))
    assert office.ask(holder, "PUT", path, {**body, "state": "granted"}, version='"2"').json()["residence"] == "granted"


def test_official_reports_nothing_about_their_own_residence_permit(office: PermitOffice) -> None:
    entry = entered(office)

    def about_the_officer(session: Session) -> None:
        session.get_one(Permit, entry["permit_id"]).person_id = office.officer.person_id or ""

    office.core.database.transact(about_the_officer)
    path, body = f"/v1/entries/{entry['entry_id']}/residence", {"state": "applied", "on": office.today.isoformat()}
    assert problem(office.ask(office.officer, "PUT", path, body, version='"1"')) == (403, "filing.own")
    assert office.ask(office.second, "PUT", path, body, version='"1"').status_code == 200


def test_package_has_permit_and_photo(office: PermitOffice) -> None:
    filing_id = office.draft("overseas", person_record(office.today))
    record = office.newest_record
    office.ok(office.employer, "POST", f"/v1/files/{filing_id}/M08", photo())
    office.moved(office.employer, filing_id, "submit")
    office.moved(office.officer, filing_id, "pre-review")
    office.verify_papers(filing_id)
    office.moved(office.officer, filing_id, "accept")
    office.moved(office.officer, filing_id, "approve", {"category": "B"})
    found = office.ok(office.employer, "GET", f"/v1/filings/{filing_id}/notification")
    body = body_of({**found, "record": record})
    made = office.ok(office.officer, "POST", "/v1/permits/activations", body)
    data = office.ask(office.employer, "GET", f"/v1/entries/{made['entry_id']}/package").content
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist() == ["README.txt", "permit.json", "photo.jpg"]
        content = json.loads(archive.read("permit.json"))
        assert archive.read("photo.jpg").startswith(b"\xff\xd8\xff")
    assert (content["permit"]["number"], content["passport"]["number"]) == (found["number"], "C01X00001")
    office.ask(office.officer, "GET", f"/v1/entries/{made['entry_id']}/package")
    looks = select(Read.actor, Read.subject).where(Read.way == "entry.package")
    names = ("actor", f"account:{office.officer.account_id}"), ("subject", f"entry:{made['entry_id']}")
    expected = tuple(office.core.at_rest.pseudonym(kind, name) for kind, name in names)
    assert office.core.database.read(lambda session: session.execute(looks).one()) == expected
