"""Keys held against the trust list in force: what no verifier would take is not signed, and /readyz says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from icard_crypto.errors import IcardError, StateError
from icard_crypto.lists.authority import Revocation
from icard_crypto.signing.algorithms import ED25519
from issuer import cards
from issuer.acts import Actor
from issuer.cards import NewCard, codes
from issuer.cards.models import CardRow, CodeRow
from issuer.core import Core
from issuer.keys import states
from issuer.keys.signer import SignerBusy
from issuer.keys.states import active_key
from issuer.publication.publish import publish
from issuer.published import activation
from issuer.published.listing import listing_of
from issuer.published.trust_lists import import_trust_lists
from issuer.service import readiness
from tests.issuer.conftest import new_database_url
from tests.kit.issuing_service import FakeClock, new_core, new_key, person, settings_for, unlisted
from tests.kit.signed_domain import DAY, published_core, step, trust_list, verdicts

BY = Actor("host:Li Na", "a test", break_glass=True)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def core(tmp_path: Path, clock: FakeClock) -> Iterator[Core]:
    made = published_core(tmp_path, new_database_url("sqlite", tmp_path), clock)
    step(made, clock)
    yield made
    made.close()


def active(core: Core, usage: Any = "card") -> str:
    row = core.database.read(lambda session: active_key(session, usage))
    assert row is not None
    return row.thumbprint


def fresh(core: Core, usage: Any = "card") -> str:
    """A key that is published and on no list yet."""
    name = states.generate(core, usage, ED25519, "host:test").thumbprint
    states.publish(core, name, "host:test")
    return name


def next_list(core: Core, version: int = 2, **changes: Any) -> None:
    import_trust_lists(core, [trust_list(core, version, **changes)], "host:test")


def code_of(work: Any) -> str:
    with pytest.raises(IcardError) as caught:
        work()
    return caught.value.code


def issue(core: Core, number: int = 1) -> Any:
    return cards.issue(core, [NewCard(person(number))], BY)[0]


def written(core: Core) -> tuple[int, int]:
    """How many cards and codes are on record."""
    counts = [select(func.count()).select_from(table) for table in (CardRow, CodeRow)]
    found = core.database.read(lambda session: [session.scalar(count) for count in counts])
    return found[0] or 0, found[1] or 0


def test_an_unlisted_key_is_not_activated_and_the_one_in_use_stays(core: Core, clock: FakeClock) -> None:
    """Emergency or not; what is issued afterwards is signed by the key before and confirmed."""
    before, new = active(core), fresh(core)
    for emergency in (False, True):
        assert code_of(lambda e=emergency: activation.activate(core, new, BY, emergency=e)) == "listing.not_listed"
    assert active(core) == before
    text = issue(core).codes[0].text
    step(core, clock)
    assert [verdict.outcome for verdict in verdicts(core, [text])] == ["VALID"]


@pytest.mark.parametrize("usage", ["card", "status", "timestamp"])
def test_a_key_that_no_list_names_signs_nothing(core: Core, clock: FakeClock, usage: Any) -> None:
    """Activated past the check: no card is begun, no list or timestamp is published, and /readyz says why."""
    new_key(core, usage)
    assert readiness.parts(core)["trust_list"] == "listing.not_listed"
    if usage == "card":
        assert code_of(lambda: issue(core)) == "listing.not_listed"
        assert written(core) == (0, 0)
        return
    done = step(core, clock, force=True)
    assert [fault.code for fault in done.held_back] == ["listing.not_listed"]
    assert (done.lists, done.timestamp) == (((), True) if usage == "status" else (done.lists, False))
    next_list(core)
    assert step(core, clock, force=True).held_back == ()
    assert readiness.parts(core)["trust_list"] == "ok"


def test_a_key_past_its_time_on_the_list_signs_nothing(core: Core, clock: FakeClock) -> None:
    """Listed for two days, asked on the third; a code of the days before stays as it is."""
    next_list(core, until=int(clock.at) + 2 * DAY)
    issue(core)
    clock.at += 2 * DAY + 3600
    assert code_of(lambda: issue(core, 2)) == "listing.window"
    assert readiness.parts(core)["trust_list"] == "listing.window"
    assert [fault.code for fault in publish(core).held_back] == ["listing.window"]
    assert written(core) == (1, 3)


def test_nothing_is_signed_under_a_list_that_has_ended(core: Core, clock: FakeClock) -> None:
    """Neither cards nor what is published, until the next list is imported; then all goes on by itself."""
    next_list(core, ends=int(clock.at) + 2 * DAY)
    clock.at += 2 * DAY + 60
    assert code_of(lambda: issue(core)) == "listing.list_over"
    assert readiness.parts(core)["trust_list"] == "listing.list_over"
    assert [fault.code for fault in publish(core).held_back] == ["listing.list_over"] * 2
    next_list(core, 3)
    step(core, clock)
    text = issue(core).codes[0].text
    step(core, clock)
    assert [verdict.outcome for verdict in verdicts(core, [text])] == ["VALID"]


@pytest.mark.parametrize("kind", ["compromised", "retired"])
def test_a_key_that_the_roots_ended_signs_nothing(core: Core, clock: FakeClock, kind: Any) -> None:
    """Though the service itself calls it active."""
    next_list(core, revoked={active(core): Revocation(int(clock.at) - 60, kind)})
    assert code_of(lambda: issue(core)) == f"listing.{kind}"
    assert readiness.parts(core)["trust_list"] == f"listing.{kind}"
    assert written(core) == (0, 0)


def test_codes_that_wait_for_a_key_that_the_roots_ended_are_made_anew(core: Core, clock: FakeClock) -> None:
    """Their indexes read revoked; the next key signs others in their place."""
    old, new = active(core), fresh(core)
    core.signer.fault = SignerBusy("signer.unavailable")  # type: ignore[attr-defined]
    with pytest.raises(SignerBusy):
        issue(core)
    core.signer.fault = None  # type: ignore[attr-defined]
    next_list(core, revoked={old: Revocation(int(clock.at) - 60, "compromised")})
    assert code_of(lambda: codes.recover(core)) == "listing.compromised"
    activation.activate(core, new, BY, emergency=True)
    assert codes.recover(core) == 3
    rows = core.database.read(lambda session: session.scalars(select(CodeRow)).all())
    assert sorted((row.state, row.key, row.value) for row in rows) == sorted(
        [("burnt", old, 1)] * 3 + [("issued", new, 0)] * 3
    )


def test_fourteen_days_count_from_the_list_that_names_the_key(core: Core, clock: FakeClock) -> None:
    """Published long ago, listed only now: verifiers that are seldom online have not heard of it."""
    new = fresh(core)
    clock.at += 20 * DAY
    next_list(core)
    assert code_of(lambda: activation.activate(core, new, BY)) == "keystore.too_early"
    clock.at += 14 * DAY
    assert activation.activate(core, new, BY).state == "active"


def test_a_key_that_is_listed_for_less_than_a_fortnight_needs_an_emergency(core: Core, clock: FakeClock) -> None:
    """The one in use stays where the activation is refused."""
    before, new = active(core), fresh(core)
    next_list(core)
    clock.at += 15 * DAY
    next_list(core, 3, until=int(clock.at) + 13 * DAY)
    with pytest.raises(StateError) as caught:
        activation.activate(core, new, BY)
    assert (caught.value.code, active(core)) == ("listing.too_short", before)
    assert "T" in (caught.value.expected or "")
    assert "Z" in (caught.value.found or "")
    assert activation.activate(core, new, BY, emergency=True).state == "active"


def test_a_mistaken_activation_is_undone(core: Core) -> None:
    """The key before is retired and still listed: it becomes active again."""
    before, new = active(core, "status"), fresh(core, "status")
    next_list(core)
    activation.activate(core, new, BY, emergency=True)
    back = activation.activate(core, before, BY, emergency=True)
    assert (active(core, "status"), back.retired_at) == (before, None)


def test_without_a_trust_list_a_retired_key_stays_retired(tmp_path: Path) -> None:
    """Nobody says there that verifiers still take it; and /readyz warns that nothing is compared."""
    core = new_core(tmp_path, new_database_url("sqlite", tmp_path))
    before = active(core)
    new_key(core, "card")
    assert code_of(lambda: activation.activate(core, before, BY, emergency=True)) == "keystore.state"
    assert readiness.parts(core)["trust_list"] == "ok"
    core.close()


def test_a_key_that_cannot_be_opened_is_not_activated(core: Core) -> None:
    """Under another passphrase, or without its file: refused before the key in use retires."""
    before, new = active(core), fresh(core)
    next_list(core)
    other = settings_for(core.settings.folder, core.settings.database, passphrase="another one")
    wrong = Core.open(other, clock=core.clock)
    assert code_of(lambda: activation.activate(wrong, new, BY, emergency=True)) == "key.passphrase_wrong"
    wrong.close()
    (core.keystore.folder / f"{new}.json").unlink()
    assert code_of(lambda: activation.activate(core, new, BY, emergency=True)) == "keystore.not_in_keystore"
    assert active(core) == before


def test_the_list_is_read_once(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred questions verify the chain once; another list is noticed at once."""
    first = core.database.read(lambda session: listing_of(core, session))
    with monkeypatch.context() as patched:
        patched.setattr("issuer.published.listing.accepted", lambda _: pytest.fail("read again"))
        assert core.database.read(lambda session: listing_of(core, session)) is first
    next_list(core)
    second = core.database.read(lambda session: listing_of(core, session))
    assert first is not None
    assert second is not None
    assert (first.version, second.version) == (1, 2)


def test_an_activation_past_the_check_is_refused_nothing(core: Core) -> None:
    """What the tests of other modules rely on: the step itself asks only the check that it is given."""
    new = fresh(core)
    assert states.activate(core, new, "host:test", unlisted, emergency=True).state == "active"
