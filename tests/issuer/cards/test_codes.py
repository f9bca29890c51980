"""What becomes of codes when something fails between intent, signature and record: on both databases."""

from __future__ import annotations

import datetime
import hashlib
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import select, update

from icard_crypto.card.card import Profile
from icard_crypto.errors import CardError, KeyFault, StateError, Unavailable
from icard_crypto.signing.algorithms import ED25519
from issuer import cards
from issuer.acts import Actor
from issuer.cards import NewCard, codes
from issuer.cards.models import CodeRow
from issuer.core import Core
from issuer.keys import states
from issuer.keys.models import KeyRow
from issuer.keys.signer import SignerBusy
from issuer.keys.states import active_key
from issuer.status.models import StatusListRow
from tests.issuer.cards.test_cards import entries, read_codes
from tests.kit.issuing_service import Recording, new_core, new_key, person, unlisted

BY = Actor("officer:1")


@pytest.fixture
def core(tmp_path: Path, database_url: str) -> Core:
    return new_core(tmp_path, database_url)


def signer(core: Core) -> Recording:
    return cast("Recording", core.signer)


def rows(core: Core) -> list[CodeRow]:
    return core.database.read(lambda session: list(session.scalars(select(CodeRow).order_by(CodeRow.profile))))


def active(core: Core) -> str:
    row = core.database.read(lambda session: active_key(session, "card"))
    assert row is not None
    return row.thumbprint


def fail_to_sign(core: Core, number: int) -> str:
    """Issue a card while the signer is away; its id."""
    signer(core).fault = SignerBusy("signer.unavailable")
    with pytest.raises(SignerBusy) as caught:
        cards.issue(core, [NewCard(person(number))], BY)
    assert caught.value.message() == "The signer cannot sign now."
    signer(core).fault = None
    (card_id,) = cards.find_cards(core, "permit", person(number).permit.number or "")
    return card_id


def test_what_was_intended_is_what_is_signed(core: Core) -> None:
    """An intent that was left behind is finished with the same payload, index and cti."""
    card_id = fail_to_sign(core, 1)
    before = {row.cti: (row.idx, row.payload_hash) for row in rows(core)}
    assert {row.state for row in rows(core)} == {"intent"}
    assert codes.recover(core) == 3
    assert {row.cti: (row.idx, row.payload_hash) for row in rows(core)} == before
    assert {hashlib.sha256(payload).hexdigest() for payload in signer(core).payloads} == {h for _, h in before.values()}
    assert read_codes(core, [code.text for code in cards.show(core, card_id).codes]) == ["VALID"] * 3
    assert codes.recover(core) == 0


