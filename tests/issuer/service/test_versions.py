"""If-Match on changes of cards, and what an Idempotency-Key makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from issuer.cards.models import CodeRow, OnlineLookup
from tests.kit.callers import Caller, by_session, problem
from tests.kit.issuing_service import person
from tests.kit.people import ServiceUnderTest, count, make, new_service_under_test, organisation

pytestmark = pytest.mark.slow

_CHANGES: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("POST", "suspend", {}),
    ("POST", "resume", {}),
    ("PUT", "permit", {"state": "suspended"}),
    ("PUT", "insurance", {"state": "lapsed"}),
    ("POST", "replace", {}),
    ("POST", "renew", {}),
)


@pytest.fixture
def issuing_service(tmp_path: Path, database_url: str) -> Iterator[ServiceUnderTest]:
    """A service with signing keys."""
    made = new_service_under_test(tmp_path, database_url, keys=True, account_burst=10_000)
    yield made
    made.core.close()


@pytest.fixture
def officers(issuing_service: ServiceUnderTest, app: FastAPI) -> dict[str, Caller]:
    """Who may make each change."""
    found = {
        role: by_session(app, make(issuing_service, role, role[:9]).enter()) for role in ("permit_officer", "inspector")
    }
    insurance = by_session(app, make(issuing_service, "insurance_officer", "insurance").enter())
    return {**{way: found["permit_officer"] for _, way, _ in _CHANGES}, "insurance": insurance}


def test_a_change_is_meant_for_one_version(issuing_service: ServiceUnderTest, officers: dict[str, Caller]) -> None:
    """Without If-Match, or with ``*``, 428; with a stale or weak one 412; nothing is changed. With the newest: done."""
    issued = officers["replace"]("POST", "/v1/cards", {"card": person(1).to_json()})
    path, tag = issued.headers["location"], issued.headers["etag"]
    for method, way, more in _CHANGES:
        caller, body = officers[way], {"reason": "a test", **more}
        for wrong, refused in (
            (None, (428, "http.precondition_required")),
            ("*", (428, "http.precondition_required")),
            (f"W/{tag}", (412, "http.precondition_failed")),
            ('"999"', (412, "issue.changed")),
        ):
            assert problem(caller(method, f"{path}/{way}", body, version=wrong)) == refused, (way, wrong)
        assert caller("GET", path).headers["etag"] == tag
        # A list, of which one is the version that it is (RFC 9110, section 13.1.1).
        before = int(tag.strip('"')) - 1
        assert problem(caller(method, f"{path}/{way}", body, version=f'"{before}", "999"')) == (412, "issue.changed")
        done = caller(method, f"{path}/{way}", body, version=f'"other", "{before}", {tag},"999"')
        assert done.status_code in (201, 204), (way, done.text)
        assert done.headers["etag"] != tag
        tag = done.headers["etag"]


def test_a_change_that_stands_already_may_be_repeated(officers: dict[str, Caller]) -> None:
    """A lost answer needs no thought: the same change with the old version is no error and changes nothing."""
    issued = officers["replace"]("POST", "/v1/cards", {"card": person(1).to_json()})
    path, tag = issued.headers["location"], issued.headers["etag"]
    for method, way, more in _CHANGES[:1] + _CHANGES[2:4]:
        body = {"reason": "a test", **more}
        first, again = (officers[way](method, f"{path}/{way}", body, version=tag) for _ in range(2))
        assert (first.status_code, again.status_code) == (204, 204)
        assert first.headers["etag"] == again.headers["etag"] != tag
        tag = again.headers["etag"]


@pytest.mark.parametrize("way", ["replace", "renew"])
def test_a_repeated_request_gets_the_first_answer(
    issuing_service: ServiceUnderTest, officers: dict[str, Caller], way: str
) -> None:
    """With the version that it was made for, which is stale by then; a new key with that version is 412."""
    officer = officers[way]
    issued = officer("POST", "/v1/cards", {"card": person(1).to_json()})
    path, tag = issued.headers["location"], issued.headers["etag"]
    made, again = (
        officer("POST", f"{path}/{way}", {"reason": "lost"}, key="one-reissue-please", version=tag) for _ in range(2)
    )
    assert (made.status_code, again.status_code) == (201, 201)
    assert (made.json(), made.headers["etag"]) == (again.json(), again.headers["etag"])
    assert problem(officer("POST", f"{path}/{way}", {"reason": "lost"}, version=tag)) == (412, "issue.changed")
    assert count(issuing_service.core, CodeRow) == 6


def test_a_card_is_somebodys_who_is_there(
    issuing_service: ServiceUnderTest, app: FastAPI, officers: dict[str, Caller]
) -> None:
    """An unknown holder is 422, an unknown employer or an agency 404, and no card is issued; known ones see it."""
    officer, card = officers["replace"], person(1).to_json()
    employer, agency = organisation(issuing_service, "employer", 1), organisation(issuing_service, "agency", 2)
    holder = make(issuing_service, "holder", "zhang")
    for wrong, refused in (
        ({"holder_id": "0" * 32}, (422, "account.person")),
        ({"employer_id": "0" * 32}, (404, "organisation.none")),
        ({"employer_id": agency}, (404, "organisation.none")),
    ):
        assert problem(officer("POST", "/v1/cards", {"card": card, **wrong})) == refused
    assert count(issuing_service.core, CodeRow) == 0
    parties = {"holder_id": holder.person_id, "employer_id": employer}
    path = officer("POST", "/v1/cards", {"card": card, **parties}).headers["location"]
    own = by_session(app, holder.enter())
    assert own("GET", path).status_code == 200
    assert count(issuing_service.core, OnlineLookup) == 0
    assert officer("GET", path).status_code == 200
    assert count(issuing_service.core, OnlineLookup) == 1
