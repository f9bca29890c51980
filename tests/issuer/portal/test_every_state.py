"""A record in each state of each process, made by the acts that lead there: its page says to everybody who sees it what
is going on, whose turn it is and by when, in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from icard_crypto.errors import NotFound
from issuer.accounts.mandates import give_mandate
from issuer.permits.offices import show_employer
from issuer.permits.processes import FILING, OBJECTION, PERMIT, SOCIAL_CARD
from issuer.portal import make_portal
from issuer.portal.catalogue import LANGUAGES, Words
from issuer.portal.situations import situation
from issuer.service.app import make_service
from tests.issuer.conftest import new_database_url
from tests.issuer.permits.test_permit_life import cancellation, extension
from tests.issuer.portal.test_guard import Person
from tests.kit.forms import field, words
from tests.kit.furnished_town import arrived
from tests.kit.people import Somebody, make, organisation
from tests.kit.permit_office import PermitOffice, person_record
from tests.kit.walked_pages import STATES
from verifier.runtime import http

pytestmark = [pytest.mark.slow, pytest.mark.walk]

WHY = {"reason": "The file was looked at again."}
RAW = re.compile(rf"\b(?:{'|'.join(sorted(STATES))})\b")


class Pages:
    """An office in Shanghai on 2 March 2026, and its portal."""

    def __init__(self, office: PermitOffice) -> None:
        self.office = office
        self.app: FastAPI = make_service(office.core, http.Drain(), [make_portal(office.core)])

    def text(self, somebody: Somebody, path: str, language: str = "en") -> str:
        """A page as it stands in the answer, which has to be one."""
        answer = Person(self.app, somebody.enter()).get(f"{path}?lang={language}")
        assert answer.status_code == 200, (path, somebody.login, words(answer.text)[:300])
        return answer.text

    def says(self, path: str, said: str, *readers: Somebody, day: bool = False, **places: str) -> None:
        """The page has this sentence for everybody who reads it, and a day with its rule where one runs.

        Args:
            said: the entry, such as ``filing_DRAFT``.
            day: whether a day runs.
        """
        for somebody in readers:
            for language in LANGUAGES:
                t, page = Words(language), self.text(somebody, path, language)
                sentence = t(f"situations.{said}", **places) if places else situation(t, *said.split("_", 1))
                assert words(sentence) in words(page), (path, said, somebody.login, language)
                assert RAW.search(words(page)) is None, (path, said, somebody.login)
                assert ('class="deadline"' in page) is day, (path, said, somebody.login)


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Pages]:
    made = PermitOffice.begin(tmp_path, new_database_url("sqlite", tmp_path))
    yield Pages(made)
    made.core.close()


def test_application_in_each_state(pages: Pages) -> None:
    office = pages.office
    employer, officer, head = office.employer, office.officer, office.head
    seen: set[str] = set()

    def check(filing_id: str, state: str, *readers: Somebody, day: bool = False) -> None:
        pages.says(f"filings/{filing_id}", f"filing_{state}", *readers, day=day)
        seen.add(state)

    left_open = office.filed("overseas", person_record(office.today, 9))
    defects = {"defects": [{"path": "M04", "text": "Not legible."}]}
    office.moved(officer, left_open, "return", defects)
    check(office.draft("overseas", person_record(office.today, 1)), "DRAFT", employer)
    filing = office.filed("overseas", person_record(office.today, 2))
    check(filing, "SUBMITTED", employer, officer, head, day=True)
    office.moved(officer, filing, "return", defects)
    check(filing, "RETURNED", employer, officer, day=True)
    office.moved(employer, filing, "withdraw")
    check(filing, "WITHDRAWN", employer, officer)
    filing = office.filed("overseas", person_record(office.today, 3))
    office.moved(officer, filing, "pre-review")
    check(filing, "PRE_REVIEWED", employer, officer, day=True)
    office.verify_papers(filing)
    office.moved(officer, filing, "accept")
    check(filing, "ACCEPTED", employer, officer, head, day=True)
    office.moved(officer, filing, "pause", {"ground": "expert_review", **WHY})
    for language in LANGUAGES:
        day = Words(language).day(office.today)
        for somebody in (employer, officer, head):
            text = words(pages.text(somebody, f"filings/{filing}", language))
            assert Words(language)("situations.filing_paused", day=day) in text
            assert WHY["reason"] in text
    office.moved(officer, filing, "resume")
    office.moved(officer, filing, "approve", {"category": "B"})
    check(filing, "APPROVED", employer, officer, day=True)
    office.moved(officer, filing, "delivery", {"way": "post", "day": office.today.isoformat(), "evidence": "XA1"})
    assert "By post on 2 March 2026" in words(pages.text(employer, f"filings/{filing}"))
    filing = office.accepted("overseas", person_record(office.today, 4))
    office.moved(officer, filing, "refuse", {"reasons": [{"path": "M06", "text": "The post is gone."}]})
    check(filing, "REFUSED", employer, officer, day=True)
    office.travel(office.today + timedelta(days=45))
    office.turn()
    check(left_open, "LAPSED", employer, officer)
    assert seen == set(FILING.states)


def test_application_that_an_objection_has_opened_again_is_shown(pages: Pages) -> None:
    """After the decision was set aside the history says so, and the time runs again."""
    office = pages.office
    filing = office.accepted("overseas", person_record(office.today, 4))
    office.moved(office.officer, filing, "refuse", {"reasons": [{"path": "M06", "text": "The post is gone."}]})
    objection = lodged(office, office.employer, filing_id=filing)
    for name, body in (("admit", {}), ("decide", {"outcome": "annul", **WHY})):
        step(office, objection, name, body)
    for somebody in (office.employer, office.officer, office.head):
        text = words(pages.text(somebody, f"filings/{filing}"))
        assert "Reopened after an objection" in text
        assert objection["number"] in text
        assert "Accepted" in text
        assert "Why it was refused" not in text, "that decision is gone"


def test_officer_stops_the_time_lets_it_go_on_and_records_the_delivery(pages: Pages) -> None:
    """While the time stands still nothing is offered to decide; each act has its form, refused at its fields; redress
    counts from the delivery that was recorded."""
    office = pages.office
    filing = office.accepted("overseas", person_record(office.today, 1))
    officer, path = Person(pages.app, office.officer.enter()), f"filings/{filing}"

    def version(name: str) -> str:
        return field(officer.get(f"{path}/{name}?lang=en").text, "version")

    assert "Expert review" in words(officer.get(f"{path}/pause?lang=en").text)
    empty = officer.post(f"{path}/pause", key="1" * 32, version=version("pause"))
    assert [name for name in ("ground", "reason") if f'href="#f-{name}"' not in empty.text] == []
    review = {"ground": "expert_review", "reason": "Three experts look at it."}
    assert officer.post(f"{path}/pause", key="2" * 32, version=version("pause"), **review).status_code == 303
    page = officer.get(f"{path}?lang=en").text
    assert "Let the time go on" in words(page)
    assert f'{path}/approve"' not in page
    assert "Three experts look at it." in words(pages.text(office.employer, path))
    assert officer.post(f"{path}/resume", key="3" * 32, version=version("resume")).status_code == 303
    assert f'{path}/approve"' in officer.get(f"{path}?lang=en").text
    office.moved(office.officer, filing, "refuse", {"reasons": [{"path": "M06", "text": "The post is gone."}]})
    before = pages.text(office.employer, path)
    office.travel("2026-03-12")
    officer = Person(pages.app, office.officer.enter())
    sent = {"way": "post", "evidence": "Registered letter XA12345678CN"}
    early = officer.post(f"{path}/deliver", key="4" * 32, version=version("deliver"), **sent, day="2026-03-13")
    assert 'href="#f-day"' in early.text
    done = officer.post(f"{path}/deliver", key="5" * 32, version=version("deliver"), **sent, day="2026-03-10")
    assert done.status_code == 303, words(done.text)[-300:]
    after = pages.text(office.employer, path)
    assert "By post on 10 March 2026" in words(after)
    last = office.ok(office.employer, "GET", f"/v1/{path}")["redress"][0]["until"]
    assert f'datetime="{last}"' in after
    assert f'datetime="{last}"' not in before
    assert f'{path}/deliver"' not in officer.get(f"{path}?lang=en").text


def test_draft_about_a_permit_says_by_when_it_is_submitted(pages: Pages) -> None:
    """An extension by 30 days before the end; a report of a change and a cancellation within ten working days of the
    day that they name, and of no day before they name one."""
    office = pages.office
    permit = office.employed(1)
    office.travel("2026-04-13")
    number, employer = permit["permit_id"], office.employer
    draft = office.draft("extension", extension(office, permit), permit_id=number)
    assert "by 11 May 2026" in words(pages.text(employer, f"filings/{draft}"))
    draft = office.draft("cancellation", cancellation(office), permit_id=number)
    assert "by 27 April 2026" in words(pages.text(employer, f"filings/{draft}"))
    body = {"process": "change", "permit_id": number}
    draft = office.ok(employer, "POST", "/v1/filings", body)["filing_id"]
    assert 'class="deadline"' not in pages.text(employer, f"filings/{draft}")


def test_paper_in_each_state(pages: Pages) -> None:
    """The checklist says of a forged paper that it is one, to whoever filed it and to the office."""
    office = pages.office
    filing = office.filed("overseas", person_record(office.today, 1))
    path, note = f"/v1/filings/{filing}/papers/M05", {"note": "The clinic did not issue it."}
    said = {"": "Handed in; the office has not checked it yet.", "verify": "Verified: original seen"}
    said |= {"reject": f"Rejected: {note['note']}", "forged": f"Found to be forged: {note['note']}"}
    for act, sentence in said.items():
        if act:
            office.ok(office.officer, "POST", f"{path}/{act}", {"how": "seen_original"} if act == "verify" else note)
        for somebody in (office.employer, office.officer):
            assert sentence in words(pages.text(somebody, f"filings/{filing}")), act
        state = words(pages.text(office.officer, f"filings/{filing}/check", "en&material=M05"))
        assert RAW.search(state) is None


def ended(office: PermitOffice, number: int, end: str) -> tuple[dict[str, Any], Somebody]:
    """A permit that two officers have ended after a hearing, and its holder."""
    permit = office.employed(number)
    holder = office.holder(permit)
    if end != "dead.death":
        body = {"end": end, "reason": "The degree is not in the register."}
        made = office.ok(office.officer, "POST", f"/v1/permits/{permit['permit_id']}/hearings", body)
        office.ok(holder, "POST", f"/v1/hearings/{made['hearing_id']}/statement", {"statement": "It is mine."})
    office.ended(permit, end)
    return permit, holder


def test_permit_and_notification_in_each_state(pages: Pages) -> None:
    office = pages.office
    employer, officer, second = office.employer, office.officer, office.second
    seen: set[str] = set()

    def check(permit_id: str, state: str, *readers: Somebody, day: bool = False) -> None:
        assert office.permit(permit_id)["state"] == state
        pages.says(f"permits/{permit_id}", f"permit_{state}", employer, officer, *readers, day=day)
        seen.add(state)

    by_law, expired = office.employed(1), office.employed(2)
    holders = [office.holder(one) for one in (by_law, expired)]
    lapsed = office.approved("overseas", person_record(office.today, 3))
    pages.says(f"filings/{lapsed['filing_id']}", "notification_ISSUED", employer, officer, day=True)
    check(lapsed["permit_id"], "GRANTED", day=True)
    check(by_law["permit_id"], "ACTIVE", holders[0], day=True)
    office.travel("2026-04-13")
    office.accepted("extension", extension(office, by_law), permit_id=by_law["permit_id"])
    pages.says(f"permits/{by_law['permit_id']}", "permit_filed", employer, officer, holders[0])
    for day in ("2026-05-12", "2026-06-05", "2026-06-11"):
        office.travel(day)
        office.turn()
    check(by_law["permit_id"], "EXTENDED_BY_LAW", holders[0])
    check(expired["permit_id"], "EXPIRED", holders[1], day=True)
    pages.says(f"filings/{lapsed['filing_id']}", "notification_EXPIRED", employer, officer, day=True)
    check(lapsed["permit_id"], "EXPIRED", day=True)

    cancelled = office.employed(4)
    office.approved("cancellation", cancellation(office), permit_id=cancelled["permit_id"])
    check(cancelled["permit_id"], "CANCELLED", office.holder(cancelled), day=True)
    for number, (end, state) in enumerate(
        (
            ("revoked.fraud", "REVOKED"),
            ("withdrawn.law_changed", "WITHDRAWN"),
            ("licence_withdrawn.penalty", "LICENCE_WITHDRAWN"),
            ("dead.death", "DEAD"),
        ),
        5,
    ):
        permit, holder = ended(office, number, end)
        check(permit["permit_id"], state, holder, day=True)
        if state == "REVOKED":
            asked = office.asked("permit.readmit", {"permit_id": permit["permit_id"]})
            assert office.confirmed(asked.json()["confirmation_id"], second).status_code == 200
            pages.says(f"permits/{permit['permit_id']}", "permit_readmitted", employer, officer, holder, day=True)
    assert seen == set(PERMIT.states)


def test_permit_whose_extension_was_granted_says_when_the_next_one_is_filed(pages: Pages) -> None:
    """An extension that was decided long ago is none that is filed."""
    office = pages.office
    permit = office.employed(1)
    office.travel("2026-04-13")
    office.approved("extension", extension(office, permit), permit_id=permit["permit_id"])
    office.travel("2027-04-01")
    office.turn()
    pages.says(f"permits/{permit['permit_id']}", "permit_ACTIVE", office.employer, office.officer, day=True)
    assert "File the extension" in words(pages.text(office.employer, f"permits/{permit['permit_id']}"))


def test_entry_and_used_notification_in_each_state(pages: Pages) -> None:
    office = pages.office
    far = (office.today + timedelta(days=300)).isoformat()
    one, other = (arrived(office, number, until=far) for number in (1, 2))
    holder = office.holder(office.permit(one["permit_id"]))
    readers = (office.employer, office.officer, holder)
    path = f"entries/{one['entry_id']}"
    for filing in office.ok(office.employer, "GET", "/v1/filings")["items"]:
        pages.says(f"filings/{filing['filing_id']}", "notification_USED", office.employer, office.officer, day=True)
    pages.says(path, "entry_DUE", *readers, day=True)
    pages.says(path, "residence_not_applied", *readers, day=True)
    for state in ("applied", "granted", "refused"):
        report = {"state": state, "on": office.today.isoformat()}
        revision = office.ok(office.officer, "GET", f"/v1/{path}")["revision"]
        office.ok(holder, "PUT", f"/v1/{path}/residence", report, version=f'"{revision}"')
        pages.says(path, f"residence_{state}", *readers, day=True)
    office.travel(office.today + timedelta(days=40))
    office.turn()
    pages.says(path, "entry_OVERDUE", *readers, day=True)
    moved(office, path, "show")
    pages.says(path, "entry_SHOWN", *readers)
    path = f"entries/{other['entry_id']}"
    moved(office, path, "not-shown", WHY)
    pages.says(path, "entry_NOT_SHOWN", office.employer, office.officer, day=True)
    assert WHY["reason"] in words(pages.text(office.employer, path))


def moved(office: PermitOffice, path: str, name: str, body: Any = None) -> None:
    """An officer's move of an entry as it stands."""
    revision = office.ok(office.officer, "GET", f"/v1/{path}")["revision"]
    office.ok(office.officer, "POST", f"/v1/{path}/{name}", body, version=f'"{revision}"')


