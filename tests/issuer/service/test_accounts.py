"""Accounts, organisations, mandates and tokens over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from issuer.accounts.models import Account, ApiToken, Mandate, Organisation
from issuer.vault.at_rest import Place
from tests.kit.callers import Caller, by_session, by_token, log_in, problem
from tests.kit.people import ServiceUnderTest, by_two, count, make, new_service_under_test, organisation, take_up

pytestmark = pytest.mark.slow

DAY = 86_400
_CODE = "91310000MA1FL0000N"


@pytest.fixture
def issuing_service(tmp_path: Path, database_url: str) -> Iterator[ServiceUnderTest]:
    """A service without signing keys."""
    made = new_service_under_test(tmp_path, database_url, account_burst=10_000)
    yield made
    made.core.close()


@pytest.fixture
def admin(issuing_service: ServiceUnderTest, app: FastAPI) -> Caller:
    """An administrator."""
    return by_session(app, make(issuing_service, "administrator", "admin").enter())


def new_holder(number: int) -> dict[str, Any]:
    return {"role": "holder", "login": f"holder.{number}", "name": f"Holder {number}", "identity": f"P-{number:04}"}


def all_pages(caller: Caller, path: str, name: str) -> list[str]:
    """The ids of a whole list, by pages of two."""
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = caller("GET", f"{path}{'&' if '?' in path else '?'}limit=2&cursor={cursor}").json()
        assert len(page["items"]) <= 2
        found += [item[name] for item in page["items"]]
        cursor = page["next"]
    return found


def test_an_account_from_invitation_to_closure(issuing_service: ServiceUnderTest, app: FastAPI, admin: Caller) -> None:
    """Made by two, taken up by its person, found, locked, unlocked, closed; each time its ETag is another."""
    holder = take_up(issuing_service, by_two(issuing_service, "account.create", new_holder(1)), "holder.1")
    path = f"/v1/accounts/{holder.account_id}"
    assert log_in(app, holder)("GET", "/v1/account").json()["account_id"] == holder.account_id
    found = admin("POST", "/v1/accounts/search", {"login": "HOLDER.1"})
    shown = admin("GET", path)
    assert found.json() == shown.json()
    assert (shown.json()["name"], shown.json()["state"]) == ("Holder 1", "active")
    tag = shown.headers["etag"]
    assert found.headers["etag"] == tag
    for what, state in (("lock", "locked"), ("unlock", "active"), ("close", "closed")):
        assert problem(admin("POST", f"{path}/{what}")) == (428, "http.precondition_required"), what
        assert problem(admin("POST", f"{path}/{what}", version='"999"')) == (412, "account.changed"), what
        done = admin("POST", f"{path}/{what}", version=tag)
        assert done.status_code == 204, (what, done.text)
        assert problem(admin("POST", f"{path}/{what}", version=tag)) == (412, "account.changed"), what
        tag = done.headers["etag"]
        shown = admin("GET", path)
        assert (shown.json()["state"], shown.headers["etag"]) == (state, tag), what
    assert (shown.json()["login"], shown.json()["name"]) == ("", "")
    assert problem(admin("POST", f"{path}/lock", version=tag)) == (409, "account.state")


def asked(**changes: Any) -> dict[str, Any]:
    """A request for an account."""
    return {"act": "account.create", "arguments": {**new_holder(1), **changes}, "reason": "New here."}


def test_an_account_is_asked_for_once_and_its_secret_shown_once(
    issuing_service: ServiceUnderTest, admin: Caller
) -> None:
    """A repeated request gets the same one without the part of the invitation; the same key for another is refused."""
    first = admin("POST", "/v1/confirmations", asked(), key="one-account-please")
    again = admin("POST", "/v1/confirmations", asked(), key="one-account-please")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == {**first.json(), "invitation_part": None}
    assert first.headers["location"] == again.headers["location"]
    other = admin("POST", "/v1/confirmations", asked(login="holder.2"), key="one-account-please")
    assert problem(other) == (422, "idempotency.other_body")
    assert problem(admin("POST", "/v1/confirmations", asked())) == (409, "confirm.waiting")
    assert count(issuing_service.core, Account) == 1


def test_what_needs_two_people_is_refused_to_one(issuing_service: ServiceUnderTest, admin: Caller) -> None:
    """No account is made, raised or reset by one administrator; an official one is locked by one, and not let in."""
    officer = make(issuing_service, "permit_officer", "officer")
    path = f"/v1/accounts/{officer.account_id}"
    tag = admin("GET", path).headers["etag"]
    for method, way in (("POST", "/v1/accounts"), ("POST", f"{path}/reset"), ("PUT", f"{path}/role")):
        assert admin(method, way, {"role": "holder"}, version=tag).status_code in (404, 405)
    locked = admin("POST", f"{path}/lock", version=tag)
    assert locked.status_code == 204
    tag = locked.headers["etag"]
    assert problem(admin("POST", f"{path}/unlock", version=tag)) == (403, "account.two_needed")
    own = admin("GET", "/v1/account").json()
    assert problem(admin("POST", f"/v1/accounts/{own['account_id']}/lock", version='"2"')) == (403, "account.self")


def test_a_wrong_field_is_refused(issuing_service: ServiceUnderTest, admin: Caller) -> None:
    """And nothing that was sent is repeated, and nothing is made."""
    wrong: list[tuple[dict[str, Any], tuple[int, str]]] = [
        ({"role": "king"}, (422, "account.role")),
        ({"login": "zhañg"}, (422, "account.field")),
        ({"name": ""}, (422, "account.field")),
        ({"email": "nobody"}, (422, "account.field")),
        ({"person_id": "\x00"}, (422, "account.field")),
        ({"password": "x"}, (422, "account.field")),
    ]
    for changes, refused in wrong:
        answer = admin("POST", "/v1/confirmations", asked(**changes))
        assert problem(answer) == refused, changes
        assert "holder.1" not in answer.text
    assert count(issuing_service.core, Account) == 1


def test_one_administrator_ends_all_sessions_of_another(
    issuing_service: ServiceUnderTest, app: FastAPI, admin: Caller
) -> None:
    """An official's too, who logs in again at once and has the tokens still; not one's own in this way."""
    officer = make(issuing_service, "permit_officer", "officer")
    here, there = by_session(app, officer.enter()), by_session(app, officer.enter())
    token = here("POST", "/v1/tokens", {"label": "night run", "scopes": ["card.read"], "days": 30}).json()["token"]
    path = f"/v1/accounts/{officer.account_id}"
    before = admin("GET", path)
    assert [admin("POST", f"{path}/end-sessions").status_code for _ in range(2)] == [204, 204]
    assert [problem(each("GET", "/v1/account")) for each in (here, there)] == [(401, "session.unknown")] * 2
    assert log_in(app, officer)("GET", "/v1/account").status_code == 200
    assert by_token(app, token)("GET", f"/v1/cards/{'0' * 32}").status_code == 404
    assert admin("GET", path).content == before.content
    own = admin("GET", "/v1/account").json()["account_id"]
    assert problem(admin("POST", f"/v1/accounts/{own}/end-sessions")) == (403, "account.self")


def test_lists_have_pages(issuing_service: ServiceUnderTest, app: FastAPI, admin: Caller) -> None:
    """Accounts by role and by organisation, organisations, mandates, tokens: every one once, in the order of ids."""
    made = sorted(make(issuing_service, "holder", f"holder.{n}").account_id for n in range(5))
    assert all_pages(admin, "/v1/accounts?role=holder", "account_id") == made
    assert len(all_pages(admin, "/v1/accounts", "account_id")) == 6
    employer, agency = organisation(issuing_service, "employer", 1), organisation(issuing_service, "agency", 2)
    boss = make(issuing_service, "employer", "boss", organisation_id=employer)
    assert all_pages(admin, f"/v1/accounts?organisation_id={employer}", "account_id") == [boss.account_id]
    assert all_pages(admin, "/v1/organisations", "organisation_id") == sorted([employer, agency])
    now = int(issuing_service.clock.at)
    caller = by_session(app, boss.enter())
    wanted = {"agency_id": agency, "employer_id": employer}
    times = [{"begins_at": now + n * DAY, "ends_at": now + (n + 1) * DAY} for n in range(5)]
    given = [caller("POST", "/v1/mandates", {**wanted, **each}).json() for each in times]
    assert all_pages(admin, "/v1/mandates", "mandate_id") == sorted(each["mandate_id"] for each in given)
    assert problem(caller("POST", "/v1/mandates", {**wanted, **times[2]})) == (409, "mandate.exists")
    assert problem(admin("POST", "/v1/mandates", {**wanted, **times[2]})) == (403, "access.not_allowed")
    token = {"label": "a program", "scopes": ["card.read_own"], "days": 7}
    tokens = [caller("POST", "/v1/tokens", token).json()["token_id"] for _ in range(3)]
    assert all_pages(caller, "/v1/tokens", "token_id") == sorted(tokens)
    for wrong in ("limit=0", "limit=201", "cursor=x", "role=%00"):
        assert problem(admin("GET", f"/v1/accounts?{wrong}")) == (422, "http.invalid")


def test_a_full_page_says_that_another_follows(issuing_service: ServiceUnderTest, admin: Caller) -> None:
    """The longest page too: of 201 organisations the first shows 200."""

    def row(number: int) -> Organisation:
        name = f"{number:032x}"
        record = issuing_service.core.at_rest.seal(Place("organisations", "record", name), b'{"code": "", "name": ""}')
        return Organisation(
            id=name, kind="agency", code_key=f"{number:064x}", record=record, state="active", version=1, created_at=0
        )

    issuing_service.core.database.transact(lambda session: session.add_all(row(number) for number in range(201)))
    first = admin("GET", "/v1/organisations?limit=200").json()
    assert (len(first["items"]), first["next"]) == (200, f"{199:032x}")
    last = admin("GET", f"/v1/organisations?limit=200&cursor={first['next']}").json()
    assert (len(last["items"]), last["next"]) == (1, None)


def test_an_organisation_is_registered_once_and_closed(
    issuing_service: ServiceUnderTest, app: FastAPI, admin: Caller
) -> None:
    """By its code; closed it shuts its people out. A member sees its own and no other."""
    new = {"kind": "employer", "code": _CODE.lower(), "name": "某某有限公司"}
    made = admin("POST", "/v1/organisations", new, key="one-organisation")
    assert made.status_code == 201
    again = admin("POST", "/v1/organisations", new, key="one-organisation")
    assert (again.content, again.headers["location"]) == (made.content, made.headers["location"])
    assert problem(admin("POST", "/v1/organisations", new)) == (409, "organisation.exists")
    assert problem(admin("POST", "/v1/organisations", {**new, "code": _CODE[:-1] + "0"})) == (422, "account.field")
    path = made.headers["location"]
    boss = make(issuing_service, "employer", "boss", organisation_id=made.json()["organisation_id"])
    member = by_session(app, boss.enter())
    assert member("GET", path).json() == {**new, **made.json()} == {**made.json(), "code": _CODE}
    elsewhere = organisation(issuing_service, "employer", 1)
    assert problem(member("GET", f"/v1/organisations/{elsewhere}")) == (404, "organisation.none")
    assert problem(member("POST", f"{path}/close", version='"1"')) == (403, "access.not_allowed")
    assert problem(admin("POST", f"{path}/close")) == (428, "http.precondition_required")
    assert problem(admin("POST", f"{path}/close", version='"7"')) == (412, "account.changed")
    closed = admin("POST", f"{path}/close", version=made.headers["etag"])
    assert (closed.status_code, closed.headers["etag"]) == (204, '"2"')
    assert admin("GET", path).json()["state"] == "closed"
    assert problem(member("GET", path)) == (401, "session.unknown")
    assert count(issuing_service.core, Organisation) == 2


def test_a_mandate_is_given_and_ended(issuing_service: ServiceUnderTest, app: FastAPI, admin: Caller) -> None:
    """By the employer for itself alone, once for a key; seen and ended by both sides, and by nobody else."""
    employer, agency, other = (
        organisation(issuing_service, kind, n) for n, kind in enumerate(("employer", "agency", "employer"))
    )
    boss, agent, stranger = (
        by_session(app, make(issuing_service, role, f"{role}.{n}", organisation_id=place).enter())
        for n, (role, place) in enumerate((("employer", employer), ("agency", agency), ("employer", other)))
    )
    now = int(issuing_service.clock.at)
    wanted = {"agency_id": agency, "employer_id": employer, "begins_at": now, "ends_at": now + DAY}
    given = boss("POST", "/v1/mandates", wanted, key="one-mandate-please")
    assert given.status_code == 201
    assert boss("POST", "/v1/mandates", wanted, key="one-mandate-please").content == given.content
    assert count(issuing_service.core, Mandate) == 1
    path = given.headers["location"]
    assert [caller("GET", path).json() for caller in (boss, agent, admin)] == [given.json()] * 3
    foreign = {**wanted, "employer_id": other}
    assert problem(boss("POST", "/v1/mandates", foreign)) == (404, "organisation.none")
    assert problem(agent("POST", "/v1/mandates", wanted)) == (403, "access.not_allowed")
    assert problem(boss("POST", "/v1/mandates", {**wanted, "ends_at": now})) == (422, "mandate.period")
    assert problem(boss("POST", "/v1/mandates", {**wanted, "begins_at": -1})) == (422, "http.invalid")
    assert problem(stranger("GET", path)) == problem(stranger("POST", f"{path}/end")) == (404, "mandate.none")
    assert stranger("GET", "/v1/mandates").json() == {"items": [], "next": None}
    assert [caller("POST", f"{path}/end").status_code for caller in (agent, boss)] == [204, 204]
    assert agent("GET", path).json()["ended_at"] == int(issuing_service.clock.at)


def test_a_program_has_a_token_until_it_is_revoked(issuing_service: ServiceUnderTest, app: FastAPI) -> None:
    """Shown once, with its scopes and no more; it makes, sees and ends no tokens; ended it is unknown."""
    boss = make(issuing_service, "employer", "boss", organisation_id=organisation(issuing_service, "employer", 1))
    person = by_session(app, boss.enter())
    wanted = {"label": "night run", "scopes": ["mandate.read_own"], "days": 30}
    made = person("POST", "/v1/tokens", wanted, key="one-token-please")
    assert made.status_code == 201
    again = person("POST", "/v1/tokens", wanted, key="one-token-please")
    assert again.json() == {**made.json(), "token": None}
    assert count(issuing_service.core, ApiToken) == 1
    program = by_token(app, made.json()["token"])
    assert program("GET", "/v1/mandates").status_code == 200
    assert problem(program("GET", "/v1/cards")) == (403, "access.scope")
    for method, path in (("GET", "/v1/tokens"), ("POST", "/v1/tokens"), ("DELETE", f"/v1/tokens/{'0' * 32}")):
        assert problem(program(method, path)) == (403, "access.people_only")
    (shown,) = person("GET", "/v1/tokens").json()["items"]
    assert (shown["label"], shown["scopes"], shown["revoked_at"]) == ("night run", ["mandate.read_own"], None)
    assert made.json()["token"] not in person("GET", "/v1/tokens").text
    for wrong, code in (
        ({"scopes": ["card.revoke"]}, "token.scope"),
        ({"scopes": ["card.issue"]}, "token.scope"),
        ({"days": 367}, "http.invalid"),
        ({"label": " "}, "account.field"),
    ):
        assert problem(person("POST", "/v1/tokens", {**wanted, **wrong})) == (422, code)
    path = f"/v1/tokens/{made.json()['token_id']}"
    assert [person("DELETE", path).status_code for _ in range(2)] == [204, 204]
    assert problem(program("GET", "/v1/mandates")) == (401, "token.unknown")


def test_an_official_makes_a_token_with_a_fresh_code(issuing_service: ServiceUnderTest, app: FastAPI) -> None:
    """Five minutes after the last one it is refused."""
    officer = by_session(app, make(issuing_service, "permit_officer", "officer").enter())
    wanted = {"label": "night run", "scopes": ["card.read"], "days": 30}
    assert officer("POST", "/v1/tokens", wanted).status_code == 201
    issuing_service.later(301)
    answer: httpx.Response = officer("POST", "/v1/tokens", wanted)
    assert problem(answer) == (403, "access.fresh_code")
