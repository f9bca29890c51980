"""The long tests of the format, at full size; ``make soak`` runs them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.kit.fuzzing import LAYERS, fuzz

Record = Callable[[str, object], None]


@pytest.mark.soak
def test_a_million_mutated_inputs(record_property: Record) -> None:
    """Mutated inputs raise only the typed error, at every layer; what is accepted keeps the layer's property."""
    outcomes = fuzz(2026, 1_000_000)
    record_property("inputs", f"{sum(sum(counts.values()) for counts in outcomes.values()):,}")
    record_property("accepted", f"{sum(counts['accepted'] for counts in outcomes.values()):,}")
    record_property("codes met", len({code for counts in outcomes.values() for code in counts} - {"accepted"}))
    assert outcomes.keys() == LAYERS.keys()
    assert all(len(counts) > 2 for counts in outcomes.values()), "every layer accepted some and refused some"
