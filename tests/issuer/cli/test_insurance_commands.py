"""``icard-issuer insurance``, as a person would type it."""

from __future__ import annotations

import csv
from pathlib import Path

from issuer.cli.commands import app
from tests.issuer.cli.test_service_commands import folder, told
from tests.kit.cli import run

__all__ = ["folder"]

COLUMNS = "number,employer_code,kind,month,scheme,employer_part,employee_part,day"


def test_import_writes_refused_rows_and_the_status_says_so(folder: Path, tmp_path: Path) -> None:
    """Nobody is insured here: both rows are refused, each fault with its place; the same file again adds none."""
    path = tmp_path / "rows.csv"
    row = "DEU000000C00000001,91310000MA1FL0000N,paid,2026-03,pension,{},2400.00,2026-04-15"
    path.write_text(f"{COLUMNS}\n{row.format('4800.00')}\n{row.format('1.234')}\n", "utf-8")
    for resumed in (False, True):
        refused = tmp_path / f"refused-{resumed}.csv"
        done = run(app, "insurance", "import", path, "--folder", folder, "--refused", refused, "--json")
        assert done.status == 1
        assert f'"resumed": {str(resumed).lower()}' in done.out
        assert '"refused": 2' in done.out
        with refused.open(encoding="utf-8", newline="") as file:
            found = [(row["row"], row["path"], row["code"]) for row in csv.DictReader(file)]
        assert found == [
            ("2", "number", "insurance.none"),
            ("2", "employer_code", "insurance.employer"),
            ("3", "employer_part", "insurance.amount"),
        ]


def test_lapses_says_how_many_were_looked_at(folder: Path) -> None:
    assert told(folder, "insurance", "lapses") == {"people": 0, "lapsed": 0, "restored": 0}


def test_compliance_of_nobody_is_named(folder: Path) -> None:
    done = run(app, "insurance", "compliance", "0" * 32, "--folder", folder, "--as-of", "2026-06-30")
    assert (done.status, "insured person" in done.err) == (10, True)


def test_recompute_tells_what_it_did_and_the_list_keeps_it(folder: Path) -> None:
    done = told(folder, "insurance", "recompute", "310000")
    listed = told(folder, "insurance", "recomputations")
    assert done == listed
    assert [(one["region"], one["state"], one["done"]) for one in listed] == [("310000", "done", 0)]


def test_services_of_a_region_name_their_rules(folder: Path) -> None:
    listed = told(folder, "insurance", "services", "330400", "--day", "2026-06-30")
    assert listed
    assert all(one["rule"].startswith("service_items/") for one in listed)
    assert told(folder, "insurance", "services", "650000", "--day", "2026-06-30") == []


def test_claims_and_orders_of_a_new_service_are_none_and_the_month_is_checked(folder: Path) -> None:
    assert told(folder, "insurance", "claims") == []
    assert told(folder, "insurance", "orders", "2026-11") == []
    plain = run(app, "insurance", "claims", "--folder", folder)
    assert (plain.status, plain.out, plain.err) == (0, "", "Nothing to list.\n")
    done = run(app, "insurance", "orders", "2026-13", "--folder", folder)
    assert (done.status, "insurance.month" in done.err) == (1, True)
