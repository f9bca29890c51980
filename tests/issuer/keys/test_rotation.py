"""Keys change while cards are issued: on both databases."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from icard_crypto.signing.algorithms import ED25519
from issuer import cards
from issuer.acts import Actor
from issuer.cards import IssuedCard, NewCard, codes
from issuer.core import Core
from issuer.keys import states as key_states
from issuer.keys.states import active_key, all_keys
from tests.issuer.cards.test_cards import read_codes
from tests.kit.issuing_kills import check_chain
from tests.kit.issuing_service import new_core, new_key, person, unlisted


@pytest.fixture
def core(tmp_path: Path, database_url: str) -> Core:
    return new_core(tmp_path, database_url)


class Load:
    """Threads that issue until they are told to stop."""

    def __init__(self, core: Core, threads: int = 3) -> None:
        self.issued: list[IssuedCard] = []
        self.faults: list[BaseException] = []
        self._stop = threading.Event()
        self._core = core
        self._threads = [threading.Thread(target=self._work, args=(place,)) for place in range(threads)]

    def _work(self, place: int) -> None:
        number = place * 1000
        while not self._stop.is_set():
            number += 1
            try:
                self.issued += cards.issue(self._core, [NewCard(person(number))], Actor(f"thread:{place}"))
            except BaseException as fault:
                self.faults.append(fault)
                return

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def more(self, cards_: int) -> None:
        """Wait until that many further cards were issued."""
        target = len(self.issued) + cards_
        deadline = time.monotonic() + 60
        while len(self.issued) < target and not self.faults and time.monotonic() < deadline:
            time.sleep(0.01)


@pytest.mark.slow
def test_rotation_under_load(core: Core) -> None:
    """Three rotations while three threads issue: no failure, no code that does not verify, every key was used."""
    with Load(core) as load:
        for _ in range(3):
            load.more(5)
            new_key(core, "card")
        load.more(5)
    assert load.faults == []
    texts = [code.text for card in load.issued for code in card.codes]
    assert len(texts) == 3 * len(load.issued)
    assert set(read_codes(core, texts)) == {"VALID"}
    states = [key.state for key in core.database.read(all_keys) if key.usage == "card"]
    assert sorted(states) == ["active", "retired", "retired", "retired"]
    check_chain(core)


@pytest.mark.slow
def test_a_stolen_key_under_load(core: Core) -> None:
    """The next key waits, published; the stolen one is revoked and the next activated while threads issue.

    Nobody is refused meanwhile, and nothing signed by the stolen key is handed out afterwards.
    """
    old = core.database.read(lambda session: active_key(session, "card"))
    assert old is not None
    new = key_states.generate(core, "card", ED25519, "host:a").thumbprint
    key_states.publish(core, new, "host:a")
    with Load(core) as load:
        load.more(5)
        key_states.activate(core, new, "host:a", unlisted, emergency=True, reason="stolen")
        key_states.revoke(core, old.thumbprint, "host:a", kind="compromised", reason="stolen")
        revoked = len(load.issued)
        load.more(8)
    assert load.faults == []
    later = [code.text for card in load.issued[revoked + 3 :] for code in card.codes]
    assert later
    assert set(read_codes(core, later)) == {"VALID"}
    assert codes.recover(core) == 0
    check_chain(core)
