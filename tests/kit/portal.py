"""The portal for tests: a service with people of every role and cards, and a server before it."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import uvicorn
from playwright.sync_api import Page

from icard_crypto.card.card import Card
from icard_crypto.errors import Invalid
from issuer import cards
from issuer.accounts.consents import NewConsent, give_consent
from issuer.accounts.mandates import give_mandate
from issuer.batches import lists
from issuer.batches.lists import Outcome, outcome_of
from issuer.cards import NewCard
from issuer.cards.lookups import note_lookup
from issuer.core import Core
from issuer.insurance import registration
from issuer.insurance.claims import apply_claim
from issuer.permits.models import Permit
from issuer.permits.people import passport_of
from issuer.portal import BASE, make_portal
from issuer.portal.catalogue import Words
from issuer.privacy import requests
from issuer.rules.days import start_of_day
from issuer.service.app import make_app
from tests.issuer.conftest import new_database_url
from tests.kit.insured import new_registration
from tests.kit.issuing_api import BOUNDLESS, new_service
from tests.kit.issuing_service import person
from tests.kit.people import HOST, PASSWORD, ServiceUnderTest, Somebody, make, organisation
from tests.kit.permit_office import PermitOffice, person_record
from verifier.runtime import http

__all__ = ["ROLES", "Town", "enter", "running_portal", "serving", "town"]

ROLES = (
    *("holder", "employer", "agency", "permit_officer", "insurance_officer", "office_head", "inspector", "auditor"),
    "administrator",
)


@dataclass
class Town:
    """A service and its people: one of each role, and a second officer and administrator.

    Attributes:
        people: by role, and ``resident``: a holder whose permit and insurance are on record.
        cards: of the holder's, then of others that the employer looks after.
        ids: of things that pages are about, by the name that stands in braces in a path.
        office: that decides on applications, where there is one.
    """

    issuing_service: ServiceUnderTest
    people: dict[str, Somebody]
    cards: list[str]
    employer_id: str
    agency_id: str
    ids: dict[str, str] = field(default_factory=dict)
    url: str = ""
    office: PermitOffice | None = None

    def path(self, path: str) -> str:
        """The address of a page; ``{card}`` is the holder's card, ``{filing}`` an application that was submitted."""
        return self.url + path.format(card=self.cards[0], other=self.cards[1], **self.ids)


def town(folder: Path, *, office: bool = False) -> Town:
    """A new service on SQLite with everything in it.

    Args:
        office: whether there are applications and permits too, which takes longer.
    """
    issuing_service = new_service(folder, new_database_url("sqlite", folder), help_contact="021-12333", **BOUNDLESS)
    employer_id, agency_id = organisation(issuing_service, "employer", 1), organisation(issuing_service, "agency", 2)
    organisations = {"employer": employer_id, "agency": agency_id}
    people = {role: make(issuing_service, role, f"{role}-1", organisation_id=organisations.get(role)) for role in ROLES}
    for role in ("permit_officer", "administrator"):
        people[f"second_{role}"] = make(issuing_service, role, f"{role}-2")
    holder = people["holder"].person_id
    new = [NewCard(person(1), holder=holder, employer=employer_id)]
    new += [NewCard(_renamed(number), employer=employer_id) for number in (2, 3)]
    made = [one.card_id for one in cards.issue(issuing_service.core, new, HOST)]
    issuing_service.later()
    cards.suspend(issuing_service.core, made[2], HOST)
    now = int(issuing_service.clock.at)
    given = give_mandate(issuing_service.core, people["employer"].who(), agency_id, employer_id, now, now + 90 * 86_400)
    note_lookup(issuing_service.core, people["inspector"].who(), made[0], "code")
    note_lookup(issuing_service.core, people["permit_officer"].who(), made[0], "card")
    ids = {"mandate": given.mandate_id, "account": people["holder"].account_id, "organisation": employer_id}
    ids |= {"suspended": made[2]}
    whole = Town(issuing_service, people, made, employer_id, agency_id, ids)
    if office:
        whole.office = _open_office(issuing_service, people, employer_id)
        whole.ids |= _fill_office(whole.office, people)
    return whole


def _open_office(issuing_service: ServiceUnderTest, people: dict[str, Somebody], employer_id: str) -> PermitOffice:
    """An office with the people of the town."""
    return PermitOffice(
        issuing_service,
        admin=people["administrator"],
        officer=people["permit_officer"],
        second=people["second_permit_officer"],
        head=people["office_head"],
        employer=people["employer"],
        employer_id=employer_id,
    )


