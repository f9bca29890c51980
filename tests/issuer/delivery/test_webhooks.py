"""Notices by webhook against a real HTTPS server that misbehaves, and Standard Webhooks' own verifier."""

from __future__ import annotations

import json
import threading
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from sqlalchemy import update
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from icard_crypto.errors import StateError
from issuer.accounts.models import Account
from issuer.core import Core
from issuer.delivery import queue, webhooks
from issuer.delivery.courier import Courier
from issuer.delivery.posting import WebhookChannel
from issuer.delivery.queue import Letter
from issuer.notices.inbox import inbox
from issuer.notices.models import Outbox
from issuer.notices.models import Webhook as WebhookRow
from issuer.vault.at_rest import Place
from tests.kit.notified_service import add_account, card_of, outbox, tell
from tests.kit.origin import Authority, Origin

LOOPBACK = ("127.0.0.1/32",)
NAME = "hr.example"


@pytest.fixture
def receiver(authority: Authority) -> Iterator[Origin]:
    with Origin(authority.server_context(NAME), files={"/icard": b"thank you"}) as origin:
        yield origin


@pytest.fixture
def issuing_service(issuing_service: Core, authority: Authority) -> Core:
    """A service that trusts the test's authority, and may post to this machine; without a mail server."""
    for name, value in (("webhook_networks", LOOPBACK), ("webhook_ca_file", authority.ca_file), ("smtp_host", "")):
        object.__setattr__(issuing_service.settings, name, value)
    return issuing_service


def url_of(receiver: Origin, path: str = "/icard") -> str:
    return f"https://{NAME}:{receiver.port}{path}"


def deliver(core: Core, *, each: float = 10.0, addresses: tuple[str, ...] = ("127.0.0.1",)) -> dict[str, int]:
    """One turn of a webhook lane; how many letters came to which end."""
    channel = WebhookChannel(core, each=each, seconds=2 * each, resolver=lambda host, port: list(addresses))
    courier = Courier(core, [channel], lambda *_: None)
    return dict(courier.turn(channel, threading.Event()))


def due_now(core: Core) -> None:
    core.database.transact(
        lambda session: session.execute(update(Outbox).where(Outbox.state == "waiting").values(due_at=1))
    )


def with_webhook(core: Core, receiver: Origin, path: str = "/icard") -> tuple[Account, webhooks.NewSecret]:
    """An account with a webhook there."""
    account = add_account(core, "employer")
    return account, webhooks.add(core, account.id, url_of(receiver, path), "account:1")


def test_a_receiver_can_check_it(issuing_service: Core, receiver: Origin) -> None:
    """Standard Webhooks' own verifier accepts id, timestamp and signature, and refuses a changed body and another
    secret; the payload has the kind, the time and ids alone; repeated, the id is the same."""
    account, made = with_webhook(issuing_service, receiver)
    card = card_of(issuing_service, 1)
    tell(issuing_service, account, "card.suspended", {"card": card})
    assert deliver(issuing_service) == {"sent": 1}
    ((path, headers, body),) = receiver.posted
    assert path == "/icard"
    payload = Verifier(made.secret).verify(body, headers)
    (notice,) = inbox(issuing_service, account.id)
    assert set(payload) == {"type", "timestamp", "data"}
    assert (payload["type"], payload["data"]) == ("card.suspended", {"notice": notice.id, "card": card})
    assert headers["content-type"] == "application/json"
    assert headers["webhook-id"] == notice.id
    for secret, content in ((made.secret, body.replace(b"suspended", b"resumed")), (other_secret(), body)):
        with pytest.raises(WebhookVerificationError):
            Verifier(secret).verify(content, headers)
    issuing_service.database.transact(lambda session: session.execute(update(Outbox).values(state="waiting", due_at=1)))
    assert deliver(issuing_service) == {"sent": 1}
    assert receiver.posted[1][1]["webhook-id"] == notice.id
    assert receiver.posted[1][2] == body


def other_secret() -> str:
    return webhooks._new_secret()


