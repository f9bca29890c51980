"""Notices over HTTP: one's own inbox and preferences, and what administrators see of the outbox."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from issuer.accounts.tokens import make_token
from issuer.delivery import queue
from issuer.notices.inbox import inbox
from issuer.notices.outbox import Notice, notify
from issuer.service.app import make_app
from tests.kit.callers import by_session, by_token, problem
from tests.kit.people import ServiceUnderTest, Somebody, acts, make, new_service_under_test
from verifier.runtime import http

pytestmark = pytest.mark.slow

_MAIL: dict[str, Any] = {
    "smtp_host": "127.0.0.1",
    "smtp_port": 9,
    "smtp_security": "none",
    "mail_from": "notices@cards.example",
    "public_url": "https://service.test/",
}


@pytest.fixture
def issuing_service(tmp_path: Path, database_url: str) -> Iterator[ServiceUnderTest]:
    """A service with a mail server in its settings, where nobody listens."""
    made = new_service_under_test(tmp_path, database_url, **_MAIL)
    yield made
    made.core.close()


def _tell(issuing_service: ServiceUnderTest, who: Somebody, kind: str, card: str) -> None:
    core = issuing_service.core
    notice = Notice(kind, who.account_id, {"card": card})
    core.database.transact(lambda session: notify(core, session, core.clock.now(session), [notice]))
    issuing_service.later(1)


def test_an_inbox_in_pages_and_two_languages(issuing_service: ServiceUnderTest) -> None:
    """Newest first, page by page, unread ones alone; words in the language of the request; others' are not there, and
    marking them as read changes nothing."""
    holder, other = make(issuing_service, "holder", "mei.lin"), make(issuing_service, "holder", "mei.hua")
    for number, kind in enumerate(("card.issued", "card.suspended", "card.resumed")):
        _tell(issuing_service, holder, kind, str(number) * 32)
    _tell(issuing_service, other, "card.issued", "9" * 32)
    app = make_app(issuing_service.core, http.Drain())
    asks, stranger = by_session(app, holder.enter()), by_session(app, other.enter())
    first = asks("GET", "/v1/notices?limit=2").json()
    rest = asks("GET", f"/v1/notices?limit=2&cursor={first['next']}").json()
    found = [*first["items"], *rest["items"]]
    assert [one["kind"] for one in found] == ["card.resumed", "card.suspended", "card.issued"]
    assert (found[0]["facts"], rest["next"]) == ({"card": "2" * 32}, None)
    asks.headers["Accept-Language"] = "zh"
    assert (found[2]["subject"], asks("GET", "/v1/notices").json()["items"][2]["subject"]) == (
        "An Integrated Card was issued",
        "集成卡已签发",
    )
    names = {"notices": [one["notice_id"] for one in found[:2]]}
    assert stranger("POST", "/v1/notices/read", names).json() == {"count": 0}
    assert [asks("POST", "/v1/notices/read", names).json()["count"] for _ in range(2)] == [2, 0]
    assert asks("GET", "/v1/notices/unread").json() == {"count": 1}
    assert [one["kind"] for one in asks("GET", "/v1/notices?unread=true").json()["items"]] == ["card.issued"]
    assert problem(stranger("GET", f"/v1/notices?cursor={found[0]['notice_id']}")) == (404, "notice.none")


def test_preferences(issuing_service: ServiceUnderTest) -> None:
    """A kind is turned off and on for a channel; what is fixed is not; kinds and channels are those that there are."""
    holder = make(issuing_service, "holder", "mei.lin")
    asks = by_session(make_app(issuing_service.core, http.Drain()), holder.enter())

    def on(kind: str, channel: str) -> tuple[bool, bool]:
        every = asks("GET", "/v1/notices/preferences").json()
        (one,) = [each for each in every if (each["kind"], each["channel"]) == (kind, channel)]
        return one["on"], one["fixed"]

    assert (on("card.renewed", "email"), on("card.suspended", "email")) == ((True, False), (True, True))
    off = {"kind": "card.renewed", "channel": "email", "on": False}
    assert [asks("PUT", "/v1/notices/preferences", off).status_code for _ in range(2)] == [204, 204]
    assert (on("card.renewed", "email"), on("card.renewed", "webhook")) == ((False, False), (True, False))
    for wrong, code in (
        ({**off, "kind": "card.suspended"}, "notice.fixed"),
        ({**off, "kind": "card.unknown"}, "notice.kind"),
        ({**off, "kind": "card.looked_up", "channel": "webhook"}, "notice.channel"),
        ({**off, "channel": "post"}, "http.invalid"),
    ):
        assert problem(asks("PUT", "/v1/notices/preferences", wrong)) == (422, code)


def test_dead_letters_are_seen_and_sent_again(issuing_service: ServiceUnderTest) -> None:
    """An administrator sees what waits and what died, without contents, and sends a dead letter again or drops it, with
    a reason that is audited; another state is 409. Nobody else sees the outbox."""
    holder, admin = make(issuing_service, "holder", "mei.lin"), make(issuing_service, "administrator", "zhang")
    for kind in ("card.issued", "card.suspended"):
        _tell(issuing_service, holder, kind, "1" * 32)
    for letter in queue.take(issuing_service.core, "email", 1, 60):
        queue.record(issuing_service.core, letter, queue.refused("mail.refused", 550))
    app = make_app(issuing_service.core, http.Drain())
    asks = by_session(app, admin.enter())
    first = asks("GET", "/v1/outbox?limit=1&channel=email").json()
    rest = asks("GET", f"/v1/outbox?limit=1&channel=email&cursor={first['next']}").json()
    letters = [*first["items"], *rest["items"]]
    assert ([(one["kind"], one["state"], one["answer"]) for one in letters], rest["next"]) == (
        [("card.issued", "dead", 550), ("card.suspended", "waiting", None)],
        None,
    )
    assert "1" * 32 not in str(letters)
    dead, waits = (f"/v1/outbox/{one['id']}" for one in letters)
    figures = asks("GET", "/v1/outbox/figures").json()["email"]
    assert (figures["waiting"], figures["dead"], figures["oldest"] > 0) == (1, 1, True)
    why = {"reason": "the mail server is back"}
    assert asks("POST", f"{dead}/retry", why).status_code == 204
    assert asks("GET", dead).json()["state"] == "waiting"
    assert problem(asks("POST", f"{waits}/retry", why)) == (409, "notice.state")
    assert asks("POST", f"{waits}/drop", why).status_code == 204
    assert [one["state"] for one in asks("GET", "/v1/outbox?state=dropped").json()["items"]] == ["dropped"]
    assert problem(asks("POST", f"{dead}/retry")) == (422, "http.invalid")
    assert problem(asks("POST", f"/v1/outbox/{'0' * 32}/retry", why)) == (404, "notice.none")
    assert {"notice.retry", "notice.drop"} <= {action for action, _, _ in acts(issuing_service.core)}
    for path in ("/v1/outbox", "/v1/outbox/figures", dead):
        assert problem(by_session(app, holder.enter())("GET", path)) == (403, "access.not_allowed")


def test_a_program_reads_the_inbox_of_its_account(issuing_service: ServiceUnderTest) -> None:
    """A token with the scope reads notices, one without it does not."""
    officer = make(issuing_service, "permit_officer", "li.wei")
    _tell(issuing_service, officer, "card.issued", "1" * 32)
    app = make_app(issuing_service.core, http.Drain())
    texts = [
        make_token(issuing_service.core, officer.who(), "x", [scope], 7).text for scope in ("notice.own", "card.find")
    ]
    assert len(by_token(app, texts[0])("GET", "/v1/notices").json()["items"]) == len(
        inbox(issuing_service.core, officer.account_id)
    )
    assert problem(by_token(app, texts[1])("GET", "/v1/notices")) == (403, "access.scope")
