"""``icard-issuer bulk``, as a person would type it."""

from __future__ import annotations

import csv
from pathlib import Path

from issuer.cli.commands import app
from tests.issuer.cli.test_service_commands import active_key, folder, told
from tests.kit.bulk_files import card_line, header, write_cards
from tests.kit.cli import run
from tests.kit.issuing_service import person

__all__ = ["folder"]

WHO = ("--operator", "Ann", "--reason", "a test")


def test_issue_renew_and_revoke(folder: Path, tmp_path: Path) -> None:
    """Three commands over the same three people."""
    active_key(folder)
    done = told(folder, "bulk", "issue", write_cards(tmp_path / "a.csv", range(3)), "--codes", tmp_path / "codes")
    assert (done["done"], done["refused"], done["resumed"]) == (3, 0, False)
    assert len((tmp_path / "codes").read_text("ascii").splitlines()) == 3
    which = tmp_path / "which.csv"
    which.write_text("permit.number\n" + "".join(f"{person(number).permit.number}\n" for number in range(2)))
    assert told(folder, "bulk", "renew", which, *WHO)["done"] == 2
    assert told(folder, "bulk", "revoke", which, *WHO)["done"] == 2
    (card,) = told(folder, "card", "find", "--permit", person(1).permit.number or "")["cards"]
    assert told(folder, "card", "show", card)["standing"] == "revoked"


def test_refused_rows_are_written_and_the_status_says_so(folder: Path, tmp_path: Path) -> None:
    """Exit status 1, and a file that a spreadsheet opens."""
    active_key(folder)
    path = tmp_path / "a.csv"
    path.write_text(f"{header()}\n{card_line(1)}\n{card_line(2, until='soon')}\n", "utf-8")
    done = run(app, "bulk", "issue", path, "--folder", folder, "--refused", tmp_path / "refused.csv", "--lang", "zh")
    assert (done.status, done.err) == (1, "")
    with (tmp_path / "refused.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["row"], row["path"], row["code"]) == ("3", "permit.until", "card.bad_format")
    assert row["expected"] == "a date as YYYY-MM-DD"
    assert row["message"] == "字段内容不符合规定的格式。"


def test_a_file_in_another_encoding_is_one_line(folder: Path, tmp_path: Path) -> None:
    """With what to do, and without a guess: nearly any bytes are GB18030."""
    path = tmp_path / "a.csv"
    path.write_bytes(f"{header()}\n{card_line(1)}\n".encode("gb18030"))
    done = run(app, "bulk", "issue", path, "--folder", folder)
    assert done.status == 1
    assert "found another encoding" in done.err
    assert "UTF-8" in done.err


def test_a_dry_run_reports_all_faults_and_writes_nothing(folder: Path, tmp_path: Path) -> None:
    """Two faults of one row at once, a number that a live card has, one that stands twice; no card, code or run."""
    active_key(folder)
    told(folder, "bulk", "issue", write_cards(tmp_path / "a.csv", [1]))
    before = told(folder, "card", "list")
    lines = [header(), card_line(1), card_line(2), card_line(2), card_line(3, until="soon", region="x")]
    path = tmp_path / "b.csv"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    refused = tmp_path / "refused.csv"
    done = run(app, "bulk", "issue", path, "--folder", folder, "--dry-run", "--refused", refused, "--json")
    assert (done.status, done.lines) == (1, [{"rows": 4, "good": 1, "refused": 3, "faults": 4}])
    with refused.open(encoding="utf-8", newline="") as file:
        found = [(row["row"], row["path"], row["code"], row["found"]) for row in csv.DictReader(file)]
    assert found[:2] == [
        ("2", "permit.number", "issue.card_exists", ""),
        ("4", "permit.number", "issue.card_exists", "as in row 3"),
    ]
    assert {(row, path) for row, path, _, _ in found[2:]} == {("5", "permit.until"), ("5", "permit.region")}
    assert told(folder, "card", "list") == before
    # Nothing was begun either: the run itself starts at the first row, and says the same of what it refuses.
    said = refused.read_text("utf-8")
    done = run(app, "bulk", "issue", path, "--folder", folder, "--refused", refused, "--json")
    assert (done.status, done.lines[-1]["resumed"], done.lines[-1]["refused"]) == (1, False, 3)
    assert refused.read_text("utf-8") == said.replace("as in row 3", "")


def test_a_dry_run_prints_faults_and_repeats_no_cell(folder: Path, tmp_path: Path) -> None:
    """On the terminal: row, code and place; of what a cell holds its shape alone."""
    active_key(folder)
    path = tmp_path / "a.csv"
    path.write_text(f"{header()}\n{card_line(1, until='Vogel 12')}\n", "utf-8")
    done = run(app, "bulk", "issue", path, "--folder", folder, "--dry-run")
    assert done.status == 1
    assert "row 2: card.bad_format  permit.until; expected a date as YYYY-MM-DD; 'xxxxx 99'" in done.out
    assert "Vogel" not in done.out


def test_cards_that_were_listed_are_replaced(folder: Path, tmp_path: Path) -> None:
    """The file that ``card list`` writes is one that ``bulk replace`` reads; run again it makes nothing twice."""
    active_key(folder)
    told(folder, "bulk", "issue", write_cards(tmp_path / "a.csv", range(3)))
    key = told(folder, "card", "list")[0]["key"]
    listed = tmp_path / "cards.jsonl"
    assert told(folder, "card", "list", "--key", key, "--out", listed)["cards"] == 3
    new = active_key(folder)
    for _ in range(2):
        done = told(folder, "bulk", "replace", listed, "--codes", tmp_path / "codes", *WHO)
        assert (done["done"], done["refused"]) == (3, 0)
    assert told(folder, "card", "list", "--key", key) == []
    assert {row["key"] for row in told(folder, "card", "list")} == {new[:16]}
    assert len((tmp_path / "codes").read_text("ascii").splitlines()) == 3
