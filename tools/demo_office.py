"""An authority at work, for demonstrations: accounts of every role, applications in every state, somebody insured.

Promises:

1. Everything is done by the services that the API and the portal call, in the names of the people who would do it; only
   their log-ins are left out.
2. Names are invented. Each account's password and authenticator secret are in the answer, for whoever starts the demo.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import pyotp

from issuer.accounts import host, invitations
from issuer.accounts.attempts import Origin
from issuer.accounts.changes import NewAccount
from issuer.accounts.mandates import give_mandate
from issuer.accounts.models import Account
from issuer.accounts.organisations import NewOrganisation, create_organisation
from issuer.accounts.principals import Principal
from issuer.accounts.roles import role_named
from issuer.acts import Actor
from issuer.core import Core
from issuer.enquiries import threads
from issuer.insurance import registration
from issuer.permits import applications, decisions, granting, offices, papers, views
from issuer.permits.applications import NewFiling, filing_facts
from issuer.permits.decisions import Defect
from issuer.permits.granting import Approval
from issuer.permits.models import Permit
from issuer.permits.papers import NewPaper
from issuer.rules.days import day_of
from issuer.settings import Settings
from tests.kit.insured import new_registration
from tests.kit.people import credit_code
from tests.kit.permit_office import person_record

__all__ = ["DemoAccount", "fill"]

_BY: Final = Actor("host:demo", "a demonstration", break_glass=True)
_HOME: Final = Origin("127.0.0.1", "demo")
_REGION, _DISTRICT = "310000", "310115"


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """An account to log in with. ``secret``: of its authenticator app; None: the password is enough."""

    role: str
    login: str
    password: str
    secret: str | None


class _Demo:
    """The authority while it is filled."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.now = int(core.clock.local())
        self.today = day_of(self.now)
        self.accounts: list[DemoAccount] = []

    def person(self, role: str, login: str, name: str, **more: Any) -> Principal:
        """An account that its person has taken up, and that person in a session."""
        core, password = self.core, f"{secrets.token_hex(3)} kayak under 7 bridges"
        identity = None if "person_id" in more else f"DEMO-{login.upper()}".replace(".", "-")
        invited = host.add(core, NewAccount(role, login, name, identity, language="en", **more), _BY)
        view = invitations.open_invitation(core, invited.token or "")
        secret, proof = (view.totp.secret, view.totp.proof) if view.totp else (None, None)
        code = pyotp.TOTP(secret).now() if secret else None
        invitations.accept(core, invited.token or "", password, code, _HOME, proof)
        self.accounts.append(DemoAccount(role, login, password, secret))
        row = core.database.read(lambda session: session.get_one(Account, view.account_id))
        return Principal(
            row.id, row.person_id, role_named(role), row.organisation_id, True, secrets.token_hex(16), self.now
        )

    def draft(self, by: Principal, process: str, record: dict[str, Any], permit_id: str | None = None) -> str:
        """A draft with every document that it needs."""
        core = self.core
        filing_id = applications.create_filing(core, by, NewFiling(process, None, permit_id, record))
        issued = self.today - timedelta(days=10)
        for item in views.show_filing(core, by, filing_id).checklist:
            if item.need != "not_needed":
                foreign = NewPaper(issued, "DEU", "apostille", issued, True, True)
                papers.hand_in(core, by, filing_id, item.code, foreign if item.authenticated else NewPaper(issued))
        return filing_id

    def filed(self, by: Principal, process: str, record: dict[str, Any]) -> str:
        """An application that was submitted."""
        filing_id = self.draft(by, process, record)
        applications.submit_filing(self.core, by, filing_id, self.revision(by, filing_id))
        return filing_id

    def accepted(self, by: Principal, officer: Principal, process: str, record: dict[str, Any]) -> str:
        """An application that was checked and accepted."""
        core, filing_id = self.core, self.filed(by, process, record)
        decisions.pre_review_filing(core, officer, filing_id, self.revision(officer, filing_id))
        for item in views.show_filing(core, officer, filing_id).checklist:
            if item.paper is not None:
                papers.check_paper(core, officer, filing_id, item.code, "verify", "seen_original", "", filing_facts)
        decisions.accept_filing(core, officer, filing_id, self.revision(officer, filing_id))
        return filing_id

    def revision(self, who: Principal, filing_id: str) -> int:
        """The revision of an application."""
        return views.show_filing(self.core, who, filing_id).revision


