"""API tokens: what programs may do, and for how long."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from icard_crypto.errors import StateError
from issuer.accounts import directory, host, own_account, sessions, tokens
from issuer.accounts.models import ApiToken
from issuer.accounts.roles import RIGHTS, ROLES, SCOPES
from tests.kit.people import HOST, PASSWORD, ServiceUnderTest, by_two, make, organisation

DAY = 86_400


def known(issuing_service: ServiceUnderTest, text: str) -> bool:
    try:
        tokens.authenticate_token(issuing_service.core, text)
    except StateError as fault:
        return fault.code != "token.unknown"
    return True


def test_a_token_does_what_its_scopes_say(issuing_service: ServiceUnderTest) -> None:
    """No more than them, no more than its account's role, and nothing that is for people."""
    who = make(issuing_service, "permit_officer", "officer").who()
    made = tokens.make_token(issuing_service.core, who, "night run", ["card.issue", "card.read"], 30)
    robot = tokens.authenticate_token(issuing_service.core, made.text)
    assert robot.rights == {"card.issue", "card.read"}
    robot.require("card.issue")
    for right, expected in (
        ("card.renew", "access.scope"),
        ("card.revoke", "access.scope"),
        ("token.own", "access.scope"),
        ("insurance.set", "access.not_allowed"),
        ("account.manage", "access.not_allowed"),
    ):
        with pytest.raises(StateError) as caught:
            robot.require(right)
        assert caught.value.code == expected
    for act in (
        lambda: tokens.make_token(issuing_service.core, robot, "more", ["card.read"], 30),
        lambda: tokens.list_tokens(issuing_service.core, robot),
        lambda: sessions.list_sessions(issuing_service.core, robot),
        lambda: own_account.begin_totp(issuing_service.core, robot),
        lambda: own_account.change_password(issuing_service.core, robot, PASSWORD, "entirely different words 4 it"),
    ):
        with pytest.raises(StateError) as caught:
            act()
        assert caught.value.code == "access.people_only"


def test_scopes_are_a_closed_table(issuing_service: ServiceUnderTest) -> None:
    """Unknown ones, none, another role's, and those that are never a program's."""
    who = make(issuing_service, "permit_officer", "officer").who()
    for scopes in (["card.everything"], [], ["insurance.set"], ["card.revoke"], ["token.own"], ["card.read", ""]):
        with pytest.raises(StateError) as caught:
            tokens.make_token(issuing_service.core, who, "x", scopes, 30)
        assert caught.value.code == "token.scope"
    assert not {"card.revoke", "account.manage", "account.give", "token.own", "mandate.give"} & SCOPES
    assert set(RIGHTS) >= SCOPES


def test_a_token_has_an_end(issuing_service: ServiceUnderTest) -> None:
    """A year at most; afterwards it is unknown."""
    who = make(issuing_service, "permit_officer", "officer").who()
    for days in (0, -1, 367, 10**9):
        with pytest.raises(StateError) as caught:
            tokens.make_token(issuing_service.core, who, "x", ["card.read"], days)
        assert caught.value.code == "token.expiry"
    made = tokens.make_token(issuing_service.core, who, "x", ["card.read"], 30)
    issuing_service.later(30 * DAY - 60)
    assert known(issuing_service, made.text)
    issuing_service.later(60)
    assert not known(issuing_service, made.text)


def test_only_its_hash_is_kept(issuing_service: ServiceUnderTest) -> None:
    """A changed secret, another's prefix, the hash itself and nonsense are unknown alike."""
    who = make(issuing_service, "permit_officer", "officer").who()
    one, two = (tokens.make_token(issuing_service.core, who, "MARKED label", ["card.read"], 30) for _ in range(2))
    rows = issuing_service.core.database.read(lambda session: session.scalars(select(ApiToken)).all())
    kept = "".join(repr({name: value for name, value in vars(row).items() if name[0] != "_"}) for row in rows)
    secret = one.text.split("_", 2)[2]
    assert secret not in kept
    assert "MARKED" not in kept
    assert secret not in repr(one)
    mixed = "_".join([*one.text.split("_", 2)[:2], two.text.split("_", 2)[2]])
    wrong = [one.text[:-1], one.text + "x", mixed, rows[0].secret_hash, "", "icard_", "x" * 100_000, f" {one.text}"]
    assert [known(issuing_service, text) for text in wrong] == [False] * len(wrong)
    assert known(issuing_service, one.text)