def test_hearing_in_each_state(pages: Pages) -> None:
    office = pages.office
    permit = office.employed(1)
    holder, path = office.holder(permit), f"permits/{permit['permit_id']}"
    readers = (office.officer, holder)
    body = {"end": "revoked.fraud", "reason": "The degree is not in the register."}
    office.ok(office.officer, "POST", f"/v1/{path}/hearings", body)
    pages.says(path, "hearing_OPEN", *readers, day=True)
    office.travel(office.today + timedelta(days=20))
    office.turn()
    pages.says(path, "hearing_OVER", *readers, day=True)
    made = office.ok(office.officer, "POST", f"/v1/{path}/hearings", {**body, "end": "withdrawn.facts_changed"})
    office.ok(holder, "POST", f"/v1/hearings/{made['hearing_id']}/statement", {"statement": "It is mine."})
    pages.says(path, "hearing_HEARD", *readers, day=True)


def lodged(office: PermitOffice, by: Somebody, **about: Any) -> dict[str, Any]:
    return office.ok(by, "POST", "/v1/objections", {"grounds": "The post exists.", **about})


def step(office: PermitOffice, objection: dict[str, Any], name: str, body: Any = None) -> None:
    """A step by the head on the objection as it stands."""
    path = f"/v1/objections/{objection['objection_id']}"
    revision = office.ok(office.head, "GET", path)["revision"]
    office.ok(office.head, "POST", f"{path}/{name}", body, version=f'"{revision}"')


