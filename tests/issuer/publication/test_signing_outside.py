"""Nothing is signed within a transaction: while the signer works others write, and what came between is honoured."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from icard_crypto.lists import tree
from icard_crypto.signing.keys import Thumbprint
from issuer import cards
from issuer.acts import Actor
from issuer.cards import NewCard
from issuer.core import Core
from issuer.keys import states
from issuer.keys.signer import CheckpointMessage, Message, Signer, StatusMessage, TimestampMessage
from issuer.keys.states import active_key
from issuer.publication import checkpoints
from issuer.publication.publish import publish
from issuer.published import artefacts
from issuer.published.trust_lists import import_trust_lists
from tests.kit.issuing_service import FakeClock, new_key, person
from tests.kit.signed_domain import bundle_domain, file_of, published_core, step, trust_list, verdicts, versions

BY = Actor("officer:1", "a test")
#: Seconds for which the signer holds out for the others: a busy machine is no failure, a lock is one all the same.
PATIENCE = 30


@dataclass
class Meanwhile:
    """A signer that, once, does something else before it answers for messages of one kind."""

    signer: Signer
    kind: type[Any]
    act: Callable[[], None] | None

    def sign(self, key: Thumbprint, messages: Sequence[Message]) -> list[bytes]:
        signed = self.signer.sign(key, messages)
        if self.act is not None and any(isinstance(message, self.kind) for message in messages):
            act, self.act = self.act, None
            act()
        return signed

    def require(self, key: Thumbprint) -> None:
        self.signer.require(key)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def core(tmp_path: Path, database_url: str, clock: FakeClock) -> Core:
    made = published_core(tmp_path, database_url, clock)
    step(made, clock)
    clock.at += 2
    return made


def meanwhile(core: Core, kind: type[Any], act: Callable[[], None]) -> Core:
    """The service with a signer during whose work for that kind something else is done."""
    return replace(core, signer=Meanwhile(core.signer, kind, act))


def active(core: Core, usage: Any) -> str:
    row = core.database.read(lambda session: active_key(session, usage))
    assert row is not None
    return row.thumbprint


@pytest.mark.parametrize("kind", [StatusMessage, TimestampMessage, CheckpointMessage])
def test_no_other_writer_waits_for_the_signer(core: Core, tmp_path: Path, kind: type[Any]) -> None:
    """However long a signature takes: it is given only once clerks have issued, suspended and revoked cards, and
    another has imported a trust list, all of which need the database's locks."""
    done: list[str] = []

    def clerk(number: int) -> None:
        (issued,) = cards.issue(core, [NewCard(person(number))], BY)
        cards.suspend(core, issued.card_id, BY)
        cards.revoke(core, issued.card_id, BY)
        done.append(f"clerk {number}")

    def importer() -> None:
        import_trust_lists(core, [trust_list(core, 2)], "host:test")
        done.append("importer")

    def others() -> None:
        threads = [threading.Thread(target=clerk, args=(number,)) for number in (1, 2)]
        threads.append(threading.Thread(target=importer))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)

    (issued,) = cards.issue(core, [NewCard(person(9))], BY)
    cards.suspend(core, issued.card_id, BY)
    slow = meanwhile(core, kind, others)
    if kind is CheckpointMessage:
        checkpoints.make(slow, tmp_path / "outside")
    else:
        publish(slow)
    assert sorted(done) == ["clerk 1", "clerk 2", "importer"]


def test_of_two_publishers_at_once_one_writes(core: Core, clock: FakeClock) -> None:
    """A whole publication happens while another one signs: the other drops what it signed and finds nothing left."""
    (issued,) = cards.issue(core, [NewCard(person(1))], BY)
    cards.suspend(core, issued.card_id, BY)
    made: list[Any] = []

    def other() -> None:
        made.append((publish(core), versions(core)))

    assert publish(meanwhile(core, StatusMessage, other)).version == 0
    (done, rows), *more = made
    assert (done.version > 0, more, versions(core)) == (True, [], rows)


