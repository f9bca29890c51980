"""Applications open at the switch: carried over with their days, decided here, and refused row by row."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from issuer.bulk.refusals import refusals
from issuer.bulk.rows import Source
from issuer.permits.models import Filing, Paper
from issuer.switchover import physical
from issuer.switchover.open_files import COLUMNS, Imported, import_open_files
from tests.issuer.permits.test_switchover import NO_TEXTS
from tests.issuer.permits.test_switchover import row as physical_row
from tests.issuer.permits.test_switchover import write as write_physical
from tests.kit.callers import problem
from tests.kit.people import HOST, count, credit_code
from tests.kit.permit_office import PermitOffice, person_record

pytestmark = pytest.mark.slow

#: What an application in the country needs, sound on 2 March 2026.
SOUND = "2026-02-10/DEU/apostille/2026-02-12/translated/sealed"
PAPERS = f"M01 M02={SOUND} M03={SOUND} M04={SOUND} M05={SOUND} M06 M07 M08=2026-02-10 M09"
NO = " ".join(name for name in person_record(date(2026, 3, 2))["facts"] if name != "in_china")


def row(place: int, **changes: str) -> dict[str, str]:
    """A sound row: in the country, filed on 26 February 2026 with the office's own employer."""
    values = {
        "process": "in_country",
        "state": "SUBMITTED",
        "submitted_on": "2026-02-26",
        "old_number": f"2026-{place}",
        "employer_code": credit_code(1),
        "region": "310115",
        "papers": PAPERS,
        "holds": "in_china",
        "holds_not": NO,
        "surname": "ADLER",
        "given": "MAX",
        "nationality": "DEU",
        "birth": "1985-05-17",
        "sex": "male",
        "passport": f"P{place:08d}",
        "passport_until": "2030-01-01",
        "post": "Engineer",
        "category": "B",
        "first": "2026-03-02",
        "until": "2026-06-10",
        "contract_until": "2028-06-10",
    }
    return {**values, **changes}


def notified(place: int, **changes: str) -> dict[str, str]:
    """A first entry that was approved on 20 February 2026, with its notification, usable until 20 May."""
    values = {
        "process": "overseas",
        "state": "APPROVED",
        "submitted_on": "2026-02-02",
        "accepted_on": "2026-02-06",
        "decided_on": "2026-02-20",
        "usable_until": "2026-05-20",
        "number": f"3101152026{place:08d}",
        "papers": "",
    }
    return row(place, **{**values, **changes})


def carry(office: PermitOffice, folder: Path, *rows: dict[str, str], name: str = "open.csv") -> Imported:
    names = tuple(COLUMNS.forms)
    lines = [",".join(names), *(",".join(one.get(name, "") for name in names) for one in rows)]
    (folder / name).write_text("\n".join(lines) + "\n", "utf-8")
    return import_open_files(office.core, Source.of(folder / name), HOST)


@pytest.mark.parametrize("name", ["submitted_on", "employer_code", "papers", "holds", "old_number", "state", "defects"])
def test_row_of_json_that_has_no_texts_stops_no_other(office: PermitOffice, tmp_path: Path, name: str) -> None:
    bad = [json.dumps(row(7, **{name: "@"})).replace('"@"', value) for value in NO_TEXTS]
    path = tmp_path / "open.jsonl"
    path.write_text("\n".join([*bad, json.dumps(row(1))]) + "\n", "utf-8")
    made = import_open_files(office.core, Source.of(path), HOST)
    assert made.done >= 1
    assert made.refused >= len(bad) - 1, "a number of the old system may have any characters"
    assert count(office.core, Filing) == made.done
    said = [one.path or "" for one in refusals(office.core, made.run_id)]
    assert all(path.isprintable() for path in said), "nothing of a row is in its refusal"


def only(office: PermitOffice) -> dict[str, Any]:
    (found,) = office.ok(office.employer, "GET", "/v1/filings")["items"]
    return office.ok(office.employer, "GET", f"/v1/filings/{found['filing_id']}")


