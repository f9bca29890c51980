"""A contender that dies, prints nonsense, sleeps or cheats is a row with its reason; the others have figures."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import pytest

from benchmarks import child, versus
from benchmarks.child import Child, ChildEnded, ChildFailed
from benchmarks.codes import make_codes
from benchmarks.race import race
from icard_crypto.signing.algorithms import ED25519
from icard_crypto.signing.ed25519 import BACKENDS

_GOOD = 'import sys; [print(\'{"ok": true, "ns": 1000, "codes": 1}\', flush=True) for _ in sys.stdin]'
_DIES = "import os, sys; sys.stdin.readline(); os._exit(3)"
_ASK = "sys.stdin.readline()"
_DIES_LATER = f"import os, sys; {_ASK}; print('{{\"ok\": true}}', flush=True); {_ASK}; os._exit(3)"
_TALKS = "import sys; sys.stdin.readline(); print('Segmentation fault (well, nearly)', flush=True); sys.stdin.read()"


def _python(script: str) -> Child:
    return Child(Path(sys.executable), ["-c", script])


def _load(started: Child) -> None:
    started.ask(do="load")


def test_whoever_dies_is_a_row() -> None:
    """At the first question, or in the middle of the run: the reason is told and the other goes on to the end."""
    starts = {
        "dies": partial(_python, _DIES),
        "good": partial(_python, _GOOD),
        "dies later": partial(_python, _DIES_LATER),
        "talks": partial(_python, _TALKS),
    }
    run = race(starts, _load, 3)
    assert run.series["good"].rounds == (1.0, 1.0, 1.0)
    assert run.failed == {
        "dies": "ended with 3",
        "dies later": "ChildEnded: ended with 3",
        "talks": "no answer but 'Segmentation fault (well, nearly)\\n'",
    }


def test_whoever_says_nothing_is_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that hangs is not waited for."""
    monkeypatch.setattr(child, "_SECONDS", 0.2)
    run = race({"hangs": partial(_python, "import sys; sys.stdin.read()")}, _load, 3)
    assert run.failed == {"hangs": "no answer in 0.2 s"}


def test_whoever_takes_a_forged_code_is_not_measured() -> None:
    """The load of the runs with peers shows one code whose signature was changed."""
    codes = make_codes(ED25519, 1)
    with _python(_GOOD) as cheat, pytest.raises(ChildFailed) as refused:
        versus._load(codes, "ic1", cheat)
    assert not isinstance(refused.value, ChildEnded)
    assert str(refused.value) == "it takes a changed signature"


def test_a_dying_peer_leaves_the_others_their_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole run with icard and one peer, a real process that ends when it is asked."""
    monkeypatch.setattr(versus, "names", lambda role: ["dying"])
    monkeypatch.setattr(versus, "start_peer", lambda name: _python(_DIES))
    run = versus.versus("ic1", 2)
    assert run.failed == {"dying": "ended with 3"}
    assert {"icard openssl", f"icard {BACKENDS[0]}, map"} <= run.series.keys()
