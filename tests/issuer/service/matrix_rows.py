"""For each endpoint of the issuing service a request that succeeds, and the people and things that these need."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import pyotp
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from issuer import cards
from issuer.accounts import (
    directory,
    host,
    login,
    mandate_handlers,
    mandates,
    organisations,
    own_account,
    tokens,
)
from issuer.accounts.changes import NewAccount
from issuer.accounts.consents import NewConsent, give_consent
from issuer.accounts.models import Account, Organisation
from issuer.accounts.principals import Principal
from issuer.accounts.sessions import Entered
from issuer.approvals import engine
from issuer.batches import lists
from issuer.batches.lists import Outcome
from issuer.cards import NewCard
from issuer.cards.models import CardRow
from issuer.core import Core
from issuer.delivery import queue, webhooks
from issuer.insurance import books, claim_records, claims, departure, heirs, registration, service_grants, views
from issuer.insurance.models import InsuranceEntry
from issuer.insurance.months import month_of
from issuer.insurance.new_entries import entry_from
from issuer.notices.models import Outbox, Webhook
from issuer.notices.outbox import Notice, notify
from issuer.permits import feeds
from issuer.permits.models import Employer, Entry, Filing, Office, Permit, Slot
from issuer.permits.remedy_models import Objection
from issuer.permits.social_card_models import SocialCard
from issuer.privacy import requests as privacy_requests
from issuer.publication import checkpoints
from issuer.publication.publish import publish
from issuer.published.models import Artefact
from issuer.rules.days import day_of
from issuer.vault.at_rest import Place
from tests.kit.insured import new_registration, passport, registration_body
from tests.kit.issuing_service import person
from tests.kit.people import HOME, HOST, PASSWORD, ServiceUnderTest, Somebody, is_live, make, organisation
from tests.kit.permit_office import PermitOffice, person_record
from tests.kit.uploaded import picture

__all__ = ["ROWS", "Shot", "World"]

_DAY: Final = 86_400
_NOBODY: Final = "0" * 32
#: Where the version of an object stands that a change has to name.
_VERSIONS: Final[dict[str, tuple[Any, str]]] = {
    "account": (Account, "version"),
    "card": (CardRow, "revision"),
    "entry": (Entry, "revision"),
    "filing": (Filing, "revision"),
    "objection": (Objection, "revision"),
    "permit": (Permit, "revision"),
    "organisation": (Organisation, "version"),
    "social_card": (SocialCard, "revision"),
    "webhook": (Webhook, "version"),
}


@dataclass
class Shot:
    """A request that succeeds.

    Args:
        by: who asks: people of these roles, one after the other, or this one, or whoever is in this session; none:
            anyone.
        body: its JSON.
        ids: what stands in the path.
        status: where it is not the one that the endpoint declares.
    """

    by: str | Somebody | Entered | None = None
    body: Any = None
    ids: dict[str, str] = field(default_factory=dict)
    status: int | None = None


class World:
    """A service with one person of each role, what belongs to them, and what belongs to none of them."""

    def __init__(self, issuing_service: ServiceUnderTest, folder: Path) -> None:
        self.issuing_service = issuing_service
        self.core: Core = issuing_service.core
        self.folder = folder
        self.numbers = itertools.count(1)
        self.given = itertools.count()
        self._sessions: dict[str, Entered] = {}
        self._granting: dict[str, Principal] = {}
        self.employer, self.agency = self.organisation("employer"), self.organisation("agency")
        roles = ("administrator", "auditor", "permit_officer", "insurance_officer", "office_head", "inspector")
        self.people = {role: self.somebody(role) for role in (*roles, "holder", "employer", "agency")}
        self.second = self.somebody("permit_officer")
        self.mandate_id = self.mandate(self.employer, self.agency)

    def organisation(self, kind: str) -> str:
        """A new organisation."""
        return organisation(self.issuing_service, kind, next(self.numbers))

    def somebody(self, role: str, place: str | None = None) -> Somebody:
        """A new person with that role, in an organisation where the role needs one."""
        place = place or {"employer": self.employer, "agency": self.agency}.get(role)
        more = {"organisation_id": place} if place else {}
        return make(self.issuing_service, role, f"{role.replace('_', '.')}.{next(self.numbers)}", **more)

    def card(self, holder: Somebody | None = None, employer: str | None = None) -> str:
        """A new card, by default nobody's."""
        holder_id = holder.person_id if holder else None
        new = NewCard(person(next(self.numbers)), holder=holder_id, employer=employer)
        return cards.issue(self.core, [new], HOST)[0].card_id

    def code_of(self, organisation_id: str) -> str:
        """The code of an organisation."""
        return organisations.show_organisation(self.core, self.clerk, organisation_id).code

    @cached_property
    def registering(self) -> Somebody:
        """Somebody at the employer who registers people, with sessions of their own."""
        return self.somebody("employer")

    @cached_property
    def registrar(self) -> Principal:
        """An insurance officer who prepares what requests are about: one session, for an account has few."""
        return self.somebody("insurance_officer").who()

    @cached_property
    def clerk(self) -> Principal:
        """An administrator, likewise."""
        return self.somebody("administrator").who()

    def insured(self, employer: str | None = None) -> str:
        """A person whom an employer has registered, by default the one of the people here."""
        number = next(self.numbers)
        new = new_registration(number, employer_id=employer or self.employer)
        return registration.register(self.core, self.registrar, new).person_id

    def mandate(self, employer: str, agency: str) -> str:
        """A mandate in force."""
        # One behind the other: an agency has one mandate of an employer at a time.
        begins = int(self.issuing_service.clock.at) + 2 * _DAY * next(self.given)
        if employer not in self._granting:
            own = self.registering if employer == self.employer else self.somebody("employer", place=employer)
            self._granting[employer] = own.who()
        who = self._granting[employer]
        return mandates.give_mandate(self.core, who, agency, employer, begins, begins + _DAY).mandate_id

    def revocation(self) -> str:
        """What an officer has asked for and another is to confirm."""
        asked = {"card_id": self.card()}
        who = self.people["permit_officer"].who()
        return engine.ask(self.core, who, "card.revoke", asked, "a test").confirmation_id

    def promotion(self) -> str:
        """What an administrator has asked for and another is to confirm."""
        asked = {"account_id": self.somebody("holder").account_id, "role": "inspector"}
        who = self.people["administrator"].who()
        return engine.ask(self.core, who, "account.role", asked, "a test").confirmation_id

    def carded(self, holder: Somebody | None = None) -> str:
        """Somebody who is insured in Beijing and has a card."""
        number = next(self.numbers)
        new = new_registration(number, employer_id=self.employer, region="110105")
        person_id = registration.register(self.core, self.registrar, new).person_id
        if holder is not None:
            # As an object: a statement would leave a row that does not fit its MAC.
            self.core.database.transact(
                lambda session: setattr(session.get_one(Account, holder.account_id), "person_id", person_id)
            )
            return person_id
        cards.issue(self.core, [NewCard(person(next(self.numbers)), holder=person_id)], HOST)
        return person_id

    def grant(self) -> str:
        """A service that a card grants."""
        made = service_grants.grant_service(self.core, self.registrar, self.carded(), "hospital_registration")
        return made.grant_id

    def refusal(self) -> str:
        """A place that refused a card."""
        holder = self.somebody("holder")
        self.carded(holder)
        day = day_of(int(self.issuing_service.clock.at))
        return service_grants.report_refusal(self.core, holder.who(), "tourism", day, "A gate", "They refused.")

    def claim(self, benefit: str = "pension") -> str:
        """A claim of somebody who is insured."""
        return claims.apply_claim(self.core, self.registrar, self.insured(), benefit, {}, "")

    def tomorrow(self) -> str:
        """A day that has not come, in every time zone."""
        return (datetime.fromtimestamp(self.issuing_service.clock.at, UTC).date() + timedelta(days=2)).isoformat()

    def privacy_request(self, somebody: Somebody | None = None) -> str:
        """What a holder asks about their own data, by default the one of the people here."""
        who = (somebody or self.people["holder"]).who()
        found = privacy_requests.list_requests(self.core, who, limit=50)
        for one in found:
            if one.state == "received":
                privacy_requests.withdraw(self.core, who, one.request_id)
        return privacy_requests.ask(self.core, who, "correction", "insurance", "Erika")

    def consent(self, somebody: Somebody | None = None) -> str:
        """What a holder has agreed to."""
        new = NewConsent("statistics", "A university", date.fromisoformat(self.tomorrow()))
        return give_consent(self.core, (somebody or self.people["holder"]).who(), new)

    def deferral(self) -> str:
        """What an inspector has asked for and the head of the office has confirmed."""
        day = datetime.fromtimestamp(self.issuing_service.clock.at, UTC).date() + timedelta(days=10)
        asked = {
            "person_id": self.somebody("holder").person_id,
            "account_id": self.people["inspector"].account_id,
            "shown_on": day.isoformat(),
            "law": "a law",
        }
        who = self.people["inspector"].who()
        request = engine.ask(self.core, who, "lookup.defer", asked, "a test").confirmation_id
        self.issuing_service.later(1)
        return engine.confirm(self.core, self.people["office_head"].who(), request).subject

    def token(self, owner: Somebody, *scopes: str) -> tokens.NewToken:
        """A token of somebody's program."""
        return tokens.make_token(self.core, owner.who(), "a program", scopes, 7)

    def session(self, role: str) -> Entered:
        """A session of one of the people, kept until newer ones of the account have taken its place."""
        kept = self._sessions.get(role)
        if kept is None or not is_live(self.core, kept):
            kept = self._sessions[role] = self.people[role].enter()
        return kept

    def webhook(self, owner: Somebody) -> str:
        """A webhook of somebody's."""
        return webhooks.add(self.core, owner.account_id, "https://hr.example.cn/icard", "host:test").webhook

    def letter(self, *, dead: bool = False) -> str:
        """A letter of the outbox that waits, or has died."""
        owner = self.somebody("holder")
        webhook = self.webhook(owner)
        told = [Notice("card.renewed", owner.account_id, {"card": _NOBODY})]
        self.core.database.transact(
            lambda session: notify(self.core, session, int(self.issuing_service.clock.at), told)
        )
        # Taken are those of one webhook at a time.
        while dead and (taken := queue.take(self.core, "webhook", 100, 60)):
            for letter in taken:
                queue.record(self.core, letter, queue.refused("webhook.status"))
        query = select(Outbox.id).where(Outbox.webhook_id == webhook)
        return self.core.database.read(lambda session: session.scalars(query).one())

    def invitation(self) -> str:
        """The secret of an invitation."""
        token = host.add(self.core, NewAccount("holder", f"invited.{next(self.numbers)}", "Name"), HOST).token
        assert token is not None
        return token

    def version(self, kind: str, name: str) -> str:
        """What If-Match has to say of an object; of one that is not there, anything."""
        table, column = _VERSIONS[kind]
        row = self.core.database.read(lambda session: session.get(table, name))
        return '"1"' if row is None else f'"{getattr(row, column)}"'

    def feed(self, role: str) -> tuple[str, str]:
        """A calendar feed of somebody new with that role: its id, and its secret."""
        made = feeds.make_feed(self.core, self.people[role].who())
        return made.feed_id, made.token or ""

    def entered(self, *, overdue: bool = False) -> str:
        """An entry of somebody at the employer here, with originals still to be shown."""
        shot = _activation(self)
        made = self.office.ok(self.people["permit_officer"], "POST", "/v1/permits/activations", shot.body)
        entry_id = str(made["entry_id"])

        def late(session: Session) -> None:
            session.get_one(Entry, entry_id).originals = "OVERDUE"

        if overdue:
            self.core.database.transact(late)
        return entry_id

    @cached_property
    def office(self) -> PermitOffice:
        """The office of the region, with the world's people."""
        return PermitOffice(
            self.issuing_service,
            admin=self.people["administrator"],
            officer=self.people["permit_officer"],
            second=self.second,
            head=self.people["office_head"],
            employer=self.people["employer"],
            employer_id=self.employer,
        )

    @cached_property
    def stranger(self) -> Somebody:
        """Somebody at another employer."""
        return self.somebody("employer", self.organisation("employer"))

    @cached_property
    def strange(self) -> dict[tuple[str, str], str]:
        """What is there, by its kind and by the role that it is none of the business of; ``*``: of nobody's here."""
        place = self.stranger.who().organisation_id or ""
        everybody = {
            "api_token": self.token(self.stranger, "card.read_own").token_id,
            "card": self.card(),
            **self._strange_permit(place),
            "feed": feeds.make_feed(self.core, self.stranger.who()).feed_id,
            "insured": self.insured(self.organisation("employer")),
            "claim": self.claim(),
            "grant": self.grant(),
            "refusal": self.refusal(),
            "privacy_request": self.privacy_request(self.somebody("holder")),
            "consent": self.consent(self.somebody("holder")),
            "mandate": self.mandate(place, self.organisation("agency")),
            "organisation": place,
            "session": self.stranger.who().session_id or "",
            "webhook": self.webhook(self.stranger),
            "batch": _list_of(self, self.stranger),
        }
        found = {(kind, "*"): name for kind, name in everybody.items()}
        found["confirmation", "administrator"] = self.revocation()
        found["confirmation", "permit_officer"] = self.promotion()
        return found

    def _strange_permit(self, employer: str) -> dict[str, str]:
        """An application and a permit of another employer's, in another province than the office's."""
        office = self.office
        office.verify_employer(employer)
        permit = office.employed(70 + next(self.numbers), self.stranger)
        filing_id = office.draft("overseas", person_record(office.today, 70 + next(self.numbers)), self.stranger)
        file = office.ok(self.stranger, "POST", f"/v1/files/{filing_id}/M04", picture())
        hearing_id = _open_hearing(self, permit)
        social_card_id = _ordered_card(self, permit)
        refused = office.accepted("overseas", person_record(office.today, 70 + next(self.numbers)), self.stranger)
        objection_id = _object(self, refused, self.stranger)

        def move_away(session: Session) -> None:
            session.execute(update(Filing).where(Filing.employer_id == employer).values(region="320500"))
            session.execute(update(Permit).where(Permit.employer_id == employer).values(region="320500"))
            session.execute(update(Employer).where(Employer.organisation_id == employer).values(region="320500"))

        self.core.database.transact(move_away)
        strange = {"entry": _NOBODY[:-1] + "1", "slot": _NOBODY[:-1] + "2"}

        def others(session: Session) -> None:
            day, now = office.today.isoformat(), int(self.issuing_service.clock.at)
            place = Office(id=_NOBODY[:-1] + "3", region="320600", name_en="Nantong", name_zh="南通", created_at=now)
            session.add(place)
            session.flush()
            session.add(
                Slot(
                    id=strange["slot"],
                    office_id=place.id,
                    window="1",
                    starts_at=now + _DAY,
                    minutes=20,
                    places=1,
                    state="open",
                    created_at=now,
                )
            )
            session.add(
                Entry(
                    id=strange["entry"],
                    permit_id=permit["permit_id"],
                    filing_id=filing_id,
                    entered_on=day,
                    originals="DUE",
                    originals_due=day,
                    decided_by=None,
                    residence="not_applied",
                    residence_on=None,
                    residence_due=day,
                    record=self.core.at_rest.seal(Place("entries", "record", strange["entry"]), b"{}"),
                    revision=1,
                    created_at=now,
                    changed_at=now,
                )
            )

        self.core.database.transact(others)
        return {
            **strange,
            "file": file["file_id"],
            "filing": filing_id,
            "permit": permit["permit_id"],
            "employer": employer,
            "hearing": hearing_id,
            "social_card": social_card_id,
            "objection": objection_id,
        }

    @cached_property
    def published(self) -> dict[str, str]:
        """The name of one published file of each folder."""
        self.card()
        publish(self.core)
        checkpoints.make(self.core, self.folder / "checkpoints")
        paths = self.core.database.read(lambda session: list(session.scalars(select(Artefact.path))))
        return {folder: name for folder, _, name in (path.rpartition("/") for path in sorted(paths))}


