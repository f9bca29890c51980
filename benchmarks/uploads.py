"""A page of an uploaded PDF drawn for an officer: in a confined process of its own, as it is served, and in this one.

Promises:

1. The page is a scan: A4 at 200 dots an inch in grey, with the grain of paper, as a JPEG inside the PDF.
2. Both ways give the same picture before either is timed.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from io import BytesIO
from typing import Final

from PIL import Image, ImageDraw

from benchmarks.child import ChildFailed
from issuer.documents import drawing
from issuer.documents.drawing_child import answered
from verifier.bench.measure import Run, interleave, timed

__all__ = ["OWN_PROCESS", "page_drawn", "scan"]

OWN_PROCESS: Final = "in a process of its own"
_A4: Final = (1654, 2339)
_TYPE: Final = "application/pdf"


def scan() -> bytes:
    """A PDF of one scanned page."""
    chance = random.Random(1)
    page = Image.frombytes("L", _A4, bytes(chance.choices(range(225, 256), k=_A4[0] * _A4[1])))
    drawn = ImageDraw.Draw(page)
    for line in range(60):
        for word in range(12):
            left, top = 120 + word * 118, 130 + line * 34
            drawn.rectangle((left, top, left + chance.randint(30, 100), top + 14), fill=chance.randint(20, 70))
    out = BytesIO()
    page.save(out, "PDF", resolution=200)
    return out.getvalue()


def page_drawn(rounds: int) -> Run:
    """Interleave both ways; microseconds for one page."""
    data = scan()
    request = {"do": "page", "type": _TYPE, "number": 1}
    ways: dict[str, Callable[[], bytes]] = {
        OWN_PROCESS: lambda: drawing.draw_page(data, _TYPE, 1),
        "in this process": lambda: answered(request, data).partition(b"\n")[2],
    }
    if len({way() for way in ways.values()}) != 1:
        raise ChildFailed("the two ways draw different pictures")
    return interleave({name: timed(way, 1) for name, way in ways.items()}, rounds)
