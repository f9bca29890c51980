"""Reading bulk files: whatever is wrong with one is named, with its row, and never with what a cell holds."""

from __future__ import annotations

import csv
import json
import re
import tracemalloc
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from icard_crypto.card.card import Card, Profile
from icard_crypto.card.claims import StatusRef
from icard_crypto.card.issuing import issue_claims
from icard_crypto.errors import CardError, StateError
from issuer.bulk.rows import Row, Source, read_rows
from issuer.bulk.run import CARD_COLUMNS
from tests.kit.bulk_files import COLUMNS, card_line, header, write_cards
from tests.kit.issuing_service import person

VECTORS = Path(__file__).parents[2] / "vectors" / "cards"


def rows(path: Path, key: str | None = None) -> list[Row]:
    return list(read_rows(Source.of(path), CARD_COLUMNS, key))


def written(path: Path, *lines: str | bytes) -> Path:
    path.write_bytes(b"".join(line if isinstance(line, bytes) else line.encode() + b"\n" for line in lines))
    return path


def refusal(path: Path, key: str | None = None) -> StateError:
    with pytest.raises(StateError) as caught:
        rows(path, key)
    return caught.value


def test_the_example_of_the_docs() -> None:
    """Its three rows are cards, quotes and an empty insurance included; the first is the reference card."""
    found = rows(VECTORS / "bulk.csv")
    assert [row.number for row in found] == [2, 3, 4]
    described = [Card.from_json(row.values).to_json() for row in found]
    assert described[0] == json.loads((VECTORS / "reference.json").read_text("utf-8"))
    assert described[1]["holder"]["name"] == 'MIN-JUN "MJ" KIM'
    assert described[1]["permit"]["position"] == "Director, sales"
    assert "insurance" not in described[2]


def test_every_column_leads_to_its_field(tmp_path: Path) -> None:
    """A card written as cells is read as the same card, from CSV as from JSON Lines."""
    for name, form in (("a.csv", "csv"), ("b.jsonl", "jsonl")):
        (row,) = rows(write_cards(tmp_path / name, [7], form=form))
        assert Card.from_json(row.values) == person(7)


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_bom_and_line_endings(tmp_path: Path, ending: str) -> None:
    """What spreadsheets add is no fault, nor is a last line without an end."""
    text = "\ufeff" + ending.join([header(), card_line(1), "", card_line(2)])
    path = written(tmp_path / "a.csv", text.encode())
    assert [row.number for row in rows(path)] == [2, 4]
    assert all(Card.from_json(row.values) for row in rows(path))


def test_an_empty_file_is_named(tmp_path: Path) -> None:
    """Nothing, and nothing but the columns."""
    for content in (b"", header().encode(), header().encode() + b"\n"):
        fault = refusal(written(tmp_path / "a.csv", content))
        assert (fault.code, fault.found) == ("bulk.empty", f"{len(content)} bytes")
        assert "has no rows" in fault.message()
    assert refusal(written(tmp_path / "a.jsonl", b"")).code == "bulk.empty"


@pytest.mark.parametrize(
    ("encoding", "found"),
    [("gb18030", "another encoding"), ("utf-16", "UTF-16")],
)
def test_another_encoding_is_named(tmp_path: Path, encoding: str, found: str) -> None:
    """With where it shows; nothing is guessed but by its mark: nearly any bytes are GB18030."""
    path = written(tmp_path / "a.csv", f"{header()}\n{card_line(1)}\n".encode(encoding))
    fault = refusal(path)
    assert (fault.code, fault.expected, fault.found) == ("bulk.encoding", "UTF-8", found)
    assert fault.offset is not None
    assert "Save it again as UTF-8" in fault.hint()


