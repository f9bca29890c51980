"""Kill -9 in the midst of a request and of a confirmation: nothing is made twice, nothing is half."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from issuer import cards
from issuer.approvals import engine
from issuer.approvals.models import Confirmation
from issuer.audit.models import AuditRow
from issuer.cards import NewCard
from issuer.cards.models import CardRow
from tests.kit.http_clients import PATIENCE
from tests.kit.issuing_api import headers_of, new_service, wanted_card
from tests.kit.issuing_kills import check, check_chain
from tests.kit.issuing_service import person
from tests.kit.mortal_process import CONFIRMING, ISSUING, Child, Host
from tests.kit.people import HOST, ServiceUnderTest, make

pytestmark = pytest.mark.slow
Record = Callable[[str, object], None]


@pytest.fixture
def issuing_service(tmp_path: Path, database_url: str) -> Iterator[ServiceUnderTest]:
    """A service with all its keys."""
    made = new_service(tmp_path, database_url)
    yield made
    made.core.close()


def card_ids(issuing_service: ServiceUnderTest) -> set[str]:
    """The cards that there are."""
    return set(issuing_service.core.database.read(lambda session: session.scalars(select(CardRow.id)).all()))


def post(server: Child, number: int, headers: dict[str, str]) -> httpx.Response:
    """Ask for a card, by a key of that number."""
    key = {"Idempotency-Key": f"card-of-this-test-{number}"}
    address = f"http://127.0.0.1:{server.port}/v1/cards"
    with httpx.Client(trust_env=False, timeout=PATIENCE) as http:
        return http.post(address, json=wanted_card(number), headers={**headers, **key})


def test_a_retry_after_a_crash_gets_the_first_ones_card(
    issuing_service: ServiceUnderTest, tmp_path: Path, database_url: str
) -> None:
    """A server dies at each point between a request and its answer. The next one gives the retry the card that the
    first one made, if it had come to that, and one card alone in any case; no index is lost to a second payload."""
    headers = headers_of(make(issuing_service, "permit_officer", "li.wei").enter())
    with Host.on(tmp_path, database_url) as host:
        for number, (point, there) in enumerate(ISSUING.items(), 1):
            before = card_ids(issuing_service)
            first = host.start(serve=point)
            with pytest.raises(httpx.TransportError):
                post(first, number, headers)
            first.gone()
            made = card_ids(issuing_service) - before
            assert len(made) == there, point
            second = host.start(serve="")
            answers = [post(second, number, headers) for _ in range(2)]
            assert [answer.status_code for answer in answers] == [201, 201], (point, answers[0].text)
            assert answers[0].content == answers[1].content
            assert len(answers[0].json()["codes"]) == 3
            now = card_ids(issuing_service) - before
            assert now == {answers[0].json()["card_id"]}
            assert made <= now, point
            second.kill()
    assert check(tmp_path, database_url)["cards"] == len(ISSUING)


def kill_servers(folder: Path, url: str, headers: dict[str, str], kills: int, clients: int) -> tuple[int, int]:
    """Clients ask for card after card and try again until they are answered, while the server is killed at random
    moments; how many cards were acknowledged, and how many requests were sent for them.
    """
    chance = random.Random(kills)
    answered: dict[int, str] = {}
    sent, over = [0], threading.Event()
    with Host.on(folder, url) as host:
        current = [host.start(serve="")]

        def client(number: int) -> None:
            card = number * 10_000
            while not over.is_set():
                card += 1
                answer = None
                while answer is None or answer.status_code != 201:
                    sent[0] += 1
                    with contextlib.suppress(httpx.TransportError):
                        answer = post(current[0], card, headers)
                        assert answer.status_code in (201, 503), answer.text
                answered[card] = answer.json()["card_id"]

        threads = [threading.Thread(target=client, args=(number,)) for number in range(1, clients + 1)]
        for thread in threads:
            thread.start()
        for _ in range(kills):
            time.sleep(chance.uniform(0.05, 0.6))
            current[0].kill()
            current[0] = host.start(serve="")
        over.set()
        for thread in threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()
    assert len(set(answered.values())) == len(answered)
    return len(answered), sent[0]


@pytest.mark.soak
def test_a_hundred_crashes_make_no_card_twice(
    issuing_service: ServiceUnderTest, tmp_path: Path, database_url: str, record_property: Record
) -> None:
    """A server over HTTP is killed a hundred times at random while clients issue with keys and try again: each key has
    one card, each card one key."""
    headers = headers_of(make(issuing_service, "permit_officer", "li.wei").enter())
    answered, sent = kill_servers(tmp_path, database_url, headers, 100, 4)
    found = check(tmp_path, database_url)
    assert found["cards"] == answered
    for name, figure in {"kills": 100, "cards": answered, "requests": sent, "intents left": found["left"]}.items():
        record_property(name, f"{figure:,}")


def confirmation(issuing_service: ServiceUnderTest, request: str) -> str:
    """How a request for confirmation stands."""
    return issuing_service.core.database.read(lambda session: session.get_one(Confirmation, request).state)


def revocations(issuing_service: ServiceUnderTest) -> list[str]:
    """The acts of revoking in the audit."""
    query = select(AuditRow.action).where(AuditRow.action.like("card.revoke%")).order_by(AuditRow.seq)
    return list(issuing_service.core.database.read(lambda session: session.scalars(query).all()))


def test_a_crash_in_a_confirmation_leaves_nothing_half(
    issuing_service: ServiceUnderTest, tmp_path: Path, database_url: str
) -> None:
    """Whoever confirms dies at each point: confirmed, revoked and in the audit twice, or none of it; then another try
    does it, or finds it done."""
    issued = cards.issue(issuing_service.core, [NewCard(person(number)) for number, _ in enumerate(CONFIRMING)], HOST)
    one, two = make(issuing_service, "permit_officer", "one"), make(issuing_service, "permit_officer", "two")
    issuing_service.later()
    who, entered = one.who(), two.enter()
    with Host.on(tmp_path, database_url) as host:
        for card, (point, done) in zip(issued, CONFIRMING.items(), strict=True):
            request = engine.ask(
                issuing_service.core, who, "card.revoke", {"card_id": card.card_id}, "lost"
            ).confirmation_id
            before = revocations(issuing_service)
            host.start(confirm=point, token=entered.token, request=request).gone()
            standing = cards.show(issuing_service.core, card.card_id).status
            acts = revocations(issuing_service)[len(before) :]
            found = (confirmation(issuing_service, request), standing, acts)
            both = ["card.revoke", "card.revoke.confirmed"]
            assert found == (("done", "revoked", both) if done else ("waiting", "active", [])), point
            host.start(confirm="", token=entered.token, request=request).gone()
            assert (confirmation(issuing_service, request), revocations(issuing_service)[len(before) :]) == (
                "done",
                both,
            ), point
    assert len(list(tmp_path.glob("fault.*"))) == sum(CONFIRMING.values())
    check_chain(issuing_service.core)
