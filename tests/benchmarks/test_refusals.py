"""What is held against peers is what a standard asks for; nobody scores by refusing all, and a death is told."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest

from benchmarks.child import Child, ChildEnded, ChildFailed, start_icard
from benchmarks.peers import ROOT
from benchmarks.refusals import Vector, chosen, score, shown_as
from icard_crypto.encoding import envelope
from icard_crypto.signing.ed25519 import BACKENDS

RULES = json.loads((ROOT / "benchmarks" / "must_refuse.json").read_text("utf-8"))["rules"]
REFUSED = {path.stem: json.loads(path.read_text("utf-8")) for path in (ROOT / "tests/vectors/refuse").glob("*.json")}


class Actor(Child):
    """A child without a process, which answers as it is told to."""

    def __init__(self, refuses: type[ChildFailed] | None, *, refuses_good: bool = False) -> None:
        self._refuses = refuses
        self._good = 0 if refuses_good else 1

    def ask(self, **request: Any) -> dict[str, Any]:
        if request["do"] == "load" or self._refuses is None:
            return {}
        if self._good:
            self._good -= 1
            return {}
        raise self._refuses("no")

    def close(self) -> None:
        pass


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["standard"].partition(":")[0])
def test_rules_name_vectors_that_exist(rule: dict[str, Any]) -> None:
    """A rule whose code or vector was renamed would quietly hold nothing against anyone."""
    codes = {made.get("code", made["layer"]) for made in REFUSED.values()}
    assert set(rule.get("codes", ())) <= codes
    assert {*rule.get("vectors", ()), *rule.get("except", ())} <= REFUSED.keys()


def test_vectors_of_every_layer_are_chosen() -> None:
    """Texts, streams, and the COSE bytes in them; a hundred and more in all."""
    vectors = chosen()
    assert {vector.layer for vector in vectors} == {"base45", "zlib", "cose"}
    assert len(vectors) > 100
    assert "signature-ed25519-r-order-8" not in {vector.name for vector in vectors}


def test_a_vector_is_the_same_message_in_every_form() -> None:
    """What claim169 is shown and what the COSE libraries are shown are the same COSE bytes."""
    (vector,) = [each for each in chosen() if each.name == "header-crit-unknown"]
    as_cose, as_claim169 = shown_as(vector, "cose"), shown_as(vector, "claim169")
    assert as_cose is not None
    assert as_claim169 is not None
    assert envelope.read(as_claim169[1]).cose.hex() == as_cose[1]


@pytest.mark.parametrize(("layer", "forms"), [("base45", {"text"}), ("zlib", {"text", "claim169"})])
def test_a_fault_below_a_reader_is_not_shown_to_it(layer: str, forms: set[str]) -> None:
    """A COSE library reads neither base45 nor zlib; the IC1 text is not claim169's."""
    vector = Vector("any", layer, "card-ed25519", "IC1:00")
    assert {form for form in ("text", "claim169", "cose") if shown_as(vector, form) is not None} == forms


@pytest.mark.parametrize("form", ["text", "claim169", "cose"])
def test_icard_accepts_none(form: str) -> None:
    """In every form, each was shown and refused by a child that reads the good codes."""
    vectors = chosen()
    made = score(partial(start_icard, BACKENDS[0], "card"), form, vectors)
    assert made.accepted == []
    assert made.missing == []
    assert made.died == 0
    assert made.shown == len([vector for vector in vectors if shown_as(vector, form) is not None])


def test_whoever_accepts_all_is_told_so() -> None:
    """The score names each."""
    vectors = chosen()[:20]
    made = score(lambda: Actor(None), "text", vectors)
    assert sorted(made.accepted) == [vector.name for vector in vectors]


def test_whoever_refuses_the_good_code_has_no_score() -> None:
    """Refusing everything is no merit; the reason stands in the score."""
    made = score(lambda: Actor(ChildFailed, refuses_good=True), "cose", chosen())
    assert made.shown == 0
    assert made.missing == ["card-ed25519, cose: no", "card-es256, cose: no"]


def test_a_child_that_dies_is_started_again() -> None:
    """Every vector is shown all the same, and each death is counted."""
    vectors = [vector for vector in chosen() if vector.layer == "zlib"]
    made = score(lambda: Actor(ChildEnded), "text", vectors)
    assert (made.shown, made.died, made.accepted) == (len(vectors), len(vectors), [])
