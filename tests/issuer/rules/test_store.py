"""An authority's own rules: added and ended, by two people or on the host; what does not fit is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from icard_crypto.errors import StateError
from issuer.approvals import engine
from issuer.cli.commands import app
from issuer.permits.processes import MACHINES
from issuer.rules.book import shipped
from issuer.rules.rows import rule_json
from issuer.rules.store import add_rules, end_rule, read_book
from tests.issuer.conftest import new_database_url
from tests.kit.cli import Done, run
from tests.kit.people import HOST, ServiceUnderTest, make, new_service_under_test
from tests.kit.signed_domain import write_settings

DAY = date(2026, 3, 2)


def own(**changes: Any) -> dict[str, Any]:
    """A row of Shanghai's: delivery within three working days."""
    shipped_row = shipped().require("deadlines", "D05", "CN", DAY)
    return {
        "kind": "deadlines",
        "id": "D05",
        "region": "310000",
        "valid_from": "2026-01-01",
        "valid_to": None,
        "published_on": "2025-12-15",
        "value": {**shipped_row.value, "number": 3},
        "source": "a notice made up for this test",
        "certainty": "J",
        **changes,
    }


@pytest.fixture
def issuing_service(tmp_path: Path) -> Iterator[ServiceUnderTest]:
    issuing_service = new_service_under_test(tmp_path, new_database_url("sqlite", tmp_path))
    write_settings(issuing_service.core, tmp_path)
    yield issuing_service
    issuing_service.core.close()


def command(issuing_service: ServiceUnderTest, *words: str | Path) -> Done:
    return run(app, "rules", *words, "-C", issuing_service.core.settings.folder)


def told(issuing_service: ServiceUnderTest, *words: str | Path) -> Any:
    done = command(issuing_service, *words, "--json")
    assert (done.status, done.err) == (0, "")
    return json.loads(done.out)


def number(issuing_service: ServiceUnderTest, region: str, on: date = DAY, known_on: date | None = None) -> int:
    return int(read_book(issuing_service.core).require("deadlines", "D05", region, on, known_on).value["number"])


def test_own_row_holds_in_its_region_until_it_is_ended(issuing_service: ServiceUnderTest) -> None:
    (rule,) = add_rules(issuing_service.core, [own()], HOST)
    assert (number(issuing_service, "310115"), number(issuing_service, "320000")) == (3, 10)
    ended = end_rule(issuing_service.core, rule.name, date(2026, 6, 30), HOST)
    assert (
        number(issuing_service, "310115", date(2026, 6, 30)),
        number(issuing_service, "310115", date(2026, 7, 1)),
    ) == (3, 10)
    assert ended.ended_on is not None
    assert (
        number(issuing_service, "310115", date(2026, 7, 1), known_on=date.fromordinal(ended.ended_on.toordinal() - 1))
        == 3
    )


def test_shipped_row_is_ended_and_a_new_one_follows(issuing_service: ServiceUnderTest) -> None:
    end_rule(issuing_service.core, "deadlines/D05/CN/2004-07-01", date(2025, 12, 31), HOST)
    add_rules(issuing_service.core, [own(region="CN")], HOST)
    assert (
        number(issuing_service, "320000", date(2025, 12, 31)),
        number(issuing_service, "320000", date(2026, 1, 1)),
    ) == (10, 3)
    assert shipped().require("deadlines", "D05", "CN", DAY).value["number"] == 10


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (own(region="CN"), "rules.overlap"),
        (own(valid_to="2025-12-31"), "rules.order"),
        (own(source=""), "rules.source"),
        (own(region="990000"), "rules.region"),
        (own(kind="dreams"), "rules.field"),
        (own(value={"text": "x" * 20_000}), "rules.field"),
        ({"id": "D05"}, "rules.field"),
        ([], "rules.field"),
    ],
)
def test_row_that_does_not_fit_is_refused(issuing_service: ServiceUnderTest, entry: Any, code: str) -> None:
    with pytest.raises(StateError) as fault:
        add_rules(issuing_service.core, [own(region="320000"), entry], HOST)
    assert fault.value.code == code
    assert number(issuing_service, "320000") == 10, "all or none"


def test_row_is_not_added_twice_even_when_it_was_ended(issuing_service: ServiceUnderTest) -> None:
    (rule,) = add_rules(issuing_service.core, [own()], HOST)
    end_rule(issuing_service.core, rule.name, date(2026, 6, 30), HOST)
    with pytest.raises(StateError) as fault:
        add_rules(issuing_service.core, [own()], HOST)
    assert fault.value.code == "rules.overlap"


@pytest.mark.parametrize(
    ("name", "last", "code"),
    [
        ("deadlines/D05/CN/2004-07-02", "2026-12-31", "rules.unknown"),
        ("deadlines/D05", "2026-12-31", "rules.unknown"),
        ("calendar/2025/CN/2025-01-01", "2025-06-30", "rules.ended"),
        ("deadlines/D05/CN/2004-07-01", "2004-06-30", "rules.order"),
    ],
)
def test_end_that_does_not_fit_is_refused(issuing_service: ServiceUnderTest, name: str, last: str, code: str) -> None:
    with pytest.raises(StateError) as fault:
        end_rule(issuing_service.core, name, date.fromisoformat(last), HOST)
    assert fault.value.code == code


