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
from tests.kit.people import AWAY, HOME, HOST, PASSWORD, ServiceUnderTest, by_two, count, make, organisation

OTHER = "a quite different 8 words long thing"


def ended(issuing_service: ServiceUnderTest, token: str) -> bool:
    try:
        sessions.authenticate(issuing_service.core, token)
    except StateError as fault:
        return fault.code == "session.unknown"
    return False


def test_the_token_changes_with_the_second_factor(issuing_service: ServiceUnderTest) -> None:
    """No fixation: what was known before the code was given is worth nothing afterwards, nor is its CSRF token."""
    officer = make(issuing_service, "permit_officer", "officer")
    first = login(issuing_service.core, "officer", PASSWORD, HOME)
    assert not first.who.full
    second = officer.step_up(first.token)
    assert second.who.full
    assert second.who.session_id == first.who.session_id
    assert second.token != first.token
    assert ended(issuing_service, first.token)
    third = officer.step_up(second.token)
    assert ended(issuing_service, second.token)
    assert not ended(issuing_service, third.token)
    with pytest.raises(StateError) as caught:
        sessions.check_csrf(third.token, second.csrf)
    assert caught.value.code == "session.csrf"


def test_before_its_second_factor_an_official_may_do_nothing(issuing_service: ServiceUnderTest) -> None:
    """No right at all; looking at the own account's name is all that there is."""
    make(issuing_service, "administrator", "admin")
    who = login(issuing_service.core, "admin", PASSWORD, HOME).who
    assert who.rights == frozenset()
    with pytest.raises(StateError) as caught:
        directory.list_accounts(issuing_service.core, who)
    assert caught.value.code == "access.second_factor"
    assert caught.value.message() == "The second factor is still missing."
    for change in (own_account.begin_totp, lambda c, w: own_account.change_password(c, w, PASSWORD, OTHER)):
        with pytest.raises(StateError) as caught:
            change(issuing_service.core, who)
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


def test_a_session_ends_unused_and_in_any_case(issuing_service: ServiceUnderTest) -> None:
    """After half an hour without use; used every ten minutes, after twelve hours."""
    make(issuing_service, "holder", "zhang")
    idle = login(issuing_service.core, "zhang", PASSWORD, HOME).token
    issuing_service.later(1799)
    assert not ended(issuing_service, idle)
    issuing_service.later(1800)
    assert ended(issuing_service, idle)
    used = login(issuing_service.core, "zhang", PASSWORD, HOME).token
    for _ in range(71):
        issuing_service.later(600)
        assert not ended(issuing_service, used)
    issuing_service.later(600)
    assert ended(issuing_service, used)


def test_people_see_and_end_their_sessions(issuing_service: ServiceUnderTest) -> None:
    """One's own only, with network and browser; another's is not there."""
    make(issuing_service, "holder", "zhang")
    make(issuing_service, "holder", "wang")
    here = login(issuing_service.core, "zhang", PASSWORD, HOME)
    there = login(issuing_service.core, "zhang", PASSWORD, Origin("198.51.100.9", "Other\x1b browser" + "x" * 500))
    others = login(issuing_service.core, "wang", PASSWORD, HOME)
    shown = {view.session_id: view for view in sessions.list_sessions(issuing_service.core, here.who)}
    assert set(shown) == {here.who.session_id, there.who.session_id}
    other = shown[there.who.session_id or ""]
    assert (other.current, other.network, len(other.agent)) == (False, "198.51.100.0/24", 199)
    assert shown[here.who.session_id or ""].current
    with pytest.raises(StateError) as caught:
        sessions.end(issuing_service.core, here.who, others.who.session_id or "")
    assert caught.value.code == "session.none"
    assert not ended(issuing_service, others.token)
    sessions.end(issuing_service.core, here.who, there.who.session_id or "")
    assert ended(issuing_service, there.token)
    more = [login(issuing_service.core, "zhang", PASSWORD, HOME).token for _ in range(2)]
    assert sessions.end_others(issuing_service.core, here.who) == 2
    assert [ended(issuing_service, token) for token in more] == [True, True]
    sessions.log_out(issuing_service.core, here.token)
    sessions.log_out(issuing_service.core, here.token)
    assert ended(issuing_service, here.token)
    assert not ended(issuing_service, others.token)