def test_accepted_application_is_decided_here_once_each_paper_was_checked_here(
    office: PermitOffice, tmp_path: Path
) -> None:
    made = carry(office, tmp_path, row(1, state="ACCEPTED", accepted_on="2026-02-27"))
    assert (made.done, made.refused) == (1, 0), [(one.code, one.path) for one in refusals(office.core, made.run_id)]
    filing = only(office)
    assert (filing["state"], [one["name"] for one in filing["clocks"]][-1]) == ("ACCEPTED", "D03")
    assert next(one["due"] for one in filing["clocks"] if one["name"] == "D03") == "2026-03-26", (
        "Saturday 28 February is worked"
    )
    assert [one["move"] for one in filing["events"]] == ["carry_over", "pre_review", "accept"]
    told = [one["kind"] for one in office.ok(office.employer, "GET", "/v1/notices")["items"]]
    assert [kind for kind in told if kind.startswith("filing.")] == ["filing.carry_over"]
    early = office.move(office.officer, filing["filing_id"], "approve", {"category": "B"})
    assert {one["code"] for one in early.json()["errors"]} == {"permit.paper_unverified"}
    office.verify_papers(filing["filing_id"])
    approved = office.moved(office.officer, filing["filing_id"], "approve", {"category": "B"})
    assert office.verdict(office.code(office.permit(approved["permit_id"]))) == ["VALID"]


def test_silence_from_before_the_switch_counts_as_acceptance_from_receipt(office: PermitOffice, tmp_path: Path) -> None:
    carry(office, tmp_path, row(1, submitted_on="2026-02-10"))
    assert office.turn().accepted == 1
    filing = only(office)
    assert filing["state"] == "ACCEPTED"
    assert next(one["due"] for one in filing["clocks"] if one["name"] == "D03") == "2026-03-16"


def test_returned_application_is_answered_here(office: PermitOffice, tmp_path: Path) -> None:
    carry(office, tmp_path, row(1, state="RETURNED", returned_on="2026-02-27", defects="M04: not legible"))
    filing = only(office)
    assert (filing["state"], filing["clocks"][0]["due"]) == ("RETURNED", "2026-03-29")
    assert filing["events"][-1]["record"]["defects"] == [{"path": "M04", "text": "not legible"}]
    path = f"/v1/filings/{filing['filing_id']}/papers/M04"
    office.ok(office.employer, "PUT", path, office.paper("M04"))
    assert office.moved(office.employer, filing["filing_id"], "submit")["state"] == "SUBMITTED"


def test_open_extension_carries_an_imported_permit_on_by_law(office: PermitOffice, tmp_path: Path) -> None:
    """Filed in time in the old system and undecided at the end: in force, and never expired."""
    permit = physical_row(1, until="2026-04-05")
    physical.import_permits(office.core, write_physical(tmp_path, [permit]), HOST)
    extension = {
        **dict.fromkeys(
            ("surname", "given", "nationality", "birth", "sex", "passport", "post", "category", "first"), ""
        ),
        "process": "extension",
        "number": permit["number"],
        "until": "2027-04-05",
        "papers": "M01 M06 M07",
    }
    other = row(1, **extension, state="ACCEPTED", accepted_on="2026-02-27", contract_until="2028-01-01")
    made = carry(office, tmp_path, other)
    assert made.done == 1, [(one.code, one.path) for one in refusals(office.core, made.run_id)]
    office.travel(date(2026, 4, 5) + timedelta(days=1))
    office.turn()
    (seen,) = office.ok(office.employer, "GET", "/v1/permits")["items"]
    assert (seen["state"], seen["may_work"]) == ("EXTENDED_BY_LAW", True)


