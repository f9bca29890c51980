"""A change is judged by ratios: worse by both measures fails, a busy machine or a missing peer does not."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import compare
from benchmarks.compare import BAND, Change, changes
from benchmarks.parts import Part
from verifier.bench.measure import Run, Series

KEPT: dict[str, Any] = {
    "measured_at": "then",
    "runs": {"r": {"watched": {"ours / peer": {"median": 2.0, "best": 2.0}}}},
}
PEER = Series((10.0, 10.0, 10.0))


def _found(run: Run) -> list[Change]:
    part = Part("title", "peer", lambda _: run, ours=("ours",), anchors=("peer",))
    return changes(KEPT, {"r": (part, run)}, BAND)


@pytest.mark.parametrize(
    ("rounds", "word"),
    [
        ((20.0, 20.0, 20.0), "same"),
        ((22.9, 22.9, 22.9), "same"),
        ((23.1, 23.1, 23.1), "worse"),
        ((20.0, 40.0, 40.0), "same"),
        ((16.9, 16.9, 16.9), "better"),
    ],
    ids=["equal", "within the band", "beyond it", "busy: the best round is as before", "faster"],
)
def test_a_ratio_is_worse_by_median_and_by_best(rounds: tuple[float, ...], word: str) -> None:
    """Fifteen in a hundred, of both."""
    (change,) = _found(Run({"ours": Series(rounds), "peer": PEER}))
    assert (change.run, change.ratio, change.kept, change.word) == ("r", "ours / peer", 2.0, word)


def test_a_missing_peer_is_told_and_icard_s_failure_is_another_thing() -> None:
    """Without a peer nothing is known; without icard everything is."""
    assert [change.word for change in _found(Run({"ours": PEER}, {"peer": "no wheel"}))] == ["missing"]
    assert [change.word for change in _found(Run({"peer": PEER}, {"ours": "no"}))] == ["failed"]


@pytest.mark.parametrize(("figure", "status"), [(20.0, 0), (30.0, 1)])
def test_the_exit_code_says_it(
    figure: float, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """0 within the band, 1 beyond it; the table names the ratio."""
    run = Run({"ours": Series((figure,) * 3), "peer": PEER})
    kept = tmp_path / "kept.json"
    kept.write_text(json.dumps(KEPT))
    monkeypatch.setattr(compare, "KEPT", kept)
    part = Part("title", "peer", lambda _: run, ours=("ours",), anchors=("peer",))
    monkeypatch.setattr(compare, "parts", lambda: {"r": part})
    monkeypatch.setattr(sys, "argv", ["compare"])
    with pytest.raises(SystemExit) as ended:
        compare.main()
    assert ended.value.code == status
    assert "r: ours / peer" in capsys.readouterr().out