@pytest.mark.parametrize("mark", [";", "\t"])
def test_spreadsheets_with_semicolons_or_tabs_are_read(tmp_path: Path, mark: str) -> None:
    """The same rows as with commas, lists and quotes included; a comma in a cell stays one."""
    cells = [
        ["ref", "holder.name", "holder.nationality", "permit.until", "permit.employer", "services"],
        ["1", "MUSTER ERIKA", "DEU", "2027-12-31", "Muster, Ltd.", "transit;library"],
    ]

    def read(between: str) -> list[dict[str, Any]]:
        path = tmp_path / "cards.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, delimiter=between).writerows(cells)
        return [row.values or {} for row in rows(path, "ref")]

    assert read(mark) == read(",")
    assert read(mark)[0]["permit"]["employer"] == "Muster, Ltd."


def test_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    """Also a file that breaks off within a character, with the offset of the first wrong byte."""
    fault = refusal(written(tmp_path / "a.csv", header(), b"x\xff\xff"))
    assert (fault.code, fault.offset, fault.found) == ("bulk.encoding", len(header()) + 2, "another encoding")
    fault = refusal(written(tmp_path / "a.csv", header(), "上海".encode()[:-1]))
    assert (fault.code, fault.offset) == ("bulk.encoding", len(header()) + 4)


def test_missing_columns_are_named(tmp_path: Path) -> None:
    """All of them at once."""
    fault = refusal(written(tmp_path / "a.csv", "holder.name,permit.number", "A,B"))
    assert (fault.code, fault.path) == ("bulk.columns", "line 1")
    assert fault.found == "no holder.nationality, permit.until"
    assert "docs/bulk.md" in fault.hint()


def test_unknown_columns_are_named(tmp_path: Path) -> None:
    """Where they look like columns; a first line of data is not repeated."""
    fault = refusal(written(tmp_path / "a.csv", f"{header()},holder.nmae", card_line(1) + ",x"))
    assert (fault.code, fault.found) == ("bulk.columns", "unknown holder.nmae")
    wanted = ",".join(CARD_COLUMNS.required)
    fault = refusal(written(tmp_path / "a.csv", f"{wanted},HANNELORE VOGEL", "a,b,c,d"))
    assert fault.found == "unknown text of 15 characters"


def test_a_column_that_stands_twice_is_named(tmp_path: Path) -> None:
    """One of the two would be lost in silence."""
    fault = refusal(written(tmp_path / "a.csv", f"{header()},services", card_line(1) + ",x"))
    assert (fault.code, fault.found) == ("bulk.columns", "twice services")


def test_a_key_column_must_be_there(tmp_path: Path) -> None:
    """It is asked for by name."""
    fault = refusal(write_cards(tmp_path / "a.csv", [1]), key="ref")
    assert (fault.code, fault.found) == ("bulk.columns", "no ref")


def test_a_row_with_a_fault_of_form_stops_nothing(tmp_path: Path) -> None:
    """Quotes that do not match, cells too few and too many, a line that never ends: each is its row's alone."""
    lines = [header(), card_line(1), '"HANNELORE', "a,b", card_line(2) + ",", "x" * 200_000, card_line(3)]
    found = rows(written(tmp_path / "a.csv", *lines))
    faults = {row.number: row.fault and (row.fault.code, row.fault.found) for row in found}
    width = len(COLUMNS)
    assert faults == {
        2: None,
        3: ("bulk.quoting", "a line break within quotes"),
        4: ("bulk.cells", "2 cells"),
        5: ("bulk.cells", f"{width + 1} cells"),
        6: ("bulk.row_too_long", None),
        7: None,
    }
    told = [row.fault.message() for row in found if row.fault]
    assert "The quotes of a row do not match." in told
    assert "A row has not as many cells as there are columns." in told
    assert "A row is longer than any card." in told


def test_lines_that_are_no_json_object(tmp_path: Path) -> None:
    """Named by their grammar: an array, a torn object, a name twice, too much nesting."""
    lines = ["[1]", '{"holder": ', '{"a": 1, "a": 2}', "[" * 60_000, json.dumps(person(1).to_json())]
    found = rows(written(tmp_path / "a.jsonl", *lines))
    assert [row.fault.code if row.fault else None for row in found] == ["bulk.json"] * 4 + [None]
    assert next(row.fault.expected for row in found if row.fault) == "an object"
    assert found[0].fault is not None
    assert "is not one JSON object" in found[0].fault.message()


