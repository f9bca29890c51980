"""The harness measures in turns, and a contender that fails is a row, not a crash."""

from __future__ import annotations

import pytest

from verifier.bench.measure import Contender, Run, Series, interleave


def _recorder(name: str, calls: list[str], times: list[float]) -> Contender:
    def contender() -> float:
        calls.append(name)
        return times.pop(0)

    return contender


def test_contenders_take_turns_and_the_first_round_is_thrown_away() -> None:
    """A B A B ..., and what the first round gave is in no series."""
    calls: list[str] = []
    run = interleave({"a": _recorder("a", calls, [99, 1, 2]), "b": _recorder("b", calls, [99, 4, 4])}, rounds=2)
    assert calls == ["a", "b"] * 3
    assert run.series == {"a": Series((1, 2)), "b": Series((4, 4))}


def test_a_ratio_is_the_median_of_the_rounds_ratios() -> None:
    """A slow round falls on both contenders and leaves the ratio alone; two medians would give 2.5."""
    run = Run({"a": Series((10.0, 2.0, 20.0)), "b": Series((5.0, 1.0, 4.0))})
    assert run.ratio("a", "b") == 2.0
    assert run.best_ratio("a", "b") == 2.0
    assert run.ratio("a", "nobody") is None


def test_a_failing_contender_drops_out_with_its_reason() -> None:
    """The other goes on to the end."""

    def failing() -> float:
        raise ValueError("no key")

    calls: list[str] = []
    run = interleave({"bad": failing, "good": _recorder("good", calls, [1, 1, 1])}, rounds=2)
    assert run.failed == {"bad": "ValueError: no key"}
    assert run.series.keys() == {"good"}
    assert run.ratio("bad", "good") is None


def test_spread_is_the_middle_half_over_the_median() -> None:
    """First and third quartile 1.5 and 4.5, median 3."""
    assert Series((1.0, 2.0, 3.0, 4.0, 5.0)).spread == pytest.approx((4.5 - 1.5) / 3)
