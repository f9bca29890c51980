"""Webhooks over HTTP: made once, changed at the version that was seen, their secrets shown once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from issuer.accounts.tokens import make_token
from issuer.delivery.webhooks import target
from issuer.service.app import make_app
from tests.kit.callers import Caller, by_session, by_token, problem
from tests.kit.people import ServiceUnderTest, make, new_service_under_test, organisation
from verifier.runtime import http

pytestmark = pytest.mark.slow

_URL = {"url": "https://hr.example.cn/icard"}


@pytest.fixture
def issuing_service(tmp_path: Path, database_url: str) -> Iterator[ServiceUnderTest]:
    """A service of accounts."""
    made = new_service_under_test(tmp_path, database_url)
    yield made
    made.core.close()


def _person(issuing_service: ServiceUnderTest) -> Caller:
    return by_session(make_app(issuing_service.core, http.Drain()), make(issuing_service, "holder", "mei.lin").enter())


def test_made_once_and_shown_once(issuing_service: ServiceUnderTest) -> None:
    """The secret comes with the first answer and signs; a repetition has the same webhook and no secret, and no view
    ever has one. A sixth webhook is 409, an address that is none 422."""
    asks = _person(issuing_service)
    made = asks("POST", "/v1/webhooks", _URL, key="one-webhook-please")
    again = asks("POST", "/v1/webhooks", _URL, key="one-webhook-please")
    secret, name = made.json()["secret"], made.json()["webhook_id"]
    assert (made.status_code, made.headers["location"]) == (201, f"/v1/webhooks/{name}")
    assert (again.status_code, again.json()) == (201, {"webhook_id": name, "secret": None})
    assert secret.startswith("whsec_")
    assert target(issuing_service.core, name) is not None
    listed = asks("GET", "/v1/webhooks")
    assert ([one["id"] for one in listed.json()], secret in listed.text) == ([name], False)
    assert [asks("POST", "/v1/webhooks", _URL).status_code for _ in range(5)] == [201] * 4 + [409]
    for wrong in ("http://hr.example.cn/", "https://a@hr.example.cn/", "https://"):
        assert problem(asks("POST", "/v1/webhooks", {"url": wrong})) == (422, "webhook.url")


def test_a_change_names_the_version_that_was_seen(issuing_service: ServiceUnderTest) -> None:
    """Without If-Match 428, with an earlier one 412 and nothing changed; with the newest it is switched off and on,
    gets a new secret beside the old one, and goes."""
    asks = _person(issuing_service)
    path = f"/v1/webhooks/{asks('POST', '/v1/webhooks', _URL).json()['webhook_id']}"
    name = path.rpartition("/")[2]
    tag = asks("GET", path).headers["etag"]
    off = asks("PUT", f"{path}/state", {"state": "disabled"}, version=tag)
    assert (off.status_code, off.headers["etag"] != tag, target(issuing_service.core, name)) == (204, True, None)
    for method, place, body in (
        ("PUT", "/state", {"state": "active"}),
        ("POST", "/secret", None),
        ("DELETE", "", None),
    ):
        assert problem(asks(method, path + place, body)) == (428, "http.precondition_required")
        assert problem(asks(method, path + place, body, version=tag)) == (412, "webhook.changed")
    assert asks("GET", path).json()["state"] == "disabled"
    on = asks("PUT", f"{path}/state", {"state": "active"}, version=off.headers["etag"])
    rotated = asks("POST", f"{path}/secret", version=on.headers["etag"])
    found = target(issuing_service.core, name)
    assert found is not None
    assert (rotated.json()["secret"].startswith("whsec_"), len(found.keys)) == (True, 2)
    assert asks("DELETE", path, version=rotated.headers["etag"]).status_code == 204
    assert problem(asks("GET", path)) == (404, "webhook.none")


def test_ones_own_alone_and_by_people_alone(issuing_service: ServiceUnderTest) -> None:
    """Another's webhook is 404 like none, to read and to change; a program sees them and changes none."""
    mine = _person(issuing_service)
    path = f"/v1/webhooks/{mine('POST', '/v1/webhooks', _URL).json()['webhook_id']}"
    boss = make(issuing_service, "employer", "boss", organisation_id=organisation(issuing_service, "employer", 1))
    stranger = by_session(mine.app, boss.enter())
    for method, place in (("GET", ""), ("POST", "/secret"), ("DELETE", "")):
        for there in (path, f"/v1/webhooks/{'0' * 32}"):
            assert problem(stranger(method, there + place, version='"1"')) == (404, "webhook.none")
    program = by_token(mine.app, make_token(issuing_service.core, boss.who(), "x", ["notice.own"], 7).text)
    assert program("GET", "/v1/webhooks").json() == []
    assert problem(program("POST", "/v1/webhooks", _URL)) == (403, "access.people_only")