def test_a_trust_list_that_comes_between_is_what_the_timestamp_names(core: Core, clock: FakeClock) -> None:
    """Nothing is published under the list before it once it is taken in."""

    def other() -> None:
        import_trust_lists(core, [trust_list(core, 2)], "host:test")

    done = publish(meanwhile(core, TimestampMessage, other), force=True)
    domain = bundle_domain(file_of(core, tree.BUNDLE), int(clock.at))
    assert domain.timestamp is not None
    assert (done.timestamp, domain.timestamp.trust_version) == (True, 2)


def test_a_key_that_is_revoked_while_it_signs_publishes_nothing(core: Core, clock: FakeClock) -> None:
    """Compromised while its tokens were made: they are dropped, the timestamp denies the key, lists are held back."""
    stolen = active(core, "status")
    before = core.database.read(lambda session: [row.sha256 for row in artefacts.newest(session, "status")])

    def other() -> None:
        states.revoke(core, stolen, "host:test", kind="compromised", reason="stolen")

    done = publish(meanwhile(core, StatusMessage, other), force=True)
    assert (done.lists, done.timestamp) == ((), True)
    assert [fault.code for fault in done.held_back] == ["keystore.none_active"]
    assert core.database.read(lambda session: [row.sha256 for row in artefacts.newest(session, "status")]) == before
    domain = bundle_domain(file_of(core, tree.BUNDLE), int(clock.at))
    assert domain.timestamp is not None
    assert Thumbprint(bytes.fromhex(stolen)) in domain.timestamp.denied


def test_a_key_stolen_while_the_timestamp_is_signed_is_in_it(core: Core, clock: FakeClock) -> None:
    """What a timestamp denies is held against the database once more when it is written: no code of a card key that
    was revoked meanwhile is valid under it."""
    (issued,) = cards.issue(core, [NewCard(person(1))], BY)

    def other() -> None:
        states.revoke(core, active(core, "card"), "host:test", kind="compromised", reason="stolen")

    assert publish(meanwhile(core, TimestampMessage, other), force=True).timestamp is True
    reasons = [str(verdict.reason) for verdict in verdicts(core, [code.text for code in issued.codes])]
    assert reasons == ["key_revoked"] * 3


def test_a_change_while_a_list_is_signed_is_published_next(core: Core, clock: FakeClock) -> None:
    """A card that is revoked while its list is signed: the list is due again, and then says so."""
    (issued,) = cards.issue(core, [NewCard(person(1))], BY)
    texts = [code.text for code in issued.codes]
    publish(meanwhile(core, StatusMessage, lambda: cards.revoke(core, issued.card_id, BY)), force=True)
    assert [str(verdict.reason) for verdict in verdicts(core, texts)] == ["valid"] * 3
    assert len(step(core, clock).lists) == 1
    assert [str(verdict.reason) for verdict in verdicts(core, texts)] == ["revoked"] * 3


def test_of_two_checkpoints_at_once_one_stands(core: Core, tmp_path: Path) -> None:
    """Another one of the same end is made while this one is signed: there is one row and one file of it."""
    folder = tmp_path / "outside"
    made: list[Any] = []
    slow = meanwhile(core, CheckpointMessage, lambda: made.append(checkpoints.make(core, folder)))
    assert checkpoints.make(slow, folder) == made[0]
    assert [path.name for path in folder.iterdir()] == [f"{made[0].seq}.cbor"]


def test_a_timestamp_key_that_is_revoked_signs_no_checkpoint(core: Core, tmp_path: Path) -> None:
    """Revoked while it signs: the checkpoint is dropped, and the next key signs it."""

    def other() -> None:
        states.revoke(core, active(core, "timestamp"), "host:test", kind="compromised", reason="stolen")
        fresh.append(new_key(core, "timestamp"))

    fresh: list[str] = []
    made = checkpoints.make(meanwhile(core, CheckpointMessage, other), tmp_path / "outside")
    assert made is not None
    token = (tmp_path / "outside" / f"{made.seq}.cbor").read_bytes()
    assert bytes.fromhex(fresh[0])[:8] in token
