"""Days and numbers at the ends of what their types hold are refused, never a fault of the service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute

from issuer.service.app import make_service
from tests.issuer.conftest import new_database_url
from tests.kit.callers import problem
from tests.kit.http_clients import ask
from tests.kit.people import make
from tests.kit.permit_office import PermitOffice
from verifier.runtime import http

pytestmark = pytest.mark.slow


@pytest.fixture
def office(tmp_path: Path) -> Iterator[PermitOffice]:
    """Shanghai's office on Monday, 2 March 2026."""
    made = PermitOffice.begin(tmp_path, new_database_url("sqlite", tmp_path))
    yield made
    made.core.close()


def _days(schema: Any) -> Iterator[dict[str, Any]]:
    """The schemas of dates in one of pydantic's."""
    if isinstance(schema, dict):
        if schema.get("type") == "date":
            yield schema
        schema = list(schema.values())
    if isinstance(schema, list | tuple):
        for one in schema:
            yield from _days(one)


def test_every_day_that_a_request_gives_is_bounded(office: PermitOffice) -> None:
    """Months after the year 9999, and before the year 1, are in no calendar."""
    routes = [route for route in make_service(office.core, http.Drain()).routes if isinstance(route, APIRoute)]
    seen, boundless = 0, []
    for route in routes:
        fields = [*route.dependant.query_params, *([route.body_field] if route.body_field else [])]
        for field in fields:
            for schema in _days(field._type_adapter.core_schema):
                seen += 1
                boundless += [] if {"ge", "le"} <= schema.keys() else [(route.path, field.name)]
    assert seen > 20, "dates of bodies were looked for in the wrong place"
    assert boundless == []


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "2200-01-01", "1899-12-31"])
def test_days_outside_the_calendar_of_the_service_are_refused(office: PermitOffice, day: str) -> None:
    plan = {"region": "310115", "category": "B", "first": day}
    assert problem(office.ask(office.employer, "POST", "/v1/permits/plans", plan)) == (422, "http.invalid")


FACTS: list[tuple[str, str]] = [
    ("education", "[]"),
    ("education", "{}"),
    ("chinese", "1"),
    ("age", '"32"'),
    ("age", "true"),
    ("experience_years", "1e308"),
    ("experience_years", "-1"),
    ("local_points", "1e9999"),
    ("local_points", "NaN"),
    ("salary", '"much"'),
    ("salary", "99999999999999999999999999"),
]


@pytest.mark.parametrize(("name", "value"), FACTS)
def test_facts_that_no_rule_can_compare_are_refused(office: PermitOffice, name: str, value: str) -> None:
    """Whatever rules a region has: of Shanghai's and of the nation's."""
    request = office.by(office.employer).prepared("POST", "/v1/permits/assessments")
    for region in ("310115", "620102"):
        body = f'{{"region": "{region}", "facts": {{"{name}": {value}}}}}'
        headers = {**request["headers"], "Content-Type": "application/json"}
        answer = ask(office.app, "POST", request["url"], headers=headers, content=body.encode())
        assert problem(answer) in ((422, "permit.fact"), (400, "http.bad_request")), answer.text


def test_work_does_not_end_in_the_year_9999(office: PermitOffice) -> None:
    """The month after it would be in no calendar, in a form of the portal as well."""
    handler = make(office.issuing_service, "employer", "another.handler", organisation_id=office.employer_id)
    body = {"surname": "Muster", "nationality": "DEU", "passport_state": "DEU", "passport": "C00000001"}
    body |= {"born": "1988-05-01", "sex": "female", "obtained": "2026-03-01", "region": "310115"}
    made = office.ok(handler, "POST", "/v1/insurance/registrations", {**body, "began": "2026-03-01"})
    path = f"/v1/insurance/people/{made['person_id']}/end"
    assert problem(office.ask(handler, "POST", path, {"day": "9999-12-31"})) == (422, "http.invalid")
    assert office.ask(handler, "POST", path, {"day": "2026-03-31"}).status_code == 204
