"""Reading: all the QR codes in a picture, also a poor one.

Promises:

1. Any bytes give a list or a :class:`~icard_crypto.errors.DecodeError` of layer ``picture``, never another exception.
   No code found is an empty list: whether that is a fault is for the caller to decide.
2. Any content is returned, a URL as well as a card; nobody here decides what it is worth.
3. Codes are in reading order, rows from the top, each from the left; the same content appears once.
4. The tries below stop as soon as every code that was located has been read.
5. A try is made only where it is bounded: the picture is no larger than :data:`MOST_PIXELS`, and not so full of what
   looks like the corner of a code that the reader would be busy with them for minutes. Between tries the deadline is
   looked at; a try that takes longer all the same is ended by the process around it.
6. More codes than a reader reports (:data:`MOST_CODES`) are an error, never the first of them.
7. Where parts are transparent and no code is found on white, black is tried: a code may be light on nothing.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from icard_crypto.errors import DecodeError
from icard_crypto.pictures.pictures import MOST_PIXELS, Ground, Picture, has_transparency, open_picture

from ._candidates import MOST_CANDIDATES, corner_candidates
from ._readers import Corners, Found, ReaderName, scan_zbar, scan_zxing, zxing

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["DEADLINE", "MOST_CODES", "Code", "read"]

DEADLINE: Final = 30.0
"""Seconds: the largest pictures that people send take four in all tries, and longer on a small or busy machine."""
MOST_CODES: Final = 255
"""As many as zxing-cpp reports at most."""
_GROUNDS: Final[tuple[Ground, ...]] = ("white", "black")


@dataclass(frozen=True, slots=True)
class Code:
    """One QR code of a picture.

    Attributes:
        content: text where it is UTF-8 without control characters, else the bytes.
        position: the corners in pixels of the upright picture, clockwise from the symbol's own top left.
        reader: which reader read it.
        attempt: which try succeeded: ``as is``, ``twice``, ...
    """

    content: str | bytes = field(repr=False)
    position: Corners
    reader: ReaderName
    attempt: str


def read(picture: Picture, *, thorough: bool = True, deadline: float | None = DEADLINE) -> list[Code]:
    """All QR codes in a picture.

    Args:
        picture: a path, the bytes of a PNG, JPEG or WebP file, a Pillow image, or 8-bit pixels as a buffer (a numpy
            array of height x width, x 3 or x 4). At most 16 million pixels and 32 MiB.
        thorough: False makes one try only, for the frames of a camera: the next frame is the better retry.
        deadline: seconds after which no further try is begun; None: all are made.

    Raises:
        DecodeError: ``picture.unreadable``, ``picture.not_a_picture``, ``picture.too_large``, ``picture.broken``,
            ``picture.too_many_codes``; ``picture.late``: the deadline passed before a code was found.
        MissingPart: ``qr.extra_missing``.
    """
    zxing()
    end = math.inf if deadline is None else time.monotonic() + deadline
    seen = _Seen()
    for ground in _GROUNDS:
        if ground == "black" and not has_transparency(picture):
            break
        grey = open_picture(picture, "L", ground)
        for attempt in _ATTEMPTS if thorough else _ATTEMPTS[:1]:
            if time.monotonic() >= end:
                if not seen.codes:
                    raise DecodeError("picture.late", expected=f"a code within {deadline:g} s", found="none so far")
                return _reading_order(list(seen.codes.values()))
            seen.look(attempt, grey)
            if seen.complete():
                return _reading_order(list(seen.codes.values()))
        if seen.codes:
            break
    return _reading_order(list(seen.codes.values()))


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One way to look at a picture: scaled by ``scale``, then filtered, then given to ``scan``."""

    name: str
    scale: float = 1
    change: Callable[[Image.Image], Image.Image] | None = None
    reader: ReaderName = "zxing-cpp"

    def prepare(self, grey: Image.Image) -> Image.Image | None:
        """The picture to scan, or None where it would be too large or too small to be worth a try."""
        from PIL import Image

        width, height = round(grey.width * self.scale), round(grey.height * self.scale)
        if width * height > MOST_PIXELS or min(width, height) < _SMALLEST_SIDE:
            return grey if self.scale == 1 else None
        image = grey
        if self.scale != 1:
            resampling = Image.Resampling.BICUBIC if self.scale > 1 else Image.Resampling.BOX
            image = grey.resize((width, height), resampling)
        return image if self.change is None else self.change(image)

    def scan(self, image: Image.Image) -> list[Found]:
        return scan_zxing(image) if self.reader == "zxing-cpp" else scan_zbar(image)


