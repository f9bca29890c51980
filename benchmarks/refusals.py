"""How many codes that must be refused each contender accepts: what is fast and wrong is no measure.

Promises:

1. Only faults that a standard obliges everyone to refuse count against anyone: ``must_refuse.json`` says which and
   by which standard. Each vector has that one fault and, but for those of the signature, a signature that holds.
2. Each contender is shown what it reads: ``claim169`` the Claim 169 form, python-cwt and pycose COSE bytes, the minimal
   script and icard the text. A fault below the layers that it reads is not counted for it.
3. Before a vector counts, the contender has accepted the good code of the same key and form: nobody scores by refusing
   all. Where it has not, nothing is counted and the reason is reported.
4. Accepted means: it gave claims. A child that dies has refused; how often is reported.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.child import Child, ChildEnded, ChildFailed, start_icard, start_peer
from benchmarks.peers import ROOT, PeerMissing, names
from icard_crypto.encoding import base45, cbor, envelope
from icard_crypto.signing.ed25519 import BACKENDS
from icard_crypto.signing.keys import VerifyingKey

__all__ = ["Score", "Vector", "chosen", "refusals", "score", "shown_as"]

_RULES: Final = Path(__file__).parent / "must_refuse.json"
_VECTORS: Final = ROOT / "tests" / "vectors"
_FORMS: Final = {"claim169": "claim169", "cwt": "cose", "pycose": "cose"}
_TEXT: Final = "text"
_GOOD: Final = {"card-ed25519": "ed25519-public-ic1", "card-es256": "es256-public-ic1"}


@dataclass(frozen=True, slots=True)
class Vector:
    """A code to refuse: its name, the layer whose readers owe the refusal, the key's name and what is shown."""

    name: str
    layer: str
    key: str
    text: str


@dataclass(slots=True)
class Score:
    """What a contender did: how many vectors it was shown as ``form``, which it accepted, how often it died, and for
    which keys it has no figures because it refuses the good code too."""

    form: str
    shown: int = 0
    accepted: list[str] = field(default_factory=list)
    died: int = 0
    missing: list[str] = field(default_factory=list)


def chosen() -> list[Vector]:
    """The vectors by promise 1, sorted by name."""
    layer_of: dict[str, str] = {}
    every = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted((_VECTORS / "refuse").glob("*.json"))}
    for rule in json.loads(_RULES.read_text("utf-8"))["rules"]:
        by_code = {name for name, made in every.items() if made.get("code", made["layer"]) in rule.get("codes", ())}
        for name in (by_code | set(rule.get("vectors", ()))) - set(rule.get("except", ())):
            layer_of[name] = rule["layer"]
    return [
        Vector(name, layer_of[name], every[name]["key"], every[name]["text"])
        for name in sorted(layer_of)
        if "text" in every[name]
    ]


def shown_as(vector: Vector, form: str) -> tuple[str, str] | None:
    """The vector for a reader of ``claim169``, ``cose`` (hexadecimal) or ``text``: its protocol's form and the code.

    None where the fault does not reach that reader.
    """
    own = "claim169" if vector.layer == "zlib" else "ic1"
    if form in (_TEXT, own):
        return own, vector.text
    if vector.layer != "cose":
        return None
    token = base45.decode(vector.text.removeprefix("IC1:"))
    return ("cose", token.hex()) if form == "cose" else ("claim169", envelope.to_claim169(token))


def refusals() -> dict[str, Score]:
    """Every contender's score, by name."""
    starts: dict[str, Callable[[], Child]] = {"icard": partial(start_icard, BACKENDS[0], "card")}
    starts |= {name: partial(start_peer, name) for name in names("run")}
    return {name: score(start, _FORMS.get(name, _TEXT), chosen()) for name, start in starts.items()}


def score(start: Callable[[], Child], form: str, vectors: list[Vector]) -> Score:
    """The score of one contender that reads ``form`` (``claim169``, ``cose`` or ``text``)."""
    made = Score(form)
    groups: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for vector in vectors:
        shown = shown_as(vector, form)
        if shown is not None:
            groups.setdefault((vector.key, shown[0]), []).append((vector.name, shown[1]))
    for (key, read), codes in groups.items():
        try:
            _score_group(start, made, key, read, codes)
        except (PeerMissing, ChildFailed) as error:
            made.missing.append(f"{key}, {read}: {error}")
    return made


def _score_group(start: Callable[[], Child], made: Score, key: str, form: str, codes: list[tuple[str, str]]) -> None:
    child = _ready(start, key, form)
    try:
        for name, code in codes:
            made.shown += 1
            try:
                child.ask(do="verify", code=code)
                made.accepted.append(name)
            except ChildEnded:
                made.died += 1
                child.close()
                child = _ready(start, key, form)
            except ChildFailed:
                pass
    finally:
        child.close()


def _ready(start: Callable[[], Child], key: str, form: str) -> Child:
    """A child that has accepted the good code of this key (promise 3)."""
    good = json.loads((_VECTORS / "valid" / f"{_GOOD[key]}.json").read_text("utf-8"))
    kept = json.loads((_VECTORS / "keys.json").read_text("utf-8"))["keys"][key]
    public = VerifyingKey.from_cose_key(cbor.decode(bytes.fromhex(kept["cose_key"]), max_bytes=256, max_items=16))
    shown = shown_as(Vector("good", "cose", key, good["text"]), form if form != "ic1" else _TEXT)
    assert shown is not None
    child = start()
    try:
        child.ask(
            do="load",
            codes=[],
            form=form,
            algorithm=public.algorithm.name,
            key=public.raw.hex(),
            kid=public.kid.hex(),
        )
        child.ask(do="verify", code=shown[1])
    except ChildFailed:
        child.close()
        raise
    return child