def test_two_secrets_sign_while_they_rotate(
    issuing_service: Core, receiver: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old and the new secret each verify what is sent on the day of the change; afterwards the new one alone."""
    account, old = with_webhook(issuing_service, receiver)
    new = webhooks.rotate(issuing_service, account.id, old.webhook, "account:1")
    assert new.secret != old.secret
    (view,) = webhooks.listed(issuing_service, account.id)
    assert view.rotating_until is not None
    tell(issuing_service, account, "card.suspended", {"card": "c1"})
    assert deliver(issuing_service) == {"sent": 1}
    _, headers, body = receiver.posted[-1]
    assert len(headers["webhook-signature"].split(" ")) == 2
    Verifier(old.secret).verify(body, headers)
    Verifier(new.secret).verify(body, headers)
    monkeypatch.setattr(webhooks, "OVERLAP", -1)
    newest = webhooks.rotate(issuing_service, account.id, old.webhook, "account:1")
    tell(issuing_service, account, "card.resumed", {"card": "c1"})
    assert deliver(issuing_service) == {"sent": 1}
    _, headers, body = receiver.posted[-1]
    Verifier(newest.secret).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Verifier(new.secret).verify(body, headers)


@pytest.mark.parametrize(
    ("misdeed", "fault", "answer"),
    [
        ("status 500", "webhook.status", 500),
        ("status 404", "webhook.status", 404),
        ("redirect https://10.0.0.1/inside", "webhook.redirect", 302),
        ("redirect /elsewhere", "webhook.redirect", 302),
        ("silent", "webhook.deadline", None),
        ("drip-head", "webhook.deadline", None),
    ],
)
def test_a_receiver_that_fails_is_tried_again(
    issuing_service: Core, receiver: Origin, misdeed: str, fault: str, answer: int | None
) -> None:
    """An error, a redirect (to a private address or any other: none is followed), silence and a dripping head each
    leave the letter waiting with its code; when the receiver is well, it arrives."""
    account, _ = with_webhook(issuing_service, receiver)
    tell(issuing_service, account, "card.suspended", {"card": "c1"})
    receiver.misdeeds["/icard"] = misdeed
    assert deliver(issuing_service, each=0.7) == {fault: 1}
    (row,) = outbox(issuing_service)
    assert (row.state, row.last_fault, row.last_answer, row.attempts) == ("waiting", fault, answer, 1)
    assert {path for path, _, _ in receiver.posted} == {"/icard"}
    (seen,) = webhooks.listed(issuing_service, account.id)
    assert (seen.state, seen.fault, seen.answer, seen.waiting) == ("active", fault, answer, 1)
    receiver.misdeeds.clear()
    assert deliver(issuing_service) == {}
    due_now(issuing_service)
    assert deliver(issuing_service) == {"sent": 1}
    (seen,) = webhooks.listed(issuing_service, account.id)
    assert (seen.fault, seen.answer, seen.waiting) == (None, None, 0)


@pytest.mark.parametrize("misdeed", ["endless", "vast", "drip"])
def test_an_answer_is_not_read_beyond_its_status(issuing_service: Core, receiver: Origin, misdeed: str) -> None:
    """A receiver that says 200 and then talks without end has taken the notice; nothing of the rest is kept."""
    account, _ = with_webhook(issuing_service, receiver)
    tell(issuing_service, account, "card.suspended", {"card": "c1"})
    receiver.misdeeds["/icard"] = misdeed
    tracemalloc.start()
    assert deliver(issuing_service) == {"sent": 1}
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 8_000_000


INSIDE = [
    ("10.0.0.1",),
    ("192.168.1.1",),
    ("169.254.169.254",),
    ("::1",),
    ("fe80::1",),
    ("::ffff:10.0.0.1",),
    ("127.0.0.2",),
    ("127.0.0.1", "10.0.0.1"),
]


def test_a_name_that_leads_inside_is_not_connected_to(issuing_service: Core, receiver: Origin) -> None:
    """Private, loopback and link-local addresses, also one among others, unless that network was allowed by name: the
    letter waits, nothing was connected to."""
    account, _ = with_webhook(issuing_service, receiver)
    tell(issuing_service, account, "card.suspended", {"card": "c1"})
    for addresses in INSIDE:
        due_now(issuing_service)
        assert deliver(issuing_service, addresses=addresses) == {"webhook.address": 1}, addresses
        assert outbox(issuing_service)[0].last_fault == "webhook.address"
    assert receiver.connections == 0
    # The account is not told what a name leads to inside.
    assert webhooks.listed(issuing_service, account.id)[0].fault == "webhook.connection"


def test_without_permission_this_machine_is_not_connected_to(issuing_service: Core, receiver: Origin) -> None:
    """Loopback is a private network like any other, as a name and as a number in the address."""
    object.__setattr__(issuing_service.settings, "webhook_networks", ())
    account = add_account(issuing_service, "employer")
    for url in (url_of(receiver), f"https://127.0.0.1:{receiver.port}/icard"):
        made = webhooks.add(issuing_service, account.id, url, "account:1")
        tell(issuing_service, account, "card.suspended", {"card": "c1"})
        assert deliver(issuing_service) == {"webhook.address": 1}
        webhooks.remove(issuing_service, account.id, made.webhook, "account:1")
    assert receiver.connections == 0


def test_a_name_is_looked_up_once(issuing_service: Core, receiver: Origin) -> None:
    """What was looked at is what is connected to: a name server that answers otherwise the second time is not asked."""
    account, _ = with_webhook(issuing_service, receiver)
    for number in range(3):
        tell(issuing_service, account, "card.suspended", {"card": f"c{number}"})
    asked: list[str] = []

    def resolver(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    channel = WebhookChannel(issuing_service, resolver=resolver)
    assert dict(Courier(issuing_service, [channel], lambda *_: None).turn(channel, threading.Event())) == {"sent": 3}
    assert asked == [NAME]


def test_a_certificate_of_another_name_is_refused(
    issuing_service: Core, receiver: Origin, authority: Authority
) -> None:
    """The right address with the wrong certificate gets nothing."""
    account, _ = with_webhook(issuing_service, receiver)
    tell(issuing_service, account, "card.suspended", {"card": "c1"})
    receiver.context = authority.server_context("other.example")
    assert deliver(issuing_service) == {"webhook.connection": 1}
    assert receiver.posted == []


def test_gone_switches_it_off(issuing_service: Core, receiver: Origin) -> None:
    """410: the webhook is off, what waited is dropped, the account is told in its inbox; nothing more is written for it
    until it is switched on again."""
    account, made = with_webhook(issuing_service, receiver)
    for number in range(3):
        tell(issuing_service, account, "card.suspended", {"card": f"c{number}"})
    receiver.misdeeds["/icard"] = "status 410"
    assert deliver(issuing_service) == {}
    assert len(receiver.posted) == 1
    (view,) = webhooks.listed(issuing_service, account.id)
    assert (view.state, view.fault) == ("disabled", "webhook.gone")
    assert {(row.state, row.last_fault) for row in outbox(issuing_service)} == {("dropped", "webhook.gone")}
    assert [notice.kind for notice in inbox(issuing_service, account.id)].count("webhook.disabled") == 1
    tell(issuing_service, account, "card.resumed", {"card": "c1"})
    assert len(outbox(issuing_service)) == 3
    webhooks.enable(issuing_service, account.id, made.webhook, "account:1")
    receiver.misdeeds.clear()
    tell(issuing_service, account, "card.resumed", {"card": "c1"})
    assert deliver(issuing_service) == {"sent": 1}


def test_a_slow_receiver_holds_one_lane(issuing_service: Core, receiver: Origin, authority: Authority) -> None:
    """While one webhook hangs, a second lane takes another's letters, never the same one's."""
    slow, _ = with_webhook(issuing_service, receiver, "/slow")
    fast, _ = with_webhook(issuing_service, receiver)
    for number in range(12):
        tell(issuing_service, slow, "card.suspended", {"card": f"c{number}"})
    tell(issuing_service, fast, "card.suspended", {"card": "c1"})
    receiver.misdeeds["/slow"] = "silent"
    channel = WebhookChannel(issuing_service, each=3.0, seconds=6.0, resolver=lambda host, port: ["127.0.0.1"])
    courier = Courier(issuing_service, [channel], lambda *_: None)
    lane = threading.Thread(target=courier.turn, args=(channel, threading.Event()))
    lane.start()
    while not receiver.posted:
        lane.join(0.05)
        assert lane.is_alive()
    assert dict(courier.turn(channel, threading.Event())) == {"sent": 1}
    assert dict(courier.turn(channel, threading.Event())) == {}
    assert lane.is_alive()
    lane.join(60)
    assert sorted(
        {(row.attempts, row.last_fault) for row in outbox(issuing_service) if row.state == "waiting"}, key=str
    ) == [
        (0, None),
        (1, "webhook.deadline"),
    ]


class Silent:
    """A channel to webhooks of which only one answers."""

    name = "webhook"
    most = 10
    seconds = 20.0

    def __init__(self, answers: str) -> None:
        self.answers = answers
        self.tried: list[str | None] = []

    def deliver(
        self, letters: Sequence[Letter], stop: threading.Event, tell: Callable[[Letter, queue.Outcome], None]
    ) -> None:
        self.tried.append(letters[0].webhook)
        for letter in letters:
            good = letter.webhook == self.answers
            tell(letter, queue.sent() if good else queue.later("webhook.connection"))


def test_silent_webhooks_rest_and_keep_nobody_waiting(issuing_service: Core) -> None:
    """Five of one employer with thirty letters each: each is tried once, then rests with all its letters, and the next
    employer's are sent.
    """
    slow, other = add_account(issuing_service, "employer"), add_account(issuing_service, "employer")
    silent = {
        webhooks.add(issuing_service, slow.id, f"https://hooks.example/{n}", "account:1").webhook for n in range(5)
    }
    for number in range(30):
        tell(issuing_service, slow, "card.suspended", {"card": f"card{number}"})
    good = webhooks.add(issuing_service, other.id, "https://hooks.example/good", "account:1").webhook
    tell(issuing_service, other, "card.suspended", {"card": "card"})
    channel = Silent(good)
    courier = Courier(issuing_service, [channel], lambda *_: None)
    found = [dict(courier.turn(channel, threading.Event())) for _ in range(8)]
    assert set(channel.tried) == {*silent, good}
    assert len(channel.tried) == 6
    assert found[6:] == [{}, {}]


def test_switching_off_drops_what_waits(issuing_service: Core, receiver: Origin) -> None:
    """The account's own doing: what waits is dropped, also what is in a lane's hands."""
    account, made = with_webhook(issuing_service, receiver)
    tell(issuing_service, account, "card.suspended", {"card": "c1"})
    webhooks.switch_off(issuing_service, account.id, made.webhook, "account:1")
    assert [(row.state, row.last_fault) for row in outbox(issuing_service)] == [("dropped", "webhook.disabled")]
    issuing_service.database.transact(lambda session: session.execute(update(Outbox).values(state="waiting", due_at=1)))
    assert deliver(issuing_service) == {"webhook.disabled": 1}
    assert receiver.posted == []


def test_an_account_has_few_webhooks_and_its_own_alone(issuing_service: Core, receiver: Origin) -> None:
    """A sixth is refused; another account's can neither be seen, rotated, switched nor removed."""
    account, made = with_webhook(issuing_service, receiver)
    for _ in range(webhooks.MOST - 1):
        webhooks.add(issuing_service, account.id, url_of(receiver), "account:1")
    with pytest.raises(StateError) as caught:
        webhooks.add(issuing_service, account.id, url_of(receiver), "account:1")
    assert (caught.value.code, len(webhooks.listed(issuing_service, account.id))) == ("webhook.too_many", webhooks.MOST)
    stranger = add_account(issuing_service, "employer")
    for act in (webhooks.rotate, webhooks.enable, webhooks.switch_off, webhooks.remove):
        with pytest.raises(StateError) as caught:
            act(issuing_service, stranger.id, made.webhook, "account:2")
        assert caught.value.code == "webhook.none"
    assert webhooks.listed(issuing_service, stranger.id) == []


REFUSED_URLS = [
    "http://hr.example/",
    "https://user@hr.example/",
    "https://user:secret@hr.example/",
    "https://hr.example/#part",
    "https:///icard",
    "ftp://hr.example/",
    "https://hr.example/a b",
    "https://hr.example\\@10.0.0.1/",
    "https://hr.example:0/",
    "https://hr.example:99999/",
    "https://[::1/",
    "https://例子.example/",
    "https://hr.example/" + "a" * 500,
    "",
]


def test_addresses_that_are_refused(issuing_service: Core) -> None:
    """Clear text, credentials, fragments and what is no address: refused when the webhook is made, and not shown."""
    account = add_account(issuing_service, "employer")
    for url in REFUSED_URLS:
        with pytest.raises(StateError) as caught:
            webhooks.add(issuing_service, account.id, url, "account:1")
        assert (caught.value.code, caught.value.found) == ("webhook.url", None), url
    assert webhooks.listed(issuing_service, account.id) == []


def test_a_broken_certificate_file_shows_at_start(issuing_service: Core) -> None:
    """Before anything depends on it, and by the name of its setting."""
    object.__setattr__(issuing_service.settings, "webhook_ca_file", "/nowhere.pem")
    with pytest.raises(StateError) as caught:
        WebhookChannel(issuing_service)
    assert (caught.value.code, caught.value.path) == ("settings.value", "webhook_ca_file")


def test_secrets_show_in_no_repr(issuing_service: Core, receiver: Origin) -> None:
    """Neither a new secret nor what signs is in what a log would print."""
    account, made = with_webhook(issuing_service, receiver)
    place = webhooks.target(issuing_service, made.webhook)
    tell(issuing_service, account, "account.invited", {"account": account.id}, "one-time")
    assert place is not None
    shown: list[Any] = [made, place, webhooks.rotate(issuing_service, account.id, made.webhook, "account:1")]
    assert [each for each in shown if "whsec_" in repr(each) or NAME in repr(each)] == []
    row = issuing_service.database.read(lambda session: session.get_one(WebhookRow, made.webhook))
    assert b"whsec_" not in row.secrets
    kept = json.loads(issuing_service.at_rest.open(Place("webhooks", "secrets", made.webhook), row.secrets))
    assert kept["before"] == made.secret