def test_objection_in_each_state(pages: Pages) -> None:
    office = pages.office
    seen: set[str] = set()
    readers = (office.employer, office.head)

    def new(number: int) -> dict[str, Any]:
        filing = office.accepted("overseas", person_record(office.today, number))
        office.moved(office.officer, filing, "refuse", {"reasons": [{"path": "M06", "text": "The post is gone."}]})
        return lodged(office, office.employer, filing_id=filing)

    def check(objection: dict[str, Any], state: str, *, day: bool = False) -> None:
        pages.says(f"objections/{objection['objection_id']}", f"objection_{state}", *readers, day=day)
        seen.add(state)

    one = new(1)
    check(one, "LODGED", day=True)
    step(office, one, "admit", {})
    check(one, "ADMITTED", day=True)
    step(office, one, "decide", {"outcome": "uphold", **WHY})
    check(one, "UPHELD", day=True)
    two = new(2)
    step(office, two, "dismiss", WHY)
    check(two, "INADMISSIBLE", day=True)
    three = new(3)
    step(office, three, "admit", {})
    step(office, three, "decide", {"outcome": "annul", **WHY})
    check(three, "ANNULLED")
    four = new(4)
    path = f"/v1/objections/{four['objection_id']}"
    office.ok(office.employer, "POST", f"{path}/withdraw", None, version=f'"{four["revision"]}"')
    check(four, "WITHDRAWN")
    assert seen == set(OBJECTION.states)