def _on(kind: str, by: str, make: Callable[[World], str], **body: Any) -> Callable[[World], Shot]:
    """A request about an object that is there for it alone."""
    return lambda world: Shot(by, body or None, {f"{kind}_id": make(world)})


def _card(by: str, **body: Any) -> Callable[[World], Shot]:
    return _on("card", by, World.card, **body)


def _account(**body: Any) -> Callable[[World], Shot]:
    return _on("account", "administrator", lambda world: world.somebody("holder").account_id, **body)


def _plain(by: str | None = None, **body: Any) -> Callable[[World], Shot]:
    return lambda world: Shot(by, body or None)


def _own(**body: Any) -> Callable[[World], Shot]:
    """What somebody does with the own account, which nobody needs afterwards."""
    return lambda world: Shot(world.somebody("inspector"), body or None)


def _published(folder: str, *, named: bool = True) -> Callable[[World], Shot]:
    return lambda world: Shot(ids={"name": world.published[folder]} if named else world.published and {})


def _begun(world: World) -> Shot:
    somebody = world.people["inspector"]
    return Shot(login.login(world.core, somebody.login, PASSWORD, HOME), {"code": somebody.code()})


def _totp(world: World) -> Shot:
    somebody = world.somebody("inspector")
    offer = own_account.begin_totp(world.core, somebody.who())
    code = pyotp.TOTP(offer.secret).at(int(world.issuing_service.clock.at))
    return Shot(somebody, {"password": PASSWORD, "proof": offer.proof, "code": code})