class _Seen:
    """What the tries have found so far, in the coordinates of the upright picture."""

    def __init__(self) -> None:
        self.codes: dict[str | bytes, Code] = {}
        self._located: list[tuple[float, float]] = []

    def look(self, attempt: _Attempt, grey: Image.Image) -> None:
        """One try, where it is bounded (promise 5)."""
        try:
            image = attempt.prepare(grey)
            if image is None or corner_candidates(image) > MOST_CANDIDATES:
                return
            found = attempt.scan(image)
        except DecodeError:
            raise
        except Exception:  # of whatever library: the next try may do, and nothing else leaves this module
            return
        if len(found) >= MOST_CODES:
            raise DecodeError("picture.too_many_codes", expected=f"fewer than {MOST_CODES} codes", found="more")
        self.add(attempt, found, image.width / grey.width)

    def add(self, attempt: _Attempt, found: list[Found], scale: float) -> None:
        for one in found:
            corners = tuple((round(x / scale), round(y / scale)) for x, y in one.corners)
            if one.content is None:
                self._located.append(_centre(corners))
            elif one.content not in self.codes:
                self.codes[one.content] = Code(one.content, corners, attempt.reader, attempt.name)

    def complete(self) -> bool:
        """Something was read, and nothing that was located lies outside of it."""
        return bool(self.codes) and all(
            any(_inside(centre, code.position) for code in self.codes.values()) for centre in self._located
        )


def _filtered(*filters: tuple[str, float, int]) -> Callable[[Image.Image], Image.Image]:
    """Filters of Pillow by kind, radius in pixels and strength in percent (sharpening alone has one); ``stretch`` makes
    the darkest black and the lightest white."""

    def change(image: Image.Image) -> Image.Image:
        from PIL import ImageFilter, ImageOps

        for kind, radius, percent in filters:
            if kind == "blur":
                image = image.filter(ImageFilter.GaussianBlur(radius))
            elif kind == "median":
                image = image.filter(ImageFilter.MedianFilter(int(radius)))
            elif kind == "stretch":
                image = ImageOps.autocontrast(image)
            else:
                image = image.filter(ImageFilter.UnsharpMask(radius, percent, 0))
        return image

    return change


# Chosen by measurement on texts of 417 and 700 characters, modules of 3 to 16 pixels, spoilt by perspective, noise,
# blur, JPEG, shade, little contrast and their combinations (tests/kit/pictures.py): each try reads pictures that those
# before it do not, the most frequent gain first. Half the size alone is not among them: zxing-cpp tries that itself.
# zbar is last: at 20 % perspective it reads a quarter of what zxing-cpp reads.
_ATTEMPTS: Final = (
    _Attempt("as is"),
    _Attempt("twice", 2),
    _Attempt("three times, sharpened", 3, _filtered(("sharpen", 6, 400))),
    _Attempt("blurred, stretched", 1, _filtered(("blur", 1, 0), ("stretch", 0, 0))),
    _Attempt("twice, sharpened", 2, _filtered(("sharpen", 8, 300))),
    _Attempt("sharpened", 1, _filtered(("sharpen", 2, 300))),
    _Attempt("twice, blurred", 2, _filtered(("blur", 2, 0))),
    _Attempt("half, sharpened", 0.5, _filtered(("sharpen", 3, 300))),
    _Attempt("median, twice", 2, _filtered(("median", 3, 0), ("sharpen", 6, 300))),
    _Attempt("as is", 1, None, "zbar"),
    _Attempt("twice", 2, None, "zbar"),
)
_SMALLEST_SIDE: Final = 21  # the smallest symbol has 21 modules


def _centre(corners: Corners) -> tuple[float, float]:
    return sum(x for x, _ in corners) / len(corners), sum(y for _, y in corners) / len(corners)


def _inside(point: tuple[float, float], corners: Corners) -> bool:
    x, y = point
    across, down = [x for x, _ in corners], [y for _, y in corners]
    return min(across) <= x <= max(across) and min(down) <= y <= max(down)


def _reading_order(codes: list[Code]) -> list[Code]:
    """Rows from the top: a code whose centre is above the lower edge of a row's first code belongs to that row."""
    rows: list[list[Code]] = []
    for code in sorted(codes, key=lambda code: _centre(code.position)[1]):
        if rows and _centre(code.position)[1] < max(y for _, y in rows[-1][0].position):
            rows[-1].append(code)
        else:
            rows.append([code])
    return [code for row in rows for code in sorted(row, key=lambda code: _centre(code.position)[0])]