def test_halves_of_characters_and_boundless_numbers_are_a_faulty_row(tmp_path: Path) -> None:
    """Neither can be kept, hashed or sent to a database; a pair of halves is one character, and good."""
    lines = [r'{"a": "\ud800"}', r'{"\uDFFF": 1}', '{"a": 1e999}', '{"a": NaN}', r'{"a": "\ud83d\ude00"}']
    found = rows(written(tmp_path / "a.jsonl", *lines))
    assert [row.fault.code if row.fault else None for row in found] == ["bulk.json"] * 4 + [None]
    assert found[4].values == {"a": "\U0001f600"}


def test_a_file_of_unknown_form_is_asked_about(tmp_path: Path) -> None:
    """By its suffix, and with --form it is read."""
    path = write_cards(tmp_path / "a.txt", [1])
    fault = refusal(path)
    assert (fault.code, fault.found) == ("bulk.form", ".txt")
    assert "--form" in fault.hint()
    assert Source.of(path, "csv").lines == 2


def test_a_file_that_changes_is_named(tmp_path: Path) -> None:
    """Its rows are known by its content."""
    path = write_cards(tmp_path / "a.csv", [1, 2])
    source = Source.of(path)
    write_cards(path, [1, 3])
    with pytest.raises(StateError) as caught:
        list(read_rows(source, CARD_COLUMNS))
    assert caught.value.code == "bulk.changed"
    assert "changed while it was read" in caught.value.message()


def read_flatly(folder: Path, count: int) -> None:
    """Read a file of so many rows; more than a megabyte at once is never needed."""
    path = folder / "many.csv"
    line = card_line(1) + "\n"
    with path.open("w", encoding="utf-8") as file:
        file.write(header() + "\n")
        for _ in range(count):
            file.write(line)
    tracemalloc.start()
    assert sum(row.fault is None for row in read_rows(Source.of(path), CARD_COLUMNS)) == count
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert path.stat().st_size > 300 * count
    assert most < 1_000_000


def test_memory_is_flat(tmp_path: Path) -> None:
    """A file of two megabytes takes half of one."""
    read_flatly(tmp_path, 6_000)


@pytest.mark.soak
def test_memory_is_flat_at_a_million_rows(tmp_path: Path) -> None:
    """So does one of 400 megabytes."""
    read_flatly(tmp_path, 1_000_000)


def test_the_docs_name_every_column() -> None:
    """docs/bulk.md has each column, and says which are required."""
    text = (Path(__file__).parents[3] / "docs" / "bulk.md").read_text("utf-8")
    for name in CARD_COLUMNS.forms:
        first, _, last = name.rpartition(".")
        shown = f"`.{last}`" if first == "insurance.exemptions[0]" and last != "schemes" else f"`{name}`"
        assert shown in text, name
    assert all(f"`{name}` (required)" in text for name in CARD_COLUMNS.required)


def test_the_page_marks_what_no_card_can_lack() -> None:
    """With the columns that are marked as required each profile has a code, and without any one of them none has."""
    values: dict[str, Any] = {
        "holder.name": "MUSTER ERIKA",
        "holder.year_of_birth": 1988,
        "holder.nationality": "DEU",
        "permit.number": "R310115202600000001",
        "permit.category": "B",
        "permit.employer": "Muster",
        "permit.region": "310115",
        "permit.until": "2027-12-31",
    }
    page = (Path(__file__).parents[3] / "docs" / "bulk.md").read_text("utf-8")
    assert set(re.findall(r"`([a-z_.]+)` \(required\)", page)) == set(values)

    def issued(names: Iterable[str]) -> None:
        record: dict[str, Any] = {}
        for name in names:
            part, _, last = name.partition(".")
            record.setdefault(part, {})[last] = values[name]
        card = Card.from_json(record)
        for profile in Profile:
            status = StatusRef("https://icard.example/s/x", 1)
            issue_claims(card, profile, issuer="cn.310000", issued_at=1_796_000_000, status=status, cti=bytes(8))

    issued(values)
    for missing in values:
        with pytest.raises(CardError):
            issued(set(values) - {missing})
