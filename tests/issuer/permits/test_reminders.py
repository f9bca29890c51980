"""Reminders before a permit's end and before a paper runs out; calendar feeds."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial
from typing import Any

import icalendar
import pytest
from icalendar import Calendar
from sqlalchemy import select

from issuer.accounts import changes, directory, own_account
from issuer.accounts.invitations import Parts
from issuer.accounts.models import Account
from issuer.db.unit_of_work import UnitOfWork
from issuer.delivery import webhooks
from issuer.notices.models import NoticeRow
from issuer.permits.models import Permit
from issuer.permits.reminders import Reminded, remind
from tests.kit.callers import Caller, problem
from tests.kit.people import HOST, PASSWORD, Somebody, make
from tests.kit.permit_office import PermitOffice, person_record

pytestmark = pytest.mark.slow


def noticed(office: PermitOffice, somebody: Somebody) -> list[str]:
    """The kinds of reminders that an account got."""
    query = select(NoticeRow.kind).where(
        NoticeRow.account_id == somebody.account_id, NoticeRow.kind.startswith("reminder.")
    )
    return office.core.database.read(lambda session: sorted(session.scalars(query)))


def holder_of(office: PermitOffice, permit_id: str) -> Somebody:
    query = select(Permit.person_id).where(Permit.id == permit_id)
    person_id = office.core.database.read(lambda session: session.scalars(query).one())
    return make(office.issuing_service, "holder", "holder.one", person_id=person_id)


def test_holder_is_reminded_of_each_day_once_and_the_employer_by_one_digest_a_day(office: PermitOffice) -> None:
    permits = [office.employed(number, until=(office.today + timedelta(days=200)).isoformat()) for number in (1, 2)]
    holder, until = holder_of(office, permits[0]["permit_id"]), date.fromisoformat(permits[0]["until"])
    office.travel(until - timedelta(days=91))
    assert remind(office.core) == Reminded()
    for days, kind in (
        (90, "reminder.window_opens"),
        (60, "reminder.ends_soon"),
        (30, "reminder.ends_soon"),
        (0, "reminder.last_day"),
    ):
        before = noticed(office, holder)
        office.travel(until - timedelta(days=days))
        assert remind(office.core) == Reminded(permits=2, digests=1)
        assert remind(office.core) == Reminded()
        assert noticed(office, holder) == sorted([*before, kind])
    assert noticed(office, office.employer) == ["reminder.digest"] * 4


def test_worker_that_was_away_sends_the_newest_reminder_alone(office: PermitOffice) -> None:
    permit = office.employed(1, until=(office.today + timedelta(days=200)).isoformat())
    holder = holder_of(office, permit["permit_id"])
    office.travel(date.fromisoformat(permit["until"]) - timedelta(days=25))
    assert remind(office.core).permits == 1
    office.travel(date.fromisoformat(permit["until"]) - timedelta(days=20))
    assert remind(office.core).permits == 0
    assert noticed(office, holder) == ["reminder.ends_soon"]


def test_who_has_filed_an_extension_is_not_reminded(office: PermitOffice) -> None:
    permit = office.employed(1, until=(office.today + timedelta(days=200)).isoformat())
    until = date.fromisoformat(permit["until"])
    office.travel(until - timedelta(days=90))
    remind(office.core)
    later = (until + timedelta(days=90)).isoformat()
    record = person_record(office.today, 1, until=later, contract_until=later)
    office.filed("extension", record, permit_id=permit["permit_id"])
    office.travel(until - timedelta(days=60))
    assert remind(office.core) == Reminded()


def test_applicant_is_reminded_once_of_a_paper_that_runs_out_before_the_application_is_filed(
    office: PermitOffice,
) -> None:
    issued = {"issued": "2025-09-20", "authenticated_on": "2026-02-20"}
    office.draft("overseas", person_record(office.today), papers={"M04": issued})
    assert remind(office.core) == Reminded()
    office.travel("2026-03-06")
    assert remind(office.core) == Reminded(papers=1)
    assert remind(office.core) == Reminded()
    assert noticed(office, office.employer) == ["reminder.paper"]


def fetched(office: PermitOffice, address: str) -> Any:
    return Caller(office.app, {})("GET", address)


def test_feed_has_the_days_and_no_name_and_ends_when_it_is_revoked(office: PermitOffice) -> None:
    permit = office.employed(1)
    made = office.ok(office.employer, "POST", "/v1/calendar-feeds")
    answer = fetched(office, made["address"])
    assert answer.headers["content-type"].startswith("text/calendar")
    assert b"VOGEL" not in answer.content
    assert permit["number"].encode() not in answer.content
    events = Calendar.from_ical(answer.content).walk("VEVENT")
    until = date.fromisoformat(permit["until"])
    days = {event.decoded("dtstart") for event in events}
    assert days == {until - timedelta(days=90), until - timedelta(days=30), until}
    assert all(permit["number"][-4:] in str(event["summary"]) for event in events)
    assert all(len(line) <= 75 for line in answer.content.split(b"\r\n"))
    [seen] = office.by(office.employer)("GET", "/v1/calendar-feeds").json()
    assert (seen["feed_id"], seen["revoked_at"]) == (made["feed_id"], None)
    path = f"/v1/calendar-feeds/{made['feed_id']}"
    assert problem(office.ask(office.another_employer(9), "DELETE", path)) == (404, "feed.none")
    assert office.ask(office.employer, "DELETE", path).status_code == 204
    assert problem(fetched(office, made["address"])) == (404, "feed.none")


def test_feed_ends_with_its_account_and_guesses_find_nothing(office: PermitOffice) -> None:
    somebody = make(office.issuing_service, "employer", "second.handler", organisation_id=office.employer_id)
    made = office.ok(somebody, "POST", "/v1/calendar-feeds")
    assert fetched(office, made["address"]).status_code == 200
    assert problem(fetched(office, "/v1/calendars/" + "A" * 43)) == (404, "feed.none")
    directory.lock_account(office.core, office.admin.who(), somebody.account_id)
    assert problem(fetched(office, made["address"])) == (404, "feed.none")


def test_feed_ends_with_its_role(office: PermitOffice) -> None:
    """An official's permits, those of a whole region, are shown to nobody by an address; nor those of another side."""
    somebody = make(office.issuing_service, "employer", "second.handler", organisation_id=office.employer_id)
    office.employed(1)
    made = office.ok(somebody, "POST", "/v1/calendar-feeds")
    assert b"BEGIN:VEVENT" in fetched(office, made["address"]).content
    for role, organisation in (("permit_officer", None), ("employer", office.employer_id)):
        office.issuing_service.later()
        office.core.transact(HOST, partial(given_role, somebody, role, organisation))
        assert problem(fetched(office, made["address"])) == (404, "feed.none")


