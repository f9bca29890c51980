"""Back-off: who has to wait, who is never made to, and how many rows strangers can cause."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from icard_crypto.errors import StateError
from issuer.accounts import attempts
from issuer.accounts.attempts import Origin
from issuer.accounts.login import login, step_up
from issuer.accounts.models import KnownPlace, LoginAttempts
from issuer.accounts.sessions import Entered
from tests.kit.people import AWAY, HOME, PASSWORD, ServiceUnderTest, at_once, count, make


def outcome(issuing_service: ServiceUnderTest, name: str, password: str, origin: Origin) -> str:
    try:
        login(issuing_service.core, name, password, origin)
    except StateError as fault:
        return fault.code
    return "in"


def hammer(issuing_service: ServiceUnderTest, name: str, origins: list[Origin]) -> list[str]:
    return [outcome(issuing_service, name, "wrong password", origin) for origin in origins]


def test_strangers_cannot_lock_an_officer_out(issuing_service: ServiceUnderTest) -> None:
    """From many networks they hammer an officer's name until they all have to wait; he logs in from his own network,
    and from elsewhere with his own device, at once."""
    officer = make(issuing_service, "permit_officer", "officer")
    officer.device = officer.enter(HOME).device
    strangers = [Origin(f"203.{place}.113.5") for place in range(40)]
    found = hammer(issuing_service, "officer", strangers)
    assert found[:20] == ["login.refused"] * 20
    assert found[20:] == ["login.wait"] * 20
    assert outcome(issuing_service, "officer", PASSWORD, Origin("203.0.200.1")) == "login.wait"
    assert outcome(issuing_service, "officer", PASSWORD, HOME) == "in"
    assert outcome(issuing_service, "officer", PASSWORD, Origin("203.0.200.1", device=officer.device)) == "in"
    assert outcome(issuing_service, "officer", PASSWORD, Origin("192.0.2.200")) == "in"


def test_neither_do_they_at_the_second_factor(issuing_service: ServiceUnderTest) -> None:
    """Whoever has the password as well and tries codes has to wait; the officer at home does not."""
    officer = make(issuing_service, "permit_officer", "officer")
    entered = officer.enter(HOME)
    stolen = login(issuing_service.core, "officer", PASSWORD, AWAY).token
    found = []
    for _ in range(25):
        with pytest.raises(StateError) as caught:
            officer_code(issuing_service, stolen, "000000", AWAY)
        found.append(caught.value.code)
    assert found == ["totp.wrong"] * 5 + ["login.wait"] * 20
    assert officer.step_up(entered.token, HOME).who.full


def officer_code(issuing_service: ServiceUnderTest, token: str, code: str, origin: Origin) -> Entered:
    return step_up(issuing_service.core, token, code, origin)


def test_guesses_from_a_known_place_wait_too(issuing_service: ServiceUnderTest) -> None:
    """Its counter is its own: five tries, then waits that double up to a quarter of an hour; a success empties it."""
    make(issuing_service, "holder", "zhang")
    assert hammer(issuing_service, "zhang", [HOME] * 7) == ["login.refused"] * 5 + ["login.wait"] * 2
    waits = []
    for _ in range(12):
        with pytest.raises(StateError) as caught:
            login(issuing_service.core, "zhang", PASSWORD, HOME)
        waits.append(int(caught.value.found or 0))
        issuing_service.later(waits[-1])
        assert hammer(issuing_service, "zhang", [HOME]) == ["login.refused"]
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]
    assert outcome(issuing_service, "zhang", PASSWORD, HOME) == "login.wait"
    issuing_service.later(900)
    assert outcome(issuing_service, "zhang", PASSWORD, HOME) == "in"
    assert hammer(issuing_service, "zhang", [HOME] * 5) == ["login.refused"] * 5


def test_from_one_network_all_names_are_answered_alike(issuing_service: ServiceUnderTest) -> None:
    """A name that works there, one that works elsewhere, one that nobody has: the same tries, the same waits."""
    make(issuing_service, "holder", "zhang")
    make(issuing_service, "holder", "wang")
    login(issuing_service.core, "wang", PASSWORD, AWAY)
    core = issuing_service.core
    core.database.transact(
        lambda session: session.query(KnownPlace).filter(KnownPlace.seen_at < int(issuing_service.clock.at)).delete()
    )
    neighbour = Origin("198.51.100.77")
    found = {name: hammer(issuing_service, name, [neighbour] * 8) for name in ("wang", "zhang", "nobody")}
    assert set(map(tuple, found.values())) == {("login.refused",) * 5 + ("login.wait",) * 3}
    for number in range(20):
        hammer(issuing_service, f"name-{number}", [neighbour])
    assert [hammer(issuing_service, name, [neighbour]) for name in ("wang", "zhang", "nobody", "other")] == [
        ["login.wait"]
    ] * 4


def test_a_loopback_address_is_no_known_place(issuing_service: ServiceUnderTest) -> None:
    """Behind a proxy that does not say for whom it asks everybody has it: strangers there are strangers."""
    make(issuing_service, "holder", "zhang")
    for address in ("127.0.0.1", "::1", "::ffff:127.0.0.1"):
        login(issuing_service.core, "zhang", PASSWORD, Origin(address))
    kinds = issuing_service.core.database.read(lambda session: list(session.scalars(select(KnownPlace.kind))))
    assert kinds.count("network") == 1
    assert kinds.count("device") == 3


def test_a_network_that_tries_many_names_waits(issuing_service: ServiceUnderTest) -> None:
    """Thirty names, known or not; then every name from there waits, and other networks do not."""
    found = [outcome(issuing_service, f"name-{place}", PASSWORD, AWAY) for place in range(35)]
    assert found == ["login.refused"] * 30 + ["login.wait"] * 5
    assert outcome(issuing_service, "name-1", PASSWORD, Origin("203.0.113.1")) == "login.refused"


def test_a_success_forgives_no_failures_of_others(issuing_service: ServiceUnderTest) -> None:
    """Who logs in as himself between two guesses gets no more guesses at the others' names for it."""
    make(issuing_service, "holder", "mallory")
    guessed = 0
    for place in range(60):
        if outcome(issuing_service, f"name-{place}", PASSWORD, AWAY) == "login.wait":
            break
        guessed += 1
        core = issuing_service.core
        core.database.transact(lambda session: session.query(KnownPlace).delete())
        outcome(issuing_service, "mallory", PASSWORD, AWAY)
    assert guessed == 30


