"""What is published after each change, and what the verifier makes of it: on both databases."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from icard_crypto.card.card import Profile
from icard_crypto.errors import StateError
from icard_crypto.lists import tree
from icard_crypto.lists.bundle import decode_bundle
from icard_crypto.lists.status_list import read_status_list
from icard_crypto.signing import cose
from issuer import cards
from issuer.acts import Actor
from issuer.cards import NewCard, Reissue
from issuer.core import Core
from issuer.db.meta import Publisher
from issuer.keys import states
from issuer.keys.signer import SignerBusy
from issuer.keys.states import active_key
from issuer.publication.publish import due, publish
from issuer.publication.tokens import REFRESH
from issuer.published.trust_lists import import_trust_lists
from issuer.status.models import StatusListRow
from tests.kit.issuing_service import FakeClock, new_core, new_key, person
from tests.kit.signed_domain import bundle_domain, file_of, published_core, step, trust_list, verdicts, versions

BY = Actor("officer:1", "a test")
VALID = ("VALID", "valid")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def core(tmp_path: Path, database_url: str, clock: FakeClock) -> Core:
    return published_core(tmp_path, database_url, clock)


def issue(core: Core, number: int = 1) -> tuple[str, list[str]]:
    """A card's id and its codes, public to authority."""
    (issued,) = cards.issue(core, [NewCard(person(number))], BY)
    return issued.card_id, [code.text for code in issued.codes]


def reasons(core: Core, texts: list[str], policy: str = "gate") -> list[str]:
    return [str(verdict.reason) for verdict in verdicts(core, texts, policy)]


def lists(core: Core) -> list[StatusListRow]:
    query = select(StatusListRow).order_by(StatusListRow.created_at, StatusListRow.name)
    return core.database.read(lambda session: list(session.scalars(query)))


def active(core: Core, usage: Any) -> str:
    row = core.database.read(lambda session: active_key(session, usage))
    assert row is not None
    return row.thumbprint


CHANGES: dict[str, tuple[Callable[[Core, str], Any], Callable[[Core, str], Any] | None, list[str], list[str]]] = {
    # What is done, what undoes it, the reasons under gate, and under benefit (medical insurance, live).
    "revoke": (lambda core, card: cards.revoke(core, card, BY), None, ["revoked"] * 3, ["revoked"] * 3),
    "suspend": (
        lambda core, card: cards.suspend(core, card, BY),
        lambda core, card: cards.resume(core, card, BY),
        ["suspended"] * 3,
        ["suspended"] * 3,
    ),
    "replace": (lambda core, card: cards.replace(core, Reissue(card), BY), None, ["replaced"] * 3, ["replaced"] * 3),
    "permit": (
        lambda core, card: cards.set_permit(core, card, "suspended", BY),
        lambda core, card: cards.set_permit(core, card, "good", BY),
        ["permit_suspended"] * 3,
        ["permit_suspended"] * 3,
    ),
    "lapse": (
        lambda core, card: cards.set_insurance(core, card, "lapsed", BY),
        lambda core, card: cards.set_insurance(core, card, "good", BY),
        ["valid"] * 3,
        ["not_disclosed", "insurance_lapsed", "insurance_lapsed"],
    ),
}


@pytest.mark.parametrize("change", sorted(CHANGES))
def test_the_bundle_says_what_stands(core: Core, clock: FakeClock, change: str) -> None:
    """After each change, and after its end, the published bundle gives the right verdict for each profile."""
    do, undo, gate, benefit = CHANGES[change]
    card, codes = issue(core)
    step(core, clock)
    before = reasons(core, codes), reasons(core, codes, "benefit")
    assert before[0] == ["valid"] * 3
    do(core, card)
    assert reasons(core, codes) == ["valid"] * 3
    step(core, clock)
    assert reasons(core, codes) == gate
    assert reasons(core, codes, "benefit") == benefit
    if undo is not None:
        undo(core, card)
        step(core, clock)
        assert (reasons(core, codes), reasons(core, codes, "benefit")) == before


def test_a_public_code_never_shows_a_lapse(core: Core, clock: FakeClock) -> None:
    """A lapse changes the work and the authority entry; the public entry reads as before, alone and beside a
    suspended permit."""
    card, codes = issue(core)
    step(core, clock)
    cards.set_insurance(core, card, "lapsed", BY)
    step(core, clock)
    assert [verdict.insurance.state for verdict in verdicts(core, codes)][1:] == ["lapsed", "lapsed"]
    assert _entries(core, card) == {Profile.PUBLIC: 0, Profile.WORK: 13, Profile.AUTHORITY: 13}
    cards.set_permit(core, card, "suspended", BY)
    step(core, clock)
    assert _entries(core, card) == {Profile.PUBLIC: 12, Profile.WORK: 14, Profile.AUTHORITY: 14}