def test_a_new_password_ends_every_session(issuing_service: ServiceUnderTest) -> None:
    """This one and the others; the old password is wrong then, the new one right."""
    make(issuing_service, "holder", "zhang")
    one, two = (login(issuing_service.core, "zhang", PASSWORD, HOME) for _ in range(2))
    with pytest.raises(StateError) as caught:
        own_account.change_password(issuing_service.core, one.who, "not the password", OTHER)
    assert caught.value.code == "login.refused"
    assert not ended(issuing_service, one.token)
    own_account.change_password(issuing_service.core, one.who, PASSWORD, OTHER)
    assert [ended(issuing_service, one.token), ended(issuing_service, two.token)] == [True, True]
    with pytest.raises(StateError):
        login(issuing_service.core, "zhang", PASSWORD, HOME)
    login(issuing_service.core, "zhang", OTHER, HOME)
    with pytest.raises(StateError) as caught:
        own_account.change_password(issuing_service.core, two.who, OTHER, PASSWORD)
    assert caught.value.code == "session.unknown"


def test_guessing_the_password_in_a_session_waits(issuing_service: ServiceUnderTest) -> None:
    """Whoever sits down before an open session has five tries at its password."""
    make(issuing_service, "holder", "zhang")
    who = login(issuing_service.core, "zhang", PASSWORD, HOME).who
    found = []
    for _ in range(7):
        with pytest.raises(StateError) as caught:
            own_account.change_password(issuing_service.core, who, "wrong password", OTHER)
        found.append(caught.value.code)
    assert found == ["login.refused"] * 5 + ["login.wait"] * 2
    login(issuing_service.core, "zhang", PASSWORD, HOME)


def test_a_lock_a_role_and_a_closure_end_every_session(issuing_service: ServiceUnderTest) -> None:
    """At once, also for one that is being used."""
    admin = make(issuing_service, "administrator", "admin").who()
    employer = organisation(issuing_service, "employer", 1)
    changes: list[Callable[[str], object]] = [
        lambda account: directory.lock_account(issuing_service.core, admin, account),
        lambda account: by_two(
            issuing_service, "account.role", {"account_id": account, "role": "employer", "organisation_id": employer}
        ),
        lambda account: by_two(issuing_service, "account.reset", {"account_id": account}),
        lambda account: directory.close_account(issuing_service.core, admin, account),
    ]
    for number, change in enumerate(changes):
        holder = make(issuing_service, "holder", f"holder-{number}")
        token = holder.enter().token
        change(holder.account_id)
        assert ended(issuing_service, token), number


def test_an_account_has_twenty_sessions_at_most(issuing_service: ServiceUnderTest) -> None:
    """The oldest makes room."""
    make(issuing_service, "holder", "zhang")
    tokens = []
    for _ in range(22):
        issuing_service.later(1)
        tokens.append(login(issuing_service.core, "zhang", PASSWORD, HOME).token)
    assert [ended(issuing_service, token) for token in tokens] == [True, True] + [False] * 20
    assert count(issuing_service.core, LoginSession) == 20


def test_who_has_the_password_alone_pushes_out_no_full_session(issuing_service: ServiceUnderTest) -> None:
    """Thirty half log-ins: the officer's session goes on."""
    officer = make(issuing_service, "permit_officer", "officer")
    token = officer.enter().token
    for number in range(30):
        issuing_service.later(1)
        login(issuing_service.core, "officer", PASSWORD, Origin(f"203.{number}.1.1"))
    assert not ended(issuing_service, token)


def test_only_hashes_of_tokens_are_kept(issuing_service: ServiceUnderTest) -> None:
    """Neither token nor CSRF token stands in the row, and the token's hash opens nothing."""
    make(issuing_service, "holder", "zhang")
    entered = login(issuing_service.core, "zhang", PASSWORD, AWAY)
    row = issuing_service.core.database.read(lambda session: session.scalars(select(LoginSession)).one())
    kept = repr({name: value for name, value in vars(row).items() if not name.startswith("_")})
    assert entered.token not in kept
    assert entered.csrf not in kept
    assert "198.51.100" not in kept
    assert ended(issuing_service, row.token_hash)
    assert entered.token not in repr(entered)


def test_a_lock_on_the_host_ends_them_as_well(issuing_service: ServiceUnderTest) -> None:
    """Break-glass acts follow the same rules."""
    make(issuing_service, "holder", "zhang")
    token = login(issuing_service.core, "zhang", PASSWORD, HOME).token
    host.change(issuing_service.core, "zhang", "lock", HOST)
    assert ended(issuing_service, token)