def test_feed_ends_with_a_reset_and_with_a_new_password(office: PermitOffice) -> None:
    """What had leaked before is worth nothing once the account is active again."""
    somebody = make(office.issuing_service, "employer", "second.handler", organisation_id=office.employer_id)

    def reset(unit: UnitOfWork) -> None:
        before = unit.session.get_one(Account, somebody.account_id)
        kept = {name: getattr(before, name) for name in ("password", "totp_secret", "totp_counter")}
        changes.reset(office.core, unit.session, somebody.account_id, Parts("x" * 43), unit.now)
        account = unit.session.get_one(Account, somebody.account_id)
        account.state = "active"
        for name, value in kept.items():
            setattr(account, name, value)
        unit.audit("account.reset", somebody.account_id)

    made = office.ok(somebody, "POST", "/v1/calendar-feeds")
    assert b"VCALENDAR" in fetched(office, made["address"]).content
    office.core.transact(HOST, reset)
    assert problem(fetched(office, made["address"])) == (404, "feed.none")
    made, who = office.ok(somebody, "POST", "/v1/calendar-feeds"), somebody.who()
    own_account.change_password(office.core, who, PASSWORD, "another long enough password")
    assert problem(fetched(office, made["address"])) == (404, "feed.none")


@pytest.mark.parametrize("act", ["password", "reset", "lock", "close"])
def test_webhook_is_off_after_whatever_ends_tokens(office: PermitOffice, act: str) -> None:
    """Where an intruder, or a handler of before, had the notices sent to, nothing goes any more."""
    somebody = make(office.issuing_service, "employer", "second.handler", organisation_id=office.employer_id)
    core, who = office.core, somebody.who()
    made = office.ok(somebody, "POST", "/v1/webhooks", {"url": "https://hooks.example/icard"})["webhook_id"]
    assert webhooks.target(core, made) is not None

    def ends(unit: UnitOfWork) -> None:
        session = unit.session
        if act == "reset":
            changes.reset(core, session, somebody.account_id, Parts("x" * 43), unit.now)
        elif act == "lock":
            changes.lock(session, somebody.account_id, unit.now)
        else:
            changes.close(core, session, somebody.account_id, unit.now)
        unit.audit(f"account.{act}", somebody.account_id)

    if act == "password":
        own_account.change_password(core, who, PASSWORD, "another long enough password")
    else:
        core.transact(HOST, ends)
    assert webhooks.target(core, made) is None
    (shown,) = webhooks.listed(core, somebody.account_id)
    assert (shown.state, shown.fault) == ("disabled", "webhook.ended")


def test_feed_makes_no_event_anew_that_has_not_changed(office: PermitOffice) -> None:
    """A calendar program asks again and again: the second time nothing of an event is made."""
    office.employed(1)
    made = office.ok(office.employer, "POST", "/v1/calendar-feeds")
    first = fetched(office, made["address"]).content
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(icalendar, "Event", None)
        assert fetched(office, made["address"]).content == first


def given_role(somebody: Somebody, role: str, organisation: str | None, unit: UnitOfWork) -> None:
    """What is left in the account after its role was changed and the invitation accepted."""
    account = unit.session.get_one(Account, somebody.account_id)
    account.role, account.organisation_id, account.role_at = role, organisation, unit.now


def test_an_account_has_five_feeds_at_most_and_a_repetition_shows_no_secret(office: PermitOffice) -> None:
    first = office.ask(office.employer, "POST", "/v1/calendar-feeds", key="one-and-the-same-key").json()
    again = office.ask(office.employer, "POST", "/v1/calendar-feeds", key="one-and-the-same-key").json()
    assert again == {"feed_id": first["feed_id"], "address": None}
    for _ in range(4):
        office.ok(office.employer, "POST", "/v1/calendar-feeds")
    assert problem(office.ask(office.employer, "POST", "/v1/calendar-feeds")) == (409, "feed.many")
