"""Keys, publication and trust list over HTTP: views for those who watch the service."""

from __future__ import annotations

from pathlib import Path

import pytest

from icard_crypto.signing.algorithms import ES256
from issuer import cards
from issuer.cards import NewCard
from issuer.keys import states
from issuer.publication.publish import publish
from issuer.service.app import make_app
from tests.kit.callers import by_session, problem
from tests.kit.issuing_service import FakeClock, person
from tests.kit.people import CHEAP, HOST, ServiceUnderTest, make, new_service_under_test
from tests.kit.signed_domain import published_core
from verifier.runtime import http

pytestmark = pytest.mark.slow

_PATHS = ("/v1/keys", "/v1/publication", "/v1/status-lists", "/v1/trust-list")


def test_what_is_published_and_by_which_keys(database_url: str, tmp_path: Path) -> None:
    """Keys with state and times, lists with what was given of them, ages, and the trust list with these keys; nothing
    that is private; for auditors and administrators alone."""
    clock = FakeClock()
    core = published_core(tmp_path, database_url, clock, **CHEAP)
    issuing_service = ServiceUnderTest(core, clock)
    app = make_app(core, http.Drain())
    asks = by_session(app, make(issuing_service, "auditor", "shen.ji").enter())
    none_yet = asks("GET", "/v1/publication").json()
    assert (none_yet["age"], none_yet["timestamp_at"], none_yet["behind"]) == (None, None, 2)
    publish(core)
    issuing_service.later(60)
    (issued,) = cards.issue(core, [NewCard(person(1))], HOST)
    cards.suspend(core, issued.card_id, HOST)
    keys = asks("GET", "/v1/keys").json()
    assert {(key["usage"], key["state"], key["emergency"]) for key in keys} == {
        (usage, "active", True) for usage in ("card", "status", "timestamp")
    }
    assert all(key["thumbprint"].startswith(key["kid"]) for key in keys)
    published = asks("GET", "/v1/publication").json()
    assert (published["lists"], published["behind"]) == ({"open": 1, "standby": 1}, 1)
    assert 60 <= published["age"] < 300
    first = asks("GET", "/v1/status-lists?limit=1").json()
    rest = asks("GET", f"/v1/status-lists?limit=1&cursor={first['next']}").json()
    lists = {one["state"]: one for one in (*first["items"], *rest["items"])}
    assert [(lists[name]["used"], lists[name]["behind"]) for name in ("open", "standby")] == [(3, True), (0, False)]
    assert rest["next"] is None
    trust = asks("GET", "/v1/trust-list").json()
    assert (trust["version"], trust["environment"], trust["threshold"], len(trust["roots"])) == (1, "test", 2, 3)
    assert {(key["thumbprint"], key["known"]) for key in trust["keys"]} == {
        (key["thumbprint"], True) for key in keys if key["usage"] != "timestamp"
    }
    assert trust["timestamp_keys"] == [key["thumbprint"] for key in keys if key["usage"] == "timestamp"]
    admin = by_session(app, make(issuing_service, "administrator", "zhang").enter())
    assert [admin("GET", path).status_code for path in _PATHS] == [200] * 4
    officer = by_session(app, make(issuing_service, "permit_officer", "li.wei").enter())
    assert {problem(officer("GET", path)) for path in _PATHS} == {(403, "access.not_allowed")}
    core.close()


def test_a_service_without_trust_list_and_with_a_draft(database_url: str, tmp_path: Path) -> None:
    """No trust list is 404; a draft has no times, a published key says when it may become active."""
    issuing_service = new_service_under_test(tmp_path, database_url)
    asks = by_session(make_app(issuing_service.core, http.Drain()), make(issuing_service, "auditor", "shen.ji").enter())
    assert problem(asks("GET", "/v1/trust-list")) == (404, "http.not_found")
    name = states.generate(issuing_service.core, "card", ES256, "host:test").thumbprint
    (draft,) = asks("GET", "/v1/keys").json()
    assert [draft[name] for name in ("state", "algorithm", "published_at", "due_at")] == ["draft", "ES256", None, None]
    states.publish(issuing_service.core, name, "host:test")
    (key,) = asks("GET", "/v1/keys").json()
    assert (key["state"], key["due_at"] - key["published_at"]) == ("published", states.WAITING_TIME)
    issuing_service.core.close()
