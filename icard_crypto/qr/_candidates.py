"""Estimate in a few milliseconds how much of a picture looks like the corner of a code.

A reader looks for runs of 1:1:3:1:1 (ISO/IEC 18004:2015, 6.3.3.1) that are below each other, and for three of them
that belong together: with thousands, as in a picture of stripes made for it, it looks for minutes. So they are counted
before it begins. Noise has as many runs, but none below another.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["MOST_CANDIDATES", "corner_candidates"]

MOST_CANDIDATES: Final = 40.0
"""In a row: eight codes beside each other have half of it."""
#: A picture of fewer pixels keeps no reader busy for long, whatever it shows.
_SMALL: Final = 300_000
_ROWS: Final = 20
_BUSIEST: Final = 2
#: Pixels on each side whose mean tells light from dark, as the reader's own way of telling them does.
_NEIGHBOURS: Final = 12
_PATTERN: Final = (1, 1, 3, 1, 1)
# Seeded by the system once: nobody sees what it draws, and asking the system for each row takes longer.
_CHANCE: Final = random.Random()  # noqa: S311
#: 128 is the mean of the neighbours; what differs by less than 4 is noise and counts as light.
_DARK: Final = b"\1" * 124 + b"\0" * 132


def corner_candidates(image: Image.Image) -> float:
    """The number of runs of 1:1:3:1:1 in a row of a grey picture that are in a row beside it too: the mean of the
    busiest two of a sample of rows; 0 for a small picture."""
    if image.width * image.height < _SMALL:
        return 0.0
    # Random: an attacker who knew the sampled rows would leave just those blank.
    rows = _CHANCE.sample(range(1, image.height - 1), max(0, min(_ROWS, image.height - 2)))
    sampled = zip(rows, _dark_in(image, rows), strict=True)
    found = sorted((_below_each_other(image, y, dark) for y, dark in sampled), reverse=True)
    return sum(found[:_BUSIEST]) / _BUSIEST


def _below_each_other(image: Image.Image, y: int, dark: bytes) -> int:
    """How many runs of a row are in the row above or below it too."""
    own = _runs(dark)
    return max(len(own & _runs(beside)) for beside in _dark_in(image, (y - 1, y + 1))) if own else 0


def _dark_in(image: Image.Image, rows: Sequence[int]) -> list[bytes]:
    """For each of some rows 1 where a pixel is dark beside its neighbours in the row, else 0."""
    from PIL import Image, ImageChops, ImageFilter

    if not rows:
        return []
    width = image.width
    # One picture of all of them: each call of Pillow costs as much as what it does to a row.
    strip = Image.new("L", (width, len(rows)))
    for place, y in enumerate(rows):
        strip.paste(image.crop((0, y, width, y + 1)), (0, place))
    above = ImageChops.subtract(strip, strip.filter(ImageFilter.BoxBlur((_NEIGHBOURS, 0))), 1, 128)
    dark = above.tobytes().translate(_DARK)
    return [dark[at : at + width] for at in range(0, len(dark), width)]


def _runs(dark: bytes) -> set[int]:
    """Where the runs of 1:1:3:1:1 in a row are, by their middle in steps of four pixels."""
    found: set[int] = set()
    if dark.count(b"\0\1") < MOST_CANDIDATES:
        return found
    runs = [len(list(run)) for _, run in groupby(dark)]
    x = 0
    for at in range(len(runs) - 4):
        centre = runs[at + 2]
        # Cheaply first: the middle is about three times its neighbours.
        if runs[at + 1] * 2 <= centre and runs[at + 3] * 2 <= centre:
            size = sum(runs[at : at + 5]) / 7
            if all(abs(runs[at + place] - share * size) <= share * size / 2 for place, share in enumerate(_PATTERN)):
                found.add((x + runs[at] + runs[at + 1] + centre // 2) // 4)
        x += runs[at]
    return found