def test_notification_from_before_the_switch_is_used_here_once_by_its_person(
    office: PermitOffice, tmp_path: Path
) -> None:
    """With its number and last day; entered before the import, too. No card is there before, and nobody else's name or
    number opens it. The row again, and another one for person or number, are refused."""
    made = carry(office, tmp_path, notified(1))
    assert (made.done, made.refused) == (1, 0), [(one.code, one.path) for one in refusals(office.core, made.run_id)]
    filing = only(office)
    assert (filing["state"], filing["decided_on"], filing["delivered_on"]) == ("APPROVED", "2026-02-20", "2026-02-20")
    assert [one["move"] for one in filing["events"]] == ["carry_notification"]
    given = [one["kind"] for one in office.ok(office.employer, "GET", "/v1/notices")["items"]]
    assert [kind for kind in given if kind.startswith("filing.")] == ["filing.carry_notification"]
    permit = office.permit(filing["permit_id"])
    number = notified(1)["number"]
    assert (permit["state"], permit["number"], permit["card_id"]) == ("GRANTED", number, None)
    assert not permit["may_work"]
    path = f"/v1/filings/{filing['filing_id']}/notification"
    note = office.ok(office.employer, "GET", path)
    assert (note["number"], note["until"]) == (number, "2026-05-20")
    assert office.ask(office.employer, "GET", f"{path}.pdf").content.startswith(b"%PDF-")

    shown = {"token": note["token"], "surname": "ADLER", "given": "MAX", "number": number, "checked": True}
    activations = "/v1/permits/activations"
    for wrong in ({"surname": "VOGEL"}, {"number": "310115202600000099"}):
        refused = office.ask(office.officer, "POST", activations, {**shown, **wrong})
        assert problem(refused) == (422, "notification.person")
    early = office.ask(office.officer, "POST", activations, {**shown, "entered_on": "2026-02-19"})
    assert problem(early) == (422, "entry.day")
    office.ok(office.officer, "POST", activations, {**shown, "entered_on": "2026-02-25"})
    active = office.permit(filing["permit_id"])
    assert (active["state"], active["may_work"]) == ("ACTIVE", True)
    assert office.verdict(office.code(active)) == ["VALID"]
    (entry,) = office.ok(office.officer, "GET", "/v1/entries")["items"]
    assert entry["entered_on"] == "2026-02-25"
    assert problem(office.ask(office.officer, "POST", activations, shown)) == (404, "notification.unknown")

    other = [notified(1), notified(1, passport="P00000099"), notified(2, number=notified(3)["number"]), notified(3)]
    again = carry(office, tmp_path, *other, name="again.csv")
    found = [(one.row, one.code, one.path) for one in refusals(office.core, again.run_id)]
    assert found == [
        (2, "permit.number_taken", "number"),
        (3, "permit.number_taken", "number"),
        (5, "permit.number_taken", "number"),
    ]
    one_person = carry(office, tmp_path, notified(2, number="310115202600000077"), name="third.csv")
    found = [(one.row, one.code, one.path) for one in refusals(office.core, one_person.run_id)]
    assert found == [(2, "permit.has_one", "passport")]


def test_notification_from_before_the_switch_is_over_on_its_own_day(office: PermitOffice, tmp_path: Path) -> None:
    """And the permit with it, which nobody took up; the applicant reads the day among what is due."""
    carry(office, tmp_path, notified(1, usable_until="2026-03-10"))
    filing = only(office)
    due = office.ask(office.employer, "GET", "/v1/due").json()
    assert [(one["kind"], one["day"]) for one in due] == [("notification", "2026-03-10")]
    note = office.ok(office.employer, "GET", f"/v1/filings/{filing['filing_id']}/notification")
    office.travel(date(2026, 3, 11))
    office.turn()
    shown = {"token": note["token"], "surname": "ADLER", "given": "MAX", "number": note["number"], "checked": True}
    late = office.ask(office.officer, "POST", "/v1/permits/activations", shown)
    assert problem(late) == (404, "notification.unknown")
    assert office.permit(filing["permit_id"])["state"] == "EXPIRED"


