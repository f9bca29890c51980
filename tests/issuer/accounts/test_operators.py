"""Two people at the host, by the second factors of their accounts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from icard_crypto.errors import StateError
from issuer.accounts.operators import Operator, two_operators
from issuer.cli.commands import app
from tests.kit.cli import run
from tests.kit.people import ServiceUnderTest, Somebody, acts, make, new_service_under_test
from tests.kit.signed_domain import write_settings


@pytest.fixture
def issuing_service(tmp_path: Path, database_url: str) -> Iterator[ServiceUnderTest]:
    """A service without signing keys."""
    made = new_service_under_test(tmp_path, database_url)
    yield made
    made.core.close()


def refused(issuing_service: ServiceUnderTest, first: Operator, second: Operator) -> str:
    """The code by which both are refused."""
    with pytest.raises(StateError) as caught:
        two_operators(issuing_service.core, first, second, "over", break_glass=True)
    return caught.value.code


def standing(somebody: Somebody) -> Operator:
    return Operator(somebody.login, somebody.code())


def test_two_administrators_stand_at_the_host(issuing_service: ServiceUnderTest) -> None:
    """Each with a code that was not used: one person, one role, one name alone is nobody's second."""
    li, wang = (make(issuing_service, "administrator", name) for name in ("li.wei", "wang.fang"))
    twin = make(issuing_service, "administrator", "li.wei.2", identity="ID-LI-WEI")
    officer = make(issuing_service, "permit_officer", "mei.lin")
    issuing_service.later()
    assert refused(issuing_service, standing(li), standing(twin)) == "confirm.same_person"
    assert refused(issuing_service, standing(li), standing(li)) == "confirm.same_person"
    assert refused(issuing_service, standing(li), standing(officer)) == "account.operator"
    assert refused(issuing_service, standing(li), Operator("anybody", "123456")) == "account.operator"
    assert refused(issuing_service, Operator("li.wei", "000000"), standing(wang)) == "totp.wrong"
    first, second = standing(li), standing(wang)
    done = two_operators(issuing_service.core, first, second, "over", break_glass=True)
    assert (done.actor, done.reason, done.break_glass) == ("host:li.wei+host:wang.fang", "over", True)
    assert refused(issuing_service, first, second) == "totp.wrong"
    names = [action for action, _, _ in acts(issuing_service.core)]
    assert (names.count("host.proven"), names.count("totp.refused")) == (2, 3)


def test_guesses_at_the_host_are_counted(issuing_service: ServiceUnderTest) -> None:
    """Also where the other code was right; after a few the next one has to wait."""
    make(issuing_service, "administrator", "li.wei")
    wang = make(issuing_service, "administrator", "wang.fang")
    found = [refused(issuing_service, Operator("li.wei", "000000"), standing(wang)) for _ in range(16)]
    assert (found[0], found[-1]) == ("totp.wrong", "login.wait")


def test_a_purge_by_a_command_takes_both(issuing_service: ServiceUnderTest, tmp_path: Path) -> None:
    """The command reads a code for each name; what it did stands in the audit under both."""
    issuing_service.clock.at = time.time() - 3600
    li, wang = (make(issuing_service, "administrator", name) for name in ("li.wei", "wang.fang"))
    write_settings(issuing_service.core, tmp_path)
    command = ("privacy", "purge-due", "--operator", "li.wei", "--second-operator", "wang.fang", "--reason", "monthly")

    def code(somebody: Somebody, ahead: float) -> str:
        issuing_service.clock.at = time.time() - 30 + ahead
        return somebody.code()

    wrong = run(app, *command, "-C", tmp_path, shown=f"{code(li, 0)}\n000000\n")
    assert (wrong.status, "totp.wrong" in wrong.err, "--second-operator" in wrong.err) == (12, True, True)
    done = run(app, *command, "-C", tmp_path, shown=f"{code(li, 30)}\n{code(wang, 0)}\n")
    assert (done.status, "erased" in done.out) == (0, True)
