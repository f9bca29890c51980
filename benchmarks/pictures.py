"""Clean pictures read and texts drawn, icard against what else does it, every contender a child process of its own.

Promises:

1. All read the same PNG files: texts of 417 characters, as long as the reference public card, at level M with 8 pixels
   a module. Before it is timed, a reader has read each of them, and only that.
2. All draw the same texts at level M, 8 pixels a module and a quiet zone of 4, to the bytes of a PNG. Before it is
   timed, what a drawer drew was read back and was the text. icard reads back what it draws each time; nobody else does.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from benchmarks.child import Child, ChildFailed, start_icard, start_peer
from benchmarks.peers import names
from benchmarks.race import race
from icard_crypto import qr
from tests.kit.pictures import card_text
from verifier.bench.measure import Run

__all__ = ["drawing", "readers", "reading"]

_PICTURES: Final = 10


def readers() -> dict[str, Callable[[], Child]]:
    """What starts each reader of pictures, icard first."""
    made: dict[str, Callable[[], Child]] = {"icard": partial(start_icard, role="read")}
    return made | {name: partial(start_peer, name, "read") for name in names("read")}


def reading(rounds: int) -> Run:
    """Interleave all readers on clean pictures; microseconds for one."""
    texts = _texts()
    files = [qr.draw_png(text).hex() for text in texts]

    def load(child: Child) -> None:
        _give(child, "png", files)
        for text, file in zip(texts, files, strict=True):
            if child.ask(do="verify", code=file)["claims"] != [text]:
                raise ChildFailed("a clean picture is not read")

    return race(readers(), load, rounds)


def drawing(rounds: int) -> Run:
    """Interleave all drawers; microseconds for one picture."""
    texts = _texts()

    def load(child: Child) -> None:
        _give(child, "text", texts)
        for text in texts:
            drawn = bytes.fromhex(child.ask(do="verify", code=text)["claims"]["bytes"])
            if [code.content for code in qr.read(drawn)] != [text]:
                raise ChildFailed("what it draws does not read back")

    starts: dict[str, Callable[[], Child]] = {"icard": partial(start_icard, role="draw")}
    return race(starts | {name: partial(start_peer, name, "draw") for name in names("draw")}, load, rounds)


def _texts() -> list[str]:
    return [card_text(seed=seed) for seed in range(_PICTURES)]


def _give(child: Child, form: str, codes: list[str]) -> None:
    child.ask(do="load", form=form, codes=codes, algorithm="", key="", kid="")
