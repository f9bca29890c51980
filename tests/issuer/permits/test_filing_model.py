"""Random moves by random people under a moving clock: no state without its guards, and permit, card and codes agree."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule
from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.errors import IcardError
from issuer import cards
from issuer.accounts.roles import role_named
from issuer.cards.models import CardRow, CodeRow
from issuer.db.unit_of_work import UnitOfWork
from issuer.permits import applications, decisions, ending, granting, hearings, objections, papers, restoring
from issuer.permits.applications import NewFiling, filing_facts
from issuer.permits.clockwork import undecided
from issuer.permits.decisions import Defect
from issuer.permits.granting import Approval
from issuer.permits.guards import approval_refusals
from issuer.permits.models import Filing, FilingEvent, Permit
from issuer.permits.objections import NewObjection
from issuer.permits.papers import NewPaper, paper_facts
from issuer.permits.processes import FILING
from issuer.rules.days import day_of, days_before
from issuer.rules.store import book_of
from tests.kit.office_model import OfficeModel, run_model
from tests.kit.people import HOST
from tests.kit.permit_office import person_record

pytestmark = pytest.mark.slow

PEOPLE = st.sampled_from(["employer", "officer", "second", "head"])
MOVES = st.sampled_from(["pre_review", "accept", "return", "approve", "refuse", "prolong", "withdraw", "submit"])


class Filings(OfficeModel):
    """One employer, one person, one office; applications of every kind about that person."""

    def prepare(self) -> None:
        self.filings: list[str] = []

    def permit(self) -> Permit | None:
        return self.core.database.read(lambda session: session.scalar(select(Permit)))

    @rule(process=st.sampled_from(["overseas", "in_country", "extension", "change", "cancellation"]))
    def draft(self, process: str) -> None:
        """A draft with sound papers."""
        permit, today = self.permit(), self.office.today
        record: dict[str, Any] = person_record(today)
        about = process in ("extension", "change", "cancellation")
        if about and permit is None:
            return
        if process == "extension" and permit is not None:
            until = date.fromisoformat(permit.until) + timedelta(days=100)
            record = {"until": until.isoformat(), "contract_until": record["contract_until"],
                      "passport_until": record["passport_until"], "facts": record["facts"]}  # fmt: skip
        elif process == "change":
            record = {"changed_on": today.isoformat(), "post": "Head of design", "facts": record["facts"]}
        elif process == "cancellation":
            record = {"ended_on": today.isoformat(), "ground": "resigned", "signed": True, "facts": record["facts"]}
        new = NewFiling(process, None, permit.id if about and permit else None, record)
        who = self.who("employer")
        try:
            filing_id = applications.create_filing(self.core, who, new)
        except IcardError:
            self.refused += 1
            return
        self.filings.append(filing_id)
        for code in ("M01", "M02", "M03", "M04", "M05", "M06", "M07", "M08", "M09", "M13", "M14"):
            issued = today - timedelta(days=10)
            paper = NewPaper(issued, "DEU", "apostille", issued, True, True)
            try:
                papers.hand_in(self.core, who, filing_id, code, paper)
            except IcardError:
                self.refused += 1

    @precondition(lambda self: self.filings)
    @rule(place=st.integers(0, 5), by=PEOPLE, name=MOVES)
    def move(self, place: int, by: str, name: str) -> None:
        """Any move by anybody: most are illegal, and refused with a code."""
        filing_id, who = self.filings[-1 - place % len(self.filings)], self.who(by)
        row = self.row(filing_id)
        core, revision = self.core, row.revision
        points = [Defect("M04", "not legible")]
        try:
            if name == "submit":
                applications.submit_filing(core, who, filing_id, revision)
            elif name == "withdraw":
                applications.withdraw_filing(core, who, filing_id, revision)
            elif name == "pre_review":
                decisions.pre_review_filing(core, who, filing_id, revision)
            elif name == "accept":
                decisions.accept_filing(core, who, filing_id, revision)
            elif name == "return":
                decisions.return_filing(core, who, filing_id, points, revision)
            elif name == "refuse":
                decisions.refuse_filing(core, who, filing_id, points, revision)
            elif name == "prolong":
                decisions.prolong_filing(core, who, filing_id, 5, "an expert review", revision)
            else:
                granting.approve_filing(core, who, filing_id, Approval(), revision)
        except IcardError:
            assert self.row(filing_id).state == row.state, "a refused move changes nothing"
            self.refused += 1

    @precondition(lambda self: self.filings)
    @rule(place=st.integers(0, 5), all_of_them=st.booleans())
    def check_papers(self, place: int, all_of_them: bool) -> None:
        """An officer checks papers: all, or one."""
        filing_id = self.filings[-1 - place % len(self.filings)]
        codes = [one.code for one in self.core.database.read(lambda s: paper_facts(self.core, s, filing_id))]
        for code in codes if all_of_them else codes[:1]:
            try:
                papers.check_paper(
                    self.core, self.who("officer"), filing_id, code, "verify", "seen_original", "", filing_facts
                )
            except IcardError:
                self.refused += 1

    @precondition(lambda self: self.filings)
    @rule()
    def carry_through(self) -> None:
        """The usual way, so that permits come about."""
        filing_id = self.filings[-1]
        for by, name in (("employer", "submit"), ("officer", "pre_review"), ("officer", "accept")):
            self.move(0, by, name)
        self.check_papers(0, True)
        if filing_id == self.filings[-1]:
            self.move(0, "second", "approve")

    @rule(kind=st.sampled_from(["revoked.fraud", "withdrawn.facts_changed", "licence_withdrawn.penalty", "dead.death"]),
          hear=st.booleans())  # fmt: skip
    def end_by_two(self, kind: str, hear: bool) -> None:
        """Two officers end the permit, after a hearing or without one."""
        permit = self.permit()
        if permit is None:
            return
        heard = kind == "dead.death"
        try:
            if hear:
                opened = hearings.open_hearing(self.core, self.who("officer"), permit.id, kind, "a test")
                hearings.state_case(self.core, self.who("officer"), opened, "She agrees.")
                holder = replace(self.who("officer"), person_id=permit.person_id, role=role_named("holder"))
                hearings.state_case(self.core, holder, opened, "It is not so.")
                heard = True
        except IcardError:
            self.refused += 1

        def work(unit: UnitOfWork) -> None:
            row = ending.prepare_end(self.core, unit.session, permit.id, kind)
            assert heard or hearings.was_heard(unit.session, row, kind), "nobody ends a permit unheard"
            end = ending.End(kind, day_of(unit.now), "officers")
            ending.end_permit(self.core, unit.session, unit.now, row, end)

        try:
            self.core.transact(HOST, work)
        except IcardError:
            self.refused += 1

    @rule(outcome=st.sampled_from(["annul", "uphold", None]), stay=st.booleans())
    def object(self, outcome: str | None, stay: bool) -> None:
        """The employer objects to what there is; a head decides; two officers restore what they may."""
        permit, employer, head = self.permit(), self.who("employer"), self.who("head")
        if permit is None:
            return
        try:
            name = objections.lodge(self.core, employer, NewObjection("It is wrong.", None, permit.id, "a test"))
            objections.admit_objection(self.core, head, name, 1, simple=stay)
            revision = 2
            if stay:
                objections.stay_objection(self.core, head, name, revision, "a test")
                revision += 1
                self.restore(permit.id, name)
            if outcome is not None:
                objections.decide_objection(self.core, head, name, revision, outcome, "a test")
                self.restore(permit.id, name)
            else:
                objections.withdraw_objection(self.core, employer, name, revision)
        except IcardError:
            self.refused += 1

    def restore(self, permit_id: str, objection_id: str) -> None:
        """Two officers restore a permit."""
        card_id = f"{secrets.randbits(128):032x}"

        def work(unit: UnitOfWork) -> str | None:
            restoring.prepare_restoration(self.core, unit.session, permit_id, objection_id)
            restoring.restore(self.core, unit.session, unit.now, permit_id, objection_id, card_id)
            return unit.session.get_one(Permit, permit_id).card_id

        try:
            made = self.core.transact(HOST, work)
        except IcardError:
            self.refused += 1
            return
        if made is not None:
            cards.finish_card(self.core, made)

    @rule(days=st.sampled_from([0, 1, 6, 15, 40, 60]))
    def wait(self, days: int) -> None:
        """Days pass, and the worker works."""
        self.pass_days(days)

    def row(self, filing_id: str) -> Filing:
        return self.core.database.read(lambda session: session.get_one(Filing, filing_id))

    @invariant()
    def states_have_their_guards(self) -> None:
        if not hasattr(self, "core"):
            return

        def look(session: Session) -> None:
            for row in session.scalars(select(Filing)):
                events = session.scalars(
                    select(FilingEvent).where(FilingEvent.filing_id == row.id).order_by(FilingEvent.number)
                ).all()
                state = "DRAFT"
                for event in events:
                    assert FILING.move(event.move, state, event.party).target == event.target
                    state = event.target
                assert state == row.state
                if row.state == "APPROVED":
                    facts = filing_facts(self.core, session, row)
                    found = approval_refusals(book_of(session), facts, paper_facts(self.core, session, row.id))
                    assert found == [] or row.process == "cancellation"
                if row.state not in ("DRAFT", "WITHDRAWN"):
                    assert row.person_id is not None
                    assert row.rules_on is not None
                if row.state == "ACCEPTED":
                    assert row.decision_due is not None

        self.core.database.read(look)

    @invariant()
    def permit_card_and_codes_agree(self) -> None:
        if not hasattr(self, "core"):
            return

        def look(session: Session) -> None:
            today = day_of(self.core.clock.now(session))
            for permit in session.scalars(select(Permit)):
                live = permit.state in ("ACTIVE", "EXTENDED_BY_LAW")
                card = session.get(CardRow, permit.card_id) if permit.card_id is not None else None
                assert (card is not None and card.status == "active") == live, permit.state
                if card is not None:
                    values = set(session.scalars(select(CodeRow.value).where(CodeRow.card_id == card.id)))
                    assert live or values <= {1}, "every code of an ended permit reads revoked"
                    assert not live or 0 in values
                waiting = undecided(session, permit.id)
                if waiting is not None:
                    in_time = (
                        waiting.rules_on is not None
                        and waiting.rules_on <= days_before(date.fromisoformat(permit.until), 30).isoformat()
                    )
                    assert permit.state != "EXPIRED" or not in_time, today

        self.core.database.read(look)


def test_random_moves_never_reach_a_state_without_its_guards() -> None:
    run_model(Filings, examples=4, steps=25)
