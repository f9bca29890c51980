"""The second factor: a code is used once, whoever sends it how often."""

from __future__ import annotations

from functools import partial

import pyotp
import pytest

from icard_crypto.errors import StateError
from issuer.accounts import own_account, sessions
from issuer.accounts.login import login, step_up
from issuer.accounts.models import RecoveryCode
from issuer.accounts.totp import matching_step, new_totp_secret
from tests.kit.people import HOME, PASSWORD, ServiceUnderTest, acts, at_once, count, make


def test_a_code_is_used_once(issuing_service: ServiceUnderTest) -> None:
    """Seen over a shoulder it opens nothing: not in another session, not in the one that it opened."""
    officer = make(issuing_service, "permit_officer", "officer")
    code = officer.code()
    first, second = (login(issuing_service.core, "officer", PASSWORD, HOME).token for _ in range(2))
    opened = step_up(issuing_service.core, first, code, HOME)
    for token in (second, opened.token):
        with pytest.raises(StateError) as caught:
            step_up(issuing_service.core, token, code, HOME)
        assert caught.value.code == "totp.wrong"
        assert caught.value.message() == "The code is wrong, or was used before."
    assert not sessions.authenticate(issuing_service.core, second).full
    assert [action for action, _, _ in acts(issuing_service.core)].count("totp.refused") == 2


def test_one_code_in_many_sessions_at_once(issuing_service: ServiceUnderTest) -> None:
    """Five threads, five sessions, one code: one gets in."""
    officer = make(issuing_service, "permit_officer", "officer")
    tokens = [login(issuing_service.core, "officer", PASSWORD, HOME).token for _ in range(5)]
    code = officer.code()
    found = at_once([partial(step_up, issuing_service.core, token, code, HOME) for token in tokens])
    assert sorted(getattr(each, "code", "in") for each in found) == ["in"] + ["totp.wrong"] * 4


def test_one_code_in_one_session_at_once(issuing_service: ServiceUnderTest) -> None:
    """Two threads with the same cookie: one token comes out of it."""
    officer = make(issuing_service, "permit_officer", "officer")
    token = login(issuing_service.core, "officer", PASSWORD, HOME).token
    code = officer.code()
    found = at_once([partial(step_up, issuing_service.core, token, code, HOME)] * 2)
    assert sorted(getattr(each, "code", "in") for each in found) == ["in", "session.unknown"]


def test_the_code_that_set_it_up_is_used_as_well(issuing_service: ServiceUnderTest) -> None:
    """What was typed to accept the invitation does not log in."""
    officer = make(issuing_service, "permit_officer", "officer")
    code = pyotp.TOTP(officer.secret or "").at(int(issuing_service.clock.at))
    token = login(issuing_service.core, "officer", PASSWORD, HOME).token
    with pytest.raises(StateError) as caught:
        step_up(issuing_service.core, token, code, HOME)
    assert caught.value.code == "totp.wrong"


@pytest.mark.parametrize("given", ["", "00000", "0000000", "٠٠٠٠٠٠", "00 000", "x" * 10_000])
def test_what_is_no_code_matches_nothing(given: str) -> None:
    """Six ASCII digits and nothing else."""
    assert matching_step("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", given, 1_000_000, -1) is None


def test_codes_of_neighbouring_steps_hold() -> None:
    """The step before and after, for clocks that differ; never one up to the last that was used (RFC 6238, 5.2)."""
    secret, now = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", 1_000_000_000
    step = now // 30
    codes = {offset: pyotp.HOTP(secret).at(step + offset) for offset in range(-3, 4)}
    found = {offset: matching_step(secret, code, now, -1) for offset, code in codes.items()}
    assert found == {-3: None, -2: None, -1: step - 1, 0: step, 1: step + 1, 2: None, 3: None}
    assert matching_step(secret, codes[0], now, step) is None
    assert matching_step(secret, codes[-1], now, step) is None
    assert matching_step(secret, codes[1], now, step) == step + 1