def test_signing_twice_gives_one_record(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process dies after signing and before recording: recovery signs the same payload, and no other."""
    monkeypatch.setattr(codes, "_record", lambda *_: (_ for _ in ()).throw(Unavailable("database.unreachable")))
    with pytest.raises(StateError, match="does not answer"):
        cards.issue(core, [NewCard(person(1))], BY)
    monkeypatch.undo()
    codes.recover(core)
    signed = signer(core).payloads
    assert len(signed) == 6
    assert {hashlib.sha256(payload).hexdigest() for payload in signed} == {row.payload_hash for row in rows(core)}


def test_payload_of_an_issued_code_stands_once(core: Core) -> None:
    """Once recorded, the intent's payload is gone: the token holds it."""
    cards.issue(core, [NewCard(person(1))], BY)
    assert [(row.state, row.payload, row.cose is not None) for row in rows(core)] == [("issued", None, True)] * 3


def test_an_index_is_burnt_when_the_key_was_revoked_meanwhile(core: Core) -> None:
    """The waiting codes of a stolen key read revoked and are made anew with the new key."""
    card_id = fail_to_sign(core, 1)
    old = active(core)
    burnt = {row.idx for row in rows(core)}
    states.revoke(core, old, "host:a", kind="compromised", reason="stolen")
    new = new_key(core, "card")
    signer(core).payloads.clear()
    codes.recover(core)
    after = rows(core)
    assert {(row.state, row.value, row.key) for row in after if row.idx in burnt} == {("burnt", 1, old)}
    assert {(row.state, row.value, row.key) for row in after if row.idx not in burnt} == {("issued", 0, new)}
    assert len(signer(core).payloads) == 3
    assert read_codes(core, [code.text for code in cards.show(core, card_id).codes]) == ["VALID"] * 3


def test_a_key_revoked_between_signature_and_record(core: Core) -> None:
    """The tokens are thrown away, not handed out, and the card gets codes of the new key in the same call."""
    old = active(core)
    new = states.generate(core, "card", ED25519, "host:a").thumbprint
    states.publish(core, new, "host:a")
    honest = signer(core).signer

    class Slow(Recording):
        def sign(self, key: Any, messages: Any) -> list[bytes]:
            tokens = honest.sign(key, messages)
            if key.hex() == old:
                states.revoke(core, old, "host:a", kind="compromised", reason="stolen")
                states.activate(core, new, "host:a", unlisted, emergency=True)
            return tokens

    signer(core).signer = Slow(honest)
    (issued,) = cards.issue(core, [NewCard(person(1))], BY)
    assert {row.state: row.key for row in rows(core)} == {"burnt": old, "issued": new}
    assert [code.profile for code in issued.codes] == list(Profile)
    assert read_codes(core, [code.text for code in issued.codes]) == ["VALID"] * 3


def test_burnt_without_a_successor(core: Core) -> None:
    """With no active key the intents wait: nothing is burnt by half."""
    fail_to_sign(core, 1)
    states.revoke(core, active(core), "host:a", kind="compromised", reason="stolen")
    with pytest.raises(KeyFault) as caught:
        codes.recover(core)
    assert (caught.value.code, caught.value.expected) == ("keystore.none_active", "an active card key")
    assert {row.state for row in rows(core)} == {"intent"}


def test_a_retired_key_finishes_what_it_began(core: Core) -> None:
    """Rotation loses nothing: intents of the old key are signed by it, new ones by the new key."""
    fail_to_sign(core, 1)
    old = active(core)
    new = new_key(core, "card")
    codes.recover(core)
    cards.issue(core, [NewCard(person(2))], BY)
    assert {(row.state, row.key) for row in rows(core)} == {("issued", old), ("issued", new)}


def test_a_card_revoked_while_its_codes_wait(core: Core) -> None:
    """What happens to the card happens to its intents: the codes are signed later and read revoked."""
    card_id = fail_to_sign(core, 1)
    cards.revoke(core, card_id, BY)
    codes.recover(core)
    assert entries(core, card_id) == [(1, 1), (2, 1), (3, 1)]


def test_a_code_that_does_not_verify_is_never_handed_out(core: Core) -> None:
    """A signer that returns another's token is found by the verifier; the index is burnt."""
    honest = signer(core).signer

    class Confused(Recording):
        def sign(self, key: Any, messages: Any) -> list[bytes]:
            return list(reversed(honest.sign(key, messages)))

    signer(core).signer = Confused(honest)
    with pytest.raises(StateError) as caught:
        cards.issue(core, [NewCard(person(1))], BY)
    assert caught.value.code == "signer.self_check"
    assert caught.value.expected == "the claims that were intended"
    assert [row.state for row in rows(core)].count("burnt") == 1
    assert [row.cose for row in rows(core)] == [None] * 3


def test_a_stored_code_from_another_row_is_not_handed_out(core: Core) -> None:
    """Tokens swapped in the database do not open: their place is bound to them."""
    (one,) = cards.issue(core, [NewCard(person(1))], BY)
    swapped = core.database.read(lambda s: s.get_one(CodeRow, one.codes[1].cti).cose)
    query = update(CodeRow).where(CodeRow.cti == one.codes[0].cti).values(cose=swapped)
    core.database.transact(lambda session: session.execute(query))
    with pytest.raises(StateError) as caught:
        cards.show(core, one.card_id)
    assert (caught.value.code, caught.value.path) == ("at_rest.damaged", "codes.cose")


def test_no_code_is_signed_without_an_active_key(tmp_path: Path, database_url: str) -> None:
    """A service without a key says so, and spends no index."""
    core = new_core(tmp_path, database_url, keys=False)
    with pytest.raises(KeyFault) as caught:
        cards.issue(core, [NewCard(person(1))], BY)
    assert caught.value.code == "keystore.none_active"
    assert core.database.read(lambda session: list(session.scalars(select(StatusListRow.used)))) == [0, 0]


def test_a_permit_that_begins_later_is_issued_now(core: Core) -> None:
    """Its code is checked at the moment at which it begins."""
    soon = datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days=30)
    (issued,) = cards.issue(core, [NewCard(person(1, valid_from=soon))], BY)
    assert read_codes(core, [issued.codes[0].text]) == ["INVALID"]
    assert len(issued.codes) == 3


def test_a_permit_that_begins_after_its_code_ends_is_refused(core: Core) -> None:
    """A code lives 400 days; one that would be over before it begins is not intended."""
    later = datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days=500)
    with pytest.raises(CardError) as caught:
        cards.issue(core, [NewCard(person(1, valid_from=later))], BY)
    assert (caught.value.code, caught.value.path) == ("card.out_of_range", "permit.from")
    assert rows(core) == []


def test_keys_are_named_in_the_rows(core: Core) -> None:
    """All codes of a stolen key are found by it."""
    cards.issue(core, [NewCard(person(1)), NewCard(person(2))], BY)
    query = select(CodeRow.cti).join(KeyRow, KeyRow.thumbprint == CodeRow.key).where(KeyRow.state == "active")
    assert len(core.database.read(lambda session: session.scalars(query).all())) == 6