def fill(folder: Path) -> list[DemoAccount]:
    """Fill a trial authority whose service lies in ``folder``; the accounts to log in with.

    Raises:
        IcardError: the folder is no service, or it has these accounts already.
    """
    core = Core.open(Settings.load(folder))
    try:
        demo = _Demo(core)
        _work(demo)
        return demo.accounts
    finally:
        core.close()


def _work(demo: _Demo) -> None:
    core, today = demo.core, demo.today
    admin = demo.person("administrator", "demo.admin", "Zhao Min")
    demo.person("administrator", "demo.admin2", "Wu Jing")
    officer = demo.person("permit_officer", "demo.officer", "Chen Wei")
    second = demo.person("permit_officer", "demo.officer2", "Lin Fang")
    head = demo.person("office_head", "demo.head", "Sun Li")
    demo.person("insurance_officer", "demo.insurance", "Gao Yan")
    demo.person("inspector", "demo.inspector", "He Tao")
    demo.person("auditor", "demo.auditor", "Xu Na")
    employer_id = create_organisation(
        core, admin, NewOrganisation("employer", credit_code(101), "Lakeside Gear Works")
    ).organisation_id
    agency_id = create_organisation(
        core, admin, NewOrganisation("agency", credit_code(102), "Harbour Visa Services")
    ).organisation_id
    employer = demo.person("employer", "demo.employer", "Tang Rui", organisation_id=employer_id)
    demo.person("agency", "demo.agency", "Luo Min", organisation_id=agency_id)
    give_mandate(core, employer, agency_id, employer_id, demo.now, demo.now + 300 * 86_400)
    office = offices.create_office(core, admin, _REGION, "Shanghai Work Permit Office", "上海市外国人工作许可办理中心")
    for official in (officer, second, head):
        offices.join_office(core, admin, office.office_id, official.account_id)
    offices.verify_employer(core, officer, employer_id, _DISTRICT, None)
    demo.draft(employer, "overseas", person_record(today, 1, surname="NOWAK", given="JAN"))
    demo.filed(employer, "overseas", person_record(today, 2, surname="TANAKA", given="YUKI"))
    returned = demo.filed(employer, "overseas", person_record(today, 3, surname="ROSSI", given="GIULIA"))
    points = [Defect("M04", "The certificate is not legible."), Defect("post", "Name the product.")]
    decisions.return_filing(core, officer, returned, points, demo.revision(officer, returned))
    threads.send_message(core, employer, returned, "Is a certified copy enough?")
    demo.accepted(employer, officer, "overseas", person_record(today, 4, surname="OKAFOR", given="CHIDI"))
    refused = demo.accepted(employer, officer, "overseas", person_record(today, 5, surname="SMITH", given="JOHN"))
    reasons = [Defect("M05", "The medical report is not from the clinic that it names.")]
    decisions.refuse_filing(core, officer, refused, reasons, demo.revision(officer, refused))
    _holder(demo, employer, officer)


def _holder(demo: _Demo, employer: Principal, officer: Principal) -> None:
    """Somebody with a permit that has to be extended, and insurance that has lapsed."""
    core, today = demo.core, demo.today
    until = (today + timedelta(days=70)).isoformat()
    record = person_record(today, 6, surname="LINDQVIST", given="ASTRID", nationality="SWE", until=until)
    filing_id = demo.accepted(employer, officer, "in_country", record)
    granting.approve_filing(core, officer, filing_id, Approval("B"), demo.revision(officer, filing_id))
    permit_id = views.show_filing(core, officer, filing_id).permit_id
    person_id = core.database.read(lambda session: session.get_one(Permit, permit_id or "").person_id)
    demo.person("holder", "demo.holder", "Astrid Lindqvist", person_id=person_id)
    began = _months_before(today, 4)
    new = new_registration(
        6, surname="LINDQVIST", given="ASTRID", nationality="SWE", passport_state="SWE", passport="C01X00006",
        born=date.fromisoformat(record["birth"]), obtained=began, began=began,
    )  # fmt: skip
    registration.register(core, employer, new)


def _months_before(day: date, months: int) -> date:
    """The first day of a month some months back."""
    month = day.year * 12 + day.month - 1 - months
    return date(month // 12, month % 12 + 1, 1)