def test_two_administrators_add_and_end_a_row(issuing_service: ServiceUnderTest) -> None:
    first, second = make(issuing_service, "administrator", "first"), make(issuing_service, "administrator", "second")
    issuing_service.later()
    rule = rule_json(shipped().require("deadlines", "D05", "CN", DAY))
    asked = engine.ask(
        issuing_service.core, first.who(), "rule.add", {"rule": json.dumps({**rule, **own()})}, "a notice"
    )
    assert number(issuing_service, "310000") == 10
    with pytest.raises(StateError) as fault:
        engine.confirm(issuing_service.core, first.who(), asked.confirmation_id)
    assert fault.value.code == "confirm.same_person"
    assert engine.confirm(issuing_service.core, second.who(), asked.confirmation_id).act == "rule.add"
    assert number(issuing_service, "310000") == 3
    name = "deadlines/D05/310000/2026-01-01"
    ending = engine.ask(
        issuing_service.core, second.who(), "rule.end", {"name": name, "last": "2026-02-28"}, "it was repealed"
    )
    engine.confirm(issuing_service.core, first.who(), ending.confirmation_id)
    assert number(issuing_service, "310000") == 10


@pytest.mark.parametrize(
    ("act", "arguments", "code"),
    [
        ("rule.add", {"rule": "{"}, "rules.field"),
        ("rule.add", {"rule": json.dumps(own(region="CN"))}, "rules.overlap"),
        ("rule.end", {"name": "deadlines/D05/CN/2004-07-01", "last": "soon"}, "rules.field"),
        ("rule.end", {"name": "nothing", "last": "2026-12-31"}, "rules.unknown"),
    ],
)
def test_request_that_does_not_fit_is_refused_when_asked(
    issuing_service: ServiceUnderTest, act: str, arguments: dict[str, str], code: str
) -> None:
    who = make(issuing_service, "administrator", "first").who()
    with pytest.raises(StateError) as fault:
        engine.ask(issuing_service.core, who, act, arguments, "a notice")
    assert fault.value.code == code


def test_only_administrators_ask_for_rules(issuing_service: ServiceUnderTest) -> None:
    who = make(issuing_service, "permit_officer", "officer").who()
    with pytest.raises(StateError) as fault:
        engine.ask(issuing_service.core, who, "rule.add", {"rule": json.dumps(own())}, "a notice")
    assert fault.value.code == "access.not_allowed"


def test_commands_list_show_add_end_check_and_diff(issuing_service: ServiceUnderTest, tmp_path: Path) -> None:
    entry = own()
    file = tmp_path / "own.json"
    file.write_text(json.dumps({"kind": entry.pop("kind"), "rows": [entry]}), "utf-8")
    assert {found["severity"] for found in told(issuing_service, "check", file)} <= {"warning"}
    why = ("--operator", "Li Wei", "--reason", "a notice")
    (added,) = told(issuing_service, "add", file, *why)
    assert (added["name"], added["own"]) == ("deadlines/D05/310000/2026-01-01", True)
    assert [row["name"] for row in told(issuing_service, "list", "--own")] == [added["name"]]
    in_shanghai = told(issuing_service, "list", "deadlines", "--region", "310115", "--as-of", "2026-03-02")
    assert [row["value"]["number"] for row in in_shanghai if "/D05/" in row["name"]] == [3]
    early = told(
        issuing_service, "list", "deadlines", "--region", "310115", "--as-of", "2026-03-02", "--known-on", "2025-12-14"
    )
    assert [row["value"]["number"] for row in early if "/D05/" in row["name"]] == [10]
    shown = told(issuing_service, "show", "deadlines/D03/CN/2004-07-01")
    assert shown["cited"].startswith("Administrative Licensing Law, articles 42, 45, 82")
    changed = told(issuing_service, "diff", "--from", "2025-12-31", "--to", "2026-01-01", "--region", "310000")
    assert {(row["change"], row["name"]) for row in changed} >= {
        ("goes", "deadlines/D05/CN/2004-07-01"),
        ("comes", added["name"]),
    }
    assert told(issuing_service, "end", added["name"], "--last", "2026-06-30", *why)["last"] == "2026-06-30"
    done = command(issuing_service, "check", file, "--json")
    errors = [row["code"] for row in json.loads(done.out) if row["severity"] != "warning"]
    assert (done.status, errors) == (1, ["rules.overlap"])


def test_commands_refuse_what_does_not_fit(issuing_service: ServiceUnderTest, tmp_path: Path) -> None:
    file = tmp_path / "own.json"
    file.write_text('{"kind": "deadlines", "rows": [{}]}', "utf-8")
    done = command(issuing_service, "check", file, "--json")
    assert (done.status, done.error["code"]) == (1, "rules.field")
    file.write_bytes(b"\xff")
    assert command(issuing_service, "check", file, "--json").error["code"] == "cli.option"
    assert command(issuing_service, "show", "nothing", "--json").error["code"] == "rules.unknown"


def test_processes_are_listed_and_drawn() -> None:
    listed = json.loads(run(app, "processes", "filing", "--json").out)
    assert {"process": "filing", "from": "ACCEPTED", "move": "approve", "to": "APPROVED"}.items() <= next(
        row for row in listed if row["move"] == "approve"
    ).items()
    drawn = run(app, "processes", "--diagram").out
    assert drawn.count("stateDiagram-v2") == len(MACHINES)
