"""Invitations: used once, in time, and never half."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from icard_crypto.errors import StateError
from issuer.accounts import host, invitations, people
from issuer.accounts.changes import NewAccount
from issuer.accounts.models import Invitation
from issuer.accounts.retention import prune
from tests.kit.people import HOME, HOST, PASSWORD, ServiceUnderTest, acts, at_once, count, take_up


def invited(issuing_service: ServiceUnderTest, role: str = "permit_officer", login: str = "officer") -> str:
    made = host.add(issuing_service.core, NewAccount(role, login, "Name", f"ID-{login}", email="a@b.example"), HOST)
    assert made.token is not None
    assert made.token not in repr(made)
    return made.token


def refused(
    issuing_service: ServiceUnderTest, token: str, password: str = PASSWORD, code: str | None = None, proof: str = ""
) -> str:
    with pytest.raises(StateError) as caught:
        invitations.accept(issuing_service.core, token, password, code, HOME, proof)
    return caught.value.code


def test_an_officer_needs_an_app_before_anything(issuing_service: ServiceUnderTest) -> None:
    """Without a code, with a wrong one, with a bad password: nothing is used up, and the account stays closed."""
    token = invited(issuing_service)
    shown = invitations.open_invitation(issuing_service.core, token).totp
    assert shown is not None
    assert [refused(issuing_service, token), refused(issuing_service, token, code="000000", proof="x")] == [
        "totp.offer"
    ] * 2
    assert [refused(issuing_service, token, code=code, proof=shown.proof) for code in (None, "000000")] == [
        "totp.wrong"
    ] * 2
    assert refused(issuing_service, token, "Password123456!") == "password.too_common"
    assert refused(issuing_service, token, "officer2026!") == "password.too_common"
    assert refused(issuing_service, token, "short") == "password.too_short"
    view = invitations.open_invitation(issuing_service.core, token)
    assert (view.login, view.role, view.language) == ("officer", "permit_officer", "zh")
    officer = take_up(issuing_service, token, "officer")
    assert officer.who().full


def test_who_looked_before_knows_nothing_of_the_second_factor(issuing_service: ServiceUnderTest) -> None:
    """Each look proposes another secret and is in the audit; what an earlier one showed is not the account's."""
    token = invited(issuing_service)
    seen = [invitations.open_invitation(issuing_service.core, token).totp for _ in range(3)]
    officer = take_up(issuing_service, token, "officer")
    assert officer.secret not in {each.secret for each in seen if each}
    assert len({each.secret for each in seen if each}) == 3
    assert [action for action, _, _ in acts(issuing_service.core)].count("invitation.open") == 4


def test_a_holder_needs_none(issuing_service: ServiceUnderTest) -> None:
    """No secret is proposed, and no recovery codes are made."""
    holder = take_up(issuing_service, invited(issuing_service, "holder", "zhang"), "zhang")
    assert holder.secret is None
    assert holder.recovery == []
    assert holder.who().full


def test_it_is_used_once(issuing_service: ServiceUnderTest) -> None:
    """Also by two at once; and one that was never made is the same error."""
    token = invited(issuing_service, "holder", "zhang")
    found = at_once([partial(invitations.accept, issuing_service.core, token, PASSWORD, None, HOME)] * 2)
    assert sorted(getattr(each, "code", "in") for each in found) == ["in", "invitation.unknown"]
    for wrong in (token, "x" * 43, "", "x" * 100_000):
        assert refused(issuing_service, wrong) == "invitation.unknown"
        with pytest.raises(StateError) as caught:
            invitations.open_invitation(issuing_service.core, wrong)
        assert caught.value.code == "invitation.unknown"


def test_it_expires(issuing_service: ServiceUnderTest) -> None:
    """After three days, whether the worker has pruned it or not."""
    token = invited(issuing_service)
    issuing_service.later(72 * 3600 - 1)
    invitations.open_invitation(issuing_service.core, token)
    issuing_service.later(1)
    assert refused(issuing_service, token) == "invitation.unknown"
    prune(issuing_service.core)
    assert count(issuing_service.core, Invitation) == 0


def test_a_new_one_ends_the_one_before(issuing_service: ServiceUnderTest) -> None:
    """And a lock ends both."""
    first = invited(issuing_service)
    second = host.reset(issuing_service.core, "officer", HOST).token or ""
    assert refused(issuing_service, first) == "invitation.unknown"
    invitations.open_invitation(issuing_service.core, second)
    host.change(issuing_service.core, "officer", "lock", HOST)
    assert refused(issuing_service, second) == "invitation.unknown"


def test_a_reset_forgets_every_secret(issuing_service: ServiceUnderTest) -> None:
    """Password, app and recovery codes of before are worth nothing, also before the new ones are set."""
    officer = take_up(issuing_service, invited(issuing_service), "officer")
    secret, recovery = officer.secret, officer.recovery
    token = host.reset(issuing_service.core, "officer", HOST).token or ""
    with pytest.raises(StateError) as caught:
        officer.enter()
    assert caught.value.code == "login.refused"
    renewed = take_up(issuing_service, token, "officer")
    assert renewed.secret != secret
    assert set(renewed.recovery) & set(recovery) == set()
    with pytest.raises(StateError):
        officer.enter()
    issuing_service.later(900)
    assert renewed.who().full


def test_a_mail_server_gets_the_link_and_nobody_else(issuing_service: ServiceUnderTest) -> None:
    """Where the service can mail it, whoever makes the account is not shown the link."""
    settings = issuing_service.core.settings.model_copy(
        update={"smtp_host": "mail.example", "mail_from": "a@b.example"}
    )
    core = replace(issuing_service.core, settings=settings)
    made = host.add(core, NewAccount("holder", "zhang", "Name", email="zhang@cards.example"), HOST)
    assert made.token is None
    without = host.add(core, NewAccount("holder", "wang", "Name"), HOST)
    assert without.token is not None
    found = people.contact(core, made.account_id)
    assert found is not None
    assert (found.email, found.language) == ("zhang@cards.example", "zh")
    assert people.contact(core, without.account_id) is None
