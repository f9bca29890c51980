"""Whatever is missing on a machine, `make bench` gives a row with the reason, and all of the rest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import __main__ as bench
from benchmarks import parts as benchmark_parts
from benchmarks import service
from benchmarks.parts import Part
from benchmarks.report import series_table
from verifier.bench.measure import Run, Series, interleave


def test_contender_that_gives_no_time_is_a_row() -> None:
    """A contender whose figure is 0 drops out with its reason; the tables and ratios of the others stand."""
    run = interleave({"good": lambda: 2.0, "nothing": lambda: 0.0}, rounds=2)
    assert run.series == {"good": Series((2.0, 2.0))}
    assert run.failed == {"nothing": "ValueError: 0 us is no time"}
    assert "nothing: ValueError: 0 us is no time" in series_table(run, "nothing")


def test_without_wrk_every_way_over_http_has_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """No server is started for a load that cannot be made, and each row says what to install."""
    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.setattr(service, "_server", lambda *_: pytest.fail("a server was started"))
    run = service.over_http(1, 3)
    assert run.series == {}
    assert set(run.failed) >= {"does nothing", "usual route", "lean route", "lean route, p99"}
    assert set(run.failed.values()) == {"no wrk; on Debian: apt-get install wrk"}


def test_latencies_of_a_load_that_failed_are_no_figures(tmp_path: Path) -> None:
    """A load that cannot run fails with its own reason, and its latencies fail too instead of being 0."""
    load = service._Load(tmp_path / "absent.lua", "http://127.0.0.1:9/", 1)
    run = interleave({"way": load, "way, p50": lambda: load.latency("p50")}, rounds=2)
    assert run.series == {}
    assert set(run.failed) == {"way", "way, p50"}


def test_whole_run_is_written_though_things_are_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With one run that cannot begin, one whose contenders are all missing and one that is whole, the figures of the
    last are printed and written, and each of the others has its reason."""

    def broken(_: int) -> Run:
        raise FileNotFoundError("no wrk")

    made = {
        "broken": Part("A run that cannot begin", "anchor", broken, ours=("ours",)),
        "missing": Part(
            "A run without contenders", "anchor", lambda _: Run(failed={"peer": "not there"}), ours=("ours",)
        ),
        "whole": Part("A whole run", "b", lambda n: interleave({"a": lambda: 2.0, "b": lambda: 1.0}, n), ours=("a",)),
    }
    for module in (bench, benchmark_parts):
        monkeypatch.setattr(module, "RESULTS", tmp_path)
    monkeypatch.setattr(bench, "KEPT", tmp_path / "kept.json")
    monkeypatch.setattr(bench, "ROOT", tmp_path)
    monkeypatch.setattr(bench, "parts", lambda: made)
    monkeypatch.setattr(bench, "extras", lambda _: {"robustness": {"failed": "no reader"}})
    monkeypatch.setattr("sys.argv", ["benchmarks", "--rounds", "3"])
    bench.main()
    printed = capsys.readouterr().out
    assert "ours: FileNotFoundError: no wrk" in printed
    assert "peer: not there" in printed
    written = json.loads((tmp_path / "latest.json").read_text("utf-8"))
    assert written["runs"]["whole"]["series"]["a"]["ratio"] == 2.0
    assert written["runs"]["broken"]["failed"] == {"ours": "FileNotFoundError: no wrk"}