def test_employer_in_each_state_is_said_to_its_handlers_and_on_what_it_files(pages: Pages) -> None:
    office = pages.office
    firm = organisation(office.issuing_service, "employer", 21)
    handler = make(office.issuing_service, "employer", "handler.21", organisation_id=firm)
    pages.says("organisation", "employer_pending", handler)
    office.verify_employer(firm)
    pages.says("organisation", "employer_verified", handler)
    draft = office.draft("overseas", person_record(office.today, 1), handler)
    for move, state in (("suspend", "suspended"), ("cease", "ceased")):
        office.ok(office.officer, "POST", f"/v1/employers/{firm}/state", {"move": move, **WHY})
        pages.says("organisation", f"employer_{state}", handler)
        pages.says(f"filings/{draft}", f"employer_{state}", handler)
    office.verify_employer(firm)
    asked = office.asked("employer.merge", {"employer_id": firm, "into_id": office.employer_id})
    assert asked.status_code == 201, asked.text
    assert office.confirmed(asked.json()["confirmation_id"]).status_code == 200
    pages.says("organisation", "employer_merged", handler)


def test_draft_of_an_agency_says_what_its_client_has_to_do_and_by_when(pages: Pages) -> None:
    """While the client is suspended: an extension has its last day, a new application has none."""
    office, core = pages.office, pages.office.core
    firm = organisation(office.issuing_service, "employer", 22)
    office.verify_employer(firm)
    handler = make(office.issuing_service, "employer", "handler.22", organisation_id=firm)
    agency_id = organisation(office.issuing_service, "agency", 23)
    acting = make(office.issuing_service, "agency", "agency.23", organisation_id=agency_id)
    now = int(office.issuing_service.clock.at)
    give_mandate(core, handler.who(), agency_id, firm, now, now + 30 * 86_400)
    permit = office.employed(2, handler)
    new = office.draft("overseas", person_record(office.today, 1), acting, employer_id=firm)
    record = extension(office, permit)
    longer = office.draft("extension", record, acting, permit_id=permit["permit_id"], employer_id=firm)
    for path, day in ((f"filings/{new}", False), (f"filings/{longer}", True)):
        assert "suspended" not in words(pages.text(acting, path))
        office.ok(office.officer, "POST", f"/v1/employers/{firm}/state", {"move": "suspend", **WHY})
        pages.says(path, "filing_DRAFT", acting, day=day)
        pages.says(path, "employer_suspended", acting, day=day)
        pages.says(path, "filing_held_until" if day else "filing_held", acting, day=day)
        office.verify_employer(firm)
    assert show_employer(core, acting.who(), firm).state == "verified"
    with pytest.raises(NotFound):
        show_employer(core, acting.who(), office.employer_id)


