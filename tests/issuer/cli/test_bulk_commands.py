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