def _resumed(world: World) -> str:
    card_id = world.card()
    cards.suspend(world.core, card_id, HOST)
    return card_id


def _locked(world: World) -> str:
    account_id = world.somebody("holder").account_id
    directory.lock_account(world.core, world.people["administrator"].who(), account_id)
    return account_id


def _own_session(world: World) -> Shot:
    somebody = world.people["holder"]
    return Shot(somebody, ids={"session_id": somebody.who().session_id or ""})


def _new_mandate(world: World) -> Shot:
    begins = int(world.issuing_service.clock.at) + 400 * _DAY + 2 * _DAY * next(world.given)
    places = {"agency_id": world.agency, "employer_id": world.employer}
    return Shot("employer", {**places, "begins_at": begins, "ends_at": begins + _DAY})


def _new_handler(world: World) -> Shot:
    mandate_id = world.mandate(world.employer, world.agency)
    return Shot("agency", {"account_id": world.people["agency"].account_id}, {"mandate_id": mandate_id})


def _list_of(world: World, somebody: Somebody, until: str = "checking") -> str:
    """A list of one registration, as far as that."""
    core, who = world.core, somebody.who()
    batch_id = lists.begin(core, who, "registration", [registration_body(next(world.numbers))])

    def go_on() -> None:
        lists.advance(core, who, batch_id, lambda _row: Outcome(), lambda _key, _row: Outcome(made=_NOBODY), 0)

    if until != "checking":
        go_on()
    if until == "done":
        lists.start(core, who, batch_id)
        go_on()
    return batch_id


def _list(until: str = "checking") -> Callable[[World], Shot]:
    def shot(world: World) -> Shot:
        employer = world.people["employer"]
        return Shot(employer, ids={"batch_id": _list_of(world, employer, until)})

    return shot


def _handled(world: World) -> mandate_handlers.HandlerView:
    """The handler of a new mandate."""
    mandate_id, agency = world.mandate(world.employer, world.agency), world.people["agency"]
    return mandate_handlers.name_handler(world.core, agency.who(), mandate_id, agency.account_id)


def _ended_handler(world: World) -> Shot:
    named = _handled(world)
    ids = {"mandate_id": named.mandate_id, "handler": named.handler_id}
    return Shot("employer agency administrator", ids=ids)


def _asked(world: World) -> Shot:
    """An application about which the employer has asked something."""
    filing_id = world.office.filed("overseas", person_record(world.office.today, next(world.numbers) + 700))
    path = f"/v1/filings/{filing_id}/messages"
    world.office.ok(world.people["employer"], "POST", path, {"text": "When?"})
    return Shot(
        "permit_officer", {"side": "applicant", "kind": "answered", "text": "Today."}, ids={"filing_id": filing_id}
    )


def _parted(world: World) -> Shot:
    holds = world.card(world.people["holder"], world.employer)
    return Shot("holder employer agency permit_officer insurance_officer inspector", ids={"card_id": holds})


def _shown(world: World) -> Shot:
    """A code that somebody shows."""
    code = cards.show(world.core, world.card(world.people["holder"])).codes[0]
    return Shot("permit_officer insurance_officer inspector", {"cti": code.cti})


