"""Physical permits: taken over from a file with every fault there is, resumed, and a card at the next change."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from issuer.bulk.refusals import refusals
from issuer.bulk.rows import Source
from issuer.permits.models import Permit, PersonDocument
from issuer.switchover.physical import COLUMNS, import_permits
from tests.issuer.permits.test_permit_life import extension
from tests.kit.callers import problem
from tests.kit.people import HOST, count, credit_code
from tests.kit.permit_office import PermitOffice, person_record

pytestmark = pytest.mark.slow

NAMES = tuple(COLUMNS.forms)


def row(place: int, **changes: str) -> dict[str, str]:
    """A sound row; the employer is the office's own."""
    values = {
        "surname": "ADLER",
        "given": "MAX",
        "nationality": "DEU",
        "birth": "1980-05-17",
        "sex": "male",
        "passport": f"P{place:08d}",
        "passport_until": "2030-01-01",
        "post": "Engineer",
        "category": "B",
        "first": "2025-07-01",
        "until": "2026-06-30",
        "number": f"31011520250000{place:04d}",
        "employer_code": credit_code(1),
        "employer_name": "",
        "region": "310115",
    }
    return {**values, **changes}


def write(folder: Path, rows: list[dict[str, str]], name: str = "physical.csv") -> Source:
    path = folder / name
    lines = [",".join(NAMES), *(",".join(one[name] for name in NAMES) for one in rows)]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return Source.of(path)


FAULTS = [
    ({"number": ""}, "filing.incomplete", "number"),
    ({"number": "12345"}, "filing.field", "number"),
    ({"number": "310115202500000001"}, "permit.number_taken", "number"),
    ({"passport": "P00000001"}, "permit.has_one", "passport"),
    ({"passport": "?"}, "filing.field", "passport"),
    ({"surname": ""}, "filing.incomplete", "surname"),
    ({"surname": "---"}, "permit.name_missing", "surname"),
    ({"surname": "A\u202eB"}, "filing.field", "surname"),
    ({"nationality": "de"}, "filing.field", "nationality"),
    ({"birth": "1980-02-30"}, "filing.field", "birth"),
    ({"sex": "m"}, "filing.field", "sex"),
    ({"category": "D"}, "filing.field", "category"),
    ({"until": "2025-06-30"}, "filing.order", "until"),
    ({"until": "2026-03-01"}, "permit.over", "until"),
    ({"first": "2026-03-03"}, "filing.future", "first"),
    ({"region": "999999"}, "filing.field", "region"),
    ({"region": "440300"}, "issue.region", "permit.region"),
    ({"employer_code": credit_code(77)}, "organisation.none", "employer_code"),
    ({"employer_code": "91310000MA1FL00000", "employer_name": "Nobody"}, "filing.field", "employer_code"),
    ({"employer_code": "91310000-MA1FL0000", "employer_name": "Nobody"}, "filing.field", "employer_code"),
    ({"employer_code": "9131", "employer_name": "Nobody"}, "filing.field", "employer_code"),
]


def test_every_fault_of_a_row_is_on_record_and_stops_nothing(office: PermitOffice, tmp_path: Path) -> None:
    rows = [row(1), *(row(100 + place, **one[0]) for place, one in enumerate(FAULTS))]
    source = write(tmp_path, [*rows, row(2, employer_code=credit_code(88), employer_name="A new firm")])
    made = import_permits(office.core, source, HOST)
    found = [(one.row, one.code, one.path) for one in refusals(office.core, made.run_id)]
    assert found == [(place, code, path) for place, (_, code, path) in enumerate(FAULTS, 3)]
    assert (made.done, made.refused) == (2, len(FAULTS))
    assert (count(office.core, Permit), count(office.core, PersonDocument)) == (2, 2), "a refused row leaves nothing"
    again = import_permits(office.core, source, HOST)
    assert (again.resumed, again.done, count(office.core, Permit)) == (True, 2, 2)


def test_code_with_blanks_and_small_letters_is_the_employers(office: PermitOffice, tmp_path: Path) -> None:
    source = write(tmp_path, [row(1, employer_code=f" {credit_code(88).lower()} ", employer_name="A new firm")])
    assert import_permits(office.core, source, HOST).done == 1
    again = write(tmp_path, [row(2, employer_code=credit_code(88))], name="again.csv")
    made = import_permits(office.core, again, HOST)
    assert (made.done, count(office.core, Permit)) == (1, 2)


#: What JSON has in the place of a text, and what no database takes.
NO_TEXTS = ["1e3", "[]", "{}", "true", "310115202500000001", '"\\ud800"', '"a\\u0000b"', "9" * 4000, "1e999"]