def _entries(core: Core, card: str) -> dict[Profile, int]:
    """The entries of a card's codes as the published tokens have them."""
    domain = bundle_domain(file_of(core, tree.BUNDLE), int(core.clock.local()))
    tokens = {uri: status for (_, uri), status in domain.usable_status_lists.items()}
    return {code.profile: tokens[code.uri].get(code.index) for code in cards.show(core, card).codes}


def test_nothing_is_published_twice(core: Core, clock: FakeClock) -> None:
    """With nothing changed a turn writes nothing; a change makes one new version of its list alone."""
    card, _ = issue(core)
    first = step(core, clock)
    assert (len(first.lists), first.timestamp, first.held_back) == (2, True, ())
    clock.at += 2
    assert core.database.read(lambda session: due(core, session)) is False
    assert publish(core).version == 0
    cards.suspend(core, card, BY)
    assert core.database.read(lambda session: due(core, session)) is True
    second = step(core, clock)
    assert (len(second.lists), second.version) == (1, first.version + 1)


def test_iat_rises_each_time_though_the_clock_stands(core: Core, clock: FakeClock) -> None:
    """Publications of one second have rising iat; the third would be too far ahead and waits for the clock."""
    iats = [publish(core, force=True).iat for _ in range(3)]
    assert iats == [int(clock.at), int(clock.at) + 1, int(clock.at) + 2]
    assert publish(core, force=True, stop=lambda: True).version == 0
    clock.at += 1
    assert publish(core, force=True).iat == iats[-1] + 1


def test_iat_does_not_fall_with_the_clock(core: Core, clock: FakeClock) -> None:
    """Set back by a few seconds, the clock is waited for; set back by more, nothing is signed and the code says why."""
    clock.at += 1000
    first = step(core, clock)
    clock.at -= 4
    assert publish(core, force=True, stop=lambda: True).version == 0
    clock.at -= 10
    with pytest.raises(StateError) as caught:
        publish(core, force=True, stop=lambda: True)
    assert (caught.value.code, caught.value.message()) == (
        "clock.behind",
        "The clock is behind what has been signed already.",
    )
    clock.at += 15
    assert publish(core, force=True).iat > first.iat


def test_unchanged_lists_are_signed_before_their_ttl_ends(core: Core, clock: FakeClock) -> None:
    """After half of the ttl all lists and the timestamp are signed anew."""
    first = step(core, clock)
    clock.at += REFRESH - 4
    assert publish(core).version == 0
    clock.at += 4
    again = publish(core)
    assert (again.lists, again.timestamp) == (first.lists, True)


def test_an_index_of_an_unpublished_list_is_not_given(tmp_path: Path, database_url: str, clock: FakeClock) -> None:
    """The second list is published empty before its first index is used; until then issuing says what to do."""
    core = published_core(tmp_path, database_url, clock, list_capacity=100)
    for number in range(30):
        issue(core, number)
    with pytest.raises(StateError) as caught:
        issue(core, 30)
    assert (caught.value.code, "icard-issuer worker --once" in caught.value.hint()) == ("list.not_published", True)
    step(core, clock)
    second = lists(core)[1]
    empty = next(
        token for token in decode_bundle(file_of(core, tree.BUNDLE)).status_tokens if second.uri.encode() in token
    )
    key = core.database.read(lambda session: active_key(session, "status"))
    assert key is not None
    trusted = states.trusted_key(key, core.issuer).key
    read = read_status_list(empty, uri=second.uri, find_key=lambda _: trusted, capacity=100)
    assert not any(read.packed)
    card, codes = issue(core, 30)
    cards.revoke(core, card, BY)
    step(core, clock)
    assert reasons(core, codes) == ["revoked"] * 3


def test_the_timestamp_names_the_newest(core: Core, clock: FakeClock) -> None:
    """A list older than the timestamp says is stale for the verifier."""
    card, codes = issue(core)
    step(core, clock)
    old = decode_bundle(file_of(core, tree.BUNDLE))
    cards.revoke(core, card, BY)
    step(core, clock)
    new = decode_bundle(file_of(core, tree.BUNDLE))
    domain = bundle_domain(file_of(core, tree.BUNDLE), int(clock.at))
    assert domain.timestamp is not None
    assert domain.timestamp.lists == {row.uri: row.published_iat for row in lists(core)}
    assert set(new.status_tokens) - set(old.status_tokens)
    assert reasons(core, codes) == ["revoked"] * 3


def test_a_stolen_card_key_is_denied_at_once(core: Core, clock: FakeClock) -> None:
    """Revoked as compromised, a key is denied by the next timestamp, without a new trust list."""
    _, codes = issue(core)
    step(core, clock)
    states.revoke(core, active(core, "card"), "host:test", kind="compromised", reason="stolen")
    assert step(core, clock).timestamp is True
    assert reasons(core, codes) == ["key_revoked"] * 3