def test_parallel_guesses_gain_nothing(issuing_service: ServiceUnderTest) -> None:
    """Forty guesses at one name at once, each from a network of its own: twenty are tried, like in turn."""
    jobs = [
        lambda p=place: outcome(issuing_service, "zhang", "wrong password", Origin(f"203.{p}.1.1"))
        for place in range(40)
    ]
    found = sorted(str(each) for each in at_once(jobs))
    assert found.count("login.wait") + found.count("login.refused") == 40
    assert found.count("login.refused") == 20


def test_the_rows_of_strangers_are_bounded(issuing_service: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many names and networks are tried: with one hexadecimal digit there are 16 counters of each kind."""
    monkeypatch.setattr(attempts, "_BUCKET", 1)
    core = issuing_service.core

    def work(session: Any) -> None:
        for place in range(400):
            origin = Origin(f"2001:db8:{place:x}::1")
            name = core.at_rest.digest("login", f"name-{place}")
            keys = attempts.counters(core, session, "password", name, None, origin, 1)
            for key in keys:
                attempts.take_back(session, [key], 1)

    core.database.transact(work)
    assert count(core, LoginAttempts) == 48


def test_known_places_are_bounded(issuing_service: ServiceUnderTest) -> None:
    """Twenty networks and twenty devices at most, the ones that were used last."""
    make(issuing_service, "holder", "zhang")
    for place in range(30):
        issuing_service.later(1)
        login(issuing_service.core, "zhang", PASSWORD, Origin(f"203.{place}.1.1"))
    assert count(issuing_service.core, KnownPlace) == 40
    assert outcome(issuing_service, "zhang", PASSWORD, Origin("203.29.1.1")) == "in"
    query = select(KnownPlace.seen_at).order_by(KnownPlace.seen_at).limit(1)
    oldest = issuing_service.core.database.read(lambda session: session.scalar(query)) or 0
    assert issuing_service.clock.at - oldest < 25


def test_a_day_without_failures_forgets_them(issuing_service: ServiceUnderTest) -> None:
    """Twenty strangers yesterday count no more today."""
    strangers = [Origin(f"203.{place}.113.5") for place in range(21)]
    assert hammer(issuing_service, "zhang", strangers)[-1] == "login.wait"
    issuing_service.later(attempts.FORGOTTEN + 1)
    assert hammer(issuing_service, "zhang", strangers) == ["login.refused"] * 20 + ["login.wait"]


def test_a_planted_device_is_nobodys(issuing_service: ServiceUnderTest) -> None:
    """A device's secret that somebody chose for another's browser is replaced when that one logs in."""
    make(issuing_service, "holder", "zhang")
    planted = "planted-by-somebody-else-planted-by-somebody"
    entered = login(issuing_service.core, "zhang", PASSWORD, Origin("192.0.2.7", device=planted))
    assert entered.device not in (None, planted)
    again = login(issuing_service.core, "zhang", PASSWORD, Origin("192.0.2.7", device=entered.device))
    assert again.device == entered.device
    hammer(issuing_service, "zhang", [Origin(f"203.{place}.113.5") for place in range(21)])
    assert outcome(issuing_service, "zhang", PASSWORD, Origin("203.0.200.1", device=planted)) == "login.wait"


def test_a_password_alone_makes_no_known_place(issuing_service: ServiceUnderTest) -> None:
    """Who has an officer's password but not his code is a stranger still."""
    make(issuing_service, "permit_officer", "officer")
    before = count(issuing_service.core, KnownPlace)
    assert login(issuing_service.core, "officer", PASSWORD, AWAY).device is None
    assert count(issuing_service.core, KnownPlace) == before


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2::5", "2001:db8:1::/48"),
        ("no address", "unknown"),
        ("", "unknown"),
    ],
)
def test_networks(address: str, network: str) -> None:
    """What counts as one place."""
    assert Origin(address).network == network