FAULTS = [
    ({"process": ""}, "filing.incomplete", "process"),
    ({"process": "marriage"}, "filing.field", "process"),
    ({"state": "APPROVED"}, "filing.field", "state"),
    ({"submitted_on": "2026-03-03"}, "filing.future", "submitted_on"),
    ({"submitted_on": "26.2.2026"}, "filing.field", "submitted_on"),
    ({"state": "ACCEPTED"}, "filing.order", "accepted_on"),
    ({"state": "ACCEPTED", "accepted_on": "2026-02-25"}, "filing.order", "accepted_on"),
    ({"accepted_on": "2026-02-27"}, "filing.order", "accepted_on"),
    ({"state": "RETURNED", "returned_on": "2026-02-27"}, "filing.field", "defects"),
    ({"passport": ""}, "filing.incomplete", "passport"),
    ({"surname": "A\u202eB"}, "filing.field", "surname"),
    ({"surname": "---"}, "permit.name_missing", "surname"),
    ({"region": "999999"}, "filing.field", "region"),
    ({"employer_code": credit_code(77)}, "organisation.none", "employer_code"),
    ({"papers": "M01 M01"}, "filing.field", "papers"),
    ({"papers": "M04=2026-02-30"}, "filing.field", "papers"),
    ({"papers": "M04=2026-02-10/DEU/a stamp"}, "filing.field", "papers"),
    ({"papers": "M14"}, "filing.field", "code"),
    ({"holds": "luck"}, "filing.field", "facts.luck"),
    ({"process": "extension", "number": "310115202500000099"}, "filing.no_permit", "number"),
    ({"process": "extension"}, "filing.incomplete", "number"),
    (
        {"process": "cancellation", "number": "310115202500000099", "ground": "resigned"},
        "filing.incomplete",
        "ended_on",
    ),
    (notified(130, number=""), "filing.incomplete", "number"),
    (notified(131, usable_until=""), "filing.incomplete", "usable_until"),
    (notified(132, decided_on=""), "filing.incomplete", "decided_on"),
    (notified(133, number="12"), "filing.field", "number"),
    (notified(134, usable_until="2026-03-01"), "notification.over", "usable_until"),
    (notified(135, usable_until="2026-06-11"), "filing.order", "usable_until"),
    (notified(136, usable_until="2026-02-19"), "filing.order", "usable_until"),
    (notified(137, decided_on="2026-03-03"), "filing.order", "decided_on"),
    (notified(138, accepted_on="2026-02-21"), "filing.order", "accepted_on"),
    (notified(139, until="2026-03-01"), "filing.order", "until"),
    (notified(140, process="in_country"), "filing.field", "state"),
    ({"decided_on": "2026-02-27"}, "filing.order", "decided_on"),
    ({"usable_until": "2026-05-20"}, "filing.order", "usable_until"),
    ({"passport": "P00000001"}, "filing.open", "process"),
]


def test_every_fault_of_a_row_is_on_record_and_stops_nothing(office: PermitOffice, tmp_path: Path) -> None:
    rows = [row(1), *(row(100 + place, **one[0]) for place, one in enumerate(FAULTS)), row(2)]
    made = carry(office, tmp_path, *rows)
    found = [(one.row, one.code, one.path) for one in refusals(office.core, made.run_id)]
    assert found == [(place, code, path) for place, (_, code, path) in enumerate(FAULTS, 3)]
    assert (made.done, made.refused) == (2, len(FAULTS))
    assert count(office.core, Filing) == 2, "a refused row leaves nothing"
    assert count(office.core, Paper) == 2 * len(PAPERS.split())
    again = carry(office, tmp_path, *rows)
    assert (again.resumed, again.done, count(office.core, Filing)) == (True, 2, 2)
    twice = carry(office, tmp_path, row(1), name="again.csv")
    assert (twice.done, twice.refused) == (0, 1), "one open application of a kind for a person"


def test_all_that_is_wrong_with_a_row_is_on_record(office: PermitOffice, tmp_path: Path) -> None:
    wrong = {"state": "ACCEPTED", "birth": "1980-02-30", "sex": "m", "region": "999999", "papers": "M01 M01"}
    made = carry(office, tmp_path, row(1, **wrong, accepted_on="2.3.2026", submitted_on="2026-03-03"))
    found = {(one.row, one.path) for one in refusals(office.core, made.run_id)}
    assert found == {(2, path) for path in ("birth", "sex", "region", "papers", "accepted_on", "submitted_on")}
    assert (made.done, made.refused, count(office.core, Filing)) == (0, 1, 0)


def test_nobody_carries_an_application_over_by_the_api(office: PermitOffice) -> None:
    filing_id = office.draft("overseas", person_record(office.today))
    assert problem(office.move(office.officer, filing_id, "carry-over"))[0] == 404
