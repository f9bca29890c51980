"""The status of each error that a client of the service may see."""

from __future__ import annotations

import pytest

from icard_crypto.errors import CardError, DecodeError, StateError, catalogue
from issuer.service.app import STATUSES

#: Layers whose every code may end a request; an error of any other layer may be 500 without detail.
_LAYERS = ("access", "account", "confirm", "login", "mandate", "notice", "organisation", "password", "session")
_MORE = ("token", "totp", "webhook", "invitation", "idempotency")
_NOT_THERE = ("account", "confirm", "mandate", "notice", "organisation", "session", "token", "webhook")


@pytest.mark.parametrize("layer", [*_LAYERS, *_MORE])
def test_every_code_of_a_layer_has_a_status(layer: str) -> None:
    """No refusal of accounts, confirmations, mandates, notices or webhooks turns into a 500; each keeps its code."""
    for code in (code for code in catalogue() if code.startswith(f"{layer}.")):
        problem = STATUSES.problem(StateError(code))
        assert (problem.code, problem.status < 500 or code == "login.busy") == (code, True)


@pytest.mark.parametrize("layer", _NOT_THERE)
def test_not_there_is_404(layer: str) -> None:
    """What is not there, or somebody else's, is 404 in every layer."""
    assert STATUSES.problem(StateError(f"{layer}.none")).status == 404


def test_states_are_told_from_values() -> None:
    """What stands in the way is 409, what this account may not do is 403, a value that cannot be used is 422."""
    statuses = {
        "organisation.exists": 409,
        "account.login_taken": 409,
        "confirm.decided": 409,
        "account.two_needed": 403,
        "account.self": 403,
        "confirm.same_person": 403,
        "confirm.younger_account": 403,
        "webhook.url": 422,
        "mandate.period": 422,
        "account.field": 422,
    }
    assert {code: STATUSES.problem(StateError(code)).status for code in statuses} == statuses


@pytest.mark.parametrize("kind", [CardError, DecodeError])
def test_what_was_sent_is_not_repeated(kind: type[CardError | DecodeError]) -> None:
    """A problem about what was sent says where and what would have been right, and not what was there; one about the
    service's own state says what it found."""
    problem = STATUSES.problem(kind("card.bad_format", path="holder.name", expected="a name", found="ZHANG SAN"))
    assert (problem.status, problem.path, problem.expected, problem.found) == (422, "holder.name", "a name", None)
    assert STATUSES.problem(StateError("confirm.decided", found="refused")).found == "refused"
