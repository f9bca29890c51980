"""A region that is computed again after a rule was published late."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from icard_crypto.errors import StateError
from issuer.acts import Actor
from issuer.audit.verify import verify
from issuer.insurance import recomputation
from issuer.insurance.recomputation import begin, begin_for_changes, list_all, recompute
from issuer.insurance.registration import register
from issuer.rules.store import add_rules
from tests.issuer.insurance.conftest import NOW
from tests.kit.insured import new_registration
from tests.kit.issuing_service import FakeClock
from tests.kit.people import CHEAP, ServiceUnderTest, make, organisation
from tests.kit.signed_domain import published_core

BY = Actor("host:test", "a test", break_glass=True)
REGION = "440300"
TODAY = "2026-11-29"


@pytest.fixture
def issuing_service(tmp_path: Path) -> Iterator[ServiceUnderTest]:
    """An employer in Shenzhen with three people at work since June, on 29 November 2026; rates and a cap are known."""
    clock = FakeClock(at=NOW)
    core = published_core(tmp_path, f"sqlite:///{tmp_path}/issuer.db", clock, **CHEAP, account_burst=10_000)
    made = ServiceUnderTest(core, clock)
    add_rules(core, [rate("pension"), rate("medical"), limits("2020-01-01", "25000", "2026-06-30")], BY)
    employer = make(made, "employer", "employer.one", organisation_id=organisation(made, "employer", 1))
    for number in (1, 2, 3):
        register(core, employer.who(), new_registration(number, region=REGION, began=date(2026, 6, 1)))
    yield made
    core.close()


def row(kind: str, id: str, first: str, value: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A rule of the test's region."""
    fixed = {"region": REGION, "valid_to": None, "published_on": first, "source": "test", "certainty": "S"}
    return {"kind": kind, "id": id, "valid_from": first, **fixed, "value": value, **more}


def rate(scheme: str) -> dict[str, Any]:
    return row("insurance_rates", scheme, "2020-01-01", {"employer": "0.1", "employee": "0.05"})


def limits(first: str, cap: str, last: str | None = None) -> dict[str, Any]:
    """The old ones were only known to have ended when the new ones were published, today."""
    more = {"published_on": TODAY} if last is None else {"valid_to": last, "ended_on": TODAY}
    return row("insurance_limits", "base", first, {"floor": "5000", "cap": cap}, **more)


def test_late_limit_is_followed_once_and_its_differences_are_counted(issuing_service: ServiceUnderTest) -> None:
    """3,000 yuan more of base for July, August and September, by 10 % and 5 % of two schemes, for three people."""
    begin_for_changes(issuing_service.core, BY)
    recompute(issuing_service.core, BY)
    add_rules(issuing_service.core, [limits("2026-07-01", "28000")], BY)
    assert begin_for_changes(issuing_service.core, BY) == 1
    assert begin_for_changes(issuing_service.core, BY) == 0
    assert recompute(issuing_service.core, BY) == 3
    found = next(one for one in list_all(issuing_service.core) if (one.rule or "").endswith("2026-07-01"))
    assert (found.rule, found.region) == (f"insurance_limits/base/{REGION}/2026-07-01", REGION)
    assert (found.state, found.done, found.people) == ("done", 3, 3)
    assert (found.employer_difference, found.employee_difference) == ("5400.00", "2700.00")
    assert recompute(issuing_service.core, BY) == 0


def test_stopped_in_the_middle_it_goes_on_and_counts_nobody_twice(
    issuing_service: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recomputation, "CHUNK", 1)
    begun = begin(issuing_service.core, REGION, BY)
    steps: list[tuple[int, int]] = []
    recompute(
        issuing_service.core, BY, lambda: len(steps) == 2, lambda done, people: steps.append((done, people)), only=begun
    )
    (stopped,) = list_all(issuing_service.core)
    assert (stopped.state, stopped.done, stopped.people, steps) == ("running", 2, 3, [(1, 3), (2, 3)])
    recompute(issuing_service.core, BY)
    (ended,) = list_all(issuing_service.core)
    assert (ended.state, ended.done, ended.people, ended.ended_at is None) == ("done", 3, 3, False)
    assert verify(issuing_service.core).whole


def test_people_of_another_region_are_left_alone(issuing_service: ServiceUnderTest) -> None:
    begin(issuing_service.core, "310000", BY)
    assert recompute(issuing_service.core, BY) == 0
    assert [(one.state, one.people) for one in list_all(issuing_service.core)] == [("done", 0)]


def test_unknown_region_is_refused_by_name(issuing_service: ServiceUnderTest) -> None:
    with pytest.raises(StateError) as caught:
        begin(issuing_service.core, "990000", BY)
    assert (caught.value.code, caught.value.path) == ("insurance.region", "region")