def test_physical_card_in_each_state(pages: Pages) -> None:
    office = pages.office
    permit = office.employed(1)
    holder, path = office.holder(permit), f"permits/{permit['permit_id']}/social-card"
    seen: set[str] = set()

    def check(state: str, *, day: bool = False) -> None:
        pages.says(path, f"social_card_{state}", holder, office.officer, day=day)
        seen.add(state)

    def order() -> str:
        made = office.ok(
            holder, "POST", f"/v1/permits/{permit['permit_id']}/social-cards", {"bank": "Bank of the East"}
        )
        return str(made["social_card_id"])

    def move(card: str, name: str, **more: Any) -> None:
        revision = office.ok(office.officer, "GET", f"/v1/social-cards/{card}")["revision"]
        body = {"move": name, **more}
        office.ok(office.officer, "POST", f"/v1/social-cards/{card}/state", body, version=f'"{revision}"')

    card = order()
    check("ORDERED")
    move(card, "withdraw")
    check("WITHDRAWN")
    card = order()
    for name, state, more in (
        ("make", "MADE", {"last4": "4711"}),
        ("hand_out", "NOT_ACTIVATED", {}),
        ("activate", "NORMAL", {}),
        ("freeze", "FROZEN", WHY),
        ("unfreeze", "NORMAL", {}),
        ("report_loss", "ORAL_LOSS", {}),
        ("confirm_loss", "WRITTEN_LOSS", WHY),
    ):
        move(card, name, **more)
        check(state)
    newest = order()
    check("REPLACED")
    move(newest, "make", last4="4712")
    move(newest, "cancel", **WHY)
    check("CANCELLED")
    assert seen == set(SOCIAL_CARD.states)
