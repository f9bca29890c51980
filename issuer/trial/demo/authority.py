"""The demonstration's authority: its clock, its accounts, its offices and the employers of their regions.

Promises:

1. Everything is done by the services that the API and the portal call, in the names of the people who would do it; only
   their log-ins are left out, save where an act takes two officers.
2. Passwords and authenticator secrets are random, whatever the seed.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from typing import Any, Final
from zoneinfo import ZoneInfo

import pyotp

from icard_crypto.moments import DAY
from issuer.accounts import host, invitations, login
from issuer.accounts.attempts import Origin
from issuer.accounts.changes import NewAccount
from issuer.accounts.mandates import give_mandate
from issuer.accounts.models import Account
from issuer.accounts.organisations import NewOrganisation, create_organisation
from issuer.accounts.principals import Principal
from issuer.accounts.roles import role_named
from issuer.acts import Actor
from issuer.approvals import engine
from issuer.core import Core
from issuer.keys.clock import Clock
from issuer.permits import offices
from issuer.rules.days import day_of

from .people import agency_names, credit_code, employer_names, official_names

__all__ = ["BY", "Authority", "DemoAccount", "Firm", "Official", "Region", "StandingClock"]

BY: Final = Actor("host:demo", "a demonstration", break_glass=True)
_HOME: Final = Origin("127.0.0.1", "demo")
_BEIJING: Final = ZoneInfo("Asia/Shanghai")
#: Seconds for which a code of an authenticator app holds.
_STEP: Final = 31
_MANDATE: Final = 360 * DAY
#: The regions: code, districts, and what the office is called.
REGIONS: Final = (
    ("310000", ("310115", "310104"), "Shanghai Work Permit Office", "上海市外国人工作许可办理中心"),
    ("110000", ("110105", "110108"), "Beijing Work Permit Office", "北京市外国人工作许可办理中心"),
    ("440300", ("440305", "440304"), "Shenzhen Work Permit Office", "深圳市外国人工作许可办理中心"),
)


@dataclass
class StandingClock:
    """A clock that stands until it is moved, and never goes back. ``at``: Unix time."""

    at: float

    def clock(self) -> Clock:
        """Both clocks of a core."""
        return Clock(lambda: self.at, lambda _session: self.at)

    def morning(self, core: Core, day: date) -> None:
        """Go on to half past nine of a day in Beijing, where it is not later already."""
        wanted = datetime.combine(day, datetime.min.time(), _BEIJING) + timedelta(hours=9, minutes=30)
        self.at = max(self.at, wanted.timestamp())
        # A service that had run would have signed its lists meanwhile.
        core.database.transact(core.clock.accept)


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """An account to log in with. ``secret``: of its authenticator app; None: the password is enough."""

    role: str
    login: str
    password: str
    secret: str | None


@dataclass(frozen=True, slots=True)
class Official:
    """Somebody with an account: as who they act, and what they log in with."""

    who: Principal
    account: DemoAccount


@dataclass(frozen=True, slots=True)
class Firm:
    """An employer or an agency, and its handler."""

    organisation_id: str
    code: str
    who: Principal
    region: str


@dataclass
class Region:
    """An office with its officials, and who files there."""

    code: str
    districts: tuple[str, ...]
    officers: list[Official]
    head: Official
    insurance: Official
    employers: list[Firm] = field(default_factory=list)
    agencies: list[Firm] = field(default_factory=list)

    @property
    def closing(self) -> Firm:
        """The employer that closes down."""
        return self.employers[-1]

    @property
    def lasting(self) -> list[Firm]:
        """The employers that go on."""
        return self.employers[:-1]


class Authority:
    """The authority while it is filled.

    Attributes:
        accounts: every account that was made, in its order.
    """

    def __init__(self, core: Core, clock: StandingClock, chance: Random) -> None:
        self.core, self.clock, self.chance = core, clock, chance
        self.accounts: list[DemoAccount] = []
        self.admin = self.account("administrator", "demo.admin", "Zhao Min")
        self.account("administrator", "demo.admin2", "Wu Jing")
        self.account("inspector", "demo.inspector", "He Tao")
        self.account("auditor", "demo.auditor", "Xu Na")
        self.regions = [self._region(place) for place in range(len(REGIONS))]

    @property
    def today(self) -> date:
        """The day in Beijing."""
        return day_of(int(self.clock.at))

    def account(self, role: str, name: str, person: str, **more: Any) -> Official:
        """An account that its person has taken up."""
        core, password = self.core, f"{secrets.token_hex(3)} kayak under 7 bridges"
        identity = None if "person_id" in more else f"DEMO-{name.upper()}".replace(".", "-")
        invited = host.add(core, NewAccount(role, name, person, identity, language="en", **more), BY)
        view = invitations.open_invitation(core, invited.token or "")
        secret, proof = (view.totp.secret, view.totp.proof) if view.totp else (None, None)
        code = pyotp.TOTP(secret).at(int(self.clock.at)) if secret else None
        invitations.accept(core, invited.token or "", password, code, _HOME, proof)
        made = DemoAccount(role, name, password, secret)
        self.accounts.append(made)
        row = core.database.read(lambda session: session.get_one(Account, view.account_id))
        who = Principal(
            row.id,
            row.person_id,
            role_named(role),
            row.organisation_id,
            True,
            secrets.token_hex(16),
            int(self.clock.at),
        )
        return Official(who, made)

    def firm(self, kind: Any, login_name: str, name: str, code: str, region: str) -> Firm:
        """A registered employer or agency with a handler."""
        new = NewOrganisation(kind, code, name)
        organisation_id = create_organisation(self.core, self.admin.who, new).organisation_id
        handler = self.account(kind, login_name, f"{name}, handler", organisation_id=organisation_id)
        return Firm(organisation_id, code, handler.who, region)

    def verified(self, here: Region, firm: Firm) -> Firm:
        """An employer whose licence an officer has seen."""
        offices.verify_employer(self.core, here.officers[0].who, firm.organisation_id, firm.region, None)
        return firm

    def add_firms(self, employers: int, agencies: int) -> None:
        """Employers and agencies, by turns in each region; every second employer has given a mandate."""
        for place, name in enumerate(employer_names(employers)):
            here = self.regions[place % len(self.regions)]
            district = here.districts[place % len(here.districts)]
            firm = self.firm("employer", f"employer.{place + 1}", name, credit_code(district, place + 1), district)
            here.employers.append(self.verified(here, firm))
        for place, name in enumerate(agency_names()[:agencies]):
            here = self.regions[place % len(self.regions)]
            code = credit_code(here.code, 9000 + place)
            here.agencies.append(self.firm("agency", f"agency.{place + 1}", name, code, here.code))
        now = int(self.clock.at)
        for here in self.regions:
            for agency in here.agencies:
                for firm in here.employers[::2]:
                    give_mandate(self.core, firm.who, agency.organisation_id, firm.organisation_id, now, now + _MANDATE)

    def by_two(self, here: Region, act: str, arguments: dict[str, Any], reason: str) -> None:
        """What one officer asks for and another confirms."""
        asker, confirmer = here.officers[:2]
        asked = engine.ask(self.core, self._enter(asker), act, arguments, reason)
        engine.confirm(self.core, self._enter(confirmer), asked.confirmation_id)

    def _enter(self, somebody: Official) -> Principal:
        """Somebody in a session whose code was given just now; it is another code each time."""
        self.clock.at += _STEP
        account = somebody.account
        entered = login.login(self.core, account.login, account.password, _HOME)
        code = pyotp.TOTP(account.secret or "").at(int(self.clock.at))
        return login.step_up(self.core, entered.token, code, _HOME).who

    def _region(self, place: int) -> Region:
        code, districts, name_en, name_zh = REGIONS[place]
        names = official_names()[place * 4 : place * 4 + 4]
        # The first office's are the ones that the demonstration is shown with.
        suffix = "" if place == 0 else f".{code}"
        roles = (
            ("permit_officer", "demo.officer"),
            ("permit_officer", "demo.officer2"),
            ("office_head", "demo.head"),
            ("insurance_officer", "demo.insurance"),
        )
        office = offices.create_office(self.core, self.admin.who, code, name_en, name_zh)
        people = [self.account(role, login + suffix, name) for (role, login), name in zip(roles, names, strict=True)]
        for official in people:
            offices.join_office(self.core, self.admin.who, office.office_id, official.who.account_id)
        return Region(code, districts, people[:2], people[2], people[3])