def test_the_day_of_its_last_use_is_kept(issuing_service: ServiceUnderTest) -> None:
    """00:00 UTC of it, written once a day."""
    who = make(issuing_service, "permit_officer", "officer").who()
    made = tokens.make_token(issuing_service.core, who, "x", ["card.read"], 30)
    (before,) = tokens.list_tokens(issuing_service.core, who)
    assert before.used_on is None
    assert tokens.authenticate_token(issuing_service.core, made.text)
    (after,) = tokens.list_tokens(issuing_service.core, who)
    assert after.used_on == int(issuing_service.clock.at) // DAY * DAY
    assert (after.label, after.scopes) == ("x", ("card.read",))


def test_a_revoked_token_is_unknown(issuing_service: ServiceUnderTest) -> None:
    """By its owner, once or twice; another's is not there."""
    who = make(issuing_service, "permit_officer", "officer").who()
    other = make(issuing_service, "permit_officer", "other").who()
    made = tokens.make_token(issuing_service.core, who, "x", ["card.read"], 30)
    with pytest.raises(StateError) as caught:
        tokens.revoke_token(issuing_service.core, other, made.token_id)
    assert caught.value.code == "token.none"
    assert known(issuing_service, made.text)
    tokens.revoke_token(issuing_service.core, who, made.token_id)
    tokens.revoke_token(issuing_service.core, who, made.token_id)
    assert not known(issuing_service, made.text)


def test_tokens_end_with_their_account(issuing_service: ServiceUnderTest) -> None:
    """Locked, reset, or with another role, for good: unlocking brings none back."""
    employer = organisation(issuing_service, "employer", 1)
    admin = make(issuing_service, "administrator", "admin").who()
    member = make(issuing_service, "employer", "member", organisation_id=employer)
    texts = [tokens.make_token(issuing_service.core, member.who(), "x", ["card.read_own"], 30).text]
    directory.lock_account(issuing_service.core, admin, member.account_id)
    assert not known(issuing_service, texts[0])
    directory.unlock_account(issuing_service.core, admin, member.account_id)
    assert not known(issuing_service, texts[0])
    texts.append(tokens.make_token(issuing_service.core, member.who(), "x", ["card.read_own"], 30).text)
    by_two(issuing_service, "account.role", {"account_id": member.account_id, "role": "holder"})
    assert not known(issuing_service, texts[1])
    holder = make(issuing_service, "holder", "holder")
    with pytest.raises(StateError) as caught:
        tokens.make_token(issuing_service.core, holder.who(), "x", ["card.read_own"], 30)
    assert caught.value.code == "access.not_allowed"


def test_an_account_has_twenty_tokens_at_most(issuing_service: ServiceUnderTest) -> None:
    """Live ones; an official needs a fresh code for each."""
    who = make(issuing_service, "permit_officer", "officer").who()
    for _ in range(20):
        tokens.make_token(issuing_service.core, who, "x", ["card.read"], 30)
    with pytest.raises(StateError) as caught:
        tokens.make_token(issuing_service.core, who, "x", ["card.read"], 30)
    assert caught.value.code == "token.too_many"
    issuing_service.later(301)
    with pytest.raises(StateError) as caught:
        tokens.make_token(issuing_service.core, who, "x", ["card.read"], 30)
    assert caught.value.code == "access.fresh_code"
    host.change(issuing_service.core, "officer", "close", HOST)


def test_roles_are_least_privilege() -> None:
    """An administrator touches no card, an auditor changes nothing, roles that exclude each other do so both ways."""
    card_rights = {right for right in RIGHTS if right.split(".")[0] in ("card", "permit", "insurance")}
    assert not ROLES["administrator"].rights & card_rights
    assert ROLES["auditor"].rights & card_rights == set()
    assert [role.name for role in ROLES.values() if "card.revoke" in role.rights] == ["permit_officer"]
    for role in ROLES.values():
        assert role.rights <= set(RIGHTS)
        assert role.excludes <= set(ROLES)
        assert all(role.name in ROLES[other].excludes for other in role.excludes)
    assert {right for role in ROLES.values() for right in role.rights} == set(RIGHTS)
