"""How many people handle an employer's matters: the rule's number, however accounts come to be."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from icard_crypto.errors import StateError
from issuer.accounts import host
from issuer.accounts.employer_handlers import count_handlers
from issuer.approvals import engine
from issuer.rules.book import shipped
from tests.kit.people import HOST, ServiceUnderTest, Somebody, at_once, by_two, make, organisation

#: What the shipped row says.
(ROW,) = shipped().all("handlers", "employer")
MOST = int(ROW.value["most"])


def refused(act: Callable[[], object]) -> str:
    """Code, field and limit of a refusal."""
    with pytest.raises(StateError) as caught:
        act()
    return f"{caught.value.code} {caught.value.path} {caught.value.expected}"


FULL = f"account.handlers_full organisation_id at most {MOST}"


@pytest.fixture
def employer(issuing_service: ServiceUnderTest) -> str:
    """An employer without handlers."""
    return organisation(issuing_service, "employer", 1)


def handler(issuing_service: ServiceUnderTest, employer: str, number: int) -> Somebody:
    return make(issuing_service, "employer", f"handler.{number}", organisation_id=employer)


def wanted(employer: str, login: str) -> dict[str, str]:
    return {"role": "employer", "login": login, "name": "A handler", "organisation_id": employer}


def test_one_handler_more_than_the_rule_is_refused_until_an_account_is_closed(
    issuing_service: ServiceUnderTest, employer: str
) -> None:
    """On the host, when two administrators ask, and when an account gets the role; a locked account counts."""
    core, boss, *_ = issuing_service.core, *(handler(issuing_service, employer, number) for number in range(MOST))
    assert refused(lambda: handler(issuing_service, employer, 8)) == FULL
    assert refused(lambda: by_two(issuing_service, "account.create", wanted(employer, "handler.8"))) == FULL
    holder = make(issuing_service, "holder", "holder")
    role = {"account_id": holder.account_id, "role": "employer", "organisation_id": employer}
    assert refused(lambda: by_two(issuing_service, "account.role", role)) == FULL
    host.change(core, boss.login, "lock", HOST)
    assert refused(lambda: handler(issuing_service, employer, 8)) == FULL, "it may be unlocked"
    host.change(core, boss.login, "close", HOST)
    eighth = handler(issuing_service, employer, 8)
    found = count_handlers(core, eighth.who(), employer)
    assert found is not None
    assert (found.count, found.most, found.rule) == (MOST, MOST, ROW)
    handler(issuing_service, organisation(issuing_service, "employer", 2), 9)


def test_request_that_was_asked_while_there_was_room_is_refused_when_there_is_none(
    issuing_service: ServiceUnderTest, employer: str
) -> None:
    core = issuing_service.core
    for number in range(MOST - 1):
        handler(issuing_service, employer, number)
    one, two = (make(issuing_service, "administrator", f"admin.{number}").who() for number in range(2))
    asked = engine.ask(core, one, "account.create", wanted(employer, "handler.8"), "a test")
    handler(issuing_service, employer, 7)
    assert refused(lambda: engine.confirm(core, two, asked.confirmation_id)) == FULL


def test_handlers_who_are_opened_at_the_same_time_are_no_more_than_the_rule_allows(
    issuing_service: ServiceUnderTest, employer: str
) -> None:
    done = at_once([partial(handler, issuing_service, employer, number) for number in range(MOST + 2)])
    assert sum(isinstance(one, Somebody) for one in done) == MOST
    assert {str(getattr(one, "code", "")) for one in done if not isinstance(one, Somebody)} == {"account.handlers_full"}


def test_agency_has_as_many_people_as_it_likes(issuing_service: ServiceUnderTest) -> None:
    agency = organisation(issuing_service, "agency", 1)
    people = [make(issuing_service, "agency", f"agent.{number}", organisation_id=agency) for number in range(MOST + 1)]
    assert count_handlers(issuing_service.core, people[0].who(), agency) is None


def test_row_names_the_least_and_the_most_and_its_source() -> None:
    assert (ROW.value["least"], MOST, ROW.source, ROW.certainty) == (1, 3, "P-TJ", "V")
