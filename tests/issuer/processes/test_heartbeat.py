"""Heartbeats: who runs, which keys each holds, and what an activation makes of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from icard_crypto.errors import KeyFault
from icard_crypto.signing.algorithms import ED25519
from issuer import cards
from issuer.acts import Actor
from issuer.cards import NewCard
from issuer.core import Core
from issuer.keys import states
from issuer.keys.keystore import Keystore
from issuer.keys.signer import KeystoreSigner
from issuer.keys.states import active_key
from issuer.processes.heartbeat import MISSING, Heartbeat, Process, living
from issuer.published import activation
from issuer.published.trust_lists import import_trust_lists
from issuer.service.app import make_app
from tests.kit.http_clients import ask
from tests.kit.issuing_api import headers_of, new_service, wanted_card
from tests.kit.issuing_service import FakeClock, person
from tests.kit.people import make
from tests.kit.signed_domain import published_core, trust_list
from verifier.runtime import http

BY = Actor("host:Li Na", "a test", break_glass=True)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def core(tmp_path: Path, database_url: str, clock: FakeClock) -> Iterator[Core]:
    made = published_core(tmp_path, database_url, clock)
    yield made
    made.close()


def other_server(core: Core, folder: Path) -> Core:
    """Another server of the same database, with a keystore of its own that has the keys of now."""
    shutil.copytree(core.keystore.folder, folder / "other")
    keystore = Keystore(folder / "other")
    return replace(core, keystore=keystore, signer=KeystoreSigner(keystore, core.passphrase))


def seen(core: Core) -> list[Process]:
    return core.database.read(lambda session: living(session, core.clock.now(session)))


def test_a_process_is_seen_for_a_minute_and_until_it_ends(core: Core, clock: FakeClock) -> None:
    """One row each; a process that was killed counts as gone a minute later, one that ends at once."""
    one, two = Heartbeat(core, "server"), Heartbeat(core, "worker")
    one.beat()
    two.beat()
    assert [process.kind for process in seen(core)] == ["server", "worker"]
    clock.at += MISSING
    two.beat()
    assert [process.kind for process in seen(core)] == ["server", "worker"]
    clock.at += 1
    assert [process.kind for process in seen(core)] == ["worker"]
    two.forget()
    assert seen(core) == []


def test_it_says_which_keys_it_can_sign_with(core: Core, tmp_path: Path) -> None:
    """All three here; under another passphrase none, and none is opened again at the next beat."""
    beat = Heartbeat(core, "server")
    beat.beat()
    (process,) = seen(core)
    assert len(process.holds) == 3
    wrong = replace(core, signer=KeystoreSigner(core.keystore, lambda: b"another"))
    beat = Heartbeat(wrong, "server", name=beat.name)
    beat.beat()
    assert seen(core)[0].holds == frozenset()
    assert len(beat._refused) == 3
    opened: list[object] = []
    wrong.signer.sign = lambda *asked: opened.append(asked) or []  # type: ignore[method-assign, func-returns-value]
    beat.beat()
    assert opened == []


def test_a_key_that_one_server_lacks_is_not_activated(core: Core, tmp_path: Path) -> None:
    """It is named; once the file is there, or where it is left behind by name of the option, the key becomes active."""
    second = other_server(core, tmp_path)
    new = states.generate(core, "card", ED25519, "host:test").thumbprint
    states.publish(core, new, "host:test")
    import_trust_lists(core, [trust_list(core, 2)], "host:test")
    beat = Heartbeat(second, "server")
    beat.beat()
    with pytest.raises(KeyFault) as caught:
        activation.activate(core, new, BY, emergency=True)
    assert (caught.value.code, bool(caught.value.found)) == ("keystore.not_everywhere", True)
    shutil.copy(core.keystore.folder / f"{new}.json", second.keystore.folder)
    beat.beat()
    assert activation.activate(core, new, BY, emergency=True).state == "active"


def test_a_server_without_the_key_begins_nothing(core: Core, tmp_path: Path) -> None:
    """Left behind, it says so before a card is written: asked again elsewhere, the same card is issued."""
    second = other_server(core, tmp_path)
    new = states.generate(core, "card", ED25519, "host:test").thumbprint
    states.publish(core, new, "host:test")
    import_trust_lists(core, [trust_list(core, 2)], "host:test")
    Heartbeat(second, "server").beat()
    activation.activate(core, new, BY, emergency=True, leave_behind=True)
    with pytest.raises(KeyFault) as caught:
        cards.issue(second, [NewCard(person(1))], BY)
    assert caught.value.code == "keystore.not_in_keystore"
    (issued,) = cards.issue(core, [NewCard(person(1))], BY)
    assert len(issued.codes) == 3
    row = core.database.read(lambda session: active_key(session, "card"))
    assert row is not None
    assert row.thumbprint == new


def test_a_server_without_the_key_answers_503(tmp_path: Path, database_url: str) -> None:
    """With the code of the key, and never 500; the server that has the key answers the same request."""
    issuing_service = new_service(tmp_path, database_url)
    officer = headers_of(make(issuing_service, "permit_officer", "officer").enter())
    second = other_server(issuing_service.core, tmp_path)
    new = states.generate(issuing_service.core, "card", ED25519, "host:test").thumbprint
    states.publish(issuing_service.core, new, "host:test")
    import_trust_lists(issuing_service.core, [trust_list(issuing_service.core, 2)], "host:test")
    activation.activate(issuing_service.core, new, BY, emergency=True, leave_behind=True)

    def issue(core: Core) -> httpx.Response:
        headers = {**officer, "Idempotency-Key": "the-first-request"}
        return ask(make_app(core, http.Drain()), "POST", "/v1/cards", headers=headers, json=wanted_card(1))

    without = issue(second)
    assert (without.status_code, without.json()["code"]) == (503, "keystore.not_in_keystore")
    ready = ask(make_app(second, http.Drain()), "GET", "/readyz")
    assert (ready.status_code, ready.json()["parts"]["signer"]) == (503, "keystore.not_in_keystore")
    assert issue(issuing_service.core).status_code == 201
    issuing_service.core.close()