def _insured(by: str, **body: Any) -> Callable[[World], Shot]:
    """A request about a person whom the employer here has registered."""
    return _on("person", by, World.insured, **body)


def _registration(world: World) -> Shot:
    return Shot(world.registering, registration_body(next(world.numbers)))


def _certificate(world: World) -> Shot:
    days = {"first": "2026-03-01", "last": "2028-02-29", "schemes": ["pension"]}
    name = {"surname": "Muster", "given": "Erika"}
    return Shot(world.registering, {"country": "DEU", "number": "1", **days, **name}, {"person_id": world.insured()})


def _entry(world: World) -> dict[str, Any]:
    """A row for the books of a person who is there for it alone."""
    person_id = world.insured()
    read = views.show_insurance(world.core, world.registrar, person_id)
    code = world.code_of(world.employer)
    parts = {"employer_part": "4800.00", "employee_part": "2400.00"}
    told = {"number": read.number, "employer_code": code, "kind": "paid", "month": "2026-03", "scheme": "pension"}
    return {**told, **parts, "day": "2026-04-15"}


def _finding(world: World) -> Shot:
    """Registered long after work began: a finding at once."""
    person_id = world.insured()
    report, _ = views.compliance_of(world.core, world.registrar, person_id, None, None)
    told = {"key": report.findings[0].key, "state": "explained", "words": "The permit came late."}
    return Shot(world.registering, told, {"person_id": person_id})


def _choice(world: World) -> Shot:
    """What a holder chooses who has left."""
    holder = world.somebody("holder")
    new = new_registration(next(world.numbers), employer_id=world.employer)
    officer = world.registrar
    person_id = registration.register(world.core, officer, new).person_id
    # As an object: a statement would leave a row that does not fit its MAC.
    world.core.database.transact(
        lambda session: setattr(session.get_one(Account, holder.account_id), "person_id", person_id)
    )
    registration.end_work(world.core, officer, person_id, world.employer, date(2026, 10, 31))
    return Shot(holder, {"choice": "keep", "signed": True}, {"person_id": person_id})


def _ordered(world: World) -> Shot:
    """A pay order of a claim that was granted."""
    claim_id = world.claim("work_injury")
    today = day_of(int(world.issuing_service.clock.at))
    grant = claims.Grant("100.00", month_of(today))
    # Another than who applied on the person's behalf.
    officer = world.somebody("insurance_officer").who()
    claims.decide_claim(world.core, officer, claim_id, grant, "Recognised.", {"injury_recognised": True})
    (order,) = claim_records.show_claim(world.core, officer, claim_id).orders
    ids = {"claim_id": claim_id, "order": order.order_id}
    return Shot("insurance_officer", {"day": today.isoformat()}, ids)


def _card_refused(world: World) -> Shot:
    holder = world.somebody("holder")
    world.carded(holder)
    day = day_of(int(world.issuing_service.clock.at)).isoformat()
    return Shot(holder, {"service": "tourism", "day": day, "place": "A gate", "words": "They refused."})


def _heir(world: World) -> Shot:
    """A near relative of somebody who died."""
    person_id = world.insured()
    departure.record_death(world.core, world.registrar, person_id, date(2026, 11, 1))
    heir = world.somebody("holder").person_id
    told = {"heir_person_id": heir, "relation": "spouse", "proof": "Household register", "until": world.tomorrow()}
    return Shot("insurance_officer", told, {"person_id": person_id})


def _ended_heir(world: World) -> Shot:
    shot = _heir(world)
    told = {**shot.body, "until": date.fromisoformat(shot.body["until"])}
    heir_id = heirs.give_heir(world.core, world.somebody("insurance_officer").who(), shot.ids["person_id"], **told)
    return Shot("insurance_officer", ids={**shot.ids, "heir": heir_id})


def _correction(world: World) -> Shot:
    row = _entry(world)
    books.record(world.core, [entry_from(row)], HOST, f"{next(world.numbers):032x}")
    look = select(InsuranceEntry.person_id, InsuranceEntry.id).order_by(InsuranceEntry.created_at.desc())
    person_id, entry_id = world.core.database.read(lambda session: session.execute(look).first()) or ("", "")
    return Shot("insurance_officer", {"entry_id": entry_id}, {"person_id": person_id})


def _webhook(**body: Any) -> Callable[[World], Shot]:
    """What somebody does with a webhook of his own."""

    def made(world: World) -> Shot:
        owner = world.somebody("holder")
        return Shot(owner, body or None, {"webhook_id": world.webhook(owner)})

    return made


def _filing(by: str, state: str, **body: Any) -> Callable[[World], Shot]:
    """A request about an application that is there for it alone, in a state."""
    return _on("filing", by, lambda world: _filed(world, state), **body)


def _paper(by: str, state: str, **body: Any) -> Callable[[World], Shot]:
    def made(world: World) -> Shot:
        paper = body or world.office.paper("M04")
        return Shot(by, paper, {"filing_id": _filed(world, state), "code": "M04"})

    return made


def _file(by: str, *, filed: bool = True, **ids: str) -> Callable[[World], Shot]:
    """A request about an uploaded file that is there for it alone."""

    def made(world: World) -> Shot:
        filing_id = _filed(world, "draft")
        added = world.office.ok(world.people["employer"], "POST", f"/v1/files/{filing_id}/M04", picture())
        if filed:
            world.office.moved(world.people["employer"], filing_id, "submit")
        return Shot(by, None, {"file_id": added["file_id"], **ids})

    return made


def _filed(world: World, state: str) -> str:
    office, record = world.office, person_record(world.office.today, next(world.numbers) + 200)
    if state == "draft":
        return office.draft("overseas", record)
    if state == "filed":
        return office.filed("overseas", record)
    if state == "reviewed":
        filing_id = office.filed("overseas", record)
        office.moved(office.officer, filing_id, "pre-review")
        return filing_id
    filing_id = office.accepted("overseas", record)
    if state == "paused":
        office.moved(office.officer, filing_id, "pause", {"ground": "test", "reason": "a test"})
    if state == "notified":
        office.moved(office.officer, filing_id, "approve", {"category": "B"})
    return filing_id


def _verified(world: World) -> str:
    """An employer that is there for this alone."""
    place = world.organisation("employer")
    world.office.verify_employer(place)
    return place


def _open_hearing(world: World, permit: dict[str, Any]) -> str:
    body = {"end": "revoked.fraud", "reason": "a test"}
    path = f"/v1/permits/{permit['permit_id']}/hearings"
    return str(world.office.ok(world.office.officer, "POST", path, body)["hearing_id"])


def _object(world: World, filing_id: str, by: Somebody) -> str:
    """An objection against an application that is refused now."""
    office = world.office
    office.moved(office.officer, filing_id, "refuse", {"reasons": [{"path": "M04", "text": "not legible"}]})
    body = {"filing_id": filing_id, "grounds": "It is legible."}
    return str(office.ok(by, "POST", "/v1/objections", body)["objection_id"])


