"""An authority with its office, an employer and an agency, for tests of permits over the API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from fastapi import FastAPI
from sqlalchemy.orm import Session

from issuer.accounts.models import Account
from issuer.accounts.sessions import Entered
from issuer.permits.clockwork import Turned, turn
from issuer.permits.models import Permit
from issuer.service.app import make_service
from tests.kit.callers import Caller, by_session
from tests.kit.issuing_service import FakeClock
from tests.kit.people import CHEAP, ServiceUnderTest, Somebody, is_live, make, organisation
from tests.kit.signed_domain import published_core, step, verdicts
from verifier.runtime import http

__all__ = ["Answer", "PermitOffice", "person_record"]

Answer = httpx.Response
BEIJING = ZoneInfo("Asia/Shanghai")
#: Seconds for which a session is used again.
_SESSION = 1500.0


def person_record(day: date, number: int = 1, **changes: Any) -> dict[str, Any]:
    """What an application of a B says: 40 years old, a year from the next day on, nothing unusual."""
    record: dict[str, Any] = {
        "surname": "VOGEL",
        "given": f"HANNELORE {'ABCDEFGHIJ'[number % 10]}",
        "nationality": "DEU",
        "birth": f"{day.year - 40}-01-15",
        "sex": "female",
        "passport": f"C01X{number:05d}",
        "passport_until": (day + timedelta(days=1500)).isoformat(),
        "post": "Design engineer",
        "category": "B",
        "first": day.isoformat(),
        "until": (day + timedelta(days=100)).isoformat(),
        "contract_until": (day + timedelta(days=1000)).isoformat(),
        "facts": {
            "earlier_permit": False,
            "same_post": False,
            "other_employer": False,
            "dependants": False,
            "category_by_proof": False,
            "physical_permit": False,
            "regulated_industry": False,
            "promotion": False,
            "position_changes": False,
            "category_changes": False,
            "in_china": True,
        },
    }
    facts = {**record["facts"], **changes.pop("facts", {})}
    return {**record, **changes, "facts": facts}


class PermitOffice:
    """The office of Shanghai with two officers and a head, and a verified employer with a handler."""

    def __init__(
        self,
        issuing_service: ServiceUnderTest,
        *,
        admin: Somebody,
        officer: Somebody,
        second: Somebody,
        head: Somebody,
        employer: Somebody,
        employer_id: str,
    ) -> None:
        self.issuing_service = issuing_service
        self.core = issuing_service.core
        self.app: FastAPI = make_service(self.core, http.Drain())
        self.admin, self.officer, self.second, self.head = admin, officer, second, head
        self.employer, self.employer_id = employer, employer_id
        self.newest_record: dict[str, Any] = {}
        self._callers: dict[str, tuple[Caller, Entered, float]] = {}
        body = {"region": "310000", "name_en": "Shanghai", "name_zh": "上海"}
        self.office_id = self.ok(self.admin, "POST", "/v1/offices", body)["office_id"]
        for somebody in (self.officer, self.second, self.head):
            self.join(somebody)
        self.verify_employer(self.employer_id)

    @classmethod
    def begin(cls, folder: Path, url: str, day: str = "2026-03-02", **settings: Any) -> PermitOffice:
        """A service of its own with people.

        Args:
            day: the day in Beijing on which it begins, ten in the morning.
        """
        morning = datetime.combine(date.fromisoformat(day), datetime.min.time(), BEIJING) + timedelta(hours=10)
        clock = FakeClock(at=morning.timestamp())
        given = {**CHEAP, "account_burst": 10_000, "direct_issuing": False, **settings}
        issuing_service = ServiceUnderTest(published_core(folder, url, clock, **given), clock)
        admin = make(issuing_service, "administrator", "admin")
        employer_id = organisation(issuing_service, "employer", 1)
        return cls(
            issuing_service,
            admin=admin,
            officer=make(issuing_service, "permit_officer", "officer"),
            second=make(issuing_service, "permit_officer", "second"),
            head=make(issuing_service, "office_head", "head"),
            employer=make(issuing_service, "employer", "employer", organisation_id=employer_id),
            employer_id=employer_id,
        )

    @property
    def today(self) -> date:
        """The day in Beijing."""
        return datetime.fromtimestamp(self.issuing_service.clock.at, UTC).astimezone(BEIJING).date()

    def by(self, somebody: Somebody) -> Caller:
        """A person in a session, a new one after a while, or where newer ones of the account have taken its place."""
        now = self.issuing_service.clock.at
        caller, entered, since = self._callers.get(somebody.account_id, (None, None, 0.0))
        if caller is None or entered is None or now - since > _SESSION or not is_live(self.core, entered):
            entered = somebody.enter()
            caller = by_session(self.app, entered)
            self._callers[somebody.account_id] = caller, entered, now
        return caller

    def ask(self, somebody: Somebody, method: str, path: str, body: Any = None, **options: Any) -> Answer:
        """One request by a person."""
        return self.by(somebody)(method, path, body, **options)

    def ok(self, somebody: Somebody, method: str, path: str, body: Any = None, **options: Any) -> dict[str, Any]:
        """A request that has to succeed; its answer."""
        answer = self.ask(somebody, method, path, body, **options)
        assert answer.status_code < 300, (method, path, answer.text)
        return dict(answer.json()) if answer.content else {}

    def join(self, somebody: Somebody) -> None:
        """Somebody belongs to the office from now on."""
        body = {"account_id": somebody.account_id}
        self.ok(self.admin, "PUT", f"/v1/offices/{self.office_id}/members", body)

    def officer_elsewhere(self, region: str) -> Somebody:
        """An officer of a further office, which serves another region."""
        body = {"region": region, "name_en": region, "name_zh": region}
        office_id = self.ok(self.admin, "POST", "/v1/offices", body)["office_id"]
        officer = make(self.issuing_service, "permit_officer", f"officer.{region}")
        self.ok(self.admin, "PUT", f"/v1/offices/{office_id}/members", {"account_id": officer.account_id})
        return officer

    def verify_employer(self, organisation_id: str, region: str = "310115", licence_until: str | None = None) -> None:
        """An officer verifies an employer."""
        body = {"region": region, "licence_until": licence_until}
        self.ok(self.officer, "PUT", f"/v1/employers/{organisation_id}", body)

    def another_employer(self, number: int, region: str = "310115") -> Somebody:
        """The handler of a further verified employer."""
        organisation_id = organisation(self.issuing_service, "employer", number)
        self.verify_employer(organisation_id, region)
        return make(self.issuing_service, "employer", f"employer.{number}", organisation_id=organisation_id)

    def travel(self, day: date | str, hour: int = 10) -> None:
        """It is a later day in Beijing; the service has signed meanwhile, as a real one does."""
        wanted = date.fromisoformat(day) if isinstance(day, str) else day
        morning = datetime.combine(wanted, datetime.min.time(), BEIJING) + timedelta(hours=hour)
        assert morning.timestamp() > self.issuing_service.clock.at, "time does not go back"
        self.issuing_service.clock.at = morning.timestamp()
        self.core.database.transact(self.core.clock.accept)

    def turn(self) -> Turned:
        """What the worker does."""
        return turn(self.core)

    def move(
        self, somebody: Somebody, filing_id: str, name: str, body: Any = None, *, revision: int | None = None
    ) -> Answer:
        """A move of an application, as somebody who has just loaded it."""
        caller = self.by(somebody)
        if revision is None:
            seen = caller("GET", f"/v1/filings/{filing_id}")
            if seen.status_code != 200:
                return seen
            revision = seen.json()["revision"]
        return caller("POST", f"/v1/filings/{filing_id}/{name}", body, version=f'"{revision}"')

    def moved(self, somebody: Somebody, filing_id: str, name: str, body: Any = None) -> dict[str, Any]:
        """A move that has to succeed; the application afterwards."""
        answer = self.move(somebody, filing_id, name, body)
        assert answer.status_code == 200, (name, answer.text)
        return dict(answer.json())

    def draft(
        self,
        process: str,
        record: dict[str, Any],
        by: Somebody | None = None,
        *,
        permit_id: str | None = None,
        employer_id: str | None = None,
        papers: Mapping[str, dict[str, Any] | None] | None = None,
    ) -> str:
        """A draft with every paper that it needs; its id.

        Args:
            papers: what is different about single papers; None for one: it is not handed in.
        """
        by = by or self.employer
        body = {"process": process, "record": record, "permit_id": permit_id, "employer_id": employer_id}
        made = self.ok(by, "POST", "/v1/filings", body)
        self.newest_record = record
        caller = self.by(by)
        for item in made["checklist"]:
            given = (papers or {}).get(item["code"], {})
            if item["need"] == "not_needed" or given is None:
                continue
            body = {**self.paper(item["code"]), **given}
            answer = caller("PUT", f"/v1/filings/{made['filing_id']}/papers/{item['code']}", body)
            assert answer.status_code == 200, answer.text
        return str(made["filing_id"])

    def paper(self, code: str) -> dict[str, Any]:
        """A sound paper of a kind, issued ten days ago."""
        issued = (self.today - timedelta(days=10)).isoformat()
        if code not in ("M02", "M03", "M04", "M05", "M08", "M10"):
            return {}
        foreign = {"issuing_state": "DEU", "way": "apostille", "authenticated_on": issued}
        return {"issued": issued, **foreign, "translated": True, "sealed": True}

    def filed(self, process: str, record: dict[str, Any], by: Somebody | None = None, **options: Any) -> str:
        """An application that was filed; its id."""
        filing_id = self.draft(process, record, by, **options)
        self.moved(by or self.employer, filing_id, "submit")
        return filing_id

    def verify_papers(self, filing_id: str, *, but: tuple[str, ...] = ()) -> None:
        """An officer verifies every paper that was handed in."""
        caller = self.by(self.officer)
        seen = caller("GET", f"/v1/filings/{filing_id}").json()
        for item in seen["checklist"]:
            if item["paper"] is None or item["code"] in but or item["paper"]["state"] == "VERIFIED":
                continue
            how = "commitment" if item["paper"]["committed_until"] else "seen_original"
            path = f"/v1/filings/{filing_id}/papers/{item['code']}/verify"
            answer = caller("POST", path, {"how": how})
            assert answer.status_code == 200, (item["code"], answer.text)

    def accepted(self, process: str, record: dict[str, Any], by: Somebody | None = None, **options: Any) -> str:
        """An application that was filed, checked and accepted; its id."""
        filing_id = self.filed(process, record, by, **options)
        self.moved(self.officer, filing_id, "pre-review")
        self.verify_papers(filing_id)
        self.moved(self.officer, filing_id, "accept")
        return filing_id

    def approved(
        self, process: str, record: dict[str, Any], by: Somebody | None = None, **options: Any
    ) -> dict[str, Any]:
        """An application that was approved, as it is shown then."""
        filing_id = self.accepted(process, record, by, **options)
        return self.moved(self.officer, filing_id, "approve", {"category": record.get("category")})

    def employed(self, number: int = 1, by: Somebody | None = None, **changes: Any) -> dict[str, Any]:
        """The permit of a person who was approved in the country and has a card."""
        filing = self.approved("in_country", person_record(self.today, number, **changes), by)
        return self.permit(filing["permit_id"])

    def holder(self, permit: dict[str, Any]) -> Somebody:
        """An account of the person who has a permit."""
        holder = make(self.issuing_service, "holder", f"holder.{permit['number'][-6:]}")

        def bind(session: Session) -> str:
            person_id = session.get_one(Permit, permit["permit_id"]).person_id
            # As an object: a statement would leave a row that does not fit its MAC.
            session.get_one(Account, holder.account_id).person_id = person_id
            return person_id

        holder.person_id = self.core.database.transact(bind)
        return holder

    def asked(self, act: str, arguments: dict[str, Any], by: Somebody | None = None) -> Answer:
        """An officer asks for what takes two."""
        body = {"act": act, "arguments": arguments, "reason": "a test"}
        return self._fresh(by or self.officer)("POST", "/v1/confirmations", body)

    def confirmed(self, confirmation_id: str, by: Somebody | None = None) -> Answer:
        """Another officer confirms it."""
        path = f"/v1/confirmations/{confirmation_id}/confirm"
        return self._fresh(by or self.second)("POST", path)

    def _fresh(self, somebody: Somebody) -> Caller:
        """A person in a session whose code was given just now."""
        entered = somebody.enter()
        caller = by_session(self.app, entered)
        self._callers[somebody.account_id] = caller, entered, self.issuing_service.clock.at
        return caller

    def ended(self, permit: dict[str, Any], end: str) -> None:
        """Two officers end a permit."""
        asked = self.asked("permit.end", {"permit_id": permit["permit_id"], "end": end})
        assert asked.status_code == 201, asked.text
        answer = self.confirmed(asked.json()["confirmation_id"])
        assert answer.status_code == 200, answer.text

    def permit(self, permit_id: str) -> dict[str, Any]:
        """A permit, as an officer sees it."""
        return self.ok(self.officer, "GET", f"/v1/permits/{permit_id}")

    def code(self, permit: dict[str, Any], profile: str = "public") -> str:
        """The newest code of a permit's card."""
        answer = self.ask(self.officer, "GET", f"/v1/cards/{permit['card_id']}/code.txt?profile={profile}")
        assert answer.status_code == 200, answer.text
        return answer.text

    def verdict(self, *codes: str) -> list[str]:
        """What a verifier with the published bundle says of codes now: VALID, or the reason."""
        step(self.core, self.issuing_service.clock)
        found = verdicts(self.core, codes)
        return ["VALID" if one.outcome == "VALID" else str(one.reason) for one in found]