def test_a_recovery_code_opens_one_session(issuing_service: ServiceUnderTest) -> None:
    """Each once, however it is written; as hashes they open nothing."""
    officer = make(issuing_service, "permit_officer", "officer")
    assert len(set(officer.recovery)) == 10
    assert count(issuing_service.core, RecoveryCode) == 10
    token = login(issuing_service.core, "officer", PASSWORD, HOME).token
    entered = step_up(issuing_service.core, token, officer.recovery[0].lower().replace("-", " "), HOME)
    assert entered.who.full
    assert entered.who.totp_at is None
    assert count(issuing_service.core, RecoveryCode) == 9
    token = login(issuing_service.core, "officer", PASSWORD, HOME).token
    with pytest.raises(StateError):
        step_up(issuing_service.core, token, officer.recovery[0], HOME)
    found = at_once([partial(step_up, issuing_service.core, token, officer.recovery[1], HOME)] * 2)
    assert sorted(getattr(each, "code", "in") for each in found) == ["in", "session.unknown"]
    renewed = own_account.renew_recovery_codes(issuing_service.core, officer.who(), PASSWORD)
    assert set(renewed) & set(officer.recovery) == set()
    token = login(issuing_service.core, "officer", PASSWORD, HOME).token
    with pytest.raises(StateError):
        step_up(issuing_service.core, token, officer.recovery[2], HOME)
    assert step_up(issuing_service.core, token, renewed[2], HOME).who.full


def test_a_holder_sets_up_totp(issuing_service: ServiceUnderTest) -> None:
    """With the password, a code of the proposed secret, and the proof of this account; from then on it is asked for."""
    holder = make(issuing_service, "holder", "zhang")
    make(issuing_service, "holder", "wang")
    who = holder.who()
    offer = own_account.begin_totp(issuing_service.core, who)
    assert offer.uri.startswith("otpauth://totp/cn.310000:zhang?")
    assert offer.secret not in repr(offer)
    foreign = own_account.begin_totp(
        issuing_service.core, login(issuing_service.core, "wang", PASSWORD, HOME).who
    ).proof
    code = pyotp.TOTP(offer.secret).at(int(issuing_service.clock.at))
    finish = partial(own_account.finish_totp, issuing_service.core, who)
    for arguments, expected in (
        ((PASSWORD, foreign, code), "totp.offer"),
        ((PASSWORD, "nonsense", code), "totp.offer"),
        ((PASSWORD, "龘", code), "totp.offer"),
        (("wrong password", offer.proof, code), "login.refused"),
        ((PASSWORD, offer.proof, "000000"), "totp.wrong"),
    ):
        with pytest.raises(StateError) as caught:
            finish(*arguments)
        assert caught.value.code == expected
    assert len(finish(PASSWORD, offer.proof, code)) == 10
    holder.secret = offer.secret
    assert not login(issuing_service.core, "zhang", PASSWORD, HOME).who.full
    assert holder.who().full


def test_a_proposed_secret_expires(issuing_service: ServiceUnderTest) -> None:
    """After a quarter of an hour."""
    holder = make(issuing_service, "holder", "zhang")
    offer = own_account.begin_totp(issuing_service.core, holder.who())
    issuing_service.later(901)
    code = pyotp.TOTP(offer.secret).at(int(issuing_service.clock.at))
    with pytest.raises(StateError) as caught:
        own_account.finish_totp(issuing_service.core, holder.who(), PASSWORD, offer.proof, code)
    assert caught.value.code == "totp.offer"


def test_without_an_app_there_is_no_second_factor(issuing_service: ServiceUnderTest) -> None:
    """A holder who has none is told so."""
    holder = make(issuing_service, "holder", "zhang")
    with pytest.raises(StateError) as caught:
        step_up(issuing_service.core, holder.enter().token, "000000", HOME)
    assert caught.value.code == "totp.none"
    with pytest.raises(StateError) as caught:
        own_account.renew_recovery_codes(issuing_service.core, holder.who(), PASSWORD)
    assert caught.value.code == "totp.none"


def test_a_code_as_apps_show_it() -> None:
    """With a space in the middle, in full width; other characters are none of a code."""
    secret = new_totp_secret()
    code = pyotp.TOTP(secret).at(1_795_593_600)
    spaced, wide = f" {code[:3]} {code[3:]}", code.translate({48 + n: 0xFF10 + n for n in range(10)})
    for given in (code, spaced, wide):
        assert matching_step(secret, given, 1_795_593_600, -1) is not None, given
    for given in (f"{code[:3]}-{code[3:]}", f"{code}0", code[:5], " " * 100 + code):
        assert matching_step(secret, given, 1_795_593_600, -1) is None, given