def _objection(by: str, *, admitted: bool = True, **body: Any) -> Callable[[World], Shot]:
    """A request about an objection that is there for it alone."""

    def made(world: World) -> str:
        objection_id = _object(world, _filed(world, "accepted"), world.people["employer"])
        if admitted:
            head = world.office.head
            world.office.ok(head, "POST", f"/v1/objections/{objection_id}/admit", {"simple": False}, version='"1"')
        return objection_id

    return _on("objection", by, made, **body)


def _refused(world: World) -> str:
    filing_id, office = _filed(world, "accepted"), world.office
    office.moved(office.officer, filing_id, "refuse", {"reasons": [{"path": "M04", "text": "not legible"}]})
    return filing_id


def _employed(world: World) -> dict[str, Any]:
    return world.office.employed(next(world.numbers) + 500)


def _on_permit(by: str, **body: Any) -> Callable[[World], Shot]:
    """A request about a permit that is there for it alone."""
    return _on("permit", by, lambda world: str(_employed(world)["permit_id"]), **body)


def _leaving(world: World) -> Shot:
    permit = _employed(world)
    return Shot(
        world.office.holder(permit), {"day": world.office.today.isoformat()}, {"permit_id": permit["permit_id"]}
    )


def _entry_of(by: str) -> Callable[[World], Shot]:
    """A request about an entry that is there for it alone."""
    return _on("entry", by, World.entered)


def _ordered_card(world: World, permit: dict[str, Any]) -> str:
    """A physical social security card that is ordered."""
    path = f"/v1/permits/{permit['permit_id']}/social-cards"
    return str(world.office.ok(world.office.officer, "POST", path, {"bank": "A bank"})["social_card_id"])


def _new_slot(world: World) -> dict[str, Any]:
    starts = int(world.issuing_service.clock.at) + _DAY + 60 * next(world.given)
    return {"window": "3", "starts_at": starts, "minutes": 20, "places": 5}


def _slot(world: World) -> str:
    made = world.office.ok(world.people["permit_officer"], "POST", "/v1/slots", _new_slot(world))
    return str(made["slot_id"])


def _booked(world: World) -> str:
    entry_id = world.entered()
    path = f"/v1/entries/{entry_id}/booking"
    world.office.ok(world.people["employer"], "PUT", path, {"slot_id": _slot(world)})
    return entry_id


def _activation(world: World) -> Shot:
    found = world.office.ok(world.people["employer"], "GET", f"/v1/filings/{_filed(world, 'notified')}/notification")
    record = world.office.newest_record
    name = {"surname": record["surname"], "given": record["given"]}
    return Shot("permit_officer", {"token": found["token"], "number": found["number"], **name, "checked": True})


_REASON: Final = {"reason": "a test"}
_OFFICE: Final = "auditor administrator"
_ANYBODY: Final = "holder employer agency permit_officer insurance_officer office_head inspector auditor administrator"