@pytest.mark.parametrize("name", ["number", "employer_code", "employer_name", "surname", "first", "region", "passport"])
def test_row_of_json_that_has_no_texts_stops_no_other(office: PermitOffice, tmp_path: Path, name: str) -> None:
    code = credit_code(89) if name == "employer_name" else credit_code(1)
    bad = [json.dumps(row(7, **{"employer_code": code, name: "@"})).replace('"@"', value) for value in NO_TEXTS]
    path = tmp_path / "physical.jsonl"
    path.write_text("\n".join([*bad, json.dumps(row(1))]) + "\n", "utf-8")
    made = import_permits(office.core, Source.of(path), HOST)
    assert (made.done, made.refused, count(office.core, Permit)) == (1, len(bad), 1)


def test_all_that_is_wrong_with_a_row_is_on_record(office: PermitOffice, tmp_path: Path) -> None:
    """Of fields, of the row as a whole, and of what is on record; each field once, and nothing of the row is kept."""
    wrong = {"sex": "m", "birth": "1980-02-30", "surname": "---", "until": "2025-06-30", "number": "310115202500000001"}
    source = write(tmp_path, [row(1), row(2, **wrong, employer_code=credit_code(77))])
    made = import_permits(office.core, source, HOST)
    found = [(one.row, one.code, one.path) for one in refusals(office.core, made.run_id)]
    assert found == [
        (3, "filing.field", "birth"),
        (3, "filing.field", "sex"),
        (3, "permit.name_missing", "surname"),
        (3, "filing.order", "until"),
        (3, "organisation.none", "employer_code"),
        (3, "permit.number_taken", "number"),
    ]
    assert (made.done, made.refused, count(office.core, Permit)) == (1, 1, 1)


def test_import_that_stopped_goes_on_where_it_was(
    office: PermitOffice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("issuer.switchover.physical._BATCH", 2)
    source = write(tmp_path, [row(place) for place in range(1, 6)])

    def stop(done: int, refused: int, read: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_permits(office.core, source, HOST, stop)
    assert count(office.core, Permit) == 2
    made = import_permits(office.core, source, HOST)
    assert (made.resumed, made.done, count(office.core, Permit)) == (True, 5, 5)


def imported(office: PermitOffice, folder: Path) -> dict[str, Any]:
    import_permits(office.core, write(folder, [row(1)]), HOST)
    (permit,) = office.ok(office.employer, "GET", "/v1/permits")["items"]
    return dict(permit)


def test_physical_permit_stays_valid_and_a_card_comes_with_its_extension(office: PermitOffice, tmp_path: Path) -> None:
    permit = imported(office, tmp_path)
    assert (permit["state"], permit["card_id"], permit["may_work"]) == ("ACTIVE", None, True)
    assert permit["physical"] == {"until": "2026-06-30", "valid": True}
    assert permit["terms"][0]["ground"] == "import"
    office.travel("2026-05-04")
    record = extension(office, permit)
    record["facts"]["physical_permit"] = True
    office.approved("extension", record, permit_id=permit["permit_id"])
    seen = office.permit(permit["permit_id"])
    assert (seen["until"], seen["physical"]["valid"], seen["number"]) == ("2027-06-30", False, permit["number"])
    assert office.verdict(office.code(seen)) == ["VALID"]


def test_card_comes_by_an_electronic_reissue_while_the_physical_one_stays_valid(
    office: PermitOffice, tmp_path: Path
) -> None:
    permit = imported(office, tmp_path)
    facts = person_record(office.today)["facts"]
    office.approved("reissue", {"facts": {**facts, "physical_permit": True}}, permit_id=permit["permit_id"])
    seen = office.permit(permit["permit_id"])
    assert (seen["physical"]["valid"], seen["until"], len(seen["terms"])) == (True, "2026-06-30", 1)
    assert office.verdict(office.code(seen)) == ["VALID"]


def test_physical_permit_expires_without_a_card(office: PermitOffice, tmp_path: Path) -> None:
    permit = imported(office, tmp_path)
    office.travel(date.fromisoformat(permit["until"]) + timedelta(days=1))
    assert office.turn().expired == 1
    seen = office.permit(permit["permit_id"])
    assert (seen["state"], seen["physical"]["valid"]) == ("EXPIRED", False)
    other = office.draft("reissue", {"facts": person_record(office.today)["facts"]}, permit_id=permit["permit_id"])
    answer = office.move(office.employer, other, "submit")
    assert (problem(answer), answer.json()["errors"][0]["code"]) == ((422, "filing.refused"), "filing.no_permit")
