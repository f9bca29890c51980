"""The page tells the kept run, and its drawings are honest bars."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.parts import RESULTS
from tools import benchmark_page
from tools.bars import Bar, bars

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


def test_a_peer_without_a_figure_keeps_its_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page is written from a run in which a peer was missing, with the reason."""
    kept = json.loads((RESULTS / "kept.json").read_text("utf-8"))
    del kept["runs"]["claim169"]["series"]["claim169"]
    kept["runs"]["claim169"]["failed"]["claim169"] = "no wheel"
    kept["refusals"]["claim169"] |= {"shown": 0, "accepted": [], "missing": ["card-ed25519, claim169: no wheel"]}
    (tmp_path / "kept.json").write_text(json.dumps(kept), "utf-8")
    monkeypatch.setattr("tools.benchmark_page.RESULTS", tmp_path)
    assert "| claim169: no wheel |" in benchmark_page.runs()
    assert "not measured: card-ed25519, claim169: no wheel" in benchmark_page.refusals()