#: Method and path, and what makes a request that succeeds. Whoever adds an endpoint adds its row.
ROWS: Final[dict[str, Callable[[World], Shot]]] = {
    "POST /v1/sessions": lambda world: Shot(body={"login": world.people["holder"].login, "password": PASSWORD}),
    "POST /v1/session/second-factor": _begun,
    "GET /v1/session": _plain("holder employer agency auditor"),
    "DELETE /v1/session": _plain("holder inspector"),
    "GET /v1/sessions": _plain("holder administrator"),
    "DELETE /v1/sessions/{session_id}": _own_session,
    "POST /v1/sessions/end-others": _own(),
    "POST /v1/invitations/open": lambda world: Shot(body={"token": world.invitation()}),
    "POST /v1/invitations/accept": lambda world: Shot(body={"token": world.invitation(), "password": PASSWORD}),
    "GET /v1/account": _plain("holder employer agency administrator"),
    "POST /v1/account/password": _own(old=PASSWORD, new="a quite different one 8"),
    "POST /v1/account/totp": _plain("holder inspector"),
    "PUT /v1/account/totp": _totp,
    "POST /v1/account/recovery-codes": _own(password=PASSWORD),
    "PUT /v1/account/contact": _own(password=PASSWORD, email=None, language="en"),
    "POST /v1/tokens": _plain("employer agency permit_officer", label="one", scopes=["notice.own"], days=7),
    "GET /v1/tokens": _plain("employer agency permit_officer insurance_officer auditor"),
    "DELETE /v1/tokens/{token_id}": lambda world: Shot(
        "employer", ids={"token_id": world.token(world.people["employer"], "card.read_own").token_id}
    ),
    "POST /v1/cards": lambda world: Shot("permit_officer", {"card": person(next(world.numbers)).to_json()}),
    "GET /v1/cards": _plain("holder employer agency"),
    "POST /v1/cards/search": _plain("permit_officer insurance_officer inspector", kind="permit", value="R1"),
    "GET /v1/cards/{card_id}": _parted,
    "GET /v1/cards/{card_id}/code.txt": _parted,
    "GET /v1/cards/{card_id}/code.png": _parted,
    "GET /v1/cards/{card_id}/code.svg": _parted,
    "POST /v1/cards/by-code": _shown,
    "GET /v1/cards/{card_id}/lookups": lambda world: Shot(
        "holder", ids={"card_id": world.card(world.people["holder"])}
    ),
    "POST /v1/cards/{card_id}/replace": _card("permit_officer", **_REASON),
    "POST /v1/cards/{card_id}/renew": _card("permit_officer", **_REASON),
    "POST /v1/cards/{card_id}/suspend": _card("permit_officer", **_REASON),
    "POST /v1/cards/{card_id}/resume": _on("card", "permit_officer", _resumed, **_REASON),
    "PUT /v1/cards/{card_id}/parties": _card("permit_officer", holder_id=None, employer_id=None),
    "PUT /v1/cards/{card_id}/permit": _card("permit_officer", state="suspended", **_REASON),
    "PUT /v1/cards/{card_id}/insurance": _card("insurance_officer", state="lapsed", **_REASON),
    "POST /v1/confirmations": lambda world: Shot(
        "permit_officer", {"act": "card.revoke", "arguments": {"card_id": world.card()}, **_REASON}
    ),
    "GET /v1/confirmations": _plain("administrator permit_officer"),
    "GET /v1/confirmations/{confirmation_id}": _on("confirmation", "permit_officer", World.revocation),
    "POST /v1/confirmations/{confirmation_id}/confirm": lambda world: Shot(
        world.second, ids={"confirmation_id": world.revocation()}
    ),
    "POST /v1/confirmations/{confirmation_id}/refuse": _on("confirmation", "permit_officer", World.revocation),
    "POST /v1/insurance/registrations": _registration,
    "POST /v1/insurance/registrations/batch": lambda world: Shot(
        world.registering, {"rows": [registration_body(next(world.numbers))], "preview": True}
    ),
    "GET /v1/insurance/people": _plain("holder employer agency insurance_officer inspector"),
    "GET /v1/insurance/people/{person_id}": _insured("employer agency insurance_officer inspector"),
    "POST /v1/insurance/people/{person_id}/end": lambda world: Shot(
        world.registering, {"day": "2026-11-01"}, {"person_id": world.insured()}
    ),
    "POST /v1/insurance/people/{person_id}/passports": lambda world: Shot(
        world.registering, {"state": "DEU", "number": passport(next(world.numbers))}, {"person_id": world.insured()}
    ),
    "POST /v1/insurance/people/{person_id}/certificates": _certificate,
    "GET /v1/insurance/people/{person_id}/statement": _insured("employer agency insurance_officer"),
    "GET /v1/insurance/people/{person_id}/yearly-statement": _insured("employer agency insurance_officer"),
    "GET /v1/insurance/people/{person_id}/compliance": _insured("employer agency insurance_officer inspector"),
    "POST /v1/insurance/people/{person_id}/benefits/{benefit}": lambda world: Shot(
        "insurance_officer", {}, {"person_id": world.insured(), "benefit": "pension"}
    ),
    "GET /v1/insurance/compliance": _plain("employer"),
    "GET /v1/insurance/compliance.csv": _plain("employer"),
    "GET /v1/insurance/compliance.svg": _plain("employer"),
    "POST /v1/insurance/people/{person_id}/findings": _finding,
    "GET /v1/insurance/people/{person_id}/moving": _insured("insurance_officer inspector"),
    "GET /v1/insurance/people/{person_id}/leaving": _insured("insurance_officer inspector"),
    "POST /v1/insurance/people/{person_id}/leaving": _choice,
    "POST /v1/insurance/people/{person_id}/death": _insured("insurance_officer", day="2026-11-01"),
    "POST /v1/insurance/contributions": lambda world: Shot("insurance_officer", {"rows": [_entry(world)]}),
    "POST /v1/insurance/people/{person_id}/corrections": _correction,
    "POST /v1/insurance/recomputations": _plain("insurance_officer", region="310100"),
    "GET /v1/insurance/recomputations": _plain("insurance_officer"),
    "GET /v1/accounts": _plain("administrator"),
    "POST /v1/accounts/search": lambda world: Shot("administrator", {"login": world.people["holder"].login}),
    "GET /v1/accounts/{account_id}": _account(),
    "POST /v1/accounts/{account_id}/lock": _account(),
    "POST /v1/accounts/{account_id}/unlock": _on("account", "administrator", _locked),
    "POST /v1/accounts/{account_id}/close": _account(),
    "POST /v1/accounts/{account_id}/end-sessions": _account(),
    "POST /v1/organisations": _plain("administrator", kind="agency", code="91310000MA1FL0000N", name="An agency"),
    "GET /v1/organisations": _plain("administrator"),
    "POST /v1/offices": _plain("administrator", region="320500", name_en="Suzhou", name_zh="苏州"),
    "POST /v1/insurance/people/{person_id}/claims": _insured("insurance_officer", benefit="pension"),
    "GET /v1/insurance/claims": _plain("holder insurance_officer inspector"),
    "GET /v1/insurance/claims/{claim_id}": _on("claim", "insurance_officer inspector", World.claim),
    "POST /v1/insurance/claims/{claim_id}/decide": _on(
        "claim", "insurance_officer", World.claim, outcome="refused", reasons="Not of age."
    ),
    "POST /v1/insurance/claims/{claim_id}/withdraw": _on("claim", "insurance_officer", World.claim),
    "POST /v1/insurance/claims/{claim_id}/orders/{order}/paid": _ordered,
    "POST /v1/insurance/people/{person_id}/events": _insured("insurance_officer", event="death", day="2026-11-01"),
    "GET /v1/services/regions/{region}": lambda _world: Shot(ids={"region": "110105"}),
    "GET /v1/insurance/people/{person_id}/services": _insured("insurance_officer inspector"),
    "POST /v1/insurance/people/{person_id}/services": lambda world: Shot(
        "insurance_officer", {"service": "hospital_registration"}, {"person_id": world.carded()}
    ),
    "POST /v1/services/grants/{grant_id}/withdraw": _on("grant", "insurance_officer", World.grant, reason="An error"),
    "POST /v1/services/refusals": _card_refused,
    "GET /v1/services/refusals": _plain("holder insurance_officer inspector"),
    "POST /v1/services/refusals/{report_id}/answer": _on(
        "report", "insurance_officer", World.refusal, outcome="upheld", answer="The gate was told."
    ),
    "GET /v1/privacy/export": _plain("holder"),
    "GET /v1/privacy/export.pdf": _plain("holder"),
    "GET /v1/privacy/export/schema": _plain(),
    "GET /v1/privacy/retention": _plain(),
    "POST /v1/privacy/requests": _plain("holder", kind="correction", topic="insurance", words="Erika"),
    "GET /v1/privacy/requests": _plain("holder insurance_officer permit_officer administrator"),
    "GET /v1/privacy/requests/{request_id}": lambda world: Shot(
        "holder insurance_officer", ids={"request_id": world.privacy_request()}
    ),
    "POST /v1/privacy/requests/{request_id}/withdraw": _on("request", "holder", World.privacy_request),
    "POST /v1/privacy/requests/{request_id}/decide": _on(
        "request", "insurance_officer", World.privacy_request, outcome="refused", words="The law keeps it."
    ),
    "POST /v1/privacy/consents": lambda world: Shot(
        "holder", {"purpose": "statistics", "recipient": "A university", "until": world.tomorrow()}
    ),
    "GET /v1/privacy/consents": _plain("holder"),
    "POST /v1/privacy/consents/{consent_id}/withdraw": _on("consent", "holder", World.consent),
    "POST /v1/insurance/people/{person_id}/heirs": _heir,
    "GET /v1/insurance/people/{person_id}/heirs": _insured("insurance_officer"),
    "POST /v1/insurance/people/{person_id}/heirs/{heir}/end": _ended_heir,
    "GET /v1/lookups": _plain("holder"),
    "GET /v1/lookups/deferrals": _plain("inspector office_head"),
    "POST /v1/lookups/deferrals/{deferral_id}/end": _on("deferral", "office_head", World.deferral),
    "GET /v1/lookups/deferred": _plain("auditor administrator"),
    "GET /v1/offices": _plain(_ANYBODY),
    "GET /v1/offices/{office_id}": _on("office", _ANYBODY, lambda world: world.office.office_id),
    "GET /v1/offices/{office_id}/members": lambda world: Shot(
        "administrator", ids={"office_id": world.office.office_id}
    ),
    "PUT /v1/offices/{office_id}/members": lambda world: Shot(
        "administrator",
        {"account_id": world.people["permit_officer"].account_id},
        {"office_id": world.office.office_id},
    ),
    "GET /v1/employers/{organisation_id}": lambda world: Shot(
        "employer permit_officer office_head", ids={"organisation_id": world.office.employer_id}
    ),
    "GET /v1/employers/{organisation_id}/codes": lambda world: Shot(
        "employer permit_officer office_head", ids={"organisation_id": world.office.employer_id}
    ),
    "PUT /v1/employers/{organisation_id}": lambda world: Shot(
        "permit_officer",
        {"region": "310115", "licence_until": None},
        {"organisation_id": world.office.employer_id},
    ),
    "POST /v1/employers/{organisation_id}/state": lambda world: Shot(
        "permit_officer", {"move": "suspend", "reason": "a test"}, {"organisation_id": _verified(world)}
    ),
    "POST /v1/filings": lambda world: Shot(
        "employer", {"process": "overseas", "record": person_record(world.office.today)}
    ),
    "GET /v1/filings": _plain("holder employer agency permit_officer office_head"),
    "GET /v1/filings/{filing_id}": _filing("employer permit_officer office_head", "filed"),
    "PUT /v1/filings/{filing_id}": _filing("employer", "draft", record={"surname": "VOGEL"}),
    "PUT /v1/filings/{filing_id}/papers/{code}": _paper("employer", "draft"),
    "POST /v1/filings/{filing_id}/submit": _filing("employer", "draft"),
    "POST /v1/filings/{filing_id}/withdraw": _filing("employer", "filed"),
    "GET /v1/filings/{filing_id}/notification": _filing("employer", "notified"),
    "POST /v1/filings/{filing_id}/papers/{code}/verify": _paper("permit_officer", "filed", how="seen_original"),
    "POST /v1/filings/{filing_id}/papers/{code}/forged": _paper("permit_officer", "filed", note="not genuine"),
    "POST /v1/filings/{filing_id}/papers/{code}/reject": _paper("permit_officer", "filed", note="not legible"),
    "POST /v1/filings/{filing_id}/pre-review": _filing("permit_officer", "filed"),
    "POST /v1/filings/{filing_id}/return": _filing(
        "permit_officer", "filed", defects=[{"path": "M04", "text": "not legible"}]
    ),
    "POST /v1/filings/{filing_id}/accept": _filing("permit_officer", "reviewed"),
    "POST /v1/filings/{filing_id}/prolong": _filing("office_head", "accepted", days=5, reason="an expert review"),
    "POST /v1/filings/{filing_id}/pause": _filing("permit_officer", "accepted", ground="test", reason="a test"),
    "POST /v1/filings/{filing_id}/resume": _filing("permit_officer", "paused"),
    "POST /v1/filings/{filing_id}/transfer": _filing("office_head", "filed", region="310104", reason="a test"),
    "POST /v1/filings/{filing_id}/delivery": _filing("employer", "notified", way="electronic"),
    "POST /v1/filings/{filing_id}/approve": _filing("permit_officer", "accepted", category="B"),
    "POST /v1/filings/{filing_id}/refuse": _filing(
        "permit_officer", "accepted", reasons=[{"path": "M05", "text": "the report is forged"}]
    ),
    "POST /v1/files/{filing_id}/{code}": lambda world: Shot(
        "employer", picture(), {"filing_id": _filed(world, "draft"), "code": "M04"}
    ),
    "GET /v1/files/{file_id}": _file("employer permit_officer office_head"),
    "GET /v1/files/{file_id}/content": _file("employer permit_officer office_head"),
    "GET /v1/files/{file_id}/pages/{number}": _file("employer permit_officer office_head", number="1"),
    "DELETE /v1/files/{file_id}": _file("employer", filed=False),
    "GET /v1/permits": _plain("holder employer agency permit_officer office_head"),
    "GET /v1/permits/{permit_id}": lambda world: Shot(
        "employer agency permit_officer office_head",
        ids={"permit_id": world.office.employed(next(world.numbers) + 500)["permit_id"]},
    ),
    **{
        f"GET /v1/permits/{{permit_id}}/certificate.{kind}": lambda world: Shot(
            "employer permit_officer",
            ids={"permit_id": world.office.employed(next(world.numbers) + 700)["permit_id"]},
        )
        for kind in ("pdf", "png", "json")
    },
    "GET /v1/filings/{filing_id}/form.pdf": _filing("employer permit_officer office_head", "filed"),
    "GET /v1/filings/{filing_id}/notification.pdf": _filing("employer", "notified"),
    "GET /v1/entries": _plain("holder employer agency permit_officer office_head"),
    "GET /v1/entries/{entry_id}": _entry_of("employer permit_officer office_head"),
    "GET /v1/entries/{entry_id}/package": _entry_of("employer permit_officer office_head"),
    "GET /v1/entries/{entry_id}/slots": _entry_of("employer permit_officer office_head"),
    "GET /v1/entries/{entry_id}/booking": _entry_of("employer permit_officer office_head"),
    "PUT /v1/entries/{entry_id}/booking": lambda world: Shot(
        "employer permit_officer", {"slot_id": _slot(world)}, {"entry_id": world.entered()}
    ),
    "DELETE /v1/entries/{entry_id}/booking": lambda world: Shot("employer", ids={"entry_id": _booked(world)}),
    "PUT /v1/entries/{entry_id}/residence": lambda world: Shot(
        "permit_officer", {"state": "applied", "on": world.office.today.isoformat()}, {"entry_id": world.entered()}
    ),
    "POST /v1/entries/{entry_id}/show": _entry_of("permit_officer"),
    "POST /v1/entries/{entry_id}/prolong": lambda world: Shot(
        "permit_officer",
        {"until": (world.office.today + timedelta(days=40)).isoformat(), "reason": "a late report"},
        {"entry_id": world.entered()},
    ),
    "POST /v1/entries/{entry_id}/not-shown": lambda world: Shot(
        "permit_officer", {"reason": "nobody came"}, {"entry_id": world.entered(overdue=True)}
    ),
    "POST /v1/calendar-feeds": lambda world: Shot(world.somebody("employer", world.organisation("employer"))),
    "GET /v1/calendar-feeds": _plain("holder employer agency"),
    "DELETE /v1/calendar-feeds/{feed_id}": lambda world: Shot("employer", ids={"feed_id": world.feed("employer")[0]}),
    "GET /v1/calendars/{token}": lambda world: Shot(ids={"token": world.feed("holder")[1]}),
    "POST /v1/slots": lambda world: Shot("permit_officer", _new_slot(world)),
    "GET /v1/slots": _plain("permit_officer office_head"),
    "GET /v1/slots/{slot_id}": _on("slot", "permit_officer office_head", _slot),
    "POST /v1/slots/{slot_id}/cancel": _on("slot", "permit_officer office_head", _slot),
    "POST /v1/permits/activations": _activation,
    "POST /v1/cards/{card_id}/lost": lambda world: Shot("holder", ids={"card_id": world.card(world.people["holder"])}),
    "GET /v1/filings/{filing_id}/messages": _filing("employer permit_officer", "filed"),
    "POST /v1/filings/{filing_id}/messages": _filing("employer", "filed", text="Which translation is missing?"),
    "POST /v1/filings/{filing_id}/answers": _asked,
    "GET /v1/enquiries": _plain("permit_officer"),
    "GET /v1/due": _plain("holder employer agency"),
    "POST /v1/permits/plans": _plain(_ANYBODY, region="310000", category="B", first="2026-12-01"),
    "GET /v1/queue": _plain("permit_officer office_head"),
    "POST /v1/queue/next": _plain("permit_officer"),
    "PUT /v1/filings/{filing_id}/taken": _filing("permit_officer", "filed"),
    "DELETE /v1/filings/{filing_id}/taken": _filing("permit_officer", "filed"),
    "GET /v1/load": _plain("office_head"),
    "POST /v1/permits/{permit_id}/hearings": _on_permit("permit_officer", end="revoked.fraud", reason="a test"),
    "POST /v1/permits/{permit_id}/social-cards": _on_permit("permit_officer", bank="A bank"),
    "GET /v1/permits/{permit_id}/social-cards": _on_permit("permit_officer"),
    "GET /v1/social-cards/{social_card_id}": _on(
        "social_card", "permit_officer", lambda world: _ordered_card(world, _employed(world))
    ),
    "POST /v1/social-cards/{social_card_id}/state": _on(
        "social_card", "permit_officer", lambda world: _ordered_card(world, _employed(world)), move="withdraw"
    ),
    "GET /v1/permits/{permit_id}/mergers": _on_permit("permit_officer"),
    "GET /v1/permits/{permit_id}/hearings": _on_permit("employer agency permit_officer office_head"),
    "POST /v1/hearings/{hearing_id}/statement": _on(
        "hearing", "permit_officer", lambda world: _open_hearing(world, _employed(world)), statement="It is not so."
    ),
    "POST /v1/permits/{permit_id}/leaving": _leaving,
    "POST /v1/permits/{permit_id}/corrections": _on_permit(
        "permit_officer", field="post", value="Head of design", reason="a test"
    ),
    "POST /v1/objections": lambda world: Shot("employer", {"filing_id": _refused(world), "grounds": "It is legible."}),
    "GET /v1/objections": _plain("holder employer agency permit_officer office_head"),
    "GET /v1/objections/{objection_id}": _objection("employer permit_officer office_head"),
    "POST /v1/objections/{objection_id}/withdraw": _objection("employer"),
    "POST /v1/objections/{objection_id}/admit": _objection("office_head", admitted=False, simple=True),
    "POST /v1/objections/{objection_id}/dismiss": _objection("office_head", admitted=False, reason="a test"),
    "POST /v1/objections/{objection_id}/stay": _objection("office_head", reason="a test"),
    "POST /v1/objections/{objection_id}/prolong": _objection("office_head", days=10, reason="a test"),
    "POST /v1/objections/{objection_id}/decide": _objection("office_head", outcome="uphold", reason="a test"),
    "POST /v1/permits/assessments": _plain(_ANYBODY, region="310000", facts={"education": "master"}),
    "GET /v1/organisations/{organisation_id}": _on(
        "organisation", "employer administrator", lambda world: world.employer
    ),
    "POST /v1/organisations/{organisation_id}/close": _on(
        "organisation", "administrator", lambda world: world.organisation("agency")
    ),
    "POST /v1/mandates": _new_mandate,
    "GET /v1/mandates": _plain("employer agency administrator"),
    "GET /v1/mandates/{mandate_id}": _on("mandate", "employer agency administrator", lambda world: world.mandate_id),
    "GET /v1/mandates/{mandate_id}/handlers": lambda world: Shot(
        "employer agency administrator", ids={"mandate_id": _handled(world).mandate_id}
    ),
    "POST /v1/mandates/{mandate_id}/handlers": _new_handler,
    "POST /v1/lists": _plain(
        "employer agency insurance_officer", kind="registration", rows=[{"surname": "MUSTER", "born": "1990-01-01"}]
    ),
    "GET /v1/lists": _plain("employer agency insurance_officer"),
    "GET /v1/lists/{batch_id}": _list(),
    "GET /v1/lists/{batch_id}/rows": _list(),
    "POST /v1/lists/{batch_id}/advance": _list(),
    "POST /v1/lists/{batch_id}/start": _list("ready"),
    "POST /v1/lists/{batch_id}/submission": _list("done"),
    "POST /v1/mandates/{mandate_id}/handlers/{handler}/end": _ended_handler,
    "GET /v1/organisation/accounts": _plain("employer agency"),
    "POST /v1/mandates/{mandate_id}/end": _on(
        "mandate", "employer agency administrator", lambda world: world.mandate(world.employer, world.agency)
    ),
    "GET /v1/notices": _plain(_ANYBODY),
    "GET /v1/notices/unread": _plain(_ANYBODY),
    "POST /v1/notices/read": _plain("holder employer administrator", notices=[_NOBODY]),
    "GET /v1/notices/preferences": _plain("holder employer administrator"),
    "PUT /v1/notices/preferences": _own(kind="card.renewed", channel="email", on=False),
    "POST /v1/webhooks": _own(url="https://hr.example.cn/icard"),
    "GET /v1/webhooks": _plain("holder employer agency"),
    "GET /v1/webhooks/{webhook_id}": _webhook(),
    "PUT /v1/webhooks/{webhook_id}/state": _webhook(state="disabled"),
    "POST /v1/webhooks/{webhook_id}/secret": _webhook(),
    "DELETE /v1/webhooks/{webhook_id}": _webhook(),
    "GET /v1/outbox": _plain("administrator"),
    "GET /v1/outbox/figures": _plain("administrator"),
    "GET /v1/outbox/{letter_id}": _on("letter", "administrator", World.letter),
    "POST /v1/outbox/{letter_id}/retry": _on(
        "letter", "administrator", lambda world: world.letter(dead=True), **_REASON
    ),
    "POST /v1/outbox/{letter_id}/drop": _on("letter", "administrator", World.letter, **_REASON),
    "GET /v1/audit/entries": _plain("auditor"),
    "GET /v1/audit/checkpoints": _plain("auditor"),
    "POST /v1/audit/verification": _plain("auditor"),
    "GET /v1/keys": _plain(_OFFICE),
    "GET /v1/publication": _plain(_OFFICE),
    "GET /v1/status-lists": _plain(_OFFICE),
    "GET /v1/trust-list": _plain(_OFFICE),
    "GET /timestamp.cbor": _published("", named=False),
    "GET /bundle.cbor": _published("", named=False),
    "GET /trust/{name}": _published("trust"),
    "GET /status/{name}": _published("status"),
    "GET /audit/{name}": _published("audit"),
    "GET /healthz": _plain(),
    "GET /metrics": _plain(),
    # On SQLite the worker belongs to the server, and this application runs none: it says so.
    "GET /readyz": lambda _world: Shot(status=503),  # no worker runs here
}