def _fill_office(office: PermitOffice, people: dict[str, Somebody]) -> dict[str, str]:
    """Applications in several states, and somebody with a permit and insurance."""
    issuing_service, today = office.issuing_service, office.today
    ids = {"office": office.office_id, "draft": office.draft("overseas", person_record(today, 1), papers={"M04": None})}
    ids["filing"] = office.filed("overseas", person_record(today, 2, surname="TANAKA", given="YUKI"))
    ids["returned"] = office.filed("overseas", person_record(today, 3, surname="ROSSI", given="GIULIA"))
    points = [{"path": "M04", "text": "The certificate is not legible."}, {"path": "post", "text": "Name the product."}]
    office.moved(office.officer, ids["returned"], "return", {"defects": points})
    ids["accepted"] = office.accepted("overseas", person_record(today, 4, surname="OKAFOR", given="CHIDI"))
    ids["refused"] = office.accepted("overseas", person_record(today, 5, surname="SMITH", given="JOHN"))
    reasons = [{"path": "M05", "text": "The medical report is not from the clinic that it names."}]
    office.moved(office.officer, ids["refused"], "refuse", {"reasons": reasons})
    until = (today + timedelta(days=70)).isoformat()
    permit = office.employed(6, surname="LINDQVIST", given="ASTRID", nationality="SWE", until=until)
    ids["permit"], ids["permit_card"] = permit["permit_id"], permit["card_id"]
    ids["until"] = Words("en").day(date.fromisoformat(until), short=True)
    holder = issuing_service.core.database.read(lambda session: session.get_one(Permit, ids["permit"]).person_id)
    people["resident"] = make(issuing_service, "holder", "resident-1", person_id=holder)
    _insurance(issuing_service, people, ids, today)
    resident = people["resident"].who()
    words = "My post is Senior design engineer since the last change."
    ids["request"] = requests.ask(issuing_service.core, resident, "correction", "permit", words, fact="position")
    give_consent(
        issuing_service.core, resident, NewConsent("statistics", "East China University", today + timedelta(days=300))
    )
    ids["claim"] = apply_claim(issuing_service.core, resident, ids["insured"], "unemployment", {}, "I look for work.")
    employer = people["employer"].who()
    rows = [{"number": permit["number"], "name": "LINDQVIST ASTRID"}, {"number": "1" * 18, "name": ""}]
    ids["list"] = lists.begin(issuing_service.core, employer, "extension", rows)
    none = outcome_of(Invalid("filing.no_permit", path="number"))
    lists.advance(
        issuing_service.core, employer, ids["list"], lambda row: Outcome() if row["name"] else none, _undone, 0
    )
    starts = start_of_day(today + timedelta(days=1)) + 10 * 3600
    slot = {"window": "3", "starts_at": starts, "minutes": 20, "places": 2}
    ids["slot"] = office.ok(office.officer, "POST", "/v1/slots", slot)["slot_id"]
    return ids


def _undone(_key: str, _row: Mapping[str, Any]) -> Outcome:
    """For a list that nobody starts."""
    raise AssertionError


def _insurance(
    issuing_service: ServiceUnderTest, people: dict[str, Somebody], ids: dict[str, str], today: date
) -> None:
    """The resident is registered, with what was paid for the month before and a month that is missing."""
    core, who = issuing_service.core, people["employer"].who()
    began = (today.replace(day=1) - timedelta(days=100)).replace(day=1)
    born = core.database.read(lambda session: passport_of(core, session, people["resident"].person_id))["birth"]
    new = new_registration(
        6, surname="LINDQVIST", given="ASTRID", nationality="SWE", passport_state="SWE", passport="C01X00006",
        born=date.fromisoformat(born), obtained=began, began=began,
    )  # fmt: skip
    ids["insured"] = registration.register(core, who, new).person_id


@contextlib.contextmanager
def running_portal(made: Town) -> Iterator[str]:
    """The portal's address while a server serves it; it is the town's too."""
    with serving(made.issuing_service.core) as made.url:
        yield made.url


@contextlib.contextmanager
def serving(core: Core) -> Iterator[str]:
    """The portal's address while a server serves it, with everything that the service puts around it."""
    app = make_app(core, http.Drain(), [make_portal(core)])
    config = uvicorn.Config(app, port=0, log_config=None, log_level="error", lifespan="off", interface="asgi3")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://localhost:{server.servers[0].sockets[0].getsockname()[1]}{BASE}"
    finally:
        server.should_exit = True
        thread.join()


def enter(page: Page, made: Town, role: str) -> None:
    """Log in through the pages, as a person of that role does."""
    somebody = made.people[role]
    page.goto(made.url + "log-in")
    page.fill("#f-login", somebody.login)
    page.fill("#f-password", PASSWORD)
    page.click("button.primary")
    if somebody.secret is not None:
        page.fill("#f-code", somebody.code())
        page.click("button.primary")
    page.wait_for_selector(".nav")


def _renamed(number: int) -> Card:
    card = person(number)
    names = {2: "NGUYEN VAN AN", 3: "VON HOHENLOHE-WALDENBURG MAXIMILIANE"}
    return replace(card, holder=replace(card.holder, name=names[number], name_native=None, native_language=None))
