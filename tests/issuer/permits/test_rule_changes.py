"""New rules and open applications: what a dry run says, and what the worker computes again."""

from __future__ import annotations

from typing import Any

import pytest

from issuer.permits.clockwork import recompute
from issuer.permits.dry_run import dry_run
from issuer.rules.book import shipped
from issuer.rules.rows import Rule, rule_from, rule_json
from issuer.rules.store import add_rules
from tests.kit.people import HOST
from tests.kit.permit_office import PermitOffice, person_record

pytestmark = pytest.mark.slow


def local(kind: str, rule_id: str, first: str, **value: Any) -> Rule:
    """A row of Shanghai's in the place of the nation's."""
    entry = rule_json(next(rule for rule in shipped().all(kind, rule_id) if rule.valid_to is None))
    entry |= {"region": "310000", "valid_from": first, "source": "a notice made up for this test"}
    entry["value"] = {**entry["value"], **value}
    return rule_from(entry.pop("kind"), entry, "row")


def test_dry_run_counts_what_a_row_would_move_and_changes_nothing(office: PermitOffice) -> None:
    filing_id = office.filed("overseas", person_record(office.today))
    sooner = local("deadlines", "D02", "2026-01-01", number=3)
    later = local("deadlines", "D02", "2026-03-03", number=3)
    never = [{"need": "not_needed", "en": "Waived here.", "zh": "本地免交。"}]
    needs = {**shipped().require("materials", "M05", "CN", office.today).value["needs"], "overseas": never}
    waived = local("materials", "M05", "2026-01-01", needs=needs)
    assert dry_run(office.core, [sooner]).days == (filing_id,)
    assert dry_run(office.core, [later]).days == (), "an application keeps the rules of its day"
    found = dry_run(office.core, [waived])
    assert (found.open, found.days, found.checklists) == (1, (), (filing_id,))
    seen = office.ok(office.employer, "GET", f"/v1/filings/{filing_id}")
    assert seen["clocks"][0]["due"] == "2026-03-09"


def test_days_are_computed_again_when_the_calendar_grows(office: PermitOffice) -> None:
    office.travel("2026-12-21")
    filing_id = office.accepted("overseas", person_record(office.today))
    assert recompute(office.core) == 0
    year = {"off": ["2027-01-01", "2027-01-04", "2027-01-05"], "worked": []}
    entry: dict[str, Any] = {
        "kind": "calendar",
        "id": "2027",
        "region": "CN",
        "valid_from": "2027-01-01",
        "valid_to": "2027-12-31",
    }
    entry |= {"published_on": "2026-12-22", "value": year, "source": "a notice made up for this test", "certainty": "J"}
    add_rules(office.core, [entry], HOST)
    assert recompute(office.core) == 1
    assert recompute(office.core) == 0
    seen = office.ok(office.employer, "GET", f"/v1/filings/{filing_id}")
    assert [(clock["due"], clock["provisional"]) for clock in seen["clocks"]] == [("2027-01-21", False)]
    notices = office.ok(office.employer, "GET", "/v1/notices")["items"]
    assert "filing.recomputed" in {notice["kind"] for notice in notices}
