"""Random legal and illegal moves under a moving clock: objections, first entry, the switch from paper to the card."""

from __future__ import annotations

import secrets
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule
from sqlalchemy import select
from sqlalchemy.orm import Session

from issuer import cards
from issuer.db.unit_of_work import UnitOfWork
from issuer.permits import activation, entries, objections, restoring
from issuer.permits.models import Entry, Filing, Notification, Permit, PermitTerm
from issuer.permits.names import PassportName
from issuer.permits.objections import NewObjection
from issuer.permits.parties import party_of
from issuer.permits.person_checks import WindowOfficer
from issuer.permits.processes import ENTRY, OBJECTION
from issuer.permits.remedy_models import Objection
from issuer.permits.terms import physical_until
from issuer.switchover.physical import import_permits
from tests.issuer.permits.test_open_files import carry
from tests.issuer.permits.test_open_files import row as open_row
from tests.issuer.permits.test_switchover import row as physical_row
from tests.issuer.permits.test_switchover import write
from tests.kit.office_model import PEOPLE, OfficeModel, run_model
from tests.kit.people import HOST
from tests.kit.permit_office import person_record

pytestmark = pytest.mark.slow

BY = st.sampled_from(PEOPLE)
LIVE = ("ACTIVE", "EXTENDED_BY_LAW")


class Objections(OfficeModel):
    """A refused application and a permit that was cancelled; objections to both."""

    def prepare(self) -> None:
        office = self.office
        self.permit_id = office.employed(1)["permit_id"]
        facts = person_record(office.today)["facts"]
        record = {"ended_on": office.today.isoformat(), "ground": "resigned", "signed": True, "facts": facts}
        office.approved("cancellation", record, permit_id=self.permit_id)
        self.filing_id = office.accepted("overseas", person_record(office.today, 2))
        office.moved(office.officer, self.filing_id, "refuse", {"reasons": [{"path": "M06", "text": "No such post."}]})

    @rule(by=BY, about_permit=st.booleans())
    def lodge(self, by: str, about_permit: bool) -> None:
        about = {"permit_id": self.permit_id} if about_permit else {"filing_id": self.filing_id}
        new = NewObjection("It is wrong.", about.get("filing_id"), about.get("permit_id"), "a test")
        with self.tried():
            objections.lodge(self.core, self.who(by), new)
            assert by == "employer", "an official lodges nothing"

    @precondition(lambda self: self.newest() is not None)
    @rule(by=BY, name=st.sampled_from(["admit", "dismiss", "stay", "prolong", "uphold", "annul", "withdraw"]))
    def act(self, by: str, name: str) -> None:
        row, who, core = self.newest(), self.who(by), self.core
        assert row is not None
        acts: dict[str, Any] = {
            "admit": lambda: objections.admit_objection(core, who, row.id, row.revision, simple=True),
            "dismiss": lambda: objections.dismiss_objection(core, who, row.id, row.revision, "a test"),
            "stay": lambda: objections.stay_objection(core, who, row.id, row.revision, "a test"),
            "prolong": lambda: objections.prolong_objection(core, who, row.id, row.revision, 10, "a test"),
            "withdraw": lambda: objections.withdraw_objection(core, who, row.id, row.revision),
        }
        decide = lambda: objections.decide_objection(core, who, row.id, row.revision, name, "a test")  # noqa: E731
        with self.tried() as done:
            acts.get(name, decide)()
        after = self.core.database.read(lambda session: session.get_one(Objection, row.id))
        if done:
            assert OBJECTION.move(name, row.state, party_of(who)).target == after.state
        else:
            assert (after.state, after.stayed, after.revision) == (row.state, row.stayed, row.revision)

    @rule()
    def restore(self) -> None:
        """Two officers restore the permit by the newest objection about it, where they may."""
        card_id = f"{secrets.randbits(128):032x}"

        def work(unit: UnitOfWork) -> str | None:
            query = select(Objection).where(Objection.permit_id == self.permit_id).order_by(Objection.number.desc())
            row = unit.session.scalars(query).first()
            name = row.id if row is not None else "0" * 32
            restoring.prepare_restoration(self.core, unit.session, self.permit_id, name)
            assert row is not None
            assert row.state == "ANNULLED" or (row.state == "ADMITTED" and row.stayed)
            restoring.restore(self.core, unit.session, unit.now, self.permit_id, name, card_id)
            return unit.session.get_one(Permit, self.permit_id).card_id

        with self.tried():
            made = self.core.transact(HOST, work)
            if made is not None:
                cards.finish_card(self.core, made)

    @rule(days=st.sampled_from([0, 1, 6, 31]))
    def wait(self, days: int) -> None:
        self.pass_days(days)

    def newest(self) -> Objection | None:
        query = select(Objection).order_by(Objection.number.desc())
        return self.core.database.read(lambda session: session.scalars(query).first())

    @invariant()
    def objections_clocks_and_permit_agree(self) -> None:
        if not hasattr(self, "filing_id"):
            return

        def look(session: Session) -> None:
            rows = session.scalars(select(Objection)).all()
            for row in rows:
                assert (row.open_key is not None) == (row.state in ("LODGED", "ADMITTED"))
                assert (row.admitted_on is not None) == (row.decided_due is not None)
                assert row.state not in ("ADMITTED", "UPHELD", "ANNULLED") or row.admitted_on is not None
                assert not row.stayed or row.admitted_on is not None
            about = [(row.filing_id or row.end_id) for row in rows if row.open_key is not None]
            assert len(about) == len(set(about)), "one open objection against a decision"
            permit = session.get_one(Permit, self.permit_id)
            if permit.state in LIVE:
                held = [row for row in rows if row.id == permit.restored_by]
                assert held, "nothing else brings it back"
                assert held[0].state == "ANNULLED" or (held[0].state == "ADMITTED" and held[0].stayed)

        self.core.database.read(look)


