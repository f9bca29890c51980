"""Targets are judged by the right figure, and a kept run has what the page needs and no more."""

from __future__ import annotations

import json

import pytest

from benchmarks import extras
from benchmarks.keeping import short
from benchmarks.parts import Part, parts
from benchmarks.report import Target, as_json, judged, load_targets, target_table
from verifier.bench.measure import Run, Series

RUN = Run({"a": Series((4000.0, 6000.0, 8000.0)), "b": Series((2000.0, 2000.0, 2000.0))}, {"c": "ValueError: no key"})


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (Target("r", "a", "ratio", "b", at_most=3.0), (3.0, 2.0, "met")),
        (Target("r", "a", "ratio", "b", at_most=2.9), (3.0, 2.0, "missed")),
        (Target("r", "a", "ratio", "b", at_least=3.1), (3.0, 2.0, "missed")),
        (Target("r", "a", "time", at_most=6.0), (6.0, 4.0, "met")),
        (Target("r", "a", "time", at_most=5.9), (6.0, 4.0, "missed")),
        (Target("r", "c", "time", at_most=1.0), (None, None, "not measured: c: ValueError: no key")),
        (Target("r", "a", "ratio", "c", at_most=1.0), (None, None, "not measured: c: ValueError: no key")),
        (Target("s", "a", "time", at_most=1.0), (None, None, "not measured")),
    ],
)
def test_targets_are_judged_by_the_medians(target: Target, expected: tuple[float | None, float | None, str]) -> None:
    """A ratio, or milliseconds where there is nothing to compare with; what has no figure says why."""
    assert judged(target, {"r": RUN}, {}) == expected


def test_every_target_names_a_run() -> None:
    """A target whose run was renamed would never be measured. The native core's run is there where its wheel is."""
    assert {target.run for target in load_targets()} <= parts().keys() | {"robustness"}


def test_a_target_of_counts_is_judged_by_them() -> None:
    """What is counted has no medians; nothing counted is no figure."""
    target = Target("robustness", "icard", "read", "best peer", at_least=1.5)
    assert judged(target, {}, {"robustness": {"icard": 40.0, "best peer": 20.0}}) == (2.0, None, "met")
    assert judged(target, {}, {"robustness": {"icard": 40.0, "best peer": 30.0}})[2] == "missed"
    assert judged(target, {}, {"robustness": {"icard": 40.0}})[2] == "not measured"


def test_a_run_that_cannot_begin_is_a_row() -> None:
    """What breaks before the first turn has failed for all of ours, with the reason, and raises nothing."""

    def broken(rounds: int) -> Run:
        raise LookupError("no such list")

    run = Part("title", "b", broken, ours=("a",)).run(10)
    assert run.failed == {"a": "LookupError: no such list"}


def test_an_extra_that_fails_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """The other figures of a long run are kept."""

    def broken() -> None:
        raise OSError("no disk")

    assert extras._attempted("memory", broken) == {"failed": "OSError: no disk"}
    assert "no disk" in capsys.readouterr().out


def test_a_kept_run_has_no_rounds() -> None:
    """Medians, best, spread, ratios and failures stand in it, and the sizes of what grows; the rounds do not."""
    part = Part("title", "b", lambda _: RUN, unit="key", sizes={"a": 10}, ours=("a",), anchors=("b", "c"))
    kept = json.loads(as_json([], {"r": part}, {"r": RUN}, {}, {"measured_at": "then"}, full=False))
    told = kept["runs"]["r"]
    assert told["series"]["a"] == {
        "median_us": 6000.0,
        "best_us": 4000.0,
        "spread": 0.667,
        "ratio": 3.0,
        "ratio_of_best": 2.0,
    }
    assert told["watched"] == {"a / b": {"median": 3.0, "best": 2.0}}
    assert (told["rounds"], told["failed"], told["sizes"]) == (3, RUN.failed, {"a": 10})
    full = json.loads(as_json([], {"r": part}, {"r": RUN}, {}, {}, full=True))
    assert full["runs"]["r"]["series"]["a"]["rounds_us"] == [4000.0, 6000.0, 8000.0]


def test_the_kept_run_stands_beside_the_new_one() -> None:
    """The last kept figure of the same target, by its words."""
    target = Target("r", "a", "ratio", "b", at_most=3.0)
    lines = target_table([target], {"r": RUN}, {}, {"targets": [{"what": "ratio", "measured": 1.25}]}).splitlines()
    assert lines[-1].split() == ["ratio", "<=", "3.0", "3.00", "2.00", "1.25", "met"]


@pytest.mark.parametrize(("figure", "text"), [(0.09534, "0.0953"), (16.43, "16.4"), (123456.7, "123,457")])
def test_figures_are_short(figure: float, text: str) -> None:
    """Three digits that count and no exponent."""
    assert short(figure) == text
