"""Sessions: how they begin, change their token, and end."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select

from icard_crypto.errors import StateError
from issuer.accounts import directory, host, own_account, sessions
from issuer.accounts.attempts import Origin
from issuer.accounts.login import login
from issuer.accounts.models import LoginSession
from tests.kit.people import AWAY, HOME, HOST, PASSWORD, House, by_two, count, make, organisation

OTHER = "a quite different 8 words long thing"


def ended(house: House, token: str) -> bool:
    try:
        sessions.authenticate(house.core, token)
    except StateError as fault:
        return fault.code == "session.unknown"
    return False


def test_the_token_changes_with_the_second_factor(house: House) -> None:
    """No fixation: what was known before the code was given is worth nothing afterwards, nor is its CSRF token."""
    officer = make(house, "permit_officer", "officer")
    first = login(house.core, "officer", PASSWORD, HOME)
    assert not first.who.full
    second = officer.step_up(first.token)
    assert second.who.full
    assert second.who.session_id == first.who.session_id
    assert second.token != first.token
    assert ended(house, first.token)
    third = officer.step_up(second.token)
    assert ended(house, second.token)
    assert not ended(house, third.token)
    with pytest.raises(StateError) as caught:
        sessions.check_csrf(third.token, second.csrf)
    assert caught.value.code == "session.csrf"


def test_before_its_second_factor_an_official_may_do_nothing(house: House) -> None:
    """No right at all; looking at the own account's name is all that there is."""
    make(house, "administrator", "admin")
    who = login(house.core, "admin", PASSWORD, HOME).who
    assert who.rights == frozenset()
    with pytest.raises(StateError) as caught:
        directory.list_accounts(house.core, who)
    assert caught.value.code == "access.second_factor"
    assert caught.value.message() == "The second factor is still missing."
    for change in (own_account.begin_totp, lambda c, w: own_account.change_password(c, w, PASSWORD, OTHER)):
        with pytest.raises(StateError) as caught:
            change(house.core, who)
        assert caught.value.code == "access.second_factor"


@pytest.mark.parametrize("given", [None, "", "x", "x" * 43, "龘" * 43])
def test_a_wrong_csrf_token_is_refused(given: str | None) -> None:
    """Missing, short, of another session, and no ASCII."""
    token = "t" * 43
    with pytest.raises(StateError) as caught:
        sessions.check_csrf(token, given)
    assert caught.value.code == "session.csrf"
    assert caught.value.message() == "The request does not come from a page of this session."
    sessions.check_csrf(token, sessions.csrf_token(token))
    with pytest.raises(StateError):
        sessions.check_csrf(token, sessions.csrf_token("u" * 43))


def test_a_session_ends_unused_and_in_any_case(house: House) -> None:
    """After half an hour without use; used every ten minutes, after twelve hours."""
    make(house, "holder", "zhang")
    idle = login(house.core, "zhang", PASSWORD, HOME).token
    house.later(1799)
    assert not ended(house, idle)
    house.later(1800)
    assert ended(house, idle)
    used = login(house.core, "zhang", PASSWORD, HOME).token
    for _ in range(71):
        house.later(600)
        assert not ended(house, used)
    house.later(600)
    assert ended(house, used)


def test_people_see_and_end_their_sessions(house: House) -> None:
    """One's own only, with network and browser; another's is not there."""
    make(house, "holder", "zhang")
    make(house, "holder", "wang")
    here = login(house.core, "zhang", PASSWORD, HOME)
    there = login(house.core, "zhang", PASSWORD, Origin("198.51.100.9", "Other\x1b browser" + "x" * 500))
    others = login(house.core, "wang", PASSWORD, HOME)
    shown = {view.session_id: view for view in sessions.list_sessions(house.core, here.who)}
    assert set(shown) == {here.who.session_id, there.who.session_id}
    other = shown[there.who.session_id or ""]
    assert (other.current, other.network, len(other.agent)) == (False, "198.51.100.0/24", 199)
    assert shown[here.who.session_id or ""].current
    with pytest.raises(StateError) as caught:
        sessions.end(house.core, here.who, others.who.session_id or "")
    assert caught.value.code == "session.none"
    assert not ended(house, others.token)
    sessions.end(house.core, here.who, there.who.session_id or "")
    assert ended(house, there.token)
    more = [login(house.core, "zhang", PASSWORD, HOME).token for _ in range(2)]
    assert sessions.end_others(house.core, here.who) == 2
    assert [ended(house, token) for token in more] == [True, True]
    sessions.log_out(house.core, here.token)
    sessions.log_out(house.core, here.token)
    assert ended(house, here.token)
    assert not ended(house, others.token)


