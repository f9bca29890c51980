"""The status of each error that a client of the service may see."""

from __future__ import annotations

import pytest

from icard_crypto import errors
from icard_crypto.errors import CardError, DecodeError
from issuer.service.app import STATUSES
from tests.kit.raised_errors import kinds_by_code, raised_error

#: Layers whose every code may end a request; an error of any other layer may be 500 without detail.
_LAYERS = ("access", "account", "confirm", "login", "mandate", "notice", "organisation", "password", "session")
_MORE = ("token", "totp", "webhook", "invitation", "idempotency")
_NOT_THERE = ("account", "confirm", "mandate", "notice", "organisation", "session", "token", "webhook")


@pytest.mark.parametrize("layer", [*_LAYERS, *_MORE])
def test_every_code_of_a_layer_has_a_status(layer: str) -> None:
    """No refusal of accounts, confirmations, mandates, notices or webhooks turns into a 500; each keeps its code."""
    codes = [code for code in kinds_by_code() if code.startswith(f"{layer}.")]
    assert codes
    for code in codes:
        problem = STATUSES.problem(raised_error(code))
        assert (problem.code, problem.status < 500 or code == "login.busy") == (code, True)


@pytest.mark.parametrize("layer", _NOT_THERE)
def test_not_there_is_404(layer: str) -> None:
    """What is not there, or somebody else's, is 404 in every layer."""
    assert STATUSES.problem(raised_error(f"{layer}.none")).status == 404


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("access.second_factor", 403),
        ("account.changed", 412),
        ("account.field", 422),
        ("account.login_taken", 409),
        ("account.self", 403),
        ("account.too_fast", 429),
        ("account.two_needed", 403),
        ("at_rest.altered", 403),
        ("confirm.decided", 409),
        ("confirm.same_person", 403),
        ("confirm.younger_account", 403),
        ("database.busy", 503),
        ("database.full", 503),
        ("filing.refused", 422),
        ("issue.card_exists", 409),
        ("keystore.none_active", 503),
        ("listing.not_listed", 503),
        ("login.refused", 401),
        ("mandate.period", 422),
        ("organisation.exists", 409),
        ("organisation.none", 404),
        ("process.move", 409),
        ("session.csrf", 403),
        ("session.unknown", 401),
        ("signer.message", 503),
        ("upload.no_page", 404),
        ("webhook.url", 422),
    ],
)
def test_status_follows_from_the_kind_of_a_code(code: str, status: int) -> None:
    """What stands in the way is 409, what this account may not do is 403, a value that cannot be used is 422."""
    assert STATUSES.problem(raised_error(code)).status == status


@pytest.mark.parametrize("code", ["settings.value", "database.not_bound", "epoch.behind", "tree.gap", "store.damaged"])
def test_what_an_operator_mends_is_500_without_a_word(code: str) -> None:
    """A client learns nothing of the service's own state."""
    problem = STATUSES.problem(raised_error(code))
    assert (problem.status, problem.code, problem.found) == (500, "http.internal", None)


def test_exceptions_are_codes_that_are_raised_with_another_status() -> None:
    """A row of the table that says what the kind says already, or names no code, is deleted."""
    plain = type(STATUSES)()
    for code, status in STATUSES.by_code.items():
        assert plain.problem(raised_error(code)).status != status


@pytest.mark.parametrize("kind", [CardError, DecodeError])
def test_what_was_sent_is_not_repeated(kind: type[CardError | DecodeError]) -> None:
    """A problem about what was sent says where and what would have been right, and not what was there; one about the
    service's own state says what it found."""
    problem = STATUSES.problem(kind("card.bad_format", path="holder.name", expected="a name", found="ZHANG SAN"))
    assert (problem.status, problem.path, problem.expected, problem.found) == (422, "holder.name", "a name", None)
    assert STATUSES.problem(errors.Conflict("confirm.decided", found="refused")).found == "refused"