class FirstEntries(OfficeModel):
    """One person in B who was notified: the token at the window, originals, and time."""

    def prepare(self) -> None:
        office = self.office
        filing = office.approved("overseas", person_record(office.today, 1))
        self.permit_id = filing["permit_id"]
        self.found = office.ok(office.employer, "GET", f"/v1/filings/{filing['filing_id']}/notification")
        self.activations = 0

    @rule(by=BY, wrong=st.sampled_from(["", "", "token", "number", "name", "check"]))
    def activate(self, by: str, wrong: str) -> None:
        token = "x" * 32 if wrong == "token" else self.found["token"]
        number = "1" * 18 if wrong == "number" else self.found["number"]
        name = PassportName("ADLER" if wrong == "name" else "VOGEL", "HANNELORE B")
        before = self.notification().state
        with self.tried() as done:
            activation.activate(self.core, self.who(by), token, name, number, WindowOfficer(wrong != "check"))
        if done:
            assert (wrong, before) == ("", "ISSUED")
            assert by in ("officer", "second")
            self.activations += 1
        assert self.activations <= 1, "a token works once"

    @precondition(lambda self: self.activations == 1)
    @rule(by=BY, name=st.sampled_from(["show", "prolong", "not_shown"]), days=st.integers(-5, 200))
    def act(self, by: str, name: str, days: int) -> None:
        row, who, core = self.entry(), self.who(by), self.core
        with self.tried() as done:
            if name == "show":
                entries.show_originals(core, who, row.id, row.revision)
            elif name == "prolong":
                until = date.fromordinal(self.office.today.toordinal() + days)
                entries.prolong_originals(core, who, row.id, until, "a test", row.revision)
            else:
                entries.record_not_shown(core, who, row.id, "a test", row.revision)
        after = self.entry()
        if done:
            assert ENTRY.move(name, row.originals, party_of(who)).target == after.originals
        else:
            assert (after.originals, after.revision) == (row.originals, row.revision)

    @rule(days=st.sampled_from([0, 1, 15, 31, 91]))
    def wait(self, days: int) -> None:
        self.pass_days(days)

    def notification(self) -> Notification:
        return self.core.database.read(lambda session: session.scalars(select(Notification)).one())

    def entry(self) -> Entry:
        return self.core.database.read(lambda session: session.scalars(select(Entry)).one())

    @invariant()
    def permit_notification_and_entry_agree(self) -> None:
        if not hasattr(self, "activations"):
            return

        def look(session: Session) -> None:
            permit, today = session.get_one(Permit, self.permit_id), self.office.today.isoformat()
            notification = session.scalars(select(Notification)).one()
            assert (notification.state == "USED") == (self.activations == 1)
            assert (permit.card_id is not None) == (self.activations == 1), "no card before the window"
            if permit.state == "GRANTED":
                assert notification.state == "ISSUED"
            if notification.state == "EXPIRED":
                assert permit.state == "EXPIRED"
                assert notification.until < today
            entry = session.scalars(select(Entry)).first()
            if entry is not None and entry.originals == "OVERDUE":
                assert (entry.originals_due or "") < today
            if permit.state == "EXPIRED" and self.activations:
                assert permit.until < today, "nothing ends because originals were not shown"

        self.core.database.read(look)