def test_a_stolen_status_key_is_denied_though_no_list_can_be_signed(core: Core, clock: FakeClock) -> None:
    """The timestamp goes out alone, and says what was held back; with the next trust list all is well again."""
    card, codes = issue(core)
    step(core, clock)
    states.revoke(core, active(core, "status"), "host:test", kind="compromised", reason="stolen")
    cards.revoke(core, card, BY)
    done = step(core, clock)
    held_back = [fault.code for fault in done.held_back]
    assert (done.lists, done.timestamp, held_back) == ((), True, ["keystore.none_active"])
    assert reasons(core, codes) == ["status_missing"] * 3
    new_key(core, "status")
    done = step(core, clock)
    assert [(fault.code, fault.found) for fault in done.held_back] == [("listing.not_listed", "no such key")]
    assert done.held_back[0].message().startswith("The trust list in force does not name")
    import_trust_lists(core, [trust_list(core, 2)], "host:test")
    done = step(core, clock)
    assert (len(done.lists), done.timestamp, done.held_back) == (2, True, ())
    assert reasons(core, codes) == ["revoked"] * 3


def test_a_new_status_key_signs_all_lists(core: Core, clock: FakeClock) -> None:
    """After a rotation no list stays under the old key."""
    issue(core)
    step(core, clock)
    fresh = new_key(core, "status")
    import_trust_lists(core, [trust_list(core, 2)], "host:test")
    assert len(step(core, clock).lists) == 2
    tokens = decode_bundle(file_of(core, tree.BUNDLE)).status_tokens
    kids = {
        cose.token_headers(cose.parse_sign1(token, max_bytes=1 << 23), "application/statuslist+cwt").kid
        for token in tokens
    }
    assert kids == {bytes.fromhex(fresh)[:8]}


def test_a_signer_that_is_away_leaves_the_publication_before(core: Core, clock: FakeClock) -> None:
    """Nothing is half published: rows, marks and the publisher's version are as before."""
    card, codes = issue(core)
    step(core, clock)
    cards.revoke(core, card, BY)
    before = versions(core), [(row.published_iat, row.published_changes) for row in lists(core)]
    core.signer.fault = SignerBusy("signer.unavailable")  # type: ignore[attr-defined]
    with pytest.raises(SignerBusy):
        step(core, clock)
    assert (versions(core), [(row.published_iat, row.published_changes) for row in lists(core)]) == before
    core.signer.fault = None  # type: ignore[attr-defined]
    step(core, clock)
    assert reasons(core, codes) == ["revoked"] * 3


def test_without_a_trust_list_there_are_status_tokens_only(tmp_path: Path, database_url: str) -> None:
    """An issuer of a larger domain publishes its lists; timestamp and bundle are the domain's."""
    core = new_core(tmp_path, database_url)
    done = publish(core)
    assert (len(done.lists), done.timestamp, done.held_back) == (2, False, ())
    assert {path.partition("/")[0] for path, _, _ in versions(core)} == {"status"}


def test_old_versions_go_and_trust_lists_stay(core: Core, clock: FakeClock) -> None:
    """Of what is signed again and again two versions are kept, of trust lists all."""
    for _ in range(4):
        step(core, clock, force=True)
    import_trust_lists(core, [trust_list(core, 2)], "host:test")
    step(core, clock)
    count: dict[str, int] = {}
    for path, _, _ in versions(core):
        count[path] = count.get(path, 0) + 1
    assert {count.pop("trust/1.cbor"), count.pop("trust/2.cbor")} == {1}
    assert len(count) == 5
    assert set(count.values()) == {2}


def test_publishers_at_once_publish_one_after_the_other(tmp_path: Path, database_url: str) -> None:
    """Four at once, with one change: one publishes, the others find nothing to do."""
    core = published_core(tmp_path, database_url)
    card, _ = issue(core)
    publish(core)
    cards.suspend(core, card, BY)
    done: list[int] = []
    threads = [threading.Thread(target=lambda: done.append(publish(core).version)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done)[:3] == [0, 0, 0]
    assert max(done) == core.database.read(lambda session: session.get_one(Publisher, 1).version)


def test_a_change_during_a_publication_is_published_next(
    core: Core, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mark is the count that was read before the entries: a later change makes the list due again."""
    step(core, clock)
    name = lists(core)[0].name

    def bump() -> None:
        def work(session: Any) -> None:
            session.execute(
                update(StatusListRow).where(StatusListRow.name == name).values(changes=StatusListRow.changes + 1)
            )

        core.database.transact(work)

    bump()
    if not core.database.is_sqlite:
        # SQLite has one writer: nothing changes during a publication there.
        signer = core.signer.sign

        def slow(key: Any, messages: Any) -> Any:
            monkeypatch.undo()
            bump()
            return signer(key, messages)

        monkeypatch.setattr(core.signer, "sign", slow)
        step(core, clock)
        assert core.database.read(lambda session: due(core, session)) is True
    assert step(core, clock).lists == (name,)
    assert core.database.read(lambda session: due(core, session)) is False
