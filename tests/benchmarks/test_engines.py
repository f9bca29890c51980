"""The native core's own runs: by engine in processes of their own, and by the number of keys."""

from __future__ import annotations

import pytest

from benchmarks import engines
from benchmarks.parts import Part
from icard_crypto import native
from icard_crypto.signing.ed25519 import BACKENDS
from tests.kit.native import ENGINES, needed


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_verdicts_are_measured_on_the_engine_that_is_asked_for(engine: str) -> None:
    """Whatever this process itself uses."""
    needed(engine)
    run = engines.verdicts_by(engine, 2)
    assert run.failed == {}
    assert run.series.keys() == {
        *("verdict", "raw check", "forged code", "verdict, in many"),
        *("native check", "native check, in many", "forged code, without"),
    }
    assert all(len(each.rounds) == 2 for each in run.series.values())


def test_an_engine_that_is_not_there_fails_its_own_run_alone() -> None:
    """By name, on a machine without the native core too."""
    with pytest.raises(RuntimeError, match="no native core with the engine neon here"):
        engines.verdicts_by("neon", 2)
    part = Part("neon", "raw check", lambda rounds: engines.verdicts_by("neon", rounds), ours=("verdict",))
    assert part.run(3).failed == {"verdict": "RuntimeError: no native core with the engine neon here (make native)"}


def test_every_key_is_met_once_in_an_order_that_is_not_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few keys come again until there are enough checks to time; all have their tables."""
    needed("scalar", in_use=True)
    monkeypatch.setattr(engines, "SIZES", {"1 keys": 1, "40 keys": 40})
    monkeypatch.setattr(engines, "_FEWEST", 80)
    run = engines.by_keys(2)
    assert run.failed == {}
    assert run.series.keys() == {"1 keys", "1 keys, in many", "40 keys", "40 keys, in many", f"40 keys, {BACKENDS[1]}"}
    used = native.state().keyring
    assert used is not None
    ring = native.new_keyring(used.engine)
    assert ring is not None
    met = [key.raw for key, _, _ in engines._items(ring, 40)]
    assert len(met) == 80
    assert len(set(met[:40])) == len(set(met)) == 40
    assert met[:40] != sorted(met[:40])
    assert met[:40] != met[40:]