class Switch(OfficeModel):
    """Physical permits, applications open at the switch, and cards by reissue: nobody is forced."""

    def prepare(self) -> None:
        self.place = Path(self.folder.name)
        self.files = 0
        self.reissued: set[str] = set()

    @rule(
        places=st.lists(st.integers(1, 3), min_size=1, max_size=3),
        fault=st.sampled_from([{}, {"number": "12"}, {"until": "2026-03-01"}, {"surname": "A\u202eB"}]),
    )
    def import_physical(self, places: list[int], fault: dict[str, str]) -> None:
        self.files += 1
        known = self.numbers()
        rows = [physical_row(one, until="2026-12-31") for one in places] + [physical_row(9, **fault)] * bool(fault)
        made = import_permits(self.core, write(self.place, rows, f"{self.files}.csv"), HOST)
        assert made.done + made.refused == len(rows)
        assert len(self.numbers()) == len(known) + made.done
        assert not fault or made.refused >= 1

    @rule(place=st.integers(1, 3), state=st.sampled_from(["SUBMITTED", "ACCEPTED"]))
    def carry_over(self, place: int, state: str) -> None:
        self.files += 1
        accepted = {"accepted_on": "2026-02-27"} if state == "ACCEPTED" else {}
        number = physical_row(place)["number"]
        plain = dict.fromkeys(("surname", "given", "nationality", "birth", "sex", "passport", "post", "category"), "")
        about = {"process": "reissue", "number": number, "papers": "M01 M07", "until": "", "first": ""}
        before = self.open_filings()
        made = carry(self.office, self.place, open_row(place, **plain, **about, state=state, **accepted),
                     name=f"open{self.files}.csv")  # fmt: skip
        assert self.open_filings() == before + made.done

    @precondition(lambda self: self.numbers())
    @rule(place=st.integers(0, 2))
    def reissue(self, place: int) -> None:
        """The employer asks for the card, and an officer approves it."""
        permits = self.office.ok(self.office.employer, "GET", "/v1/permits")["items"]
        permit = permits[place % len(permits)]
        facts = {**person_record(self.office.today)["facts"], "physical_permit": True}
        try:
            self.office.approved("reissue", {"facts": facts}, permit_id=permit["permit_id"])
        except AssertionError:
            # Refused by the API: there is a card, or an application is open.
            self.refused += 1
        else:
            self.reissued.add(permit["permit_id"])

    @rule(days=st.sampled_from([0, 1, 40, 320]))
    def wait(self, days: int) -> None:
        self.pass_days(days)

    def numbers(self) -> list[str]:
        return self.core.database.read(lambda session: list(session.scalars(select(Permit.number_key))))

    def open_filings(self) -> int:
        live = Filing.state.in_(("SUBMITTED", "ACCEPTED", "PRE_REVIEWED", "RETURNED"))
        return len(self.core.database.read(lambda session: session.scalars(select(Filing.id).where(live)).all()))

    @invariant()
    def paper_stays_valid_and_cards_come_by_applications_alone(self) -> None:
        if not hasattr(self, "reissued"):
            return

        def look(session: Session) -> None:
            today = self.office.today.isoformat()
            for permit in session.scalars(select(Permit)):
                approved = select(Filing.id).where(Filing.permit_id == permit.id, Filing.state == "APPROVED")
                assert (permit.card_id is not None) == (session.scalars(approved).first() is not None)
                assert (permit.card_id is not None) == (permit.id in self.reissued)
                terms = session.scalars(select(PermitTerm).where(PermitTerm.permit_id == permit.id)).all()
                assert [term.ground for term in terms] == ["import"]
                until = physical_until(self.core, permit)
                assert until is not None
                assert until.isoformat() == permit.until
                assert permit.state in (*LIVE, "EXPIRED")
                assert permit.state != "EXPIRED" or permit.until < today

        self.core.database.read(look)


def test_random_objections_never_reach_a_state_without_its_guards() -> None:
    run_model(Objections, examples=3, steps=25)


def test_random_first_entries_never_activate_without_token_person_and_time() -> None:
    run_model(FirstEntries, examples=4, steps=20)


def test_random_switches_force_nobody_and_lose_nothing() -> None:
    run_model(Switch, examples=3, steps=15)
