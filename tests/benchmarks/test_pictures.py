"""Poor pictures are the same on every run, of every kind, and a reader is judged by the text that it gives."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from benchmarks import pictures, robustness
from benchmarks.child import Child, ChildEnded, ChildFailed, start_icard
from icard_crypto import qr


class Scripted(Child):
    """A reader without a process: reads by icard, or dies at every poor picture."""

    def __init__(self, *, dies: bool = False, blind: bool = False) -> None:
        self._dies, self._blind, self._shown = dies, blind, 0

    def ask(self, **request: Any) -> dict[str, Any]:
        if request["do"] == "load":
            return {}
        self._shown += 1
        if self._blind:
            raise ChildFailed("not read")
        if self._dies and self._shown > 1:
            raise ChildEnded("ended with -11")
        return {"claims": [code.content for code in qr.read(bytes.fromhex(request["code"]))]}

    def close(self) -> None:
        pass


def test_every_kind_that_readers_are_asked_for_is_there() -> None:
    """Each kind at several strengths, each step one that exists."""
    every = robustness.levels()
    assert {level.kind for level in every} >= {
        *("perspective", "noise", "blur", "inverted", "low contrast"),
        *("JPEG", "print at 300 dpi", "rotated", "small"),
    }
    assert len({(level.kind, level.strength) for level in every}) == len(every) >= 40
    assert {name for level in every for name, _ in level.steps} == robustness._STEPS.keys()


@pytest.mark.parametrize("level", robustness.levels(), ids=lambda level: f"{level.kind} {level.strength}")
def test_a_poor_picture_is_the_same_each_time(level: robustness.Level) -> None:
    """Same seed, same bytes; another seed, another text."""
    text, file = robustness.spoil(level, 1)
    assert robustness.spoil(level, 1) == (text, file)
    assert robustness.spoil(level, 2)[0] != text
    assert hashlib.sha256(file).digest() != hashlib.sha256(robustness.spoil(level, 2)[1]).digest()


def test_a_reader_that_dies_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its deaths are counted and its pictures unread; a reader of nothing has its reason; the good one has figures."""
    starts = {"icard": Scripted, "dies": lambda: Scripted(dies=True), "blind": lambda: Scripted(blind=True)}
    monkeypatch.setattr(robustness, "readers", lambda: starts)
    two = [level for level in robustness.levels() if level.kind == "JPEG"][:2]
    monkeypatch.setattr(robustness, "levels", lambda: two)
    results = robustness.robustness(1)
    assert (results["icard"].read, results["icard"].died) == ([1, 1], 0)
    assert (results["dies"].read, results["dies"].died) == ([0, 0], 2)
    assert (results["blind"].read, results["blind"].missing) == ([], "not read")


def test_a_drawer_whose_picture_says_something_else_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was drawn is read back before anybody is timed."""

    class Liar(Scripted):
        def ask(self, **request: Any) -> dict[str, Any]:
            return {"claims": {"bytes": qr.draw_png("IC1:ANOTHER").hex()}} if request["do"] == "verify" else {}

    monkeypatch.setattr(pictures, "names", lambda role: ["liar"])
    monkeypatch.setattr(pictures, "start_peer", lambda name, role: Liar())
    monkeypatch.setattr(pictures, "start_icard", lambda role: Liar())
    run = pictures.drawing(2)
    assert run.failed == dict.fromkeys(("icard", "liar"), "what it draws does not read back")


def test_icard_reads_and_draws_as_a_contender() -> None:
    """Its two scripts do their work in a process of their own."""
    with start_icard(role="draw") as drawer, start_icard(role="read") as reader:
        drawer.ask(do="load", form="text", codes=[], algorithm="", key="", kid="")
        reader.ask(do="load", form="png", codes=[], algorithm="", key="", kid="")
        drawn = drawer.ask(do="verify", code="IC1:ABC")["claims"]["bytes"]
        assert reader.ask(do="verify", code=drawn)["claims"] == ["IC1:ABC"]
