"""The page tells the kept run, and its drawings are honest bars."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks.keeping import RESULTS
from tools import benchmark_drawings, benchmark_page, service_page
from tools.bars import Bar, bars
from tools.curves import Curve, curves
from tools.grid import grid

SVG = "{http://www.w3.org/2000/svg}"
ROWS = [Bar("ours & fast", 50.0, True), Bar("<other>", 200.0, False)]


def _parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)  # noqa: S314 - written by us a moment ago


def _drawn(svg: str, kind: str) -> list[ElementTree.Element]:
    return _parsed(svg).findall(f"{SVG}{kind}")


def test_a_bar_is_as_long_as_its_figure() -> None:
    """From zero: four times the figure, four times the bar; ours is marked."""
    rects = [each for each in _drawn(bars("t", "us", ROWS), "rect") if each.get("class") != "paper"]
    lengths = [float(each.get("width", "")) for each in rects]
    assert lengths[1] == pytest.approx(4 * lengths[0], abs=0.2)
    assert [each.get("class") for each in rects] == ["ours", "bar"]


def test_labels_are_escaped_and_told_to_whoever_does_not_see() -> None:
    """A label is text, never markup; the description has all figures."""
    drawn = _parsed(bars("t", "us", ROWS))
    assert drawn.findtext(f"{SVG}desc") == "ours & fast 50 us; <other> 200 us"
    assert "<other>" in [each.text for each in drawn.findall(f"{SVG}text")]


def test_a_drawing_follows_the_reader_s_theme() -> None:
    """Light and dark, on a background of its own."""
    svg = bars("t", "us", ROWS)
    assert "@media (prefers-color-scheme: dark)" in svg
    assert _drawn(svg, "rect")[0].get("class") == "paper"


def test_the_limit_stands_where_its_figure_is() -> None:
    """The line is at the end of a bar of the same figure, on the same scale."""
    svg = bars("t", "us", ROWS, ("raw", 50.0))
    ours = next(each for each in _drawn(svg, "rect") if each.get("class") == "ours")
    (line,) = _drawn(svg, "line")
    assert float(line.get("x1", "")) == pytest.approx(float(ours.get("x", "")) + float(ours.get("width", "")), abs=0.2)


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, Any]], None]:
    """Puts another kept run in the place of the real one."""
    monkeypatch.setattr("tools.kept_run.RESULTS", tmp_path)

    def put(run: dict[str, Any]) -> None:
        (tmp_path / "kept.json").write_text(json.dumps(run), "utf-8")

    return put


def test_a_peer_without_a_figure_keeps_its_row(told: Callable[[dict[str, Any]], None]) -> None:
    """The page is written from a run in which a peer was missing, with the reason."""
    kept = json.loads((RESULTS / "kept.json").read_text("utf-8"))
    del kept["runs"]["claim169"]["series"]["claim169"]
    kept["runs"]["claim169"]["failed"]["claim169"] = "no wheel"
    kept["refusals"]["claim169"] |= {"shown": 0, "accepted": [], "missing": ["card-ed25519, claim169: no wheel"]}
    told(kept)
    assert "| claim169: no wheel |" in benchmark_page.runs()
    assert "not measured: card-ed25519, claim169: no wheel" in benchmark_page.refusals()


def test_a_page_is_written_whatever_failed(told: Callable[[dict[str, Any]], None]) -> None:
    """Every run without figures and every other part failed: each block and each drawing says so, and none raises."""
    kept = json.loads((RESULTS / "kept.json").read_text("utf-8"))
    for run in kept["runs"].values():
        run |= {"series": {}, "failed": {"all": "no luck"}}
    for part in ("stages_us", "memory", "refusals", "robustness", "whole_machine", "issuing"):
        kept[part] = {"failed": "no luck"}
    told(kept)
    assert "photo of" in service_page.BLOCKS["service-sizing"]()
    kept["sizing"] = {"failed": "no luck"}
    told(kept)
    assert "no luck" in service_page.BLOCKS["service-sizing"]()
    said = {name: block() for name, block in benchmark_page.BLOCKS.items()}
    for name in ("runs", "growth", "memory", "robustness", "whole-machine", "issuing", "stages", "refusals"):
        assert "no luck" in said[f"benchmark-{name}"], name
    assert "not measured" in said["benchmark-limits"]
    assert "not measured" in said["benchmark-native"]
    for draw in benchmark_drawings.DRAWINGS.values():
        assert "not measured" in draw()


def test_a_missed_target_is_shown_as_missed(told: Callable[[dict[str, Any]], None]) -> None:
    """In bold, with the figure that missed it."""
    kept = json.loads((RESULTS / "kept.json").read_text("utf-8"))
    kept["targets"] = [{"what": "speed", "limit": "<= 1.6", "measured": 1.7, "of_best": 1.65, "result": "missed"}]
    told(kept)
    assert "| speed | <= 1.6 | 1.70 | 1.65 | **missed** |" in benchmark_page.targets()


def test_equal_factors_are_equal_lengths() -> None:
    """Ten times as much across and up is the same way on both axes, wherever it begins."""
    drawn = _drawn(curves("t", "entries", "ms", [Curve("a", [(10, 1), (100, 10), (1000, 100)], True)]), "circle")
    places = [(float(each.get("cx", "")), float(each.get("cy", ""))) for each in drawn]
    steps = [(x2 - x1, y1 - y2) for (x1, y1), (x2, y2) in pairwise(places)]
    assert steps == [pytest.approx((62, 62))] * 2


def test_a_cell_is_filled_by_its_share() -> None:
    """Half of them, half the cell; the count stands in it, and in the description."""
    svg = grid("t", ["icard", "other"], [("blur", [40, 20])], 40)
    ours, other = (each for each in _drawn(svg, "rect") if each.get("class") in ("ours", "bar"))
    assert float(ours.get("width", "")) == 2 * float(other.get("width", ""))
    assert "blur: icard 40, other 20, of 40 each" in (_parsed(svg).findtext(f"{SVG}desc") or "")