def test_a_new_password_ends_every_session(house: House) -> None:
    """This one and the others; the old password is wrong then, the new one right."""
    make(house, "holder", "zhang")
    one, two = (login(house.core, "zhang", PASSWORD, HOME) for _ in range(2))
    with pytest.raises(StateError) as caught:
        own_account.change_password(house.core, one.who, "not the password", OTHER)
    assert caught.value.code == "login.refused"
    assert not ended(house, one.token)
    own_account.change_password(house.core, one.who, PASSWORD, OTHER)
    assert [ended(house, one.token), ended(house, two.token)] == [True, True]
    with pytest.raises(StateError):
        login(house.core, "zhang", PASSWORD, HOME)
    login(house.core, "zhang", OTHER, HOME)
    with pytest.raises(StateError) as caught:
        own_account.change_password(house.core, two.who, OTHER, PASSWORD)
    assert caught.value.code == "session.unknown"


def test_guessing_the_password_in_a_session_waits(house: House) -> None:
    """Whoever sits down before an open session has five tries at its password."""
    make(house, "holder", "zhang")
    who = login(house.core, "zhang", PASSWORD, HOME).who
    found = []
    for _ in range(7):
        with pytest.raises(StateError) as caught:
            own_account.change_password(house.core, who, "wrong password", OTHER)
        found.append(caught.value.code)
    assert found == ["login.refused"] * 5 + ["login.wait"] * 2
    login(house.core, "zhang", PASSWORD, HOME)


def test_a_lock_a_role_and_a_closure_end_every_session(house: House) -> None:
    """At once, also for one that is being used."""
    admin = make(house, "administrator", "admin").who()
    employer = organisation(house, "employer", 1)
    changes: list[Callable[[str], object]] = [
        lambda account: directory.lock_account(house.core, admin, account),
        lambda account: by_two(
            house, "account.role", {"account_id": account, "role": "employer", "organisation_id": employer}
        ),
        lambda account: by_two(house, "account.reset", {"account_id": account}),
        lambda account: directory.close_account(house.core, admin, account),
    ]
    for number, change in enumerate(changes):
        holder = make(house, "holder", f"holder-{number}")
        token = holder.enter().token
        change(holder.account_id)
        assert ended(house, token), number


def test_an_account_has_twenty_sessions_at_most(house: House) -> None:
    """The oldest makes room."""
    make(house, "holder", "zhang")
    tokens = []
    for _ in range(22):
        house.later(1)
        tokens.append(login(house.core, "zhang", PASSWORD, HOME).token)
    assert [ended(house, token) for token in tokens] == [True, True] + [False] * 20
    assert count(house.core, LoginSession) == 20


def test_who_has_the_password_alone_pushes_out_no_full_session(house: House) -> None:
    """Thirty half log-ins: the officer's session goes on."""
    officer = make(house, "permit_officer", "officer")
    token = officer.enter().token
    for number in range(30):
        house.later(1)
        login(house.core, "officer", PASSWORD, Origin(f"203.{number}.1.1"))
    assert not ended(house, token)


def test_only_hashes_of_tokens_are_kept(house: House) -> None:
    """Neither token nor CSRF token stands in the row, and the token's hash opens nothing."""
    make(house, "holder", "zhang")
    entered = login(house.core, "zhang", PASSWORD, AWAY)
    row = house.core.database.read(lambda session: session.scalars(select(LoginSession)).one())
    kept = repr({name: value for name, value in vars(row).items() if not name.startswith("_")})
    assert entered.token not in kept
    assert entered.csrf not in kept
    assert "198.51.100" not in kept
    assert ended(house, row.token_hash)
    assert entered.token not in repr(entered)


def test_a_lock_on_the_host_ends_them_as_well(house: House) -> None:
    """Break-glass acts follow the same rules."""
    make(house, "holder", "zhang")
    token = login(house.core, "zhang", PASSWORD, HOME).token
    host.change(house.core, "zhang", "lock", HOST)
    assert ended(house, token)
