"""People for tests: with a role, a password, and an authenticator app of their own."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pyotp
from sqlalchemy import func, select

from icard_crypto.errors import StateError
from issuer.accounts import host, invitations, login
from issuer.accounts.attempts import Origin
from issuer.accounts.changes import NewAccount
from issuer.accounts.models import Account
from issuer.accounts.organisations import NewOrganisation, create_organisation
from issuer.accounts.principals import Principal
from issuer.accounts.sessions import Entered, authenticate
from issuer.acts import Actor
from issuer.approvals import engine
from issuer.audit.models import AuditRow
from issuer.core import Core
from tests.kit.issuing_service import FakeClock, new_core

__all__ = [
    "AWAY",
    "CHEAP",
    "HOME",
    "HOST",
    "PASSWORD",
    "ServiceUnderTest",
    "Somebody",
    "acts",
    "at_once",
    "by_two",
    "count",
    "credit_code",
    "is_live",
    "make",
    "new_service_under_test",
    "organisation",
    "take_up",
    "tried",
]

T = TypeVar("T")

#: The cheapest hashes that the settings allow.
CHEAP = {"argon2_memory_kib": 7168, "argon2_passes": 1, "argon2_lanes": 1}
PASSWORD = "violet kayak under 7 bridges"
HOME = Origin("192.0.2.7", "Firefox")
AWAY = Origin("198.51.100.9", "curl")
HOST = Actor("host:test", "a test", break_glass=True)


@dataclass
class ServiceUnderTest:
    """A service and its clock."""

    core: Core
    clock: FakeClock

    def later(self, seconds: float = 30) -> None:
        """Time goes by: by default as long as a TOTP code holds."""
        self.clock.at += seconds


@dataclass
class Somebody:
    """A person with an account."""

    issuing_service: ServiceUnderTest
    account_id: str
    person_id: str
    login: str
    secret: str | None
    recovery: list[str]
    device: str | None = None

    def code(self) -> str:
        """What the authenticator app shows, one that was not shown before."""
        assert self.secret is not None
        self.issuing_service.later()
        return pyotp.TOTP(self.secret).at(int(self.issuing_service.clock.at))

    def enter(self, origin: Origin = HOME) -> Entered:
        """A full session."""
        entered = login.login(self.issuing_service.core, self.login, PASSWORD, origin)
        return entered if self.secret is None else self.step_up(entered.token, origin)

    def step_up(self, token: str, origin: Origin = HOME) -> Entered:
        """The second factor in a session."""
        return login.step_up(self.issuing_service.core, token, self.code(), origin)

    def who(self) -> Principal:
        """Who it is in a new full session, its code just given."""
        return self.enter().who


def new_service_under_test(folder: Path, url: str, *, keys: bool = False, **changes: Any) -> ServiceUnderTest:
    """A service of accounts, by default without signing keys."""
    clock = FakeClock()
    return ServiceUnderTest(new_core(folder, url, keys=keys, clock=clock.clock(), **{**CHEAP, **changes}), clock)


def make(
    issuing_service: ServiceUnderTest, role: str, name: str, *, identity: str | None = None, **more: Any
) -> Somebody:
    """An account that its person has taken up."""
    new = NewAccount(
        role=role,
        login=name,
        name=f"Name of {name}",
        identity=None if "person_id" in more else identity or re.sub("[^A-Z0-9]", "-", f"ID-{name}".upper()),
        **more,
    )
    invited = host.add(issuing_service.core, new, HOST)
    assert invited.token is not None
    return take_up(issuing_service, invited.token, name)


def take_up(issuing_service: ServiceUnderTest, token: str, name: str) -> Somebody:
    """Whoever holds an invitation sets the password, and TOTP where it is proposed."""
    view = invitations.open_invitation(issuing_service.core, token)
    secret = view.totp.secret if view.totp else None
    code = pyotp.TOTP(secret).at(int(issuing_service.clock.at)) if secret else None
    recovery = invitations.accept(
        issuing_service.core, token, PASSWORD, code, HOME, view.totp.proof if view.totp else None
    )
    person_id = issuing_service.core.database.read(lambda session: session.get_one(Account, view.account_id).person_id)
    return Somebody(issuing_service, view.account_id, person_id, name, secret, recovery)


def by_two(issuing_service: ServiceUnderTest, act: str, arguments: dict[str, Any]) -> str:
    """What one administrator asks for and another confirms; the invitation that comes of it, empty where none does."""
    names = [f"admin.{count(issuing_service.core, Account)}.{n}" for n in range(2)]
    one, two = (make(issuing_service, "administrator", name).who() for name in names)
    issuing_service.later(1)
    asked = engine.ask(issuing_service.core, one, act, arguments, "a test")
    done = engine.confirm(issuing_service.core, two, asked.confirmation_id)
    if done.invited is None or done.invited.token is None or asked.invitation_part is None:
        return ""
    return invitations.whole(asked.invitation_part, done.invited.token)


def organisation(issuing_service: ServiceUnderTest, kind: Any, number: int) -> str:
    """An organisation with a code of its own; its id."""
    admin = make(issuing_service, "administrator", f"registrar-{number}")
    new = NewOrganisation(kind, credit_code(number), f"Organisation {number}")
    return create_organisation(issuing_service.core, admin.who(), new).organisation_id


def is_live(core: Core, entered: Entered) -> bool:
    """Whether a session still holds: newer ones of its account may have taken its place."""
    try:
        authenticate(core, entered.token)
    except StateError:
        return False
    return True


def credit_code(number: int) -> str:
    """A unified social credit code, with its check character (GB 32100-2015)."""
    body, alphabet = f"9131000000000{number:04d}", "0123456789ABCDEFGHJKLMNPQRTUWXY"
    total = sum(alphabet.index(character) * 3**place for place, character in enumerate(body))
    return body + alphabet[-total % 31]


def at_once(jobs: Sequence[Callable[[], T]]) -> list[T | Exception]:
    """Do all jobs in threads that begin together; what each returned or raised."""
    begin = threading.Barrier(len(jobs))
    found: list[T | Exception] = [RuntimeError("not done")] * len(jobs)

    def run(place: int) -> None:
        begin.wait()
        try:
            found[place] = jobs[place]()
        except Exception as fault:
            found[place] = fault

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def tried(act: Callable[[], T]) -> T | str:
    """What an act gives, or the code by which it was refused."""
    try:
        return act()
    except StateError as fault:
        return fault.code


def acts(core: Core) -> list[tuple[str, str, str]]:
    """The audit: action, the actor's and the subject's pseudonym."""
    query = select(AuditRow.action, AuditRow.actor, AuditRow.subject).order_by(AuditRow.seq)
    return [(action, actor, subject) for action, actor, subject in core.database.read(lambda s: s.execute(query).all())]


def count(core: Core, table: Any) -> int:
    """How many rows a table has."""
    return core.database.read(lambda session: session.scalar(select(func.count()).select_from(table))) or 0
