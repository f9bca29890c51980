"""How many poor pictures each reader reads, by what is wrong with them and how much.

Promises:

1. The pictures are those of ``poor_pictures.json``: of each kind and level the same number, each of another text of 417
   characters (level M, 8 pixels a module before it is spoilt) and spoilt by another seed; the same on every run.
2. Every reader is shown the same PNG files, and has first read a clean one. Read means: the text itself and no other.
3. A reader that dies is started again, and has not read that picture; one that is missing is named with its reason.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image

from benchmarks.child import Child, ChildEnded, ChildFailed
from benchmarks.peers import PeerMissing
from benchmarks.pictures import readers
from icard_crypto import qr
from tests.kit import pictures

__all__ = ["EACH", "Level", "Reader", "levels", "robustness", "spoil"]

#: Pictures of each level.
EACH: Final = 10
_MODULE: Final = 8
_KINDS: Final = Path(__file__).parent / "poor_pictures.json"

_Step = Callable[[Image.Image, float, int], Image.Image]
_STEPS: Final[Mapping[str, _Step]] = {
    "perspective": pictures.perspective,
    "noise": pictures.noisy,
    "blur": lambda image, modules, _: pictures.blurred(image, _MODULE, modules),
    "inverted": lambda image, _, __: pictures.inverted(image),
    "contrast": pictures.faint,
    "jpeg": lambda image, quality, _: pictures.jpeg(image, round(quality)),
    "rotated": lambda image, degrees, seed: pictures.rotated(image, degrees * seed % 360),
    "shaded": lambda image, darkest, _: pictures.shaded(image, darkest),
    "small": lambda image, pixels, seed: pictures.small(image, _MODULE, pixels, seed),
    "print": lambda image, millimetres, seed: pictures.printed(image, _MODULE, millimetres, seed),
}


@dataclass(frozen=True, slots=True)
class Level:
    """One kind of poor picture at one strength: its name for people, and the steps that spoil a clean one."""

    kind: str
    strength: str
    steps: tuple[tuple[str, float], ...]


@dataclass(slots=True)
class Reader:
    """What a reader read of :data:`EACH`, by kind and strength in the order of :func:`levels`; how often it died; why
    it has no figures."""

    read: list[int] = field(default_factory=list)
    died: int = 0
    missing: str = ""


def levels() -> list[Level]:
    """All kinds at all strengths, in the file's order."""
    return [
        Level(kind["kind"], strength, tuple((name, float(amount)) for name, amount in steps))
        for kind in json.loads(_KINDS.read_text("utf-8"))["kinds"]
        for strength, steps in kind["levels"].items()
    ]


def spoil(level: Level, seed: int) -> tuple[str, bytes]:
    """The text and the PNG of one poor picture; ``seed`` is from 1."""
    text = pictures.card_text(seed=seed)
    image: Image.Image = Image.open(BytesIO(qr.draw_png(text, module_size=_MODULE))).convert("L")
    for name, amount in level.steps:
        image = _STEPS[name](image, amount, seed)
    return text, pictures.encoded(image, compress_level=1)


def robustness(each: int = EACH) -> dict[str, Reader]:
    """Every reader's result, by name; ``each`` pictures of each level."""
    made = {name: Reader() for name in readers()}
    children: dict[str, Child] = {}
    try:
        for name, start in readers().items():
            try:
                children[name] = _ready(start)
            except (PeerMissing, ChildFailed) as error:
                made[name].missing = str(error)
        for level in levels():
            shown = [spoil(level, seed) for seed in range(1, each + 1)]
            for name in list(children):
                _look(made[name], children, name, shown)
    finally:
        for child in children.values():
            child.close()
    return made


def _look(reader: Reader, children: dict[str, Child], name: str, shown: list[tuple[str, bytes]]) -> None:
    read = 0
    for text, file in shown:
        try:
            read += children[name].ask(do="verify", code=file.hex())["claims"] == [text]
        except ChildEnded:
            reader.died += 1
            children[name].close()
            children[name] = _ready(readers()[name])
        except ChildFailed:
            pass
    reader.read.append(read)


def _ready(start: Callable[[], Child]) -> Child:
    text = pictures.card_text()
    child = start()
    try:
        child.ask(do="load", form="png", codes=[], algorithm="", key="", kid="")
        if child.ask(do="verify", code=qr.draw_png(text).hex())["claims"] != [text]:
            raise ChildFailed("a clean picture is not read")
    except ChildFailed:
        child.close()
        raise
    return child
