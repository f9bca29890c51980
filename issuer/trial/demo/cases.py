"""One application of a made-up person, carried from step to step as its parties would."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from sqlalchemy import select

from issuer.accounts.principals import Principal
from issuer.permits import activation, applications, decisions, entries, granting, objections, papers, views
from issuer.permits.activation import notification_of
from issuer.permits.applications import NewFiling, filing_facts
from issuer.permits.decisions import Defect
from issuer.permits.granting import Approval
from issuer.permits.materials import authentication_for
from issuer.permits.models import Entry, Filing
from issuer.permits.names import PassportName
from issuer.permits.objections import NewObjection
from issuer.permits.papers import NewPaper
from issuer.permits.person_checks import WindowOfficer
from issuer.rules.store import read_book

from .authority import Authority, Firm, Region
from .people import DemoPerson

__all__ = ["Case"]

_ISSUED = timedelta(days=12)
_DEFECTS = (
    Defect("M04", "The certificate is not legible."),
    Defect("M03", "The degree lacks its translation's seal."),
)
_REASONS = (Defect("M05", "The clinic that it names did not issue this medical report."),)


class Case:
    """An application about a person, by an employer or by an agency for it."""

    def __init__(
        self,
        authority: Authority,
        here: Region,
        person: DemoPerson,
        process: str,
        firm: Firm,
        record: dict[str, Any],
        *,
        by: Principal | None = None,
        permit_id: str | None = None,
    ) -> None:
        self.authority, self.core, self.here = authority, authority.core, here
        self.person, self.firm, self.permit_id = person, firm, permit_id
        self.by = by or firm.who
        self.officer = authority.chance.choice(here.officers).who
        for_whom = firm.organisation_id if self.by.role.organisation == "agency" else None
        self.filing_id = applications.create_filing(self.core, self.by, NewFiling(process, for_whom, permit_id, record))
        self._promised: set[str] = set()
        self._codes = self._hand_in()

    def submit(self) -> None:
        """File it."""
        applications.submit_filing(self.core, self.by, self.filing_id, self.revision)

    def withdraw(self) -> None:
        """Take it back."""
        applications.withdraw_filing(self.core, self.by, self.filing_id, self.revision)

    def send_back(self) -> None:
        """Return it with every defect."""
        decisions.return_filing(self.core, self.officer, self.filing_id, _DEFECTS, self.revision)

    def pre_review(self) -> None:
        """Say that it passed the pre-review."""
        decisions.pre_review_filing(self.core, self.officer, self.filing_id, self.revision)

    def accept(self) -> None:
        """Check its papers and accept it, where silence has not."""
        for code in self._codes:
            how = "commitment" if code in self._promised else "seen_original"
            papers.check_paper(self.core, self.officer, self.filing_id, code, "verify", how, "", filing_facts)
        if self._row.state != "ACCEPTED":
            decisions.accept_filing(self.core, self.officer, self.filing_id, self.revision)

    def refuse(self) -> None:
        """Refuse it."""
        decisions.refuse_filing(self.core, self.officer, self.filing_id, _REASONS, self.revision)

    def approve(self) -> None:
        """Approve it; what follows of it for the permit is done."""
        approval = Approval(number=self.person.number)
        granting.approve_filing(self.core, self.officer, self.filing_id, approval, self.revision)
        self.permit_id = self._row.permit_id

    def enter(self) -> None:
        """Come to the window after entry."""
        found = notification_of(self.core, self.by, self.filing_id)
        name = PassportName(self.person.surname, self.person.given)
        check = WindowOfficer(compared=True)
        activation.activate(self.core, self.officer, found["token"], name, found["number"], check)

    def show_originals(self) -> None:
        """Show originals, visa and medical report."""
        entry = self.core.database.read(
            lambda session: session.scalars(select(Entry).where(Entry.filing_id == self.filing_id)).one()
        )
        if entry.originals != "NOT_NEEDED":
            entries.show_originals(self.core, self.officer, entry.id, entry.revision)

    def object_to_refusal(self) -> None:
        """Lodge an objection against the refusal."""
        new = NewObjection("The report is genuine; the clinic has confirmed it.", self.filing_id, None)
        objections.lodge(self.core, self.by, new)

    @property
    def revision(self) -> int:
        """The revision of the application."""
        return self._row.revision

    @property
    def _row(self) -> Filing:
        return self.core.database.read(lambda session: session.get_one(Filing, self.filing_id))

    def _hand_in(self) -> list[str]:
        """Hand in every paper that is needed; a category A promises what it may."""
        today = self.authority.today
        codes = []
        for item in views.show_filing(self.core, self.by, self.filing_id).checklist:
            if item.need == "not_needed":
                continue
            paper = self._paper(today, authenticated=item.authenticated)
            if item.commitment and self.person.category == "A":
                paper = NewPaper(committed_until=today + timedelta(days=60))
                self._promised.add(item.code)
            papers.hand_in(self.core, self.by, self.filing_id, item.code, paper)
            codes.append(item.code)
        return codes

    def _paper(self, today: date, *, authenticated: bool) -> NewPaper:
        issued = today - _ISSUED
        if not authenticated:
            return NewPaper(issued)
        state = self.person.nationality
        way = authentication_for(read_book(self.core), state, issued).way
        return NewPaper(issued, state, way, issued, True, True)
